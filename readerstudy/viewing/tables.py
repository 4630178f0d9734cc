"""Display checks and the log of viewing as tables, in the columns of their Table Schemas."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter

from analysis import display_check
from analysis.viewing_log import Visit, read_visit
from readerstudy.archive.downloads import Row
from readerstudy.protocol.models import ReaderStudy
from readerstudy.viewing.models import DisplayCheck, LogPart

CHUNK = 500
AS_KEPT = (
    "seconds",
    "window_width",
    "window_height",
    "screen_width",
    "screen_height",
    "device_pixel_ratio",
    "colour_depth",
    "browser",
)


def display_checks(study: ReaderStudy) -> Iterator[Row]:
    """One row per finished display check."""
    for check in DisplayCheck.objects.filter(reader__study=study).select_related("reader").iterator(chunk_size=CHUNK):
        yield {
            "study": study.slug,
            "reader": check.reader.code,
            "checked_at": check.checked_at,
            "passed": check.passed,
            "missed_borders": " ".join(map(str, check.missed)),
            "dark_found": check.dark,
            "bright_found": check.bright,
            "discs_found": display_check.found(check.discs),
            "discs": " ".join(":".join(map(str, disc)) for disc in check.discs),
            **{name: getattr(check, name) for name in AS_KEPT},
        }


def visits_of(parts: list[LogPart]) -> list[Visit]:
    """Looks at one presentation, the earliest first, from its pieces of log in the order in which they arrived."""
    by_visit: dict[object, dict[int, LogPart]] = defaultdict(dict)
    for part in parts:
        by_visit[part.visit][part.number] = part
    made = []
    for pieces in by_visit.values():
        last = pieces[max(pieces)]
        entries = {number: part.entries for number, part in pieces.items()}
        made.append(read_visit(entries, end=last.end, checksum=last.checksum))
    return made


def interactions(study: ReaderStudy) -> Iterator[Row]:
    """One row per moment at which something on a reader's screen had changed."""
    parts = LogPart.objects.filter(presentation__study=study).exclude(presentation__state="void")
    parts = parts.select_related("presentation__reader", "presentation__case__subject")
    parts = parts.order_by("presentation__reader__code", "presentation__position", "pk")
    for _, group in groupby(parts.iterator(chunk_size=CHUNK), key=attrgetter("presentation_id")):
        own = list(group)
        shown = own[0].presentation
        shared = {
            "study": study.slug,
            "subject": shown.case.subject.code,
            "case": shown.case.code,
            "reader": shown.reader.code,
            "presentation": f"{shown.reader.code}-{shown.position:04d}",
            "kind": shown.kind,
        }
        for number, visit in enumerate(visits_of(own), start=1):
            for sample in visit.samples:
                view = sample.view
                yield {
                    **shared,
                    "visit": number,
                    "piece": sample.piece,
                    "whole": visit.whole,
                    "seconds": sample.seconds,
                    "left_slice": view.left,
                    "right_slice": view.right,
                    "swapped": view.swapped,
                    "linked": view.linked,
                    "window": view.window,
                    "level": view.level,
                    "inverted": view.invert,
                    "zoom": view.zoom,
                    "centre_right": view.x,
                    "centre_down": view.y,
                    "cine": view.cine,
                    "enlarged": view.enlarged,
                    "tool": view.tool,
                    "focus": view.focus,
                    "answers": view.answers,
                }


ROWS = {"display_checks": display_checks, "interactions": interactions}
