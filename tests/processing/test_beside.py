"""What lies beside the images of a delivery: JSON sidecars and manifest.csv."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from processing.ingest.sort import Sorted, sort_files
from processing.sidecar import with_sidecar
from processing.volume import Parameters
from tests.processing import dicom_files as files

KEY = b"0123456789abcdef0123456789abcdef"


def sort(folder: Path) -> Sorted:
    named = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}
    return sort_files(named, folder.parent / "out", key=KEY)


def volume(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    nibabel.save(nibabel.Nifti1Image(data, np.diag([2.0, 2, 3, 1])), path)


BIDS = {
    "RepetitionTime": 3.5,
    "EchoTime": 0.102,
    "InversionTime": 0,
    "FlipAngle": 150,
    "MagneticFieldStrength": 3,
    "EchoTrainLength": 17,
    "SliceThickness": 3.3,
    "AcquisitionDuration": 184.2,
    "NumberOfAverages": 2,
    "Manufacturer": "Siemens",
    "ManufacturersModelName": "Prisma_fit",
    "ScanningSequence": "SE",
    "InstitutionName": "Klinik Muster",
    "PatientName": "Muster",
    "SeriesDescription": "Erika Muster",
}


def test_a_sidecar_tells_the_parameters_of_its_image(tmp_path: Path) -> None:
    volume(tmp_path / "in" / "sub-01" / "anat.nii.gz")
    (tmp_path / "in" / "sub-01" / "anat.json").write_text(json.dumps(BIDS))
    result = sort(tmp_path / "in")
    assert result.refused == []
    (one,) = result.series
    assert "Muster" not in repr(one)
    told = one.parameters
    assert (told.tr, told.te, told.ti, told.flip_angle) == (3500, 102, None, 150)
    assert (told.field_strength, told.echo_train_length, told.slice_thickness) == (3, 17, 3.3)
    assert (told.acquisition_seconds, told.averages) == (184.2, 2)
    assert (told.manufacturer, told.model, told.weighting) == ("Siemens", "Prisma_fit", "T2")


def test_values_that_are_no_such_numbers_or_names_are_left_out(tmp_path: Path) -> None:
    wrong = {
        "RepetitionTime": "Muster",
        "EchoTime": True,
        "FlipAngle": 1e9,
        "EchoTrainLength": [3],
        "MagneticFieldStrength": -1,
        "Manufacturer": "Klinik Muster",
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps(wrong)[:-1] + ', "SliceThickness": NaN, "AcquisitionDuration": 1e999}')
    found = with_sidecar(Parameters(), path)
    assert replace(found, notes=None) == Parameters()
    assert [note.split(" left out")[0] for note in found.notes or ()] == ["FlipAngle", "Field strength"]


@pytest.mark.parametrize("content", [b"[1, 2]", b"{", b"\xff\xfe", b"[" * 100_000, b" " * (2 << 20)])
def test_a_bad_sidecar_is_refused_and_its_image_is_taken(tmp_path: Path, content: bytes) -> None:
    volume(tmp_path / "in" / "a.nii")
    (tmp_path / "in" / "a.json").write_bytes(content)
    result = sort(tmp_path / "in")
    assert len(result.series) == 1
    assert [one.name for one in result.refused] == ["a.json"]
    assert "JSON sidecar" in result.refused[0].reason


def test_a_lone_json_is_refused(tmp_path: Path) -> None:
    volume(tmp_path / "in" / "a.nii.gz")
    (tmp_path / "in" / "dataset_description.json").write_text("{}")
    (refused,) = sort(tmp_path / "in").refused
    assert "without a NIfTI image of the same name" in refused.reason


def delivery(folder: Path) -> None:
    """Two subjects; SOC and FAST of the first."""
    for number, name in enumerate(("anna/first", "anna/second", "berta"), 1):
        for n, image in enumerate(files.pixels(2, seed=number)):
            uids = {"SeriesInstanceUID": f"1.2.{number}", "SOPInstanceUID": f"1.2.{number}.{n}"}
            files.save(files.classic(n, image, **uids), folder / name / f"{n}.dcm")


def placed(result: Sorted) -> dict[str, dict[str, str]]:
    return {one.names[0].rsplit("/", 1)[0]: one.placing for one in result.series}


def test_a_manifest_places_folders_the_deepest_first(tmp_path: Path) -> None:
    delivery(tmp_path / "in" / "chosen")
    (tmp_path / "in" / "chosen" / "Manifest.csv").write_text(
        "folder;subject;arm;weighting\nanna;S01;SOC;T2*\nanna\\second;S01;FAST;\n./berta/;S02;SOC;T1\n", "utf-8-sig"
    )
    result = sort(tmp_path / "in")
    assert result.refused == []
    assert placed(result) == {
        "chosen/anna/first": {"subject": "S01", "arm": "SOC", "weighting": "T2*"},
        "chosen/anna/second": {"subject": "S01", "arm": "FAST"},
        "chosen/berta": {"subject": "S02", "arm": "SOC", "weighting": "T1"},
    }


def test_a_manifest_deeper_down_may_name_folders_from_the_top(tmp_path: Path) -> None:
    delivery(tmp_path / "in")
    (tmp_path / "in" / "anna" / "manifest.csv").write_text("folder,subject,arm\nberta,S02,SOC\nsecond,S01,FAST\n")
    result = sort(tmp_path / "in")
    assert placed(result)["berta"] == {"subject": "S02", "arm": "SOC"}
    assert placed(result)["anna/second"] == {"subject": "S01", "arm": "FAST"}
    assert placed(result)["anna/first"] == {}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("anna,Erika Muster,SOC", "line 2: subject must be a code"),
        ("anna,S01,<script>", "line 2: arm must be a code"),
        ("anna,,SOC", "line 2: subject is empty"),
        ("muster,S01,SOC", "line 2: no file lies in the folder"),
        ("../anna,S01,SOC", "line 2: no file lies in the folder"),
        ("anna," + "S" * 21 + ",SOC", "line 2: subject must be a code"),
    ],
)
def test_a_line_that_is_no_row_of_codes_is_refused_by_its_number(tmp_path: Path, line: str, reason: str) -> None:
    delivery(tmp_path / "in")
    (tmp_path / "in" / "manifest.csv").write_text(f"folder,subject,arm\n{line}\nberta,S02,SOC\n")
    result = sort(tmp_path / "in")
    (refused,) = result.refused
    assert reason in refused.reason
    assert "uster" not in refused.reason
    assert placed(result)["anna/first"] == {}
    assert placed(result)["berta"] == {"subject": "S02", "arm": "SOC"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"folder,arm\na,b\n", "lacks the column subject"),
        (b"\xff\xfe\0", "no CSV in UTF-8"),
        (b"", "lacks the column folder, subject, arm"),
        (b"folder,subject,arm\n" + b"x" * (5 << 20), "larger than 4 MB"),
        (b'folder,subject,arm\n"' + b"x" * 200_000, "no CSV in UTF-8"),
    ],
)
def test_what_is_no_manifest_is_refused_and_the_series_are_taken(tmp_path: Path, content: bytes, reason: str) -> None:
    delivery(tmp_path / "in")
    (tmp_path / "in" / "manifest.csv").write_bytes(content)
    result = sort(tmp_path / "in")
    assert len(result.series) == 3
    assert reason in result.refused[0].reason
