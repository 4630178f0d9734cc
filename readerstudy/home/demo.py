"""The demonstration: two reader studies, made through the same code as real ones."""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from processing.enhancement.enhance import DEFAULT_MODEL
from processing.simulate.phantom.study import make_study
from readerstudy.accounts.demonstration import ACCOUNTS, PASSWORD
from readerstudy.accounts.models import Role, SiteRole, User
from readerstudy.accounts.services import add_member
from readerstudy.home.real_series import ATTRIBUTION, write_real_series
from readerstudy.home.simulation import SimulatedReader
from readerstudy.intake.services import confirm_certain, receive_folder
from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import obstacles
from readerstudy.jobs.services import claim, retry
from readerstudy.jobs.tasks import perform
from readerstudy.material.services import set_feedback, set_training
from readerstudy.protocol import briefing
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import create_study, move, save_settings
from readerstudy.reading.services import open_study
from readerstudy.states import State

Say = Callable[[str], None]


def accounts() -> dict[str, User]:
    """The demonstration's accounts, made once."""
    users = {}
    for name, staff in ACCOUNTS.items():
        user, created = User.objects.get_or_create(username=name, defaults=dict.fromkeys(SiteRole.values, staff))
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


@dataclass(frozen=True)
class Demo:
    """One study of the demonstration. real: with the two real series; practice: pairs to begin with, of cases that
    have a word for the reader afterwards; read: to the end and closed, else up to the first reader's turn."""

    title: str
    reader_title: str
    subjects: int
    seed: int
    read: bool
    real: bool = False
    practice: int = 0

    @property
    def description(self) -> str:
        phantoms = "Synthetic phantom images: nobody's anatomy. SOC and FAST are simulated acquisitions."
        return f"{phantoms} {ATTRIBUTION} Their FAST is simulated from SOC." if self.real else phantoms


STUDIES = (
    Demo("Synthetic spine 1, read", "Synthetic spine MRI, paired reading", subjects=6, seed=11, read=True),
    Demo(
        "Spine 2, to read",
        "Spine MRI with two real necks, paired reading",
        subjects=4,
        seed=12,
        read=False,
        real=True,
        practice=2,
    ),
)
# What a reader is told after the practice pairs: it holds in any order, whichever arms were shown.
FEEDBACK = (
    "This was a phantom. Both images show the same anatomy, and nothing was taken out or put in: “none” was the answer "
    "on integrity. What may differ is noise and the finest detail. Where one image was clearly less noisy, 1 or 5 says "
    "so for SNR alone; where you saw no difference in the cord or the discs, 3 is an answer, not a way out.",
    "This was a phantom. Each criterion is asked by itself: an image may be less noisy and yet blur the edges of the "
    "discs. If a structure does not lie in these slices, X says that you cannot judge it; a guessed 3 would say that "
    "both are alike. Answers on practice pairs do not count.",
)


def make_demo_study(*, demo: Demo, users: dict[str, User], say: Say) -> ReaderStudy:
    """A draft with its material, ready to open. Goes on where an interrupted run stopped."""
    study = ReaderStudy.objects.filter(title=demo.title).first()
    if study is None:
        study = _with_protocol_and_people(demo, users)
    for job in Job.objects.filter(study=study, state=Job.State.FAILED):
        retry(job=job)
    if not study.uploads.exists():
        with tempfile.TemporaryDirectory() as folder:
            say(f"“{demo.title}”: scanning {demo.subjects} synthetic subjects.")
            make_study(
                Path(folder),
                subjects=demo.subjects,
                seed=demo.seed,
                processes=min(os.cpu_count() or 1, demo.subjects),
                progress=lambda done, of: say(f"  {done} of {of} subjects scanned"),
            )
            if demo.real:
                write_real_series(Path(folder) / "spine-generic")
            say("  importing and de-identifying")
            receive_folder(study=study, folder=Path(folder), actor=users["admin"])
    if not study.cases.exists():
        help_until_done(study, say)
        placed, problems = confirm_certain(study=study, actor=users["admin"])
        if problems or not placed:
            raise RuntimeError("The synthetic series could not be placed: " + " ".join(problems))
    _choose_practice(study, demo, users["admin"])
    say("  enhancing FAST and SOC, comparing, preparing pairs")
    help_until_done(study, say)
    return study


def _with_protocol_and_people(demo: Demo, users: dict[str, User]) -> ReaderStudy:
    admin = users["admin"]
    study = create_study(
        title=demo.title,
        reader_title=demo.reader_title,
        user=admin,
        synthetic=not demo.real,
        description=demo.description,
        model_name=DEFAULT_MODEL,
    )
    margins = {"margin_mean": Decimal("0.25"), "margin_net": Decimal("0.15")}
    practice = {"practice_pairs": demo.practice} if demo.practice else {}
    save_settings(study=study, actor=admin, seed=demo.seed, **margins, **practice)
    if demo.real:
        notes = f"{ATTRIBUTION} All others are phantoms: nobody's anatomy. Every pair holds simulated images."
        briefing.write(study=study, words=briefing.WORDS | {"notes": notes}, actor=admin)
    for name in ("reader-1", "reader-2", "reader-3"):
        add_member(study=study, user=users[name], role=Role.READER, actor=admin)
    add_member(study=study, user=users["analyst"], role=Role.ANALYST, actor=admin)
    return study


def _choose_practice(study: ReaderStudy, demo: Demo, admin: User) -> None:
    """The first cases are for practice, each with a word for the reader."""
    for case, text in zip(study.cases.order_by("code")[: demo.practice], FEEDBACK, strict=False):
        if not case.training:
            set_training(case=case, training=True, actor=admin)
        if not case.feedback:
            set_feedback(case=case, text=text, actor=admin)


def seed(say: Say) -> None:
    """Make what is missing of the demonstration; a complete one returns at once."""
    users = accounts()
    for demo in STUDIES:
        study = ReaderStudy.objects.filter(title=demo.title).first()
        if study and (study.state == State.CLOSED or (study.state == State.OPEN and not demo.read and _read(study))):
            continue
        if study is None or study.state == State.DRAFT:
            study = make_demo_study(demo=demo, users=users, say=say)
            study = open_study(study=study, actor=users["admin"])
        for member in study.memberships.filter(role=Role.READER).select_related("user", "study").order_by("code"):
            if demo.read or member.user.username != "reader-1":
                say(f"  {member.user.username} (simulated) reads")
                SimulatedReader.of(member, seed=demo.seed).read_all()
        if demo.read:
            move(study=study, to=State.CLOSED, actor=users["admin"])


def _read(study: ReaderStudy) -> bool:
    """Whether the simulated readers of the open study are through."""
    left = study.presentations.exclude(reader__user__username="reader-1").exclude(state="confirmed")
    return not left.exists()
