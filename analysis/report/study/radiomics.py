"""Which radiomic features keep their value in every arm, and what volumes of interest hold: where a study has them."""

from collections.abc import Mapping
from typing import Any

from analysis.report import stability_figures
from analysis.report.study.paragraphs import Sentence
from analysis.report.table import Colours, Figure, Table
from analysis.report.tables import stability, volumes

WIDTH = 900


def tables(features: Mapping[str, Any] | None, measures: Mapping[str, Any] | None) -> list[Table]:
    """Tables of ``analysis.stability.analyse`` and ``analysis.in_volumes.analyse``, of either what there is."""
    found: list[Table] = []
    if features:
        found += [stability.unstable(features), *([stability.restored(features)] if features["restores"] else [])]
        found += [*([stability.groups(features)] if features["groups"] else []), stability.summary(features)]
    if measures:
        found += [volumes.summary(measures), volumes.tests(measures)]
    return found


def methods(features: Mapping[str, Any] | None, measures: Mapping[str, Any] | None) -> list[Sentence]:
    """How features and volumes of interest were compared."""
    found = []
    if features:
        found.append(
            Sentence(
                f"Radiomic features of each arm were compared with {features['reference']} by paired t tests, by "
                "concordance, and by the intraclass correlation for absolute agreement.",
                sources=("lin1989", "shrout1979"),
            )
        )
    if measures:
        found.append(
            Sentence(
                f"Intensity and noise within volumes of interest were compared with {measures['reference']} by paired "
                "t tests and signed rank tests.",
                sources=("wilcoxon1945",),
            )
        )
    return found


def figures(features: Mapping[str, Any] | None, colours: Colours) -> list[Figure]:
    """A column per feature and arm, and what a DL arm restores."""
    if not features:
        return []
    reference, limits = features["reference"], features["criteria"]
    columns = [
        Figure(
            f"{stability_figures.ESTIMATES[name]} with {reference}, every feature",
            stability_figures.columns(features, criterion=name, threshold=limits[name], colours=colours, width=WIDTH),
        )
        for name in ("ccc", "icc")
    ]
    restored = [
        Figure(
            f"{row['fast']} → {row['dl']}, {row['criterion']}",
            stability_figures.restored(row, reference=reference, colours=colours),
        )
        for row in features["restores"]
    ]
    return [*columns, *restored]


def caption(features: Mapping[str, Any] | None) -> str:
    """What the columns are, and by which limits a feature counts as stable."""
    if not features:
        return ""
    limits = ", ".join(f"{name} {value:g}" for name, value in features["criteria"].items())
    return (
        "One column is one feature, in the same place in every row; hollow: unstable. "
        f"Limits: {limits}. Every feature by name: results-stability.json."
    )
