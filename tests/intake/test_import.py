"""From a folder to placed series: what is unusable gets one sentence, the rest goes on, nobody's name stays."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pydicom import dcmread

from processing.errors import InputError
from readerstudy.intake import services
from readerstudy.intake.models import Refusal
from readerstudy.material.models import Series
from tests import factories
from tests.processing import dicom_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture
def study():
    return factories.make_study(subjects=0)


def write_series(folder: Path, number: int, *, slices=range(6), start: float = 0, **changes) -> list[Path]:
    """A readable series with UIDs of its own."""
    paths = []
    for n in slices:
        image = dicom_files.pixels(1, rows=64, columns=64, seed=100 * number + n)[0]
        uids = {"SeriesInstanceUID": f"1.2.9.{number}", "SOPInstanceUID": f"1.2.9.{number}.{n + 1}"}
        dataset = dicom_files.classic(n, image, z=start + 3 * n, BodyPartExamined="BRAIN", **{**uids, **changes})
        paths.append(dicom_files.save(dataset, folder / f"{n}.dcm"))
    return paths


def imported(study, folder: Path, *options: str) -> str:
    out = io.StringIO()
    call_command("import_folder", study.slug, str(folder), *options, stdout=out)
    return out.getvalue()


def test_good_series_are_placed_and_each_bad_one_gets_its_sentence(study, tmp_path):
    write_series(tmp_path / "SOC", 1)
    write_series(tmp_path / "FAST", 2)
    write_series(tmp_path / "ct", 3, SOPClassUID="1.2.840.10008.5.1.4.1.1.2", Modality="CT")
    write_series(tmp_path / "gap", 4, slices=[0, 1, 3, 4, 5])
    cut = write_series(tmp_path / "cut", 5, slices=[0])[0]
    cut.write_bytes(cut.read_bytes()[:900])
    (tmp_path / "letter.dcm").write_text("Dear colleague,")
    said = imported(study, tmp_path, "--confirm-certain")
    assert "2 series placed." in said
    assert sorted(Series.objects.values_list("arm__code", flat=True)) == ["FAST", "SOC"]
    refused = [line for line in said.splitlines() if line.startswith("not used:")]
    assert sum("CT" in line for line in refused) == 6
    for words in ("missing between", "not a DICOM file", "truncated"):
        assert [line for line in refused if words in line], f"{words}: {refused}"


def test_the_same_folder_again_changes_nothing(study, tmp_path):
    write_series(tmp_path / "SOC", 1)
    imported(study, tmp_path, "--confirm-certain")
    said = imported(study, tmp_path, "--confirm-certain")
    assert "already here" in said
    assert Series.objects.count() == 1


def test_a_file_is_known_by_its_hash_whatever_its_name_ends_in(study, tmp_path):
    (tmp_path / "notes and 3 more").write_bytes(b"no image")
    imported(study, tmp_path)
    assert Refusal.objects.get().sha256 == hashlib.sha256(b"no image").hexdigest()


def test_an_empty_folder_and_an_unknown_study_are_said(study, tmp_path):
    with pytest.raises(CommandError, match="There is no file"):
        imported(study, tmp_path)
    with pytest.raises(CommandError, match="There is no study"):
        call_command("import_folder", "elsewhere", str(tmp_path))


def test_a_series_of_another_place_cannot_join_a_case(study, tmp_path):
    write_series(tmp_path / "one" / "SOC", 1)
    write_series(tmp_path / "two" / "FAST", 2, start=500)
    imported(study, tmp_path / "one", "--confirm-certain")
    imported(study, tmp_path / "two")
    waiting = study.candidates.filter(state="proposed").get()
    with pytest.raises(InputError, match="Does not fit the SOC series of this case"):
        services.confirm(
            candidate=waiting,
            actor=None,
            subject_code="S01",
            region="brain",
            plane="axial",
            weighting="T2",
            arm=study.arms.get(code="FAST"),
        )


def test_nothing_that_names_the_patient_is_kept_anywhere(study, tmp_path, settings):
    write_series(tmp_path / "in" / "Muster_Erika", 1, PatientComments="Muster", InstitutionName="Klinik Muster")
    imported(study, tmp_path / "in", "--confirm-certain")
    words = [b"Muster", b"Erika", b"4711-0815", b"19500317", b"1.2.9.1"]
    kept = [path for path in Path(tmp_path / "archive").rglob("*") if path.is_file()]
    assert kept
    for path in kept:
        assert [word for word in words if word in path.read_bytes()] == []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            rows = repr(cursor.fetchall()).encode()
            assert [word for word in words if word in rows] == [], table
    assert not list(settings.QUARANTINE_DIR.rglob("*.bin")), "the quarantine is empty afterwards"


def test_pixels_are_the_ones_that_were_sent(study, tmp_path):
    from readerstudy.material.volumes import load

    write_series(tmp_path / "SOC", 1)
    imported(study, tmp_path, "--confirm-certain")
    sent = np.stack([dicom_files.pixels(1, rows=64, columns=64, seed=100 + n)[0] for n in range(6)])
    np.testing.assert_array_equal(load(Series.objects.get()).array, sent)


def test_the_same_instances_with_other_pixels_are_a_conflict_and_nothing_is_overwritten(study, tmp_path):
    first = write_series(tmp_path / "one" / "SOC", 1)
    imported(study, tmp_path / "one", "--confirm-certain")
    for path in first:
        dataset = dcmread(path)
        dataset.PixelData = bytes(len(dataset.PixelData) - 2) + b"\1\1"
        dicom_files.save(dataset, tmp_path / "two" / "SOC" / path.name)
    imported(study, tmp_path / "two", "--confirm-certain")
    waiting = study.candidates.get(state="proposed")
    assert not waiting.certain
    assert "Same SOP Instance UIDs as S01 axial" in waiting.conflict
    assert Series.objects.count() == 1
