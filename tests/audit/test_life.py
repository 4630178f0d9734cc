"""The ordinary life of a study, through the services that people use: after every step `verify_audit` finds nothing.

A service that changes sealed rows and forgets to log it is found here.
"""

import uuid

import numpy as np
import pytest
from django.test import Client

from processing.nifti import write_nifti
from processing.volume import Volume
from readerstudy.accounts.services import add_member, add_person, remove_member
from readerstudy.audit.verify import lost_studies, problems
from readerstudy.enhancement import model_runs
from readerstudy.images.feature_settings import change_settings
from readerstudy.images.models import Feature, Metric
from readerstudy.intake import services as intake
from readerstudy.jobs.models import Job
from readerstudy.material.services import set_feedback, set_training
from readerstudy.material.volumes_of_interest import call_back, remove
from readerstudy.protocol.models import Criterion
from readerstudy.protocol.services import change_parts, create_study, move, save_settings
from readerstudy.reading import amendments
from readerstudy.reading.guesses import pair_to_ask_about
from readerstudy.reading.models import Finding
from readerstudy.reading.opening import request_opening
from readerstudy.reading.services import (
    finish,
    guess,
    rate,
    report_finding,
    report_time,
    skip,
    start,
    withdraw_finding,
)
from readerstudy.reading.signatures import sign
from readerstudy.reading.unblinding import unblind
from readerstudy.reading.whole_record import note_export
from readerstudy.results.services import note_seen
from readerstudy.states import State
from tests import factories
from tests.intake.test_import import write_series
from tests.material.models import make_model
from tests.tampering import run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases, pytest.mark.slow]

FEW = {"imageType": {"Original": {}}, "featureClass": {"firstorder": ["Mean"]}}


@pytest.fixture(autouse=True)
def models(settings, tmp_path):
    settings.MODELS_DIR = tmp_path / "models"
    for name in ("own", "more"):
        make_model(settings.MODELS_DIR, name)


def holds(study, after: str) -> None:
    """Nothing is wrong, and no job failed."""
    study.refresh_from_db()
    failed = [(job.label, job.error) for job in Job.objects.filter(study=study, state="failed")]
    assert (after, failed, list(problems(study)), list(lost_studies())) == (after, [], [], [])


def upload(study, folder, patients: dict[str, int], actor) -> None:
    """SOC and FAST of these patients, sorted and placed; what follows is made."""
    for patient, number in patients.items():
        for arm, code in enumerate(("SOC", "FAST")):
            write_series(folder / patient / code, 10 * number + arm, PatientID=patient, PatientName=patient)
    intake.receive_folder(study=study, folder=folder, actor=actor)
    factories.work_off(study)
    first = study.candidates.filter(state="proposed").first()
    intake.dismiss(candidate=first, actor=actor)
    intake.call_back(candidate=first, actor=actor)
    placed, said = intake.confirm_certain(study=study, actor=actor)
    assert (placed, said) == (2 * len(patients), [])
    factories.work_off(study)


def send_mask(study, case, client, folder) -> None:
    drawn_on = case.series.get(active=True, arm__code="SOC")
    labels = np.zeros((drawn_on.slices, drawn_on.rows, drawn_on.columns))
    labels[1:5, 10:40, 10:40] = 1
    mask = write_nifti(Volume(labels, np.array(drawn_on.affine)), folder / "mask.nii.gz")
    with mask.open("rb") as file:
        client.post(
            f"/studies/{study.slug}/material/cases/{case.pk}/masks/",
            {"masks": [file], "drawn_on": drawn_on.pk, "name": "VOI1"},
        )
    factories.work_off(study)


def write(pair) -> dict:
    """Key and state of the next write of a browser that shows this pair."""
    return {"key": uuid.uuid4(), "on": factories.now(pair)}


def read(member) -> None:
    """A whole list: the first pair put off, one answer changed, findings, time, questions on blinding, signature."""
    first = member.presentations.order_by("position").first()
    skip(presentation=start(presentation=first), reason="The images do not load", **write(first))
    for pair in member.presentations.exclude(state="void").order_by("skipped_at", "position"):
        pair = start(presentation=pair)
        report_finding(presentation=pair, kind="loss", side="left", i=1, j=2, k=3, **write(pair))
        withdraw_finding(finding=Finding.objects.filter(presentation=pair).get(), **write(pair))
        report_time(presentation=pair, seconds=2.5, key=uuid.uuid4(), seen={"left": [0, 1], "right": [0]})
        factories.read_pair(pair)
        pair.refresh_from_db()
        rate(presentation=pair, criterion=member.study.criteria.first(), score=4, status="rated", **write(pair))
        report_finding(presentation=pair, kind="creation", side="right", **write(pair))
    finish(member=member, key=uuid.uuid4())
    while pair := pair_to_ask_about(member):
        guess(presentation=pair, side="left", **write(pair))
    sign(member=member, proof=factories.proof_of(member.user))


def test_nothing_is_wrong_after_any_step_of_a_studys_life(tmp_path):
    admin = factories.make_user("head", staff=True)
    study = create_study(title="Life", user=admin, model_name="own")
    holds(study, "made")
    readers = [add_member(study=study, user=factories.make_user(), role="reader", actor=admin) for _ in range(2)]
    remove_member(member=add_member(study=study, user=factories.make_user(), role="analyst"), actor=admin)
    add_person(study=study, username="new-one", role="analyst", new=True, actor=admin)
    save_settings(study=study, actor=admin, margin_mean="0.25", guesses=2, require_all_slices=False)
    changed = study.criteria.get(place=1)
    changed.better = "less of it"
    more = Criterion(study=study, code="more", name="More", asks="a", better="b", place=20)
    change_parts(study=study, actor=admin, changed=[changed, more], removed=[study.criteria.get(place=2)])
    holds(study, "protocol")

    upload(study, tmp_path / "first", {"A": 1, "B": 2}, admin)
    assert Metric.objects.exists()
    holds(study, "material")
    case = study.cases.order_by("code").first()
    set_training(case=case, training=True, actor=admin)
    set_feedback(case=case, text="See the left.", actor=admin)
    set_training(case=case, training=False, actor=admin)
    client = Client()
    client.force_login(admin)
    change_settings(study=study, source=FEW, actor=admin)
    send_mask(study, case, client, tmp_path)
    assert Feature.objects.exists()
    volume = case.volumes_of_interest.get()
    remove(volume=volume, actor=admin)
    call_back(volume=volume, actor=admin)
    change_settings(study=study, source=FEW | {"setting": {"binWidth": 10}}, actor=admin)
    model_runs.run(study=study, arm=study.arms.get(code="FAST-DL"), model="more", actor=admin)
    factories.work_off(study)
    assert set(study.series.filter(arm__code="FAST-DL", active=True).values_list("model_name", flat=True)) == {"more"}
    holds(study, "features, another model")

    dropped = study.comparisons.exclude(pk=study.primary_comparison_id).first()
    change_parts(study=study, actor=admin, changed=[], removed=[dropped])
    factories.work_off(study)
    holds(study, "a comparison less")
    request_opening(study=study, actor=admin)
    factories.work_off(study)
    holds(study, "opening")
    assert study.state == "open"

    read(readers[0])
    holds(study, "a list")
    unblind(study=study, proof=factories.proof_of(admin), what="R2-0001", reason="a safety question")
    member, *_ = amendments.add_reader(study=study, username="late", new=True, reason="R2 is ill", actor=admin)
    upload(study, tmp_path / "second", {"C": 3}, admin)
    new = study.cases.get(presentations=None)
    amendments.add_cases(study=study, cases=[new], reason="too few", actor=admin)
    holds(study, "amendments")
    read(readers[1])
    withdrawn = case.subject
    amendments.withdraw_subject(study=study, subject=withdrawn, reason="asked to", actor=admin)
    factories.work_off(study)
    holds(study, "withdrawal")
    for to in (State.PAUSED, State.OPEN, State.CLOSED):
        move(study=study, to=to, actor=admin)
        holds(study, to)
    note_seen(study=study, user=admin)
    note_export(study=study, user=admin, file="ratings.csv")
    move(study=study, to=State.LOCKED, actor=admin)
    note_export(study=study, user=admin, file="ratings.csv")
    remove_member(member=study.memberships.get(user__username="new-one"), actor=admin)
    holds(study, "locked")
    assert member.code == "R3"

    run("UPDATE results_metric SET value = 2")
    assert list(problems(study))
