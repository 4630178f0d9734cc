"""What a figure panel shows: case, slice, arms in their order, and how it looks; all of it in the address."""

from dataclasses import dataclass, replace
from urllib.parse import urlencode

import numpy as np
from django.http import QueryDict

from analysis.report.figures import clock
from processing.pictures.figure_panel import MOST, WINDOW, Options, Panel, panel
from processing.pictures.figure_panel import PanelArm as Column
from processing.volume import Array
from readerstudy.material.alignments import ALIGNED, SAME, Placing, placing
from readerstudy.material.models import Case, Series
from readerstudy.material.volumes import load_cached
from readerstudy.protocol import recipes
from readerstudy.protocol.models import ReaderStudy

PLACES = "abcdef"[:MOST]
ZOOMS = (100, 150, 200, 300, 400)
FINE = 1000  # steps of the point from edge to edge
TICKS = ("light", "maps", "letters", "scale", "arrow")


@dataclass(frozen=True)
class FigureChoice:
    """A figure of one case. chosen: series in the order of the figure. slice counts from 1; None: the middle one, and
    slices None: not known before the figure is laid out. x, y: the point that the zoom shows and the arrow marks."""

    case: Case
    there: list[Series]
    chosen: list[Series]
    slice: int | None
    columns: int
    light: bool
    maps: bool
    letters: bool
    scale: bool
    arrow: bool
    zoom: int
    x: int
    y: int
    slices: int | None = None

    @property
    def options(self) -> Options:
        half, point = 50 / self.zoom, (self.x / FINE, self.y / FINE)
        middle = [min(max(value, half), 1 - half) for value in point]
        crop = (middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half)
        arrow = point if self.arrow else None
        return Options(self.columns, self.light, self.letters, self.maps, self.scale, crop, arrow)

    @property
    def query(self) -> str:
        """The choice as an address."""
        data = {"case": self.case.pk, "slice": self.slice or "", "columns": self.columns, "zoom": self.zoom}
        data |= {"x": self.x, "y": self.y, "chosen": 1}
        data |= {place: series.arm.code for place, series in zip(PLACES, self.chosen, strict=False)}
        return urlencode(data | {name: 1 for name in TICKS if getattr(self, name)})

    @property
    def placings(self) -> list[Placing]:
        """How the arms after the first one lie in it."""
        return [placing(self.chosen[0], one) for one in self.chosen[1:]]

    @property
    def caption(self) -> str:
        """Sentences for beneath the figure."""
        case, parts = self.case, []
        for letter, series in zip(PLACES, self.chosen, strict=False):
            start = f"({letter}) " if self.letters else ""
            parts.append(f"{start}{series.arm.code}, {_origin_in_words(series)}")
        words = f"{'; '.join(parts)}. {case.get_region_display().capitalize()}, {case.plane} {case.weighting}, "
        words += f"case {case.code}, slice {self.slice} of {self.slices}"
        words += f", enlarged {self.zoom / 100:g} times. " if self.zoom > ZOOMS[0] else ". "
        words += f"All arms on one grid; window of each arm {WINDOW}."
        if self.maps and len(self.chosen) > 1:
            words += f" Below: difference to {self.chosen[0].arm.code} in percent of its maximum; {self._registered()}."
        return words

    def _registered(self) -> str:
        groups: dict[str, list[str]] = {}
        for one, placed in zip(self.chosen[1:], self.placings, strict=True):
            how = {SAME: "the same acquisition", ALIGNED: "rigidly aligned"}.get(
                placed.how, "not aligned, limited by repositioning"
            )
            groups.setdefault(how, []).append(one.arm.code)
        return "; ".join(f"{' and '.join(codes)} {how}" for how, codes in groups.items())


def choose(study: ReaderStudy, data: QueryDict) -> FigureChoice | None:
    """The choice in an address; what it does not say is as in the paper: up to three arms, middle slice, two columns.

    None if the study has no case with a series. Raises Case.DoesNotExist for a case that is not of this study.
    """
    cases = Case.objects.filter(study=study, subject__withdrawn_at=None).select_related("subject")
    case: Case | None
    if number := data.get("case", ""):
        case = cases.get(pk=int(number) if number.isdecimal() and len(number) < 10 else 0)
    else:
        case = cases.filter(series__active=True).first()
    if case is None:
        return None
    there = list(case.series.filter(active=True).select_related("arm", "made_from__arm").order_by("arm__place"))
    if not there:
        return None
    named = {one.arm.code: one for one in there}
    asked = "chosen" in data
    codes = [data.get(place, "") for place in PLACES]
    chosen = [named[code] for code in codes if code in named] if asked else there[:3]

    def whole(name: str, low: int, high: int, default: int) -> int:
        text = data.get(name, "")
        return min(max(int(text), low), high) if text.isdecimal() and len(text) < 6 else default

    return FigureChoice(
        case=case,
        there=there,
        chosen=chosen or there[:1],
        slice=whole("slice", 1, 99_999, 0) or None,
        columns=whole("columns", 1, 2, 2),
        light="light" in data,
        maps="maps" in data,
        letters="letters" in data or not asked,
        scale="scale" in data or not asked,
        arrow="arrow" in data,
        zoom=whole("zoom", ZOOMS[0], ZOOMS[-1], ZOOMS[0]),
        x=whole("x", 0, FINE, FINE // 2),
        y=whole("y", 0, FINE, FINE // 2),
    )


def laid_out(choice: FigureChoice) -> tuple[Panel, FigureChoice]:
    """The figure of a choice, and the choice with the slice that it shows. InputError where it cannot be drawn."""
    matrices: list[Array | None] = [None] * len(choice.chosen)
    if choice.maps:
        matrices[1:] = [None if one.matrix is None else np.array(one.matrix) for one in choice.placings]
    columns = [
        Column(load_cached(one), one.arm.code, _times_note(one), matrix)
        for one, matrix in zip(choice.chosen, matrices, strict=True)
    ]
    found = panel(columns, None if choice.slice is None else choice.slice - 1, choice.options)
    return found, replace(choice, slice=found.place + 1, slices=found.slices)


def _seconds(series: Series) -> float | None:
    return (series.made_from or series).parameters.get("acquisition_seconds")


def _processing(series: Series) -> str:
    if series.made_from is None or series.processing_seconds is None:
        return ""
    return f"{max(1, round(series.processing_seconds))} s"


def _times_note(series: Series) -> str:
    """Scan time, and for a made arm what its processing adds; what was simulated took none."""
    seconds = _seconds(series)
    time = "simulated" if series.simulated else f"{clock(seconds)} min" if seconds else ""
    return " + ".join(part for part in (time, _processing(series)) if part)


def _origin_in_words(series: Series) -> str:
    """The same in words, with the model's name and version."""
    seconds = _seconds(series)
    words = f"scan time {clock(seconds)} min" if seconds else "scan time not stated"
    if series.simulated:
        words = f"simulated, not acquired ({series.simulated})"
    if series.made_from and series.model_name in recipes.MAKERS:
        words += f", from {series.made_from.arm.code}"
    elif series.made_from:
        words += f", {series.made_from.arm.code} processed by {series.model_name} {series.model_version}".rstrip()
        words += f" in {_processing(series)}" if _processing(series) else ""
    return words
