"""What an admin or analyst should do next: of all studies together, with as many queries for one as for a thousand."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.formats import date_format

from readerstudy.accounts.models import Role
from readerstudy.intake.models import Candidate
from readerstudy.jobs.models import Job
from readerstudy.letters import selectors as letters
from readerstudy.protocol.models import Briefing, ReaderStudy
from readerstudy.protocol.selectors import have_protocol, moves_from
from readerstudy.reading import unblinding
from readerstudy.reading.opening_checklist import not_ready
from readerstudy.states import ENDED, State

FROZEN = "Opening freezes the protocol, every series and volume of interest, and the radiomic settings."


@dataclass(frozen=True)
class Task:
    """One line of the to-do list; `page` is the name of the address that helps."""

    text: str
    detail: str
    page: str
    button: str
    study: ReaderStudy


def tasks_of(rows: list[dict]) -> list[Task]:
    """What waits for a decision, most pressing first. `rows` as from `study_rows`."""
    own = {row["study"].pk: row["study"] for row in rows if row["role"] == Role.ADMIN}
    candidates = _candidates(own)
    return [
        *_series_to_confirm(own, candidates),
        *_failed_jobs(own),
        *_letters(own),
        *_before_opening([row for row in rows if row["study"].pk in own], candidates),
        *_briefing(own),
        *(task for row in rows for task in _reading(row)),
        *_unblindings(own),
        *(task for study in own.values() for task in _retention(study)),
    ]


Own = dict[int, ReaderStudy]


def _candidates(own: Own) -> dict[int, dict]:
    """Of each study that has candidates: how many are proposed, and how many of these are certain."""
    found = Candidate.objects.filter(study__in=own).order_by().values("study")
    proposed = Q(state=Candidate.State.PROPOSED)
    numbers = {
        "proposed": Count("pk", filter=proposed),
        "sure": Count("pk", filter=proposed & Q(certain=True)),
    }
    return {one["study"]: {**one} for one in found.annotate(**numbers)}


def _series_to_confirm(own: Own, candidates: dict[int, dict]) -> Iterator[Task]:
    for pk, study in own.items():
        number, certain = (candidates.get(pk, {}).get(name, 0) for name in ("proposed", "sure"))
        if study.state in ENDED or not number:
            continue
        detail = f"Subject, case and arm are proposed; {certain or 'none'} {'is' if certain == 1 else 'are'}"
        yield Task(f"{number} series to confirm", f"{detail} certain.", "material", f"Confirm {number} series", study)


def _failed_jobs(own: Own) -> Iterator[Task]:
    failed = Job.objects.filter(study__in=own, state=Job.State.FAILED).order_by().values("study", "error")
    reasons: dict[int, list[dict]] = defaultdict(list)
    for reason in failed.annotate(times=Count("pk")).order_by("-times", "error"):
        reasons[reason["study"]].append({**reason})
    for pk, study in own.items():
        if pk not in reasons or study.state == State.LOCKED:
            continue
        number, most = sum(reason["times"] for reason in reasons[pk]), reasons[pk][0]
        detail = f"{most['times']} × {most['error']}"
        yield Task(f"{number} job{'s' if number > 1 else ''} failed", detail, "jobs", "See reasons", study)


def _letters(own: Own) -> Iterator[Task]:
    waiting = letters.waiting_for_admins(own)
    for pk, readers in waiting.items():
        if own[pk].state == State.LOCKED:
            continue
        text, button = f"{', '.join(readers)} wrote to you", "Read it" if len(readers) == 1 else "Read them"
        yield Task(text, "A reader met a problem, or answers.", "letters", button, own[pk])


def _before_opening(rows: list[dict], candidates: dict[int, dict]) -> Iterator[Task]:
    """Drafts. The checklist, which asks each study alone, is asked of one only."""
    drafts = [row for row in rows if row["study"].state == State.DRAFT]
    begun = [row for row in drafts if row["cases"] or row["aside"] or row["study"].pk in candidates]
    for row in drafts:
        study = row["study"]
        if row not in begun:
            yield Task("No material yet", "Send DICOM or NIfTI series.", "upload", "Add series", study)
        elif len(begun) == 1:
            yield _checked(study)
        else:
            detail = f"{row['there']:,} of {row['wanted']:,} series are there."
            yield Task("Not open yet", detail, "protocol", "See what is missing", study)


def _checked(study: ReaderStudy) -> Task:
    have_protocol(study)
    missing = not_ready(study)
    if not missing:
        detail = FROZEN if study.images_only else "Opening freezes the protocol and makes the schedule."
        return Task("Ready to open", detail, "protocol", moves_from(study)[0].button, study)
    number = len(missing)
    text = "1 point is missing before opening" if number == 1 else f"{number} points are missing before opening"
    detail = "; ".join(point.text for point in missing) + "."
    return Task(text, detail, missing[0].page or "protocol", "See what", study)


def _briefing(own: Own) -> Iterator[Task]:
    read = [one for one in own.values() if not one.images_only and one.state in (State.OPEN, State.PAUSED)]
    have = set(Briefing.objects.filter(study__in=read).order_by().values_list("study", flat=True).distinct())
    detail = "The study was opened before it had one. Each reader reads it before the next pair."
    for study in read:
        if study.pk not in have:
            yield Task("There is no briefing", detail, "edit_briefing", "Write it", study)


def _reading(row: dict) -> list[Task]:
    study = row["study"]
    if study.images_only:
        return _images_alone(study) if study.state in (State.OPEN, State.CLOSED) else []
    if study.state == State.CLOSED:
        return [
            Task(
                "Results are open",
                f"{row['confirmed']:,} of {row['total']:,} pairs were read.",
                "results",
                "See results",
                study,
            )
        ]
    if row["role"] == Role.ADMIN and study.state in (State.OPEN, State.PAUSED) and row["total"] == row["confirmed"]:
        return [
            Task(
                "All pairs are read",
                "Closing shows the results and ends the reading.",
                "protocol",
                "Close the study",
                study,
            )
        ]
    return []


def _images_alone(study: ReaderStudy) -> list[Task]:
    detail = "What the images say: metrics, features, which of them are stable."
    return [Task("Results stand under Images", detail, "image_metrics", "See them", study)]


def _retention(study: ReaderStudy) -> list[Task]:
    if study.state not in ENDED or study.keep_until is None or study.keep_until >= timezone.localdate():
        return []
    detail = f"It was to be kept until {date_format(study.keep_until, 'j F Y')}. Nothing is removed by itself."
    return [Task("The study may be removed", detail, "remove_study", "Remove it", study)]


def _unblindings(own: Own) -> Iterator[Task]:
    for pk, number in unblinding.not_assessed(own).items():
        text = "1 unblinding is not assessed" if number == 1 else f"{number} unblindings are not assessed"
        yield Task(text, "Write what it does to the study, and sign it.", "review", "Assess", own[pk])
