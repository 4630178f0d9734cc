"""What comes again is said in one way at every door; known identifiers on something else are asked about."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command

from processing.nifti import write_nifti
from processing.pixel_hash import FLOATS
from processing.volume import Volume
from readerstudy.audit.actions import Action
from readerstudy.home.log import sentence
from readerstudy.intake.models import Candidate, Upload
from readerstudy.intake.services import confirm
from readerstudy.material import volumes
from tests import factories
from tests.once import made_once
from tests.pages import html
from tests.processing import dicom_files as files

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@made_once()
def study():
    return factories.make_study(subjects=0, readers=0)


def send(study, folder: Path) -> str:
    out = io.StringIO()
    call_command("import_folder", study.slug, str(folder), stdout=out)
    return out.getvalue()


def series(folder: Path, *, seed: int = 0, **changes) -> Path:
    files.series(folder, files.pixels(3, rows=40, columns=36, seed=seed), **changes)
    return folder


def place(one: Candidate) -> None:
    arm = one.study.arms.get(code="SOC")
    confirm(candidate=one, actor=None, subject_code="S01", region="lumbar", plane="axial", weighting="T2", arm=arm)


def newest() -> Candidate:
    return Candidate.objects.order_by("-pk").first()


@pytest.mark.parametrize("placed", [True, False])
def test_files_that_come_again_are_counted_at_every_door(study, client, tmp_path, placed):
    folder = series(tmp_path / "first")
    assert "already here" not in send(study, folder)
    if placed:
        place(newest())
    assert "already here: 3 files" in send(study, folder)
    packed = tmp_path / "packed"
    packed.mkdir()
    with zipfile.ZipFile(packed / "again.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    assert "already here: 3 files" in send(study, packed)
    assert Candidate.objects.exclude(state="known").count() == 1
    line = study.events.filter(action=Action.UPLOAD_SORTED).last()
    assert "already here: 3 files" in sentence(line)
    client.force_login(study.memberships.get(role="admin").user)
    assert "already here: 3 files" in html(client.get(f"/studies/{study.slug}/material/"))


def test_a_file_loose_and_in_an_archive_of_one_upload_is_one_file(study, tmp_path):
    folder = series(tmp_path / "both")
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        for path in sorted(folder.glob("*.dcm")):
            archive.write(path, path.name)
    assert "already here: 3 files" in send(study, folder)
    assert (newest().slices, Candidate.objects.count()) == (3, 1)
    assert Upload.objects.get().known_files == 3


@pytest.mark.parametrize("placed", [True, False])
@pytest.mark.parametrize(
    ("changes", "why"),
    [({"PatientID": "another"}, "but another patient by the header"), ({"seed": 1}, "but other pixels")],
)
def test_known_identifiers_of_another_patient_or_other_pixels_are_asked_about(study, tmp_path, placed, changes, why):
    send(study, series(tmp_path / "first"))
    if placed:
        place(newest())
    assert why in send(study, series(tmp_path / "second", **changes))
    found = newest()
    assert (found.state, found.certain) == ("proposed", False)
    there = "S01 axial T2 SOC, version 1" if placed else "a series of S01 that waits"
    assert found.conflict.startswith(f"Same SOP Instance UIDs as {there}")
    assert why in found.conflict
    assert "another" not in found.conflict.replace("another patient", "")


def test_the_same_volume_in_another_folder_is_here_already(study, tmp_path):
    volume = Volume(np.arange(40 * 36 * 3, dtype=np.int16).reshape(3, 40, 36), np.diag([1.0, 1.0, 3.0, 1.0]))
    for name in ("one", "two"):
        (tmp_path / name / name).mkdir(parents=True)
        write_nifti(volume, tmp_path / name / name / "t2.nii.gz")
    send(study, tmp_path / "one")
    assert "already here: 1 file\n" in send(study, tmp_path / "two")


def test_a_study_from_before_there_were_several_hashes_knows_its_series_again(study, tmp_path):
    study.pixel_hash = FLOATS
    study.save()
    folder = series(tmp_path / "first")
    send(study, folder)
    kept = volumes.load_files([sha256 for sha256, *_ in newest().instances], "dicom")
    assert newest().sha256 == kept.hashed(FLOATS) != kept.sha256
    assert "already here: 3 files" in send(study, folder)
    other = factories.make_study(subjects=0, readers=0, title="From now on")
    send(other, folder)
    assert newest().sha256 == kept.sha256
