"""What a person finds on the home page beside what is next: readings, studies, how the site does."""

import shutil
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from readerstudy.accounts.demonstration import ACCOUNTS
from readerstudy.accounts.models import Membership, Role, User
from readerstudy.audit import heads
from readerstudy.audit.actions import Action
from readerstudy.audit.heads import Alarm
from readerstudy.audit.models import Event, Tombstone
from readerstudy.home.log import FOLDED
from readerstudy.jobs.models import Job
from readerstudy.letters import selectors as letters
from readerstudy.material import selectors as material
from readerstudy.material.models import Case, Series, Subject
from readerstudy.protocol.models import Arm, ReaderStudy
from readerstudy.reading import guesses, signatures
from readerstudy.reading import selectors as reading
from readerstudy.reading.models import Presentation
from readerstudy.states import ENDED, State


def readings_of(user: User) -> list[dict]:
    """One row per study in which this person reads: what is open first, then what waits, then what is done."""
    rows = []
    members = list(user.memberships.filter(role=Role.READER).select_related("study"))
    numbers = reading.progress_of(members)
    for member in members:
        study, counts = member.study, numbers[member.pk]
        if study.state == State.DRAFT:
            stage = "draft"
        elif study.state in ENDED:
            stage = "closed"
        elif not counts["left"]:
            asked = study.state == State.OPEN and guesses.pair_to_ask_about(member)
            stage = "questions" if asked else "finished"
        else:
            stage = study.state
        now = reading.current_pair(member) if counts["left"] else None
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
            }
        )
    order = ["open", "questions", "washout", "paused", "draft", "finished", "closed"]
    return sorted(rows, key=lambda row: order.index(row["stage"]))


def study_rows(members: list[Membership]) -> list[dict]:
    """Counts and progress of the studies of these admins and analysts: as many queries for one as for a hundred."""
    studies = [one.study for one in members]
    ids = [one.pk for one in studies]
    subjects = _count_by("study", Subject.objects.filter(study__in=ids, withdrawn_at=None))
    aside = Count("pk", filter=~Q(set_aside=""))
    here = Case.objects.filter(study__in=ids, subject__withdrawn_at=None).order_by().values("study")
    cases: dict[int, Any] = {
        one["study"]: one for one in here.annotate(used=Count("pk", filter=Q(set_aside="")), aside=aside)
    }
    arms = _count_by("study", Arm.objects.filter(study__in=ids))
    present = Series.objects.filter(material.in_use("case__"), study__in=ids, active=True, echo=1)
    there = _count_by("study", present)
    shown = Presentation.objects.filter(study__in=ids).exclude(state=Presentation.State.VOID).order_by()
    pairs = shown.values("study").annotate(total=Count("pk"), confirmed=Count("pk", filter=Q(state="confirmed")))
    read: dict[int, Any] = {one["study"]: one for one in pairs}
    rows = []
    for member in members:
        pk = member.study_id
        of_cases = cases.get(pk, {"used": 0, "aside": 0})
        done = read.get(pk, {"total": 0, "confirmed": 0})
        rows.append(
            {
                "study": member.study,
                "member": member,
                "role": member.role,
                "subjects": subjects.get(pk, 0),
                "cases": of_cases["used"],
                "aside": of_cases["aside"],
                "there": there.get(pk, 0),
                "wanted": of_cases["used"] * arms.get(pk, 0),
                "total": done["total"],
                "confirmed": done["confirmed"],
            }
        )
    return rows


def _count_by(name: str, rows: QuerySet) -> dict[int, int]:
    return dict(rows.order_by().values_list(name).annotate(Count("pk")))


def studies_of(user: User) -> list[Membership]:
    """Roles as admin or analyst, the newest study first."""
    found = user.memberships.exclude(role=Role.READER).select_related("study")
    return list(found.order_by("-study__created_at", "-study__pk"))


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
    latest = heads.latest_alarms()
    found = [(study, latest[study.slug]) for study in studies if study.slug in latest]
    return [(study, alarm) for study, alarm in found if alarm.at > since]


def workers_and_disk(studies: list[ReaderStudy]) -> dict:
    """What the workers of this site do for these studies, and the room on its disk."""
    jobs = Job.objects.filter(study__in=studies).aggregate(
        running=Count("pk", filter=Q(state=Job.State.RUNNING)),
        waiting=Count("pk", filter=Q(state=Job.State.WAITING)),
        last_sign=Max("heartbeat_at"),
    )
    disk = shutil.disk_usage(settings.VAR_DIR)
    return {**jobs, "free": disk.free, "size": disk.total}


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
