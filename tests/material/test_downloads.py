"""Images as they leave: as they are kept, or as a data set in BIDS; for admins and analysts, and noted."""

import csv
import gzip
import io
import json
import re
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest
from django.urls import reverse
from pydicom import dcmread, examples

from processing import bids
from processing.errors import InputError
from processing.series import read
from processing.sidecar import sidecar_of, with_sidecar
from processing.volume import Parameters
from readerstudy.access import writing
from readerstudy.access.models import Access
from readerstudy.accounts.models import Role
from readerstudy.accounts.services import add_member
from readerstudy.archive import store
from readerstudy.archive.downloads import zip_pieces
from readerstudy.archive.store import put_file
from readerstudy.material import volumes
from readerstudy.material.models import Series
from readerstudy.material.services import add_series, place_series
from readerstudy.protocol.services import create_study
from tests import factories
from tests.accounts.test_permissions import client_of
from tests.once import made_once

pytestmark = pytest.mark.django_db
PATH = examples.get_path("mr")


@made_once()
def study():
    """A DICOM series, what a model made of it, and a NIfTI series of another subject, in STIR."""
    study = create_study(title="Spine", user=factories.make_user(staff=True), model_name="resunet")
    for role in (Role.ANALYST, Role.READER):
        add_member(study=study, user=factories.make_user(), role=role)
    placed = {"region": "lumbar", "plane": "sagittal", "format": "dicom"}
    facts = volumes.series_fields(volumes.load_files([put_file(PATH)[0]], "dicom"))
    fast = place_series(
        study=study,
        subject_code="S-01",
        weighting="T2",
        arm=study.arms.get(code="FAST"),
        instances=[put_file(PATH)],
        **placed,
        **facts,
    )
    made = {"made_from": fast, "model_name": "resunet", "model_version": "2", "model_sha256": "ab" * 32}
    dl = study.arms.get(code="FAST-DL")
    kept = {"format": "dicom", "instances": [put_file(PATH)]} | facts
    add_series(case=fast.case, arm=dl, replace=False, **made, **(kept | {"sha256": "cd" * 32}))
    other = factories.place_pixels(study, "SOC", read(PATH), subject="S02")
    other.parameters |= {"simulated": "phantom", "te": 101.0}
    other.save()
    factories.log_as_is(study)
    return study


def taken(study, name: str, *, role: str = "analyst", form: str = "", **which) -> dict[str, bytes]:
    path = reverse(name, kwargs={"slug": study.slug, **which}) + (f"?as={form}" if form else "")
    answer = client_of(study.memberships.get(role=role).user).get(path)
    assert answer.status_code == 200, answer.content
    assert answer["Content-Disposition"].startswith(f'attachment; filename="{study.slug}')
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        assert archive.testzip() is None
        return {one: archive.read(one) for one in archive.namelist()}


def rows(files: dict[str, bytes]) -> list[dict]:
    return list(csv.DictReader(files["series.csv"].decode().splitlines()))


def test_files_leave_as_they_are_kept_and_a_table_says_what_they_are(study):
    files = taken(study, "images_zip")
    said = rows(files)
    assert [(row["subject"], row["arm"], row["format"], row["simulated"]) for row in said] == [
        ("S-01", "FAST", "dicom", ""),
        ("S-01", "FAST-DL", "dicom", ""),
        ("S02", "SOC", "nifti", "phantom"),
    ]
    assert (said[1]["made_from"], said[1]["model_name"]) == ("FAST", "resunet")
    assert files[f"{said[0]['file']}/0001.dcm"] == Path(PATH).read_bytes()
    assert len(files) == 4


def test_one_arm_case_or_series_leaves_alone(study):
    arm = study.arms.get(code="FAST-DL")
    series = Series.objects.get(arm=arm)
    for name, which, arms in (
        ("arm_images_zip", {"arm": arm.pk}, ["FAST-DL"]),
        ("case_images_zip", {"case": series.case_id}, ["FAST", "FAST-DL"]),
        ("series_images_zip", {"series": series.pk}, ["FAST-DL"]),
    ):
        assert [row["arm"] for row in rows(taken(study, name, **which))] == arms


def test_as_nifti_it_is_a_data_set_in_bids_with_what_models_made_as_derivatives(study):
    study.cases.filter(subject__code="S02").update(weighting="STIR")
    files = taken(study, "images_zip", form="nifti")
    image = "sub-S01/anat/sub-S01_acq-lumbarsagittalFAST"
    derived = f"derivatives/readerstudy/{image}_desc-FASTDL_T2w"
    assert {name.removesuffix(".nii.gz") for name in files if name.endswith(".nii.gz")} == {
        f"{image}_T2w",
        derived,
        "sub-S02/anat/sub-S02_acq-lumbarsagittalSOC_STIR",
    }
    source = read(PATH)
    written = nibabel.Nifti1Image.from_bytes(gzip.decompress(files[f"{image}_T2w.nii.gz"]))
    assert np.array_equal(np.transpose(written.get_fdata(), (2, 1, 0)), source.array)
    assert np.allclose(np.diag([-1, -1, 1, 1]) @ written.affine, source.affine)
    said = json.loads(files[f"{image}_T2w.json"])
    header = dcmread(PATH)
    assert said["RepetitionTime"] == pytest.approx(float(header.RepetitionTime) / 1000)
    assert said["EchoTime"] == pytest.approx(float(header.EchoTime) / 1000)
    said = json.loads(files[f"{derived}.json"])
    assert said["Sources"] == [f"bids:raw:{image}_T2w.nii.gz"]
    assert said["ModelName"] == "resunet"
    assert json.loads(files["sub-S02/anat/sub-S02_acq-lumbarsagittalSOC_STIR.json"])["Simulated"] == "phantom"
    assert files[".bidsignore"].decode().splitlines() == ["series.csv", "*_STIR.*"]
    assert json.loads(files["derivatives/readerstudy/dataset_description.json"])["DatasetType"] == "derivative"
    assert files["participants.tsv"].decode().splitlines()[0] == "participant_id\tage\tsex\tsite"


def test_two_weightings_never_share_a_name_in_bids(study):
    """A sequence may be called what BIDS calls another one; both images leave, each with what is its own."""
    for number, weighting in enumerate(("T2w", "t2W", "T2*", "T2starw"), 1):
        other = factories.place_pixels(study, "SOC", read(PATH), subject=f"S1{number}")
        study.cases.filter(pk=other.case_id).update(weighting=weighting, subject=study.subjects.get(code="S-01"))
        Series.objects.filter(pk=other.pk).update(arm=study.arms.get(code="FAST"))
    factories.log_as_is(study)
    files = taken(study, "images_zip", form="nifti")
    suffix = {row["case"]: row["file"].rpartition("_")[2] for row in rows(files) if row["arm"] == "FAST"}
    assert sorted(suffix.values()) == [f"{one}.nii.gz" for one in ("T2starw", "T2starwx2", "T2w", "T2wx2", "t2Wx3")]
    assert files[".bidsignore"].decode().splitlines() == ["series.csv", "*_T2starwx2.*", "*_T2wx2.*", "*_t2Wx3.*"]


@pytest.mark.parametrize("weighting", sorted(bids.SUFFIXES))
def test_suffixes_differ_on_any_file_system(weighting):
    alike = [weighting, bids.SUFFIXES[weighting], bids.SUFFIXES[weighting].upper(), weighting.lower(), "", "*"]
    found = bids.suffixes(alike)
    assert found[weighting] == bids.SUFFIXES[weighting]
    assert len({suffix.lower() for suffix in found.values()}) == len(found) == len(set(alike))
    assert all(re.fullmatch("[A-Za-z0-9]+", suffix) for suffix in found.values())


def test_a_zip_holds_no_name_twice(study):
    members = [("a/1.dcm", b"one"), ("a/2.dcm", b"two"), ("a/1.dcm", b"three")]
    with pytest.raises(FileExistsError, match=r"a/1\.dcm"):
        list(zip_pieces(members, study.created_at))


def test_an_image_that_was_simulated_says_so_when_it_comes_back_as_nifti(study, tmp_path):
    Series.objects.filter(arm__code="FAST").update(parameters={"simulated": "phantom"})
    factories.log_as_is(study)
    files = taken(study, "images_zip", form="nifti")
    path = tmp_path / "image.nii.gz"
    path.write_bytes(next(files[name] for name in files if name.endswith("FAST_T2w.nii.gz")))
    assert read(path).parameters.simulated == "made of a simulated image"


def test_a_series_that_cannot_be_written_is_named_with_its_reason(study, monkeypatch):
    def fails(series):
        raise InputError("Two slices lie in one place.")

    monkeypatch.setattr(volumes, "load", fails)
    said = rows(taken(study, "images_zip", form="nifti"))
    assert [row["reason"] for row in said] == ["Two slices lie in one place."] * 2 + [""]


def test_no_reader_and_nobody_takes_what_is_gone(study):
    series = study.series.first()
    reader = client_of(study.memberships.get(role="reader").user)
    admin = client_of(study.memberships.get(role="admin").user)
    for name, which in (("images_zip", {}), ("series_images_zip", {"series": series.pk})):
        assert reader.get(reverse(name, kwargs={"slug": study.slug, **which})).status_code == 404
    path = reverse("series_images_zip", kwargs={"slug": study.slug, "series": series.pk})
    assert admin.get(path.replace(str(series.pk), "999999")).status_code == 404
    store.erase(series.instances.get().sha256)
    assert admin.get(path)["Location"] == reverse("material", args=[study.slug])
    study.subjects.update(withdrawn_at=study.created_at)
    assert admin.get(path).status_code == 404


def test_it_is_noted_who_took_which_images(study, settings, monkeypatch):
    settings.ACCESS_LOG_SECONDS = 3600
    monkeypatch.setattr(writing, "_waiting", writing.Waiting())
    monkeypatch.setattr(writing, "_start", lambda own: None)
    arm = study.arms.get(code="FAST-DL")
    taken(study, "images_zip")
    taken(study, "arm_images_zip", arm=arm.pk)
    writing.write()
    found = Access.objects.filter(study=study).order_by("pk").values_list("kind", "address", "thing")
    assert list(found) == [("images", "images_zip", ""), ("images", "arm_images_zip", "FAST-DL")]


def test_a_sidecar_says_what_is_read_of_it(tmp_path):
    acquired = {"tr": 3500.0, "te": 101.0, "flip_angle": 150.0, "echo_train_length": 17, "averages": 2.0}
    acquired |= {"slice_thickness": 4.0, "field_strength": 1.5, "acquisition_seconds": 177.0, "manufacturer": "SIEMENS"}
    path = tmp_path / "x.json"
    path.write_text(json.dumps(sidecar_of(acquired)))
    again = with_sidecar(Parameters(weighting="T2"), path)
    assert {name: getattr(again, name) for name in acquired} == acquired


def test_labels_differ_on_any_file_system():
    assert bids.labels(["a/b", "AB", "ä"]) == {"AB": "AB", "a/b": "abx2", "ä": "x"}
