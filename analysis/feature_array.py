"""Radiomic features as an array: arms × features × volumes of interest."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import tables
from analysis.errors import InputError


@dataclass(frozen=True)
class FeatureArray:
    """Values as arms × features × volumes of interest, NaN where missing; the subject of each volume.

    volumes: subject, case (where given) and roi of each volume, as written.
    """

    values: NDArray[np.float64]
    arms: list[str]
    names: list[str]
    classes: list[str]
    subject: NDArray[np.intp]
    volumes: list[dict[str, str]]

    @property
    def clusters(self) -> NDArray[np.intp] | None:
        """The subject of each volume where some subject has several; None where volumes may count as independent."""
        several = 1 < np.unique(self.subject).size < self.subject.size
        return self.subject if several else None

    def ensure_arm(self, arm: str) -> None:
        """Raises InputError, with the arms that are there."""
        if arm not in self.arms:
            raise InputError(f"The features table has no arm {arm}; it has {', '.join(self.arms)}.")

    def of(self, arm: str) -> NDArray[np.float64]:
        """Features × volumes of interest of one arm."""
        return np.asarray(self.values[self.arms.index(arm)])


def pivot(table: pd.DataFrame) -> FeatureArray:
    """The checked features table as an array. Raises InputError for a value that is there twice, or no row."""
    roi_keys = [key for key in ("subject", "case", "roi") if key in table]
    roi, volumes = pd.factorize(pd.MultiIndex.from_frame(table[roi_keys].astype(str)))
    names = table["feature"].astype(str)
    if "image_type" in table:
        kind = table["image_type"].astype(object).fillna("original").astype(str)
        names = names.where(kind == "original", kind + "_" + names)
    feature, feature_names = pd.factorize(names)
    arm, arm_names = pd.factorize(table["arm"].astype(str))
    if table.empty:
        raise InputError("The features table has no rows.")
    twice = pd.DataFrame({"roi": roi, "feature": feature, "arm": arm}).duplicated().to_numpy()
    if twice.any():
        row = int(np.argmax(twice))
        raise InputError(
            f"The features table, {tables.where(table.index, row)}, column value: {names.iloc[row]} of arm "
            f"{table['arm'].iloc[row]} is there twice for the same volume of interest."
        )
    values = np.full((len(arm_names), len(feature_names), roi.max() + 1), np.nan)
    values[arm, feature, roi] = table["value"].to_numpy()
    subject = np.zeros(roi.max() + 1, dtype=np.intp)
    subject[roi] = pd.factorize(table["subject"].astype(str))[0]
    given = table["class"].astype(object) if "class" in table else pd.Series(None, index=table.index, dtype=object)
    own = dict(zip(names, given, strict=True))
    classes = [
        str(own[name]) if pd.notna(own[name]) else name.split("_")[-2] if "_" in name else "other"
        for name in feature_names
    ]
    return FeatureArray(
        values,
        [str(name) for name in arm_names],
        [str(name) for name in feature_names],
        classes,
        subject,
        [dict(zip(roi_keys, volume, strict=True)) for volume in volumes],
    )
