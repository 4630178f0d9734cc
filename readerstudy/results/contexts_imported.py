"""What the templates of the results of an imported table need."""

from dataclasses import replace

from analysis.convert.ratings import NO_SIDES
from analysis.report import document, study_size
from analysis.report.contents import SECTIONS
from analysis.report.table import Table
from analysis.report.tables import agreement, preference, readers
from analysis.report.tables.manuscript import manuscript
from readerstudy.protocol.models import ReaderStudy
from readerstudy.results.contexts import one_comparison_at_a_time
from readerstudy.results.imported_tables import Imported

SHOWN = ("tests", "agreement", "readers", "subgroups")  # no sheet tells of integrity, or of guesses
MARK = "Imported ratings, not given in readerstudy."


def first_page(study: ReaderStudy, table: Imported, made: dict) -> dict:
    """Everything that `results/imported/table.html` needs beside the study."""
    colours = _colours(study, made)
    rows = preference.preferences(made, {}, colours)
    figures = preference.net_preferences(made, {}, colours)
    return {
        **_head(table, made),
        "published": preference.side_by_side(
            rows,
            ("bar", "mean_sd", "p"),
            key="preference-published",
            note=preference.published(made),
            colours=colours,
        ),
        "clustered": preference.side_by_side(
            rows,
            ("bar", "net_with_interval", "p_holm"),
            key="preference-clustered",
            note=preference.clustered(made),
            colours=colours,
        ),
        "net_preferences": [{"figure": figure, "checked": not place} for place, figure in enumerate(figures)],
        "net_preference_caption": preference.net_preference_caption(made),
        "agreement": one_comparison_at_a_time(agreement.by_cell(made, {})),
        "manuscript": [_marked(one) for one in manuscript(made, rows, {})],
    }


def section(study: ReaderStudy, table: Imported, made: dict, key: str) -> dict:
    """Everything that `results/imported/section.html` needs beside the study; nothing of sides that nobody told."""
    head = _head(table, made)
    without = {readers.SIDES} if NO_SIDES in head["report"]["slips"] else set()
    tables = SECTIONS[key].tables(made, {}, _colours(study, made))
    return {**head, "name": SECTIONS[key].title, "tables": [one for one in tables if one.key not in without]}


def _head(table: Imported, made: dict) -> dict:
    """What every page of an imported table says first, and where the others are."""
    return {
        "table": table,
        "made": made,
        "report": table.report,
        "sections": [(key, SECTIONS[key].title) for key in SHOWN],
        "summary": study_size.sentence(made["n"]),
    }


def _colours(study: ReaderStudy, made: dict) -> dict[str, str]:
    """A colour of the site per arm: that of the study's arm of this code, the usual one of a usual name, a spare one.
    None for what is left."""
    arms = dict.fromkeys(arm for cell in made["comparisons"] for arm in (cell["first"], cell["second"]))
    usual = document.KNOWN | {arm.code: arm.css for arm in study.arms.all()}
    chosen = {arm: usual[arm] for arm in arms if arm in usual}
    spare = (css for css in (*document.KNOWN.values(), *document.OTHERS) if css not in chosen.values())
    return chosen | dict(zip((arm for arm in arms if arm not in usual), list(spare), strict=False))


def _marked(table: Table) -> Table:
    return replace(table, note=f"{MARK} {table.note}")
