"""What is the matter with the site, and who is told: looked at by the workers every minute."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from readerstudy.accounts.models import SiteRole, User
from readerstudy.archive import last_backup
from readerstudy.audit import heads
from readerstudy.audit.verify import lost_studies, problems
from readerstudy.jobs import disk
from readerstudy.jobs.clock import ago
from readerstudy.jobs.models import Alert, Job
from readerstudy.jobs.registry import chore
from readerstudy.jobs.selectors import workers
from readerstudy.jobs.services import request_job
from readerstudy.protocol.models import ReaderStudy
from readerstudy.states import State

logger = logging.getLogger(__name__)
VERIFY = "site.verify"
EVERY = 60.0  # seconds between two looks of one worker
STUCK = 30  # minutes
SLOW = 12  # hours
_looked_at = 0.0


@dataclass(frozen=True)
class Trouble:
    """One thing that is the matter: a name that stays the same while it lasts, and a sentence for people."""

    name: str
    sentence: str


def troubles() -> Iterator[Trouble]:
    """All that is the matter now."""
    yield from _of_jobs()
    yield from _of_disk()
    yield from _of_records()
    yield from _of_backup()


def _of_jobs() -> Iterator[Trouble]:
    there = workers()
    if not any(not worker.reason for worker in there):
        yield Trouble("no worker", "No worker takes jobs. Start one, or look at its log.")
    for worker in there:
        if worker.reason:
            yield Trouble(f"worker {worker.worker}"[:60], f"Worker {worker.worker} takes no jobs. {worker.reason}")
    running = Job.objects.filter(state=Job.State.RUNNING)
    waiting = Job.objects.filter(state=Job.State.WAITING, created_at__lt=ago(minutes=STUCK)).count()
    if waiting and not running.exists():
        yield Trouble("stuck jobs", f"{waiting} jobs have waited for over {STUCK} minutes while none runs.")
    if slow := running.filter(started_at__lt=ago(hours=SLOW)).count():
        yield Trouble("slow jobs", f"{slow} jobs have run for over {SLOW} hours.")
    failed = Job.objects.filter(state=Job.State.FAILED, finished_at__gt=ago(days=1)).count()
    if failed:
        yield Trouble("failed jobs", f"{failed} jobs failed within a day. The pages of their studies say why.")


def _of_disk() -> Iterator[Trouble]:
    if said := disk.problem():
        yield Trouble("disk full", f"{said} Uploads are refused and jobs wait.")
    elif disk.free() < 3 * disk.reserve():
        yield Trouble("disk", f"{disk.free() // disk.MEGABYTE:,} MB are free on the disk of the site.")


def last_verification() -> Job | None:
    """The last time that all records were followed to their ends."""
    return Job.objects.filter(function=VERIFY, state=Job.State.DONE).order_by("-finished_at").first()


def _of_records() -> Iterator[Trouble]:
    since = timezone.now() - timedelta(days=30)
    alarms = heads.latest_alarms()
    for slug in ReaderStudy.objects.filter(slug__in=alarms).values_list("slug", flat=True):
        if (found := alarms[slug]).at > since:
            yield Trouble(f"record {slug}"[:60], f"The record of {slug} does not hold. {found.sentence}")
    last = last_verification()
    for row in last.result["records"] if last else ():
        if row["problems"]:
            yield Trouble(
                f"verified {row['study']}"[:60],
                f"The record of {row['study']} does not hold: {row['problems'][0]} See `manage.py verify_audit`.",
            )


def _of_backup() -> Iterator[Trouble]:
    if settings.DEMO or not ReaderStudy.objects.exclude(state=State.DRAFT).exists():
        return
    at = last_backup.at()
    if at is None:
        yield Trouble("backup", "The site was never backed up. See `manage.py backup`.")
    elif (age := timezone.now() - at) > timedelta(days=settings.BACKUP_DAYS):
        allowed = f"at most {settings.BACKUP_DAYS:g} are allowed"
        yield Trouble("backup", f"The last backup is {age.days} days old; {allowed}.")


def verify_all() -> list[dict]:
    """Follow every record to its end: study, lines, end and what does not hold, of each."""
    found = [{"study": slug, "lines": 0, "head": "", "problems": [said]} for slug, said in lost_studies()]
    for study in ReaderStudy.objects.select_related("head").order_by("slug"):
        wrong = [str(problem) for problem in problems(study)]
        found.append({"study": study.slug, "lines": study.head.number, "head": study.head.sha256, "problems": wrong})
    return found


@chore
def look() -> None:
    """Keep the alerts as things are, tell of new ones by mail, and have all records verified once a day."""
    global _looked_at
    if time.monotonic() < _looked_at + EVERY:
        return
    _looked_at = time.monotonic()
    today = timezone.now().date().isoformat()
    request_job(function=VERIFY, label="All records", study=None, parameters={}, inputs={"day": today})
    update_alerts()


def update_alerts() -> None:
    """Keep the alerts as things are, and tell of new ones and of those that are over."""
    now = {trouble.name: trouble.sentence for trouble in troubles()}
    for name, sentence in now.items():
        alert, _ = Alert.objects.get_or_create(name=name, defaults={"sentence": sentence, "since": Now()})
        if alert.sentence != sentence:
            Alert.objects.filter(pk=alert.pk).update(sentence=sentence)
        if Alert.objects.filter(pk=alert.pk, told_at=None).update(told_at=Now()) and not _tell("Look", sentence):
            Alert.objects.filter(pk=alert.pk).update(told_at=None)  # tried again at the next look
    for alert in Alert.objects.exclude(name__in=now):
        if alert.delete()[0] and alert.told_at:
            _tell("Over", alert.sentence)


def _tell(word: str, sentence: str) -> bool:
    """Whether those who are to know were told; where there are none, this log is all."""
    logger.warning("%s: %s", word, sentence)
    to = settings.ALERTS_TO or list(operators().exclude(email="").values_list("email", flat=True))
    if not to:
        return True
    try:
        send_mail(f"Reader study: {word.lower()}", f"{word}: {sentence}\n", None, to)
    except OSError as error:  # of the network; smtplib's errors too
        logger.error("The mail could not be sent: %s", type(error).__name__)
        return False
    return True


def operators():
    """Accounts that operate the site."""
    return User.objects.filter(Q(operates=True) | Q(is_superuser=True), is_active=True)


def may_operate(user: User) -> bool:
    """Whether this person operates the site."""
    return user.may(SiteRole.OPERATES)
