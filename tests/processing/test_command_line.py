"""`python -m processing`: one JSON object, or one sentence and status 2."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from processing import series
from processing.__main__ import main
from processing.masks import read_mask
from tests.processing import dicom_files as files
from tests.processing.test_contours import structure_set


def test_info_gives_geometry_parameters_and_hash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files.series(tmp_path, files.pixels(4))
    assert main(["info", str(tmp_path)]) == 0
    result = json.loads(capsys.readouterr().out)
    volume = series.read(tmp_path)
    assert result["shape"] == [4, files.ROWS, files.COLUMNS]
    assert result["spacing"] == [0.75, 0.5, 3.0]
    assert result["affine"] == volume.affine.tolist()
    assert result["sha256"] == volume.sha256
    assert (result["weighting"], result["plane"], result["sex"]) == ("T2", "axial", "F")


@pytest.mark.parametrize("words", [["info", "nowhere"], ["deidentify", "nowhere", "out"], ["compare", "a", "b"]])
def test_bad_input_is_one_sentence_and_status_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert shown.err.rstrip().endswith(".")


def test_a_key_that_is_not_there_is_one_sentence_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["deidentify", str(tmp_path), str(tmp_path / "out"), "--key", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'none'}: No such file or directory.\n"


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    for command in ("info", "deidentify", "compare"):
        assert command in shown


def test_masks_of_a_structure_set_become_a_segmentation_and_that_nifti(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files.series(tmp_path / "series", files.pixels(4))
    on = series.read(tmp_path / "series")
    corners = np.array([[0.5, 0.5, 2.0], [4.5, 0.5, 2.0], [4.5, 2.5, 2.0], [0.5, 2.5, 2.0]])
    contour = corners @ on.affine[:3, :3].T + on.affine[:3, 3]
    drawn = structure_set(tmp_path / "rt.dcm", {"L4": [contour], "Disc": [contour]})
    assert main(["masks", str(drawn), str(tmp_path / "seg.dcm"), "--on", str(tmp_path / "series")]) == 0
    assert [(one["name"], one["voxels"]) for one in json.loads(capsys.readouterr().out)] == [("L4", 8), ("Disc", 8)]
    header = dcmread(tmp_path / "seg.dcm")
    assert header.SegmentsOverlap == "YES"
    assert len(header.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == 4
    assert main(["masks", str(tmp_path / "seg.dcm"), str(tmp_path / "out"), "--on", str(tmp_path / "series")]) == 0
    expected = np.zeros(on.shape, bool)
    expected[2, 1:3, 1:5] = True
    for name in ("L4", "Disc"):
        (mask,) = read_mask(tmp_path / "out" / f"{name}.nii.gz")
        np.testing.assert_array_equal(mask.array, expected)
        np.testing.assert_allclose(mask.affine, on.affine, atol=1e-4)
    assert main(["masks", str(drawn), str(tmp_path / "seg.dcm")]) == 2
    assert "name the series" in capsys.readouterr().err
