"""Volumes of interest as they leave: one zip of NIfTI and DICOM segmentations, by case and study."""

import csv
import io
import subprocess
import zipfile
from shutil import which

import numpy as np
import pytest
from django.test import Client
from pydicom import examples

from processing.masks import Mask, read_mask, write_mask
from processing.series import read
from readerstudy.archive.store import put_file
from readerstudy.audit.models import Event
from readerstudy.material import volumes
from readerstudy.material.models import VolumeOfInterest
from readerstudy.material.services import place_series
from readerstudy.protocol.services import create_study
from tests import factories

pytestmark = pytest.mark.django_db
NAMES = ["L4", "l4", "Disc L4/5"]  # two that one file system would take for the same, and one with a slash


@pytest.fixture
def study(tmp_path):
    """A DICOM series in S01 and a NIfTI series in S02, with three and one masks."""
    study = create_study(title="VOI", user=factories.make_user(staff=True), model_name="m")
    placed = {"study": study, "region": "lumbar", "plane": "sagittal", "weighting": "T2"}
    arm = study.arms.get(code="SOC")
    file = put_file(examples.get_path("mr"))
    facts = volumes.series_fields(volumes.load_files([file[0]], "dicom"))
    dicom = place_series(arm=arm, subject_code="S01", format="dicom", instances=[file], **placed, **facts)
    nifti = factories.place_pixels(study, "SOC", read(examples.get_path("mr")), subject="S02")
    for series, names in ((dicom, NAMES), (nifti, ["L4"])):
        shape, affine = (series.slices, series.rows, series.columns), np.array(series.affine)
        for number, name in enumerate(names):
            array = np.zeros(shape, bool)
            array[0, 10 : 20 + number, 12:30] = True
            mask = Mask("", 1, array, affine)
            VolumeOfInterest.objects.create(
                study=study,
                case=series.case,
                drawn_on=series,
                name=name,
                sha256=put_file(write_mask(mask, tmp_path / "mask.nii.gz"))[0],
                voxels=mask.voxels,
                millilitres=mask.millilitres,
            )
    factories.log_as_is(study)
    return study


def taken(study, path: str) -> dict[str, bytes]:
    client = Client()
    client.force_login(study.memberships.get(role="admin").user)
    response = client.get(f"/studies/{study.slug}/images/radiomics/{path}")
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_every_mask_leaves_as_nifti_and_as_a_segment_voxel_for_voxel(study, tmp_path):
    files = taken(study, "volumes.zip")
    rows = list(csv.DictReader(io.StringIO(files.pop("volumes.csv").decode())))
    assert [row["volume"] for row in rows] == ["Disc L4/5", "L4", "l4", "L4"]
    assert {row["reason"] for row in rows} == {""}
    assert set(files) == {row[kind] for row in rows for kind in ("nifti", "segmentation")}
    for row in rows:
        (tmp_path / "mask.nii.gz").write_bytes(files[row["nifti"]])
        (tmp_path / "seg.dcm").write_bytes(files[row["segmentation"]])
        (nifti,) = read_mask(tmp_path / "mask.nii.gz")
        segment = read_mask(tmp_path / "seg.dcm")[int(row["segment"]) - 1]
        assert (segment.name, segment.voxels) == (row["volume"], int(row["voxels"]))
        np.testing.assert_array_equal(segment.array, nifti.array)
        np.testing.assert_allclose(segment.affine, nifti.affine, atol=1e-4)
        if which("dciodvfy"):
            said = subprocess.run(["dciodvfy", tmp_path / "seg.dcm"], capture_output=True, text=True).stderr
            assert [line for line in said.splitlines() if line.startswith("Error")] == []
    assert Event.objects.filter(study=study, action="results exported", data__file=f"{study.slug}-volumes.zip").exists()


def test_a_case_leaves_alone_without_what_was_removed_and_says_what_is_gone(study):
    case = study.cases.get(subject__code="S01")
    study.volumes_of_interest.filter(name="l4").update(removed_at=study.created_at)
    factories.log_as_is(study)
    files = taken(study, f"volumes-{case.pk}.zip")
    assert {name.partition("/")[0] for name in files} == {case.code, "volumes.csv"}
    assert len(files) == 4
