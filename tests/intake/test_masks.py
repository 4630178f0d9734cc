"""Masks that somebody sends: read in a confined child, bound to the series they were drawn on, without names."""

import io
from pathlib import Path

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pydicom import Dataset, dcmread

from processing.deidentify.engine import keyed_uid, pseudonym
from processing.dicom.write_segmentation import Source, write_segmentation
from processing.ingest import masks as taking
from processing.ingest.confined import ProcessLimits
from processing.masks import Mask, write_mask
from readerstudy.archive import quarantine
from readerstudy.audit.models import Event
from readerstudy.intake.pseudonyms import pseudonym_key
from readerstudy.material.models import Series, VolumeOfInterest
from readerstudy.material.site_lists import set_names
from readerstudy.material.volumes_of_interest import load_mask
from tests import factories
from tests.api.program import Program
from tests.api.test_client import documented_client
from tests.pages import html
from tests.processing.test_contours import structure_set

pytestmark = pytest.mark.django_db
PATIENT, FRAME, IMAGE, OTHER = "Erika 17", "1.2.3.4", "1.2.3.5", "1.2.3.6"
MR = "1.2.840.10008.5.1.4.1.1.4"


@pytest.fixture
def soc() -> Series:
    """A series as if it came as DICOM of `PATIENT`, beside that of another subject."""
    study = factories.make_study(subjects=2, readers=0)
    key = pseudonym_key(study)
    for subject, image in (("S01", IMAGE), ("S02", OTHER)):
        series = study.series.get(case__subject__code=subject, arm__code="SOC")
        series.instances.update(uid=keyed_uid(key, image))
    soc = study.series.get(case__subject__code="S01", arm__code="SOC")
    study.series.update(frame_of_reference=keyed_uid(key, FRAME))
    study.subjects.filter(code="S01").update(key=pseudonym(key, PATIENT))
    factories.log_as_is(study)
    return soc


def inside() -> np.ndarray:
    mask = np.zeros(factories.SHAPE, bool)
    mask[1, 2:5, 1:4] = True
    return mask


def segmentation(path: Path, series: Series, **header: str) -> bytes:
    said = Dataset()
    for keyword, value in ({"PatientID": PATIENT, "FrameOfReferenceUID": FRAME} | header).items():
        setattr(said, keyword, value)
    said.StudyInstanceUID, said.SeriesInstanceUID = "1.2.1", "1.2.2"
    image = said.get("AccessionNumber") or IMAGE
    source = Source(said, ((MR, image),), ((0, None),) * 3)
    masks = {"Erika": inside(), "L4": np.roll(inside(), 1, axis=1)}
    return write_segmentation(masks, np.array(series.affine), path, source=source).read_bytes()


def send(series: Series, *contents: bytes, **fields: str) -> str:
    admin = Client()
    admin.force_login(series.study.memberships.get(role="admin").user)
    files = [SimpleUploadedFile("Erika.dcm", content) for content in contents]
    page = reverse("add_masks", args=[series.study.slug, series.case_id])
    return html(admin.post(page, {"masks": files, "drawn_on": series.pk, **fields}, follow=True))


def test_a_segmentation_of_the_series_is_kept_without_names_voxel_for_voxel(soc, tmp_path):
    send(soc, segmentation(tmp_path / "seg.dcm", soc))
    first, second = VolumeOfInterest.objects.order_by("pk")
    assert [first.name, second.name] == ["VOI1", "L4"]
    np.testing.assert_array_equal(load_mask(first).array[0], inside()[1])  # the planes that hold a voxel
    assert (first.voxels, second.voxels) == (9, 9)
    assert "Erika" not in str(list(Event.objects.filter(study=soc.study).values()))


def test_a_program_sends_masks_as_the_page_does_and_leaves_nothing_in_the_quarantine(soc, tmp_path, settings):
    program = Program(soc.study)
    path = f"{program.base}cases/{soc.case_id}/volumes/"
    bearer = {"Authorization": f"Bearer {program.words}"}

    def post(**fields):
        sent = {"masks": SimpleUploadedFile("Erika.dcm", segmentation(tmp_path / "seg.dcm", soc)), **fields}
        return Client().post(path, sent, headers=bearer)

    assert post(drawn_on=soc.pk + 1).status_code == 422
    made = post(drawn_on=soc.pk)
    assert (made.status_code, [(one["name"], one["voxels"]) for one in made.json()]) == (201, [("VOI1", 9), ("L4", 9)])
    assert sorted(program.json(f"cases/{soc.case_id}/volumes/"), key=lambda one: one["id"]) == made.json()
    assert (post().status_code, Client().post(path, {}, headers=bearer).status_code) == (400, 400)
    assert not list(quarantine.folder("x").parent.glob("request-*"))
    assert VolumeOfInterest.objects.count() == 2


def test_the_documented_client_sends_masks(soc, tmp_path, monkeypatch):
    program = Program(soc.study)
    known = documented_client()("http://testserver", soc.study.slug, program.words)
    bearer = {"Authorization": f"Bearer {program.words}"}

    def ask(path, body, content_type):
        return Client().generic("POST", f"{program.base}{path}", body, content_type, headers=bearer).content

    monkeypatch.setattr(known, "ask", ask)
    segmentation(tmp_path / "seg.dcm", soc)
    made = known.add_masks(soc.case_id, soc.pk, tmp_path / "seg.dcm", name="first")
    assert [one["voxels"] for one in made] == [9, 9]


def test_a_structure_set_becomes_voxels_of_the_series_it_is_said_to_be_drawn_on(soc, tmp_path):
    index = np.array([[0.5, 1.5, 1], [3.5, 1.5, 1], [3.5, 4.5, 1], [0.5, 4.5, 1]])
    affine = np.array(soc.affine)
    path = structure_set(tmp_path / "rt.dcm", {"L4": [index @ affine[:3, :3].T + affine[:3, 3]]})
    data = dcmread(path)
    data.PatientID = pseudonym(pseudonym_key(soc.study), PATIENT)  # drawn on the de-identified series
    data.FrameOfReferenceUID = soc.frame_of_reference
    for one in data.StructureSetROISequence:
        one.ReferencedFrameOfReferenceUID = soc.frame_of_reference
    data.save_as(path)
    send(soc, path.read_bytes())
    (volume,) = VolumeOfInterest.objects.all()
    assert volume.name == "L4"
    np.testing.assert_array_equal(load_mask(volume).array, inside())


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"PatientID": "Max 18"}, "another patient"),
        ({"FrameOfReferenceUID": "1.2.3.99"}, "another frame of reference"),
        ({"AccessionNumber": OTHER}, "drawn on SOC of S02"),
    ],
)
def test_a_mask_of_another_patient_series_or_place_is_refused_and_nothing_kept(soc, tmp_path, header, said):
    assert said in send(soc, segmentation(tmp_path / "seg.dcm", soc, **header))
    assert not VolumeOfInterest.objects.exists()


def test_what_lies_mostly_beside_the_series_is_refused(soc, tmp_path):
    affine = np.array(soc.affine)
    affine[:3, 3] += affine[:3, 0] * (factories.SHAPE[2] - 2)
    path = write_mask(Mask("", 1, np.ones(factories.SHAPE, bool), affine), tmp_path / "mask.nii.gz")
    assert "67% of a mask lies outside" in send(soc, path.read_bytes())
    assert not VolumeOfInterest.objects.exists()


def test_half_a_file_and_a_file_that_takes_too_much_are_refused_in_words(soc, tmp_path, monkeypatch):
    whole = segmentation(tmp_path / "seg.dcm", soc)
    assert "export it again" in send(soc, whole[: len(whole) // 2])
    data = dcmread(io.BytesIO(whole))
    data.NumberOfFrames, data.Rows, data.Columns = 60_000, 60_000, 60_000
    data.save_as(tmp_path / "bomb.dcm")
    assert "more voxels than can be read" in send(soc, (tmp_path / "bomb.dcm").read_bytes())
    monkeypatch.setattr(taking, "LIMITS", ProcessLimits(memory=3 << 30, wall_seconds=0.01))
    assert "it was stopped" in send(soc, whole)
    assert not VolumeOfInterest.objects.exists()


def test_a_name_of_the_studys_list_of_sites_is_kept_as_it_is_spelt_there(soc, tmp_path):
    admin = soc.study.memberships.get(role="admin").user
    set_names(study=soc.study, names=["ERIKA", "L4"], actor=admin)
    send(soc, segmentation(tmp_path / "seg.dcm", soc))
    assert [volume.name for volume in VolumeOfInterest.objects.order_by("pk")] == ["ERIKA", "L4"]
