"""What the templates of the results pages need: the tables and figures of the report, and what only the site says."""

from dataclasses import replace

from analysis.report import study_size
from analysis.report.contents import SECTIONS
from analysis.report.table import Figure, Table, TableCell
from analysis.report.tables import agreement, preference
from analysis.report.tables.manuscript import manuscript
from analysis.report.tables.primary_hypothesis import hypothesis
from readerstudy.images import image_summary
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading import unblinding
from readerstudy.results import services

FINDINGS_SHOWN = 12


def first_page(study: ReaderStudy, made: services.Results) -> dict:
    """Everything that `results/results.html` needs beside the study."""
    arms = {arm.code: arm for arm in study.arms.all()}
    simulated = " ".join(filter(None, ("Synthetic images." if study.synthetic else "", made.simulated)))
    shared = {
        **_head(made),
        "simulated": simulated,
        "images": image_summary.images(made.images, made.range_rules, arms),
    }
    if made.reading is None:
        return shared
    names, colours = _names(study), _colours(study)
    rows = preference.preferences(made.reading, names, colours)
    return {
        **shared,
        "hypothesis": hypothesis(made.reading, names),
        "whole_preferences": preference.whole_figures(made.reading, names, colours),
        "published": preference.side_by_side(
            rows,
            ("bar", "mean_sd", "p"),
            key="preference-published",
            note=preference.published(made.reading),
            colours=colours,
        ),
        "clustered": preference.side_by_side(
            rows,
            ("bar", "net_with_interval", "p_holm"),
            key="preference-clustered",
            note=preference.clustered(made.reading),
            colours=colours,
        ),
        "net_preferences": _net_preferences(study, preference.net_preferences(made.reading, names, colours)),
        "net_preference_caption": preference.net_preference_caption(made.reading),
        "agreement": one_comparison_at_a_time(agreement.by_cell(made.reading, names)),
        "manuscript": [
            replace(table, note=f"{simulated} {table.note}") if simulated else table
            for table in manuscript(made.reading, rows, names)
        ],
    }


def section(study: ReaderStudy, made: services.Results, *keys: str) -> dict:
    """Everything that `results/section.html` needs beside the study: the tables of these sections of the report."""
    shared = {**_head(made), "name": SECTIONS[keys[0]].title}
    if made.reading is None:
        return shared
    names, colours = _names(study), _colours(study)
    events = unblinding.unblinded(study)
    return {
        **shared,
        "tables": [table for key in keys for table in SECTIONS[key].tables(made.reading, names, colours)],
        "findings": {
            "rows": made.findings[:FINDINGS_SHOWN],
            "more": max(len(made.findings) - FINDINGS_SHOWN, 0),
            "count": len(made.findings),
        },
        "events": unblinding.with_assessments(study),
        "pairs_unblinded": unblinding.pairs_unblinded(events),
    }


def dry_run(study: ReaderStudy, made: services.Results) -> dict:
    """The first page, integrity and the readers, for one page that holds them all."""
    return {**section(study, made, "integrity", "readers"), **first_page(study, made)}


def _head(made: services.Results) -> dict:
    """What every page of results says first, and where the others are."""
    return {
        "made": made,
        "sections": [(key, section.title) for key, section in SECTIONS.items()],
        "summary": study_size.sentence(made.reading["n"]) if made.reading else "",
    }


def _names(study: ReaderStudy) -> dict[str, str]:
    return {one.code: one.name for one in study.criteria.all()}


def _colours(study: ReaderStudy) -> dict[str, str]:
    return {arm.code: arm.css for arm in study.arms.all()}


def _net_preferences(study: ReaderStudy, figures: list[Figure]) -> list[dict]:
    """One figure per comparison; that of the primary hypothesis is shown first."""
    titles, primary = [figure.title for figure in figures], study.primary_comparison
    wanted = f"{primary.first.code} vs {primary.second.code}" if primary else ""
    shown = titles.index(wanted) if wanted in titles else 0
    return [{"figure": figure, "checked": number == shown} for number, figure in enumerate(figures)]


def one_comparison_at_a_time(table: Table) -> Table:
    """Without the column of comparisons: the class of a row says to which one of the page's buttons it belongs."""
    numbers: dict[TableCell, int] = {}
    classes = list(table.row_classes)
    for place, row in enumerate(table.rows):
        if not classes[place]:
            classes[place] = f"cmp cmp-{numbers.setdefault(row[0], len(numbers) + 1)}"
    heads, rows = ["", *table.heads[2:]], [row[1:] for row in table.rows]
    return replace(table, heads=heads, rows=rows, row_classes=classes, words=1)
