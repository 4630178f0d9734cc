"""What was looked at, for whoever looks back: a line per presentation, and one of them played again."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from analysis.viewing import dwell, summary
from analysis.viewing_log import SIDES, Visit
from readerstudy.audit import keys
from readerstudy.audit.services import fault
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.models import PreparedPair, Presentation
from readerstudy.viewing.models import LogPart
from readerstudy.viewing.services import part_signature
from readerstudy.viewing.tables import visits_of

UNKNOWN = {"slices": 0, "rows": 1, "columns": 1, "spacing": [1, 1]}  # of a pair that was erased since


def looked_at(study: ReaderStudy):
    """Presentations of which there is a log, by reader and position; those that became void left out."""
    mine = Presentation.objects.filter(study=study, pk__in=LogPart.objects.values("presentation"))
    return mine.exclude(state="void").select_related("reader", "case").order_by("reader__code", "position")


def visits(presentations: Iterable[Presentation]) -> dict[int, list[Visit]]:
    """Looks at these presentations, by their number. RecordError, and an alarm, if a piece was changed behind the
    site's back."""
    codes = {one.pk: f"{one.reader.code}-{one.position:04d}" for one in presentations}
    found: dict[int, list[LogPart]] = defaultdict(list)
    for part in LogPart.objects.filter(presentation__in=codes).order_by("pk").select_related("presentation__study"):
        if not keys.signed_with(part.mac, *part_signature(part)):
            slug, code = part.presentation.study.slug, codes[part.presentation_id]
            raise fault(slug=slug, problem=f"the log of what was looked at on pair {code} is not as it was written")
        found[part.presentation_id].append(part)
    return {number: visits_of(parts) for number, parts in found.items()}


def lines(presentations: Sequence[Presentation]) -> list[dict]:
    """What the log says of each of these presentations."""
    logs, pairs = visits(presentations), geometries(presentations)
    return [
        {"presentation": one, "slices": pairs[one.pk]["slices"], **summary(logs.get(one.pk, []))}
        for one in presentations
    ]


def geometries(presentations: Sequence[Presentation]) -> dict[int, dict]:
    """Size of the images of each of these presentations, by its number."""
    cases = {one.case_id for one in presentations}
    made = PreparedPair.objects.filter(case__in=cases).values_list("case_id", "comparison_id", "geometry")
    known = {(case, comparison): geometry for case, comparison, geometry in made}
    return {one.pk: UNKNOWN | known.get((one.case_id, one.comparison_id), {}) for one in presentations}


def played(presentation: Presentation) -> dict:
    """All looks at one presentation as the page plays them, from the log alone; extent: of the image, mm."""
    found, geometry = visits([presentation]).get(presentation.pk, []), geometries([presentation])[presentation.pk]
    (across, along), (rows, columns) = geometry["spacing"], (geometry["rows"], geometry["columns"])
    shown = [getattr(sample.view, side) for visit in found for sample in visit.samples for side in SIDES]
    stayed = dwell(found)
    slices = max([geometry["slices"], *(at + 1 for at in shown)])
    return {
        "visits": [
            {
                "samples": [{"seconds": sample.seconds, **asdict(sample.view)} for sample in visit.samples],
                "whole": visit.whole,
                "agrees": visit.agrees,
            }
            for visit in found
        ],
        "slices": slices,
        "extent": max(rows * across, columns * along),
        "dwell": {side: [stayed[side].get(at, 0.0) for at in range(slices)] for side in SIDES},
    }
