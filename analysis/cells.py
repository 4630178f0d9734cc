"""The main ratings as arrays: one cell per comparison × criterion."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.protocol import Cell, Protocol
from analysis.statistics.preference import orient

ONE_SIDE = "sides unknown: the first arm stands on one side throughout"


@dataclass(frozen=True)
class Scores:
    """Rated main rows. The codes index ``cells``, ``readers``, subjects 0 … n_subjects − 1 and cases."""

    cells: list[Cell]
    readers: list[str]
    n_subjects: int
    n_cases: int
    x: NDArray[np.float64]  # preference − 3
    display: NDArray[np.float64]
    first_right: NDArray[np.bool_]
    cell: NDArray[np.intp]
    reader: NDArray[np.intp]
    subject: NDArray[np.intp]
    case: NDArray[np.intp]
    case_subject: NDArray[np.intp]  # the subject of each case
    reach: float = 2.0  # the largest magnitude of x that the scale allows

    def matrix(self, cells: Sequence[int] | None = None) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Preferences as units × readers with NaN for missing, and each unit's subject.

        A unit is one case in one cell; units that no reader rated are left out.
        """
        count = len(self.cells)
        if cells is None:
            rows = np.ones(self.cell.size, dtype=bool)
        else:
            rows = np.isin(self.cell, cells)
        unit = self.case[rows].astype(np.int64) * count + self.cell[rows]
        units, place = np.unique(unit, return_inverse=True)
        table = np.full((units.size, len(self.readers)), np.nan)
        table[place, self.reader[rows]] = self.x[rows] + 3
        return table, self.case_subject[units // count]


def natural(text: str) -> list[int | str]:
    """Sort key that puts R2 before R10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text)]


def scores(main: pd.DataFrame, protocol: Protocol) -> Scores:
    """Arrays of the rated rows of checked main ratings.

    Cells are those of the protocol and of the main rows, rated or not: by comparison, then criterion, each in the
    order of the protocol, then of appearance.
    """
    codes = [main[column].cat.codes.to_numpy(dtype=np.int64) for column in ("first", "second", "criterion")]
    sizes = [len(main[column].cat.categories) for column in ("first", "second", "criterion")]
    combined, first_seen = _factorise((codes[0] * sizes[1] + codes[1]) * sizes[2] + codes[2])
    seen = main[["first", "second", "criterion"]].iloc[first_seen]
    appeared: list[Cell] = [(str(a), str(b), str(c)) for a, b, c in seen.itertuples(index=False)]
    planned: set[Cell] = {(a, b, c) for a, b in protocol.comparisons for c in protocol.criteria}
    arms = dict.fromkeys([*protocol.comparisons, *((a, b) for a, b, _ in appeared)])
    criteria = dict.fromkeys([*protocol.criteria, *(c for _, _, c in appeared)])
    wanted = planned | set(appeared)
    cells: list[Cell] = [(a, b, c) for a, b in arms for c in criteria if (a, b, c) in wanted]
    place = {cell: number for number, cell in enumerate(cells)}
    cell = np.array([place[name] for name in appeared], dtype=np.intp)[combined]
    readers = sorted((str(r) for r in main["reader"].unique()), key=natural)
    subject, first_of_subject = _factorise(main["subject"].cat.codes.to_numpy(dtype=np.int64))
    case_name = main["case"].cat.codes.to_numpy(dtype=np.int64)
    case, first_row = _factorise(subject * (case_name.max(initial=0) + 1) + case_name)
    rated = (main["status"] == "rated").to_numpy()
    first_right = (main["first_side"] == "right").to_numpy()
    display = main["score"].to_numpy(dtype=np.float64)
    reader_place = {name: number for number, name in enumerate(readers)}
    of_category = np.array([reader_place.get(str(name), -1) for name in main["reader"].cat.categories], dtype=np.intp)
    return Scores(
        cells=cells,
        readers=readers,
        n_subjects=first_of_subject.size,
        n_cases=first_row.size,
        x=orient(display, first_right)[rated] - 3,
        display=display[rated],
        first_right=first_right[rated],
        cell=cell[rated],
        reader=of_category[main["reader"].cat.codes.to_numpy()][rated],
        subject=subject[rated],
        case=case[rated],
        case_subject=subject[first_row],
        reach=max(protocol.categories) - 3,
    )


def _factorise(values: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    codes, uniques = pd.factorize(values)
    first = np.full(len(uniques), -1, dtype=np.intp)
    first[codes[::-1]] = np.arange(len(values) - 1, -1, -1)
    return codes.astype(np.intp), first
