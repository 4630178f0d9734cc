"""From protocol and material to the schedule, and back: what it was made from, and whether it still is that."""

from readerstudy.accounts.models import Role
from readerstudy.material.selectors import in_use
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.selectors import comparisons_of
from readerstudy.reading.models import Presentation
from readerstudy.reading.schedule import Entry, Schedule, ScheduledCase, generate


def schedule_inputs(study: ReaderStudy) -> dict:
    """What the schedule follows from, beside the seed: kept in the log when the study is opened."""
    cases = study.cases.filter(in_use()).select_related("subject").order_by("code")
    return {
        "readers": sorted(study.memberships.filter(role=Role.READER).values_list("code", flat=True)),
        "cases": [[case.code, case.subject.code, case.training] for case in cases],
        "comparisons": [c.code for c in comparisons_of(study)],
        "distance": study.min_distance,
        "repeat_share": float(study.repeat_share),
        "parts": study.parts,
        # Said where it is limited: what was scheduled before a protocol could say it follows from the rest.
        **({} if study.practice_pairs is None else {"practice": study.practice_pairs}),
    }


def made_from(seed: int, given: dict) -> Schedule:
    """The schedule that these `inputs` give."""
    return generate(seed=seed, **{**given, "cases": [ScheduledCase(*case) for case in given["cases"]]})


def plan(study: ReaderStudy) -> Schedule:
    """The schedule that follows from protocol, material and seed as they are now."""
    return made_from(study.seed, schedule_inputs(study))


def stored_entries(study: ReaderStudy, block: int = 0) -> list[Entry]:
    """The schedule of the opening, or of an amendment, as the database holds it, by reader and position; what is void
    too."""
    rows = Presentation.objects.filter(study=study, block=block).select_related(
        "reader", "case", "comparison__first", "comparison__second", "repeat_of"
    )
    return [
        Entry(
            row.reader.code,
            row.position,
            row.kind,
            row.case.code,
            row.comparison.code,
            row.first_side,
            row.repeat_of.position if row.repeat_of else None,
            row.part,
        )
        for row in rows.order_by("reader__code", "position")
    ]
