"""Segmentations that are written say of the patient what their series says, in any alphabet."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from processing import series
from processing.__main__ import main
from processing.dicom.write_segmentation import FROM_CLEAN, nameless, write_segmentation
from processing.masks import Mask, read_mask, write_mask
from tests.processing import dicom_files as files

CLEAN = {"PatientName": "", "PatientID": "a1b2c3d4", "PatientIdentityRemoved": "YES"}


def written(folder: Path, **said: str | list[str]):
    """The segmentation that the command writes on a series that says this."""
    files.series(folder / "series", files.pixels(3), **said)
    on = series.read(folder / "series")
    inside = np.zeros(on.shape, bool)
    inside[1, 2:5, 2:6] = True
    mask = write_mask(Mask("", 1, inside, on.affine), folder / "mask.nii")
    assert main(["masks", str(mask), str(folder / "seg.dcm"), "--on", str(folder / "series")]) == 0
    return dcmread(folder / "seg.dcm")


@pytest.mark.parametrize(
    ("said", "removed", "method"),
    [
        ({}, None, None),
        ({"PatientIdentityRemoved": "NO"}, None, None),
        (CLEAN, "YES", FROM_CLEAN),
        (CLEAN | {"DeidentificationMethod": ["Basic", "Büro"]}, "YES", ["Basic", "Büro"]),
    ],
)
def test_identity_is_removed_only_where_the_series_says_so(tmp_path: Path, said, removed, method) -> None:
    found = written(tmp_path, SpecificCharacterSet="ISO_IR 100", **said)
    assert found.get("PatientIdentityRemoved") == removed
    assert found.get("DeidentificationMethod") == method
    assert found.PatientID == said.get("PatientID", "4711-0815")  # one patient in one study


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 100", "Müller^Jörg"),
        ("ISO_IR 192", "张^伟"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"),
    ],
)
def test_names_of_patients_and_segments_are_read_back_in_any_alphabet(tmp_path: Path, charset, name: str) -> None:
    found = written(tmp_path, SpecificCharacterSet=charset, PatientName=name)
    assert (found.SpecificCharacterSet, str(found.PatientName)) == ("ISO_IR 192", name)
    masks = {label: np.ones((1, 2, 3), bool) for label in ("Läsion", "病变", "L4")}
    path = write_segmentation(masks, np.eye(4), tmp_path / "named.dcm", source=nameless("S01", "hash"))
    assert [one.name for one in read_mask(path)] == [*masks]
    assert dcmread(path).PatientIdentityRemoved == "YES"
    if shutil.which("dciodvfy"):
        for file in (path, tmp_path / "seg.dcm"):
            shown = subprocess.run(["dciodvfy", file], capture_output=True, check=False).stderr.decode()
            assert [line for line in shown.splitlines() if line.startswith("Error")] == []
