"""The demonstration: two synthetic reader studies, made through the same code as real ones."""

import os
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from processing.enhancement.enhance import DEFAULT_MODEL
from processing.simulate.phantom.study import make_study
from readerstudy.accounts.demonstration import ACCOUNTS, PASSWORD
from readerstudy.accounts.models import Role, User
from readerstudy.accounts.services import add_member
from readerstudy.home.simulation import SimulatedReader
from readerstudy.intake.services import confirm_certain, receive_folder
from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import obstacles
from readerstudy.jobs.services import claim, retry
from readerstudy.jobs.tasks import perform
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import create_study, move, save_settings
from readerstudy.reading.services import open_study
from readerstudy.states import State

Say = Callable[[str], None]


def accounts() -> dict[str, User]:
    """The demonstration's accounts, made once."""
    users = {}
    for name, staff in ACCOUNTS.items():
        user, created = User.objects.get_or_create(username=name, defaults={"is_staff": staff})
        if created:
            user.set_password(PASSWORD)
            user.save()
        users[name] = user
    return users


def help_until_done(study: ReaderStudy, say: Say) -> None:
    """Do waiting jobs beside the worker (or instead of one) until none is left. RuntimeError if one fails."""
    told = 0.0
    while True:
        pending = Job.objects.filter(study=study, state__in=[Job.State.WAITING, Job.State.RUNNING])
        waiting = pending.filter(state=Job.State.WAITING).order_by("pk").values_list("pk", flat=True).first()
        if failed := Job.objects.filter(study=study, state=Job.State.FAILED).first():
            raise RuntimeError(f"{failed.label}: {failed.error}")
        if said := obstacles():
            raise RuntimeError(said)
        if not pending.exists():
            return
        if time.monotonic() - told > 10:
            told = time.monotonic()
            say(f"  {Job.objects.filter(study=study, state=Job.State.DONE).count()} jobs done, {pending.count()} to go")
        if waiting and (job := claim(job_id=waiting, worker="seed_demo")):
            perform(job)
        else:
            time.sleep(0.2)


def make_demo_study(*, title: str, subjects: int, seed: int, users: dict[str, User], say: Say) -> ReaderStudy:
    """A draft with synthetic material, ready to open. Goes on where an interrupted run stopped."""
    study = ReaderStudy.objects.filter(title=title).first()
    if study is None:
        study = create_study(
            title=title,
            reader_title="Synthetic spine MRI, paired reading",
            user=users["admin"],
            synthetic=True,
            description="Synthetic phantom images: nobody's anatomy. SOC and FAST are simulated acquisitions.",
            model_name=DEFAULT_MODEL,
        )
        save_settings(
            study=study, actor=users["admin"], seed=seed, margin_mean=Decimal("0.25"), margin_net=Decimal("0.15")
        )
        for name in ("reader-1", "reader-2", "reader-3"):
            add_member(study=study, user=users[name], role=Role.READER, actor=users["admin"])
        add_member(study=study, user=users["analyst"], role=Role.ANALYST, actor=users["admin"])
    for job in Job.objects.filter(study=study, state=Job.State.FAILED):
        retry(job=job)
    if not study.uploads.exists():
        with tempfile.TemporaryDirectory() as folder:
            say(f"“{title}”: scanning {subjects} synthetic subjects.")
            make_study(
                Path(folder),
                subjects=subjects,
                seed=seed,
                processes=min(os.cpu_count() or 1, subjects),
                progress=lambda done, of: say(f"  {done} of {of} subjects scanned"),
            )
            say("  importing and de-identifying")
            receive_folder(study=study, folder=Path(folder), actor=users["admin"])
    if not study.cases.exists():
        help_until_done(study, say)
        placed, problems = confirm_certain(study=study, actor=users["admin"])
        if problems or not placed:
            raise RuntimeError("The synthetic series could not be placed: " + " ".join(problems))
    say("  enhancing FAST and SOC, comparing, preparing pairs")
    help_until_done(study, say)
    return study


def seed(say: Say) -> None:
    """Make what is missing of the demonstration; a complete one returns at once."""
    users = accounts()
    plan = [("Synthetic spine 1, read", 6, 11, True), ("Synthetic spine 2, to read", 4, 12, False)]
    for title, subjects, number, finished in plan:
        study = ReaderStudy.objects.filter(title=title).first()
        if study and (study.state == State.CLOSED or (study.state == State.OPEN and not finished and _read(study))):
            continue
        if study is None or study.state == State.DRAFT:
            study = make_demo_study(title=title, subjects=subjects, seed=number, users=users, say=say)
            study = open_study(study=study, actor=users["admin"])
        for member in study.memberships.filter(role=Role.READER).select_related("user", "study").order_by("code"):
            if finished or member.user.username != "reader-1":
                say(f"  {member.user.username} (simulated) reads")
                SimulatedReader.of(member, seed=number).read_all()
        if finished:
            move(study=study, to=State.CLOSED, actor=users["admin"])


def _read(study: ReaderStudy) -> bool:
    """Whether the simulated readers of the open study are through."""
    left = study.presentations.exclude(reader__user__username="reader-1").exclude(state="confirmed")
    return not left.exists()
