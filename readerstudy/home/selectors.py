"""What a person should do next, over all studies."""

import shutil
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.formats import date_format

from readerstudy.accounts.demonstration import ACCOUNTS
from readerstudy.accounts.models import Membership, Role, User
from readerstudy.audit import heads
from readerstudy.audit.actions import Action
from readerstudy.audit.heads import Alarm
from readerstudy.audit.models import Event, Tombstone
from readerstudy.home.log import FOLDED
from readerstudy.intake.models import Candidate
from readerstudy.jobs.models import Job
from readerstudy.letters import selectors as letters
from readerstudy.material import selectors as material
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.selectors import moves_from
from readerstudy.reading import guesses, signatures, unblinding
from readerstudy.reading import selectors as reading
from readerstudy.reading.models import Presentation
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


def readings_of(user: User) -> list[dict]:
    """One row per study in which this person reads: what is open first, then what waits, then what is done."""
    rows = []
    for member in user.memberships.filter(role=Role.READER).select_related("study"):
        study, counts = member.study, reading.progress(member)
        own = Presentation.objects.filter(reader=member)
        if study.state == State.DRAFT:
            stage = "draft"
        elif study.state in ENDED:
            stage = "closed"
        elif not counts["left"]:
            asked = study.state == State.OPEN and guesses.pair_to_ask_about(member)
            stage = "questions" if asked else "finished"
        else:
            stage = study.state
        now = reading.current_pair(member)
        opens = reading.waits_until(now) if now and stage == State.OPEN else None
        rows.append(
            {
                "member": member,
                "study": study,
                "stage": "washout" if opens else stage,
                **counts,
                "opens": opens,
                "part": now.part if now else None,
                "to_sign": stage in ("finished", "closed")
                and study.state != State.LOCKED
                and signatures.to_sign(member),
                "letter": letters.waits_for_reader(member),
                "next": counts["confirmed"] + 1,
                "started": own.exclude(state=Presentation.State.SCHEDULED).exists(),
                "training_left": own.filter(kind="training", state__in=["scheduled", "in_progress"]).count(),
                "last": own.filter(confirmed_at__isnull=False)
                .order_by("-confirmed_at")
                .values_list("confirmed_at", flat=True)
                .first(),
            }
        )
    order = ["open", "questions", "washout", "paused", "draft", "finished", "closed"]
    return sorted(rows, key=lambda row: order.index(row["stage"]))


def study_row(member: Membership) -> dict:
    """Counts and progress of one study, for its admin or analyst."""
    study = member.study
    there, wanted = material.series_progress(study)
    done = study.presentations.exclude(state="void").aggregate(
        total=Count("pk"), confirmed=Count("pk", filter=Q(state="confirmed"))
    )
    return {
        "study": study,
        "role": member.role,
        "subjects": study.subjects.filter(withdrawn_at=None).count(),
        "cases": study.cases.filter(material.in_use()).count(),
        "aside": material.set_aside(study).count(),
        "there": there,
        "wanted": wanted,
        **done,
    }


def studies_of(user: User) -> list[dict]:
    """One row per study of which this person is admin or analyst, newest first."""
    members = user.memberships.exclude(role=Role.READER).select_related("study").order_by("-study__created_at")
    return [study_row(member) for member in members]


def tasks_of(rows: list[dict]) -> list[Task]:
    """What waits for a decision, most pressing first. `rows` as from `studies_of`."""
    mine = [row["study"] for row in rows if row["role"] == Role.ADMIN]
    return [
        *(task for study in mine for task in _series_to_confirm(study)),
        *(task for study in mine for task in _failed_jobs(study)),
        *(task for study in mine for task in _letters(study)),
        *(task for study in mine for task in _before_opening(study)),
        *(task for study in mine for task in _briefing(study)),
        *(task for row in rows for task in _reading(row)),
        *(task for study in mine for task in _unblindings(study)),
        *(task for study in mine for task in _retention(study)),
    ]


def _series_to_confirm(study: ReaderStudy) -> list[Task]:
    waiting = study.candidates.filter(state=Candidate.State.PROPOSED)
    number, certain = waiting.count(), waiting.filter(certain=True).count()
    if study.state in ENDED or not number:
        return []
    detail = f"Subject, case and arm are proposed; {certain or 'none'} {'is' if certain == 1 else 'are'}"
    return [Task(f"{number} series to confirm", f"{detail} certain.", "material", f"Confirm {number} series", study)]


def _failed_jobs(study: ReaderStudy) -> list[Task]:
    failed = Job.objects.filter(study=study, state=Job.State.FAILED).values("error").annotate(times=Count("pk"))
    reasons = list(failed.order_by("-times", "error"))
    if not reasons or study.state == State.LOCKED:
        return []
    number = sum(reason["times"] for reason in reasons)
    detail = f"{reasons[0]['times']} × {reasons[0]['error']}"
    return [Task(f"{number} job{'s' if number > 1 else ''} failed", detail, "jobs", "See reasons", study)]


def _letters(study: ReaderStudy) -> list[Task]:
    readers = letters.waiting_for_admin(study)
    if study.state == State.LOCKED or not readers:
        return []
    text, button = f"{', '.join(readers)} wrote to you", "Read it" if len(readers) == 1 else "Read them"
    return [Task(text, "A reader met a problem, or answers.", "letters", button, study)]


def _unblindings(study: ReaderStudy) -> list[Task]:
    if not (number := unblinding.not_assessed(study)):
        return []
    text = "1 unblinding is not assessed" if number == 1 else f"{number} unblindings are not assessed"
    return [Task(text, "Write what it does to the study, and sign it.", "review", "Assess", study)]


def _before_opening(study: ReaderStudy) -> list[Task]:
    if study.state != State.DRAFT:
        return []
    missing = not_ready(study)
    if not missing:
        return [
            Task(
                "Ready to open",
                FROZEN if study.images_only else "Opening freezes the protocol and makes the schedule.",
                "protocol",
                moves_from(study)[0].button,
                study,
            )
        ]
    if not study.cases.exists() and not study.candidates.exists():
        return [Task("No material yet", "Send DICOM or NIfTI series.", "upload", "Add series", study)]
    number = len(missing)
    text = "1 point is missing before opening" if number == 1 else f"{number} points are missing before opening"
    return [
        Task(text, "; ".join(point.text for point in missing) + ".", missing[0].page or "protocol", "See what", study)
    ]


def _briefing(study: ReaderStudy) -> list[Task]:
    if study.images_only or study.state not in (State.OPEN, State.PAUSED) or study.briefings.exists():
        return []
    detail = "The study was opened before it had one. Each reader reads it before the next pair."
    return [Task("There is no briefing", detail, "edit_briefing", "Write it", study)]


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


def removed_studies(number: int) -> list[Tombstone]:
    """The studies that were removed last."""
    return list(Tombstone.objects.order_by("-at")[:number])


def reading_this_week(studies: list[ReaderStudy]) -> list[dict]:
    """Pairs that each reader of these studies confirmed in the last seven days. Counts only."""
    since = timezone.now() - timedelta(days=7)
    readers = (
        Membership.objects.filter(study__in=studies, role=Role.READER, study__state__in=[State.OPEN, State.PAUSED])
        .values("user__username")
        .annotate(
            pairs=Count("presentations", filter=Q(presentations__confirmed_at__gte=since)),
            total=Count("presentations", filter=~Q(presentations__state="void")),
        )
        .order_by("user__username")
    )
    return [{"name": r["user__username"], "pairs": r["pairs"], "total": r["total"]} for r in readers]


def latest_events(studies: list[ReaderStudy], number: int = 4) -> list[Event]:
    """The last events of these studies, but for those that come by the hundred."""
    events = Event.objects.filter(study__in=studies).exclude(action__in=[*FOLDED, Action.SERIES_PLACED])
    return list(events.select_related("study").order_by("-at")[:number])


def alarms(studies: list[ReaderStudy]) -> list[tuple[ReaderStudy, Alarm]]:
    """The latest alarm of each of these studies in the last 30 days: that its record does not hold."""
    since = timezone.now() - timedelta(days=30)
    latest = [(study, heads.alarms(study.slug)[:1]) for study in studies]
    return [(study, alarm) for study, found in latest for alarm in found if alarm.at > since]


def workers_and_disk(studies: list[ReaderStudy]) -> dict:
    """What the workers of this site do for these studies, and the room on its disk."""
    jobs = Job.objects.filter(study__in=studies)
    running = jobs.filter(state=Job.State.RUNNING)
    disk = shutil.disk_usage(settings.VAR_DIR)
    return {
        "running": running.count(),
        "waiting": jobs.filter(state=Job.State.WAITING).count(),
        "last_sign": jobs.filter(heartbeat_at__isnull=False)
        .order_by("-heartbeat_at")
        .values_list("heartbeat_at", flat=True)
        .first(),
        "free": disk.free,
        "size": disk.total,
    }


def demo_accounts() -> list[dict]:
    """The accounts of the demonstration that exist, and what each is for."""
    found = []
    users = {user.username: user for user in User.objects.filter(username__in=ACCOUNTS)}
    for name in ACCOUNTS:
        if not (user := users.get(name)):
            continue
        readings = readings_of(user)
        if left := sum(row["left"] for row in readings if row["stage"] == State.OPEN):
            does = f"{left} pairs left to read"
        elif readings:
            does = "finished reading"
        elif name == "analyst":
            does = "statistics and exports"
        else:
            does = "adds material, opens and closes studies"
        found.append({"name": name, "does": does})
    return found
