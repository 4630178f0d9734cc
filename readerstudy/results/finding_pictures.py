"""Where readers reported a finding on integrity: the arms of the case side by side, on that slice, for the report."""

import base64
from collections.abc import Sequence

from analysis.report.study.page import Picture
from processing.errors import InputError
from readerstudy.images.figure_choice import FINE, ZOOMS, FigureChoice, laid_out
from readerstudy.material.models import Case
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.checks import shown_series
from readerstudy.reading.models import PreparedPair

MOST = 12
DPI = 200
Finding = dict[str, str]  # a row of findings.csv


def pictures(study: ReaderStudy, findings: Sequence[Finding]) -> tuple[list[Picture], str]:
    """A picture for each place in a case where something was reported, MOST at most, in the order of the findings; and
    a sentence that says which those are."""
    places: dict[tuple[str, str, str, str, str], list[Finding]] = {}
    for row in findings:
        places.setdefault((row["subject"], row["case"], row["k"], row["i"], row["j"]), []).append(row)
    made, missing = [], 0
    for place, reported in list(places.items())[:MOST]:
        picture = _picture(study, place, reported)
        made += [picture] if picture else []
        missing += picture is None
    if not places:
        return [], "No finding was reported on a main pair: there is no image to show."
    note = f"Images where readers reported a finding, {len(made)} of {len(places)} places"
    note += f" (the first {MOST})" if len(places) > MOST else ""
    note += f"; {missing} cannot be shown: the pixels are gone or do not fit what was read" if missing else ""
    return made, f"{note}. Who reads this learns the arms; subjects are named by codes."


def _picture(study: ReaderStudy, place: tuple[str, str, str, str, str], reported: list[Finding]) -> Picture | None:
    """None where the case is no longer there or does not lie as it was read."""
    from processing.pictures.figure_panel import png

    subject, code, k, i, j = place
    case = Case.objects.filter(study=study, code=code, subject__code=subject, subject__withdrawn_at=None).first()
    pair = None if case is None else PreparedPair.objects.filter(case=case).first()
    if case is None or pair is None:
        return None
    shape = pair.geometry
    there = sorted(shown_series(case).values(), key=lambda one: one.arm.place)
    marked = bool(k and i and j)
    choice = FigureChoice(
        case=case,
        there=there,
        chosen=there,
        slice=int(k) + 1 if k else None,
        columns=2,
        light=True,
        maps=False,
        letters=True,
        scale=True,
        arrow=marked,
        zoom=ZOOMS[0],
        x=round(FINE * (int(i) + 0.5) / shape["columns"]) if marked else FINE // 2,
        y=round(FINE * (int(j) + 0.5) / shape["rows"]) if marked else FINE // 2,
    )
    try:
        panel, choice = laid_out(choice)
    except (InputError, FileNotFoundError):
        return None
    if panel.slices != shape["slices"]:
        return None
    told = "; ".join(dict.fromkeys(_in_words(row) for row in reported))
    where = "" if marked else " No place was marked."
    caption = f"{told}. {choice.caption}{where}"
    alt = f"Slice {choice.slice} of case {case.code} in {', '.join(one.arm.code for one in there)}: {told}."
    return Picture(base64.b64encode(png(panel, dpi=DPI)).decode(), alt, caption)


def _in_words(row: Finding) -> str:
    """Reader R1 on SOC vs FAST: loss in FAST, facet joint."""
    arm = f"in {row['arm']}" if row["arm"] else "in one of the two, undetermined"
    what = f", {row['structure']}" if row["structure"] else ""
    return f"Reader {row['reader']} on {row['comparison']}: {row['kind']} {arm}{what}"
