"""Volumes of interest on the page of a case, their features on every arm, and the table that leaves."""

import csv
import gzip
import io
import json

import nibabel
import numpy as np
import pytest
import SimpleITK
from django.conf import settings as site
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from processing.nifti import write_nifti
from processing.radiomics.images import itk_image, itk_mask
from processing.radiomics.settings import read_settings
from processing.volume import Volume
from readerstudy.accounts.services import add_member
from readerstudy.archive.store import put_file
from readerstudy.archive.store import read as read_archive
from readerstudy.audit.models import Event
from readerstudy.images import radiomics, tables
from readerstudy.images.models import RADIOMICS, Feature
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import ask_for_missing, claim
from readerstudy.jobs.tasks import perform
from readerstudy.material import volumes
from readerstudy.material.alignments import placing
from readerstudy.material.models import Alignment, Case, VolumeOfInterest
from readerstudy.material.services import add_series, place_series
from readerstudy.protocol.services import create_study
from tests import factories
from tests.pages import html

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
AFFINE = np.array([[0.0, 0.0, 4.0, -8.0], [0.8, 0.0, 0.0, 5.0], [0.0, -0.8, 0.0, 30.0], [0.0, 0.0, 0.0, 1.0]])
SHAPE = (5, 24, 20)
RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def series_of(path, seed: int, affine=AFFINE) -> dict:
    rng = np.random.default_rng(seed)
    z, y, x = np.mgrid[tuple(slice(size) for size in SHAPE)].astype(float)
    array = np.round(500 + 120 * np.sin(x / 3) * np.cos(y / 4) + 9 * z + rng.normal(0, 20, SHAPE))
    sha256, size = put_file(write_nifti(Volume(array, affine), path / f"{seed}.nii.gz"))
    volume = volumes.load_files([sha256], "nifti")
    return {"instances": [(sha256, size)], "format": "nifti", **volumes.series_fields(volume)}


@pytest.fixture
def case(tmp_path) -> Case:
    """A draft with one case: SOC, FAST moved by two voxels to the patient's back, and what is made of both."""
    study = create_study(title="VOI", user=factories.make_user(staff=True), model_name="m")
    arms = {arm.code: arm for arm in study.arms.all()}
    moved = AFFINE.copy()
    moved[1, 3] += 1.6
    placed = {"study": study, "subject_code": "S01", "region": "lumbar", "plane": "sagittal", "weighting": "T2"}
    made = {"model_name": "m", "model_version": "1", "model_sha256": "0" * 64}
    for number, (code, affine) in enumerate([("SOC", AFFINE), ("FAST", moved)]):
        source = place_series(arm=arms[code], **placed, **series_of(tmp_path, number, affine))
        facts = series_of(tmp_path, 10 + number, affine)
        add_series(case=source.case, arm=arms[f"{code}-DL"], replace=False, made_from=source, **made, **facts)
    align(source.case, np.eye(4), used=False)
    return source.case


def align(case: Case, matrix: np.ndarray, *, used: bool = True) -> None:
    Alignment.objects.update_or_create(
        fixed=on(case, "SOC"),
        moving=on(case, "FAST"),
        defaults={
            "study": case.study,
            "matrix": matrix.tolist(),
            "quality": {"used": used},
            "conventions": {},
            "picture": "",
        },
    )
    factories.log_as_is(case.study)


@pytest.fixture
def admin(case) -> Client:
    return signed_in(case.study.memberships.get(role="admin").user)


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def on(case: Case, arm: str):
    return case.series.get(active=True, arm__code=arm)


def nifti_mask(labels: np.ndarray | None = None, affine=AFFINE) -> SimpleUploadedFile:
    if labels is None:
        labels = np.zeros(SHAPE, np.uint8)
        labels[1:4, 6:14, 5:12] = 1
    image = nibabel.Nifti1Image(np.transpose(labels, (2, 1, 0)), RAS @ affine)
    image.header["descrip"] = b"Mustermann, Erika"
    return SimpleUploadedFile("Mustermann.nii", image.to_bytes())


def send(client: Client, case: Case, *files, arm: str = "SOC", **fields):
    page = f"/studies/{case.study.slug}/material/cases/{case.pk}/masks/"
    return client.post(page, {"masks": list(files), "drawn_on": on(case, arm).pk, **fields}, follow=True)


def work(study) -> None:
    for job in Job.objects.filter(study=study, function=RADIOMICS, state="waiting"):
        perform(claim(job_id=job.pk, worker="test"))


def page(case: Case, path: str = "") -> str:
    return f"/studies/{case.study.slug}/images/radiomics/{path}"


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_a_mask_gives_features_on_every_arm_as_pyradiomics_has_them(admin, case):
    assert send(admin, case, nifti_mask(), name="L4").status_code == 200
    work(case.study)
    assert set(Job.objects.filter(function=RADIOMICS).values_list("state", flat=True)) == {"done"}
    rows = list(tables.features(case.study))
    assert len(rows) == 4 * 107
    assert {(row["subject"], row["roi"], row["status"]) for row in rows} == {("S01", "L4", "ok")}

    from radiomics.featureextractor import RadiomicsFeatureExtractor

    soc = volumes.load(on(case, "SOC"))
    inside = np.zeros(SHAPE, bool)
    inside[1:4, 6:14, 5:12] = True
    image, mask = itk_image(soc), itk_mask(inside, soc.affine)
    expected = RadiomicsFeatureExtractor(additionalInfo=False).execute(image, SimpleITK.Cast(mask, SimpleITK.sitkInt32))
    found = {f"{row['image_type']}_{row['feature']}": row["value"] for row in rows if row["arm"] == "SOC"}
    assert found == pytest.approx({name: float(value) for name, value in expected.items()}, rel=1e-9)
    # Without an alignment both acquisitions share the patient's coordinates: FAST lies two voxels further back.
    fast = volumes.load(on(case, "FAST")).array[1:4, 6:14, 3:10]
    (mean,) = (row["value"] for row in rows if row["arm"] == "FAST" and row["feature"] == "firstorder_Mean")
    assert mean == pytest.approx(fast.mean(), rel=1e-6)


@pytest.mark.django_db(transaction=True)
def test_the_alignment_of_an_acquisition_carries_the_mask_to_it_and_to_what_is_made_from_it(admin, case):
    send(admin, case, nifti_mask(), name="L4")
    work(case.study)
    matrix = np.eye(4)
    matrix[1, 3] = 1.6  # undoes what moved FAST
    align(case, matrix)
    assert ask_for_missing(case.study, case=case) >= 2
    work(case.study)
    by_arm = {row["arm"]: row["value"] for row in tables.features(case.study) if row["feature"] == "firstorder_Mean"}
    assert len(list(tables.features(case.study))) == 4 * 107
    for arm in ("FAST", "FAST-DL"):
        expected = volumes.load(on(case, arm)).array[1:4, 6:14, 5:12].mean()
        assert by_arm[arm] == pytest.approx(expected, rel=1e-6)
        assert placing(on(case, "SOC"), on(case, arm)).how == "aligned"
    assert np.allclose(placing(on(case, "FAST-DL"), on(case, "SOC-DL")).matrix, np.linalg.inv(matrix))
    assert "aligned" in html(admin.get(page(case)))


def test_a_refused_alignment_carries_nothing(case):
    placed = placing(on(case, "SOC"), on(case, "FAST"))
    assert (placed.matrix, placed.how) == (None, "same patient coordinates, not aligned")


@pytest.mark.django_db(transaction=True)
def test_features_of_another_acquisition_wait_for_its_alignment(admin, case):
    Alignment.objects.all().delete()
    send(admin, case, nifti_mask(), name="L4")
    asked = Job.objects.filter(function=RADIOMICS)
    assert {job.label for job in asked} == {f"L4 of {case.code} on {arm}" for arm in ("SOC", "SOC-DL")}
    align(case, np.eye(4))
    assert ask_for_missing(case.study, case=case) == 5  # two more of features, two of metrics, measures anew
    assert asked.all().count() == 4


@pytest.mark.django_db(transaction=True)
def test_names_in_files_and_of_files_do_not_leave(admin, case):
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:3, 4:8, 4:8], labels[2:4, 12:16, 4:8] = 1, 2
    image = SimpleITK.GetImageFromArray(labels)
    image.SetSpacing((0.8, 0.8, 4.0))
    image.SetDirection((0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0))
    image.SetOrigin((-8.0, 5.0, 30.0))
    for number, name in enumerate(("Vertebral body L4", "Erika")):
        image.SetMetaData(f"Segment{number}_Name", name)
        image.SetMetaData(f"Segment{number}_LabelValue", str(number + 1))
    path = site.QUARANTINE_DIR.parent / "mask.seg.nrrd"
    SimpleITK.WriteImage(image, str(path))
    send(admin, case, SimpleUploadedFile("Erika.seg.nrrd", path.read_bytes()), nifti_mask())
    names = list(VolumeOfInterest.objects.values_list("name", flat=True))
    assert sorted(names) == ["VOI1", "VOI2", "Vertebral body L4"]
    for volume in VolumeOfInterest.objects.all():
        header = nibabel.Nifti1Image.from_bytes(gzip.decompress(read_archive(volume.sha256))).header
        assert not bytes(header["descrip"]).strip(b"\0")
    assert not list(site.QUARANTINE_DIR.glob("*"))  # nothing of the request is left
    log = json.dumps(list(Event.objects.values()), default=str)
    assert "Erika" not in log


@pytest.mark.parametrize(
    ("files", "fields", "said"),
    [
        ([], {}, "Choose a file"),
        ([SimpleUploadedFile("a.nii", b"nothing")], {}, "DICOM segmentation or structure set"),
        ([nifti_mask(affine=AFFINE + np.array([[0, 0, 0, 500.0]] + [[0] * 4] * 3))], {}, "lies on this series"),
        ([nifti_mask(), nifti_mask(np.full(SHAPE, 0.5, np.float32))], {}, "whole numbers"),
        ([nifti_mask()], {"name": "<b>"}, "letters, digits"),
        ([nifti_mask()], {"drawn_on": "x"}, "on which series"),
    ],
)
def test_what_cannot_be_taken_is_said_and_nothing_is_kept(admin, case, files, fields, said):
    for file in files:
        file.seek(0)
    assert said in html(send(admin, case, *files, **fields))
    assert not VolumeOfInterest.objects.exists()
    assert not list(site.QUARANTINE_DIR.glob("*"))


@pytest.mark.django_db(transaction=True)
def test_a_name_stands_once_and_a_removed_volume_can_be_called_back(admin, case):
    send(admin, case, nifti_mask(), name="L4")
    assert "already" in html(send(admin, case, nifti_mask(), name="L4"))
    work(case.study)
    (volume,) = VolumeOfInterest.objects.all()
    change = f"/studies/{case.study.slug}/material/masks/{volume.pk}/"
    admin.post(change)
    assert list(tables.features(case.study)) == []
    assert "Call back" in html(admin.get(f"/studies/{case.study.slug}/material/cases/{case.pk}/"))
    admin.post(change, {"back": "1"})
    assert len(list(tables.features(case.study))) == 4 * 107
    admin.post(change)
    send(admin, case, nifti_mask(), name="L4")
    assert "another volume" in html(admin.post(change, {"back": "1"}, follow=True))


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_new_settings_are_computed_again_and_old_ones_come_back_without_work(admin, case):
    send(admin, case, nifti_mask(), name="L4")
    work(case.study)
    first = {row["settings_hash"] for row in tables.features(case.study)}
    admin.post(page(case, "settings/"), {"bins": "count", "value": "32", "normalise": "on"})
    assert list(tables.features(case.study)) == []  # outdated values do not mix with new ones
    work(case.study)
    second = {row["settings_hash"] for row in tables.features(case.study)}
    assert len(second) == 1 != first & second
    assert "32 bins" in html(admin.get(page(case)))
    assert Feature.objects.count() == 2 * 4 * 107
    admin.post(page(case, "settings/"), {"preset": "pyradiomics"})
    assert {row["settings_hash"] for row in tables.features(case.study)} == first
    assert not Job.objects.filter(function=RADIOMICS, state="waiting").exists()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"bins": "width", "value": "0"}, "above 0"),
        ({"bins": "width", "value": "wide"}, "are numbers"),
        ({"bins": "count", "value": "1.5"}, "whole number"),
        ({"preset": "moummad105"}, "There is no preset moummad105; there are"),
        ({"file": SimpleUploadedFile("s.yaml", b"setting: {binWidth: many}")}, "does not take these settings"),
        ({"file": SimpleUploadedFile("s.yaml", b"\xff\xfe")}, "is no text"),
    ],
)
def test_settings_that_cannot_hold_are_said(admin, case, fields, said):
    if "file" in fields:
        fields["file"].seek(0)
    assert said in html(admin.post(page(case, "settings/"), fields, follow=True))
    assert radiomics.active_settings(case.study).sha256 == read_settings().sha256


@pytest.mark.django_db(transaction=True)
def test_the_table_is_one_that_the_analysis_reads(admin, case, tmp_path):
    from analysis.stability import analyse
    from analysis.tables import read_features

    for name, start in (("L3", 2), ("L4", 8), ("L5", 14)):
        labels = np.zeros(SHAPE, np.uint8)
        labels[1:4, start : start + 6, 5:12] = 1
        send(admin, case, nifti_mask(labels), name=name)
    work(case.study)
    answer = admin.get(page(case, "features.csv"))
    path = tmp_path / "features.csv"
    path.write_bytes(b"".join(answer.streaming_content))
    assert {row["roi"] for row in csv.DictReader(io.StringIO(path.read_text()))} == {"L3", "L4", "L5"}
    found = analyse(read_features(path), reference="SOC")
    assert [(arm["n_rois"], arm["n_features"]) for arm in found["arms"]] == [(3, 107)] * 3


@pytest.mark.django_db(transaction=True)
def test_pages_and_pictures_are_for_admins_and_analysts_only(admin, case):
    send(admin, case, nifti_mask(), name="L4")
    work(case.study)
    (volume,) = VolumeOfInterest.objects.all()
    picture = f"/studies/{case.study.slug}/material/masks/{volume.pk}/{on(case, 'FAST').pk}/picture.png"
    members = {
        role: signed_in(add_member(study=case.study, user=factories.make_user(), role=role).user)
        for role in ("reader", "analyst")
    }
    for address in (page(case), page(case, "features.csv"), picture):
        assert admin.get(address).status_code == members["analyst"].get(address).status_code == 200
        assert members["reader"].get(address).status_code == 404
    assert members["analyst"].post(page(case, "settings/"), {"count": "8"}).status_code == 404


def test_a_study_without_masks_says_where_to_add_them(admin, case):
    assert "No volume of interest yet" in html(admin.get(page(case)))
