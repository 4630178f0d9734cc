"""What a figure panel shows: case, slice, arms in their order, and how it looks; all of it in the address."""

from dataclasses import dataclass

from django.http import QueryDict

from analysis.figures import clock
from processing.figure_panel import Arm as Column
from processing.figure_panel import Options, panel, slices_in_common
from readerstudy.material.models import Case, Series
from readerstudy.material.volumes import recent
from readerstudy.protocol.models import ReaderStudy

PLACES = "abcd"
ZOOMS = (100, 150, 200, 300, 400)
NUMBERS = {"x": 50, "y": 50}  # centre of the zoom in percent, and where it is at first


@dataclass(frozen=True)
class Choice:
    """A figure of one case. chosen: series in the order of the figure; slice counts from 1."""

    case: Case
    there: list[Series]
    chosen: list[Series]
    slice: int
    slices: int
    columns: int
    light: bool
    maps: bool
    letters: bool
    scale: bool
    zoom: int
    x: int
    y: int

    @property
    def options(self) -> Options:
        half = 50 / self.zoom
        middle = [min(max(value / 100, half), 1 - half) for value in (self.x, self.y)]
        crop = (middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half)
        return Options(self.columns, self.light, self.letters, self.maps, self.scale, crop)

    @property
    def query(self) -> str:
        """The choice as an address."""
        data = QueryDict(mutable=True)
        data.update({"case": self.case.pk, "slice": self.slice, "columns": self.columns, "zoom": self.zoom})
        data.update({"x": self.x, "y": self.y, "chosen": 1})
        for place, series in zip(PLACES, self.chosen, strict=False):
            data[place] = series.arm.code
        for name in ("light", "maps", "letters", "scale"):
            if getattr(self, name):
                data[name] = 1
        return data.urlencode()

    @property
    def caption(self) -> str:
        """A sentence for beneath the figure."""
        parts = []
        for letter, series in zip("abcd", self.chosen, strict=False):
            start = f"({letter}) " if self.letters else ""
            if series.made_from:
                how = f"{series.made_from.arm.code} processed by {series.model_name} {series.model_version}".strip()
            else:
                seconds = series.parameters.get("acquisition_seconds")
                how = f"scan time {clock(seconds)} min" if seconds else "scan time not stated"
            parts.append(f"{start}{series.arm.code}, {how}")
        case = self.case
        words = f"{'; '.join(parts)}. {case.get_region_display().capitalize()}, {case.plane} {case.weighting}, "
        words += f"subject {case.subject.code}, slice {self.slice} of {self.slices}. "
        words += "All arms on one grid, each windowed by the same percentile rule as for the readers."
        if self.maps and len(self.chosen) > 1:
            words += f" Below: difference to {self.chosen[0].arm.code}, ± 20 % of its maximum, not registered."
        return words


def choose(study: ReaderStudy, data: QueryDict) -> Choice | None:
    """The choice in an address; what it does not say is as in the paper: up to three arms, middle slice, two columns.

    None if the study has no case with a series. Raises Case.DoesNotExist for a case that is not of this study, and
    InputError where the arms share no grid.
    """
    cases = Case.objects.filter(study=study, subject__withdrawn_at=None).select_related("subject")
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
    chosen = [named[data[place]] for place in PLACES if data.get(place) in named] if asked else there[:3]
    chosen = chosen or there[:1]
    slices = slices_in_common([recent(one) for one in chosen])

    def whole(name: str, low: int, high: int, default: int) -> int:
        text = data.get(name, "")
        return min(max(int(text), low), high) if text.isdecimal() and len(text) < 6 else default

    return Choice(
        case=case, there=there, chosen=chosen, slice=whole("slice", 1, slices, slices // 2 + 1), slices=slices,
        columns=whole("columns", 1, 2, 2), light="light" in data, maps="maps" in data,
        letters="letters" in data or not asked, scale="scale" in data or not asked,
        zoom=whole("zoom", ZOOMS[0], ZOOMS[-1], ZOOMS[0]), x=whole("x", 0, 100, NUMBERS["x"]),
        y=whole("y", 0, 100, NUMBERS["y"]),
    )  # fmt: skip


def laid_out(choice: Choice):
    """The figure of a choice. InputError where it cannot be drawn."""
    return panel(
        [Column(recent(one), one.arm.code, _note(one)) for one in choice.chosen], choice.slice - 1, choice.options
    )


def _note(series: Series) -> str:
    """Scan time, and for a made arm what its processing adds."""
    source = series.made_from or series
    seconds = source.parameters.get("acquisition_seconds")
    parts = [clock(seconds)] if seconds else []
    if series.made_from and series.processing_seconds is not None:
        parts.append(f"{max(1, round(series.processing_seconds))} s")
    return " + ".join(parts)
