"""Four small reader studies, made through the site's own services, for somebody to tamper with."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import nibabel
import numpy as np
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from readerstudy.accounts.models import Membership
from readerstudy.accounts.services import add_member
from readerstudy.jobs import services as jobs
from readerstudy.material.services import set_training
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import move, save_protocol, save_settings
from readerstudy.reading import guesses, signatures
from readerstudy.reading.models import Presentation
from readerstudy.reading.services import confirm, guess, rate, report_finding, start, state
from readerstudy.reading.services import finish as finish_list
from readerstudy.states import State
from tests import factories, pixels

SCORES = [[4, 3, 3, 2], [3, 5, 3, 4]]
RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Studies:
    """Primary keys: `draft` is not opened, `open` has confirmed pairs and one being read, `closed` has metrics,
    features, guesses and signatures, `locked` cannot change."""

    draft: int
    open: int
    closed: int
    locked: int


def make() -> Studies:
    """All of them. Whatever a worker would do is done at once."""
    jobs.send = lambda job_id: None  # no queue here
    draft = factories.make_study(subjects=1, title="Draft")
    return Studies(draft=draft.pk, open=_half_read().pk, closed=_read().pk, locked=_locked().pk)


def _half_read() -> ReaderStudy:
    """Two readers, one of whom is at the third pair and has answered it without confirming it."""
    study = factories.make_study(subjects=3, readers=2, title="Open")
    add_member(study=study, user=factories.make_user(), role="analyst")
    study = factories.open_(study)
    for pair in _list_of(study, "R1")[:2]:
        factories.read_pair(pair, SCORES[0])
    pair = start(presentation=_list_of(study, "R1")[2])
    for criterion in study.criteria.all():
        _rate(pair, criterion, 2)
    say(pair, "diagnostic", "both")
    report_finding(
        presentation=pair, key=uuid.uuid4(), on=factories.now(pair), kind="loss", side="left", remark="a vessel"
    )
    return study


def _locked() -> ReaderStudy:
    study = factories.make_closed_study(subjects=1, title="Locked")
    for job in study.jobs.all():  # on pixels that these series do not have
        jobs.cancel(job=job)
    return move(study=study, to=State.LOCKED, actor=None)


def half_read_pair(studies: Studies) -> Presentation:
    """The pair of the open study that is answered and not confirmed."""
    found = Presentation.objects.filter(study=studies.open, state="in_progress")
    return found.select_related("study", "reader__user", "reader__study").get()


def finish(pair: Presentation) -> None:
    """Answer what is left on that pair, and confirm it."""
    say(pair, "integrity", "findings")
    confirm(presentation=pair, key=uuid.uuid4(), on=factories.now(pair), seen=factories.every_slice(pair))


def _read() -> ReaderStudy:
    """Four acquired arms with pixels, compared, with a mask; read to the end, asked, signed and closed."""
    study = factories.make_study(subjects=0, readers=2, title="Closed")
    admin = study.memberships.get(role="admin").user
    add_member(study=study, user=factories.make_user(), role="analyst", actor=admin)
    arms = list(study.arms.all())
    for arm in arms:
        arm.made_from, arm.model_name = None, ""
    save_protocol(study=study, actor=admin, instances=arms)
    for subject in range(3):
        for number, (arm, noise) in enumerate(pixels.NOISE.items()):
            volume = pixels.volume(noise, 10 * subject + number)
            factories.place_pixels(study, arm, volume, subject=f"S{subject:02d}")
    save_settings(study=study, actor=admin, margin_mean="0.25", margin_net="0.15", guesses=3)
    set_training(case=study.cases.get(subject__code="S02"), training=True, actor=admin)
    factories.work_off(study)
    _draw(study, Client())
    factories.work_off(study)
    study = factories.open_(ReaderStudy.objects.get(pk=study.pk))
    for number, code in enumerate(("R1", "R2")):
        pairs = _list_of(study, code)
        for pair in pairs:
            factories.read_pair(pair, SCORES[number])
        pairs[-1].refresh_from_db()
        _rate(pairs[-1], study.criteria.first(), 5)  # a correction after the confirmation
        member = Membership.objects.select_related("study", "user").get(study=study, code=code)
        finish_list(member=member, key=uuid.uuid4())
        while asked := guesses.pair_to_ask_about(member):
            guess(presentation=asked, side="left", key=uuid.uuid4(), on=factories.now(asked))
        signatures.sign(member=member, proof=factories.proof_of(member.user))
    return move(study=study, to=State.CLOSED, actor=admin)


def _list_of(study: ReaderStudy, code: str) -> list[Presentation]:
    mine = Presentation.objects.filter(study=study, reader__code=code)
    return list(mine.select_related("study", "reader__user", "reader__study").order_by("position"))


def _rate(pair: Presentation, criterion, score: int) -> None:
    rate(presentation=pair, criterion=criterion, score=score, status="rated", key=uuid.uuid4(), on=factories.now(pair))


def say(pair: Presentation, subject: str, value: str) -> None:
    """An answer about the pair as a whole."""
    state(presentation=pair, subject=subject, value=value, key=uuid.uuid4(), on=factories.now(pair))


def _draw(study: ReaderStudy, client: Client) -> None:
    """One volume of interest, sent as a file by the admin."""
    case = study.cases.filter(training=False).first()
    series = case.series.get(arm__code="SOC")
    labels = np.zeros((series.slices, series.rows, series.columns), np.uint8)
    labels[1:4, 10:20, 8:18] = 1
    mask = nibabel.Nifti1Image(np.transpose(labels, (2, 1, 0)), RAS @ np.array(series.affine, float))
    client.force_login(study.memberships.get(role="admin").user)
    page = f"/studies/{study.slug}/material/cases/{case.pk}/masks/"
    client.post(
        page,
        {"masks": [SimpleUploadedFile("mask.nii", mask.to_bytes())], "drawn_on": series.pk, "name": "disc"},
        headers={"host": "localhost"},
    )
    if not study.volumes_of_interest.exists():
        raise RuntimeError("The mask was not taken.")
