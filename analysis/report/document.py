"""Self-contained pages of results for a browser or a printer: the tables and figures that the site shows too."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from analysis.report import render, stability_figures, study_size, table_cells
from analysis.report.contents import SECTIONS
from analysis.report.table import Figure, Names, Results, Table
from analysis.report.tables import agreement, preference
from analysis.report.tables import signature as signature_tables
from analysis.report.tables import stability as stability_tables
from analysis.report.tables.primary_hypothesis import hypothesis

KNOWN = {"SOC": "soc", "FAST": "fast", "FAST-DL": "fastdl", "SOC-DL": "socdl"}
OTHERS = ("fast2", "fastdl2", "fast3", "fastdl3", "socdl2", "soc2")


def colours(arms: Iterable[str]) -> dict[str, str]:
    """A colour class per arm: the usual ones for the usual names, then spare ones, then none (neutral)."""
    spare = iter(OTHERS)
    chosen = {}
    for arm in dict.fromkeys(arms):
        css = KNOWN.get(arm) or next(spare, None)
        if css:
            chosen[arm] = css
    return chosen


def whole_preferences(results: Results, names: Names) -> list[Figure]:
    """The bars of each comparison as one figure."""
    palette = colours(arm for cell in results["comparisons"] for arm in (cell["first"], cell["second"]))
    return preference.whole_figures(results, names, palette)


def reading(
    results: Results,
    *,
    names: Names | None = None,
    title: str = "Reader study",
    sources: Mapping[str, str] | None = None,
) -> str:
    """The page of ``analysis.reading.analyse``; ``names`` gives criteria their wording, ``sources`` the SHA-256 of
    each file that was read."""
    names = names or {}
    palette = colours(arm for cell in results["comparisons"] for arm in (cell["first"], cell["second"]))
    net_preferences = preference.net_preferences(results, names, palette)
    tables = [table for section in SECTIONS.values() for table in section.tables(results, names, palette)]
    rows = [table_cells.words(file, sha256) for file, sha256 in (sources or {}).items()]
    return render.page(
        "reading.html",
        title=title,
        stages=study_size.stages(results["n"], comparisons=len(net_preferences)),
        warnings=results["warnings"],
        hypothesis=hypothesis(results, names),
        preference=preference.one_per_row(preference.preferences(results, names, palette), results),
        net_preferences=net_preferences,
        net_preference_caption=preference.net_preference_caption(results),
        tables=[agreement.by_cell(results, names), *tables],
        conventions=results["conventions"],
        sources=Table("sources", "Sources", heads=["File", "SHA-256"], rows=rows, words=2),
    )


def stability(
    results: Mapping[str, Any],
    *,
    criteria: Mapping[str, float],
    plots: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    title: str = "Stability of radiomic features",
) -> str:
    """The page of ``analysis.stability.analyse`` with these ``criteria``; ``plots``: pairs of some features."""
    reference = results["reference"]
    palette = colours([reference, *(arm["arm"] for arm in results["arms"])])
    overview = [
        stability_tables.unstable(results),
        *([stability_tables.restored(results)] if results["restores"] else []),
    ]
    overview += [stability_tables.groups(results)] if results["groups"] else []
    return render.page(
        "stability.html",
        title=title,
        reference=reference,
        overview=overview,
        columns=[
            Figure(
                stability_figures.ESTIMATES[criterion],
                stability_figures.columns(
                    results, criterion=criterion, threshold=criteria[criterion], colours=palette, width=1160
                ),
            )
            for criterion in ("ccc", "icc")
        ],
        restored=[
            Figure(
                f"{row['fast']} → {row['dl']}, {row['criterion']}",
                stability_figures.restored(row, reference=reference, colours=palette),
            )
            for row in results["restores"]
        ],
        bland_altman=[
            Figure(feature, stability_figures.bland_altman(panels, reference=reference, colours=palette))
            for feature, panels in (plots or {}).items()
        ],
        details=[
            stability_tables.summary(results),
            *(stability_tables.features(arm, reference) for arm in results["arms"]),
        ],
        conventions=results["conventions"],
    )


def signature(results: Mapping[str, Any], *, title: str = "Radiomic signature") -> str:
    """The page of ``analysis.signature.analyse``."""
    reference = results["reference"]
    palette = colours([reference, *(arm["arm"] for arm in results["arms"])])
    plot = stability_figures.bland_altman(signature_tables.panels(results), reference=reference, colours=palette)
    return render.page(
        "signature.html",
        title=title,
        signature=results["signature"],
        summary=signature_tables.summary(results, palette),
        figure=Figure("Bland–Altman", plot),
        values=signature_tables.values(results),
        conventions=results["conventions"],
    )
