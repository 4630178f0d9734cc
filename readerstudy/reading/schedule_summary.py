"""How large the schedule is, before a study is opened and since."""

from collections import Counter

from django.db.models import Count

from processing.errors import InputError
from readerstudy.audit.actions import Action
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.planning import plan
from readerstudy.reading.schedule import Schedule
from readerstudy.states import State

Row = tuple[str, str, str]  # reader, kind of the pair, side of the first arm


def schedule_summary(study: ReaderStudy) -> dict:
    """What readers will see, or see since the study was opened: pairs per reader and in all, sides, distance, hash."""
    if study.images_only:
        rows, distance, sha256, notes = Counter[Row](), None, "", []
    elif study.state == State.DRAFT:
        try:
            made = plan(study)
        except InputError as reason:
            made = Schedule((), None, (str(reason),))
        rows = Counter((entry.reader, entry.kind, entry.first_side) for entry in made.entries)
        distance, sha256, notes = made.distance, made.sha256 if made.entries else "", list(made.notes)
    else:
        shown = study.presentations.exclude(state="void").order_by()
        counted = shown.values_list("reader__code", "kind", "first_side").annotate(Count("pk"))
        rows = Counter({(reader, kind, side): count for reader, kind, side, count in counted})
        opened = study.events.filter(action=Action.STUDY_OPENED).first()
        distance, sha256, notes = opened.data["distance"] if opened else None, study.schedule_sha256, []
    readers, pairs = Counter[str](), rows.total()
    for (reader, _, _), count in rows.items():
        readers[reader] += count
    return {
        "pairs": pairs,
        "readers": len(readers),
        "each": pairs // len(readers) if readers else 0,
        "fewest": min(readers.values(), default=0),
        "most": max(readers.values(), default=0),
        "training": sum(count for (_, kind, _), count in rows.items() if kind == "training"),
        "repeats": sum(count for (_, kind, _), count in rows.items() if kind == "repeat"),
        "left": sum(count for (_, _, side), count in rows.items() if side == "left"),
        "right": sum(count for (_, _, side), count in rows.items() if side == "right"),
        "distance": distance,
        "sha256": sha256,
        "notes": notes,
    }
