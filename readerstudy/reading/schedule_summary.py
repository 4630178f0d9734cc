"""How large the schedule is, before a study is opened and since."""

from collections import Counter

from processing.errors import InputError
from readerstudy.audit.actions import Action
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.planning import plan
from readerstudy.reading.schedule import Schedule
from readerstudy.states import State


def schedule_summary(study: ReaderStudy) -> dict:
    """What readers will see, or see since the study was opened: pairs per reader and in all, sides, distance, hash."""
    if study.images_only:
        rows, distance, sha256, notes = [], None, "", []
    elif study.state == State.DRAFT:
        try:
            made = plan(study)
        except InputError as reason:
            made = Schedule((), None, (str(reason),))
        rows = [(entry.reader, entry.kind, entry.first_side) for entry in made.entries]
        distance, sha256, notes = made.distance, made.sha256 if made.entries else "", list(made.notes)
    else:
        rows = list(study.presentations.exclude(state="void").values_list("reader__code", "kind", "first_side"))
        opened = study.events.filter(action=Action.STUDY_OPENED).first()
        distance, sha256, notes = opened.data["distance"] if opened else None, study.schedule_sha256, []
    readers = Counter(reader for reader, _, _ in rows)
    return {
        "pairs": len(rows),
        "readers": len(readers),
        "each": len(rows) // len(readers) if readers else 0,
        "fewest": min(readers.values(), default=0),
        "most": max(readers.values(), default=0),
        "training": sum(kind == "training" for _, kind, _ in rows),
        "repeats": sum(kind == "repeat" for _, kind, _ in rows),
        "left": sum(side == "left" for _, _, side in rows),
        "right": sum(side == "right" for _, _, side in rows),
        "distance": distance,
        "sha256": sha256,
        "notes": notes,
    }
