"""Two acquisitions of a case: registered by a job, then compared before and after."""

import io

import numpy as np
import pytest
from django.test import Client
from PIL import Image
from scipy import ndimage

from processing.nifti import write_nifti
from processing.volume import Volume
from readerstudy.archive.store import put_file
from readerstudy.images.models import Metric
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import claim
from readerstudy.jobs.tasks import perform
from readerstudy.material import volumes
from readerstudy.material.alignments import AWAITED, placing, to_register
from readerstudy.material.models import Alignment, Case
from readerstudy.material.services import place_series
from readerstudy.protocol.services import create_study
from tests import factories
from tests.pages import html

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
AFFINE = np.array([[0.0, 0.0, 4.0, -30.0], [1.2, 0.0, 0.0, -60.0], [0.0, -1.2, 0.0, 60.0], [0.0, 0.0, 0.0, 1.0]])
BACK = 5.0  # mm: the patient of FAST lies so much further back


@pytest.fixture(scope="module")
def anatomy() -> np.ndarray:
    """A smooth head-like blob with structures, (slices, rows, columns)."""
    rng = np.random.default_rng(3)
    z, y, x = np.mgrid[-1:1:16j, -1:1:100j, -1:1:100j]
    inside = (x / 0.8) ** 2 + (y / 0.85) ** 2 + (z / 1.1) ** 2 < 1
    texture = ndimage.gaussian_filter(rng.normal(size=inside.shape), (1, 4, 4))
    return np.where(inside, 600 + 2500 * texture, 0) + np.abs(rng.normal(0, 8, inside.shape))


def place(tmp_path, study, arm: str, array: np.ndarray, affine=AFFINE) -> Case:
    sha256, size = put_file(write_nifti(Volume(np.round(array), affine), tmp_path / f"{arm}.nii.gz"))
    facts = volumes.series_fields(volumes.load_files([sha256], "nifti"))
    return place_series(
        study=study,
        subject_code="S01",
        region="brain",
        plane="sagittal",
        weighting="T2",
        arm=study.arms.get(code=arm),
        instances=[(sha256, size)],
        format="nifti",
        **facts,
    ).case


@pytest.fixture
def study():
    return create_study(title="Moved", user=factories.make_user(staff=True), model_name="denoise")


def work(study, *functions: str) -> None:
    while job := Job.objects.filter(study=study, function__in=functions, state="waiting").first():
        perform(claim(job_id=job.pk, worker="test"))


@pytest.fixture
def case(study, anatomy, tmp_path, django_capture_on_commit_callbacks) -> Case:
    """SOC, and FAST whose patient moved."""
    moved = ndimage.shift(anatomy, (0, 0, BACK / 1.2), order=1)
    with django_capture_on_commit_callbacks(execute=True):
        place(tmp_path, study, "SOC", anatomy)
        return place(tmp_path, study, "FAST", moved)


def signed_in(study) -> Client:
    client = Client()
    client.force_login(study.memberships.get(role="admin").user)
    return client


@pytest.mark.both_databases
def test_a_moved_patient_is_found_and_shown_before_and_after(case):
    pair = placing(case.series.get(arm__code="SOC"), case.series.get(arm__code="FAST"))
    assert pair.how == AWAITED
    work(case.study, "material.register")
    found = Alignment.objects.get()
    assert (found.fixed.arm.code, found.moving.arm.code) == ("SOC", "FAST")
    assert np.array(found.matrix)[:3, 3] == pytest.approx([0, BACK, 0], abs=0.3)
    assert found.shift == pytest.approx(BACK, abs=0.3)
    assert found.quality["after"]["nmi"] > found.quality["before"]["nmi"]
    client = signed_in(case.study)
    page = html(client.get(f"/studies/{case.study.slug}/material/cases/{case.pk}/"))
    assert "Registration" in page
    assert f"{found.shift:.1f} mm" in page
    picture = Image.open(
        io.BytesIO(client.get(f"/studies/{case.study.slug}/material/alignments/{found.pk}/picture.png").content)
    )
    before, after = np.asarray(picture)[:, :480].astype(int), np.asarray(picture)[:, -480:].astype(int)
    fringes = [np.abs(half[..., 0] - half[..., 2]).mean() for half in (before, after)]
    assert fringes[1] < fringes[0] / 2


def test_metrics_of_two_acquisitions_come_before_and_after_registration(case):
    work(case.study, "results.compare")
    assert set(Metric.objects.values_list("registered", flat=True)) == {False}
    work(case.study, "material.register", "results.compare")
    l1 = {m.registered: m.value for m in Metric.objects.filter(metric="l1", region="foreground")}
    assert l1[True] < l1[False] / 2
    assert Metric.objects.filter(registered=True).values("settings_hash").distinct().count() == 1
    work(case.study, "material.register", "results.compare")
    assert Metric.objects.filter(registered=True, region="whole", metric="ssim").count() == 1


def test_two_slices_are_not_registered_and_the_page_says_why(
    study, anatomy, tmp_path, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        place(tmp_path, study, "SOC", anatomy[7:9])
        case = place(tmp_path, study, "FAST", anatomy[7:9] * 0.9)
    work(study, "material.register", "results.compare")
    assert not Job.objects.filter(study=study, state="failed").exists()
    assert not Alignment.objects.get().quality["used"]
    assert set(Metric.objects.values_list("registered", flat=True)) == {False}
    page = html(signed_in(study).get(f"/studies/{study.slug}/material/cases/{case.pk}/"))
    assert "not registered: Registration needs at least 3 slices" in page


def test_what_dl_made_lies_where_its_source_lies(case):
    work(case.study, "material.register")
    arms = list(case.study.arms.all())
    there = {one.arm_id: one for one in case.series.filter(active=True)}
    assert [(a.arm.code, b.arm.code) for a, b in to_register(arms, there)] == [("SOC", "FAST")]


def test_the_picture_of_another_study_is_not_found(case):
    work(case.study, "material.register")
    other = create_study(title="Other", user=factories.make_user(staff=True), model_name="denoise")
    address = f"/studies/{other.slug}/material/alignments/{Alignment.objects.get().pk}/picture.png"
    assert signed_in(other).get(address).status_code == 404
