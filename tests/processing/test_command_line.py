"""`python -m processing`: one JSON object, or one sentence and status 2."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from processing import series
from processing.__main__ import main
from processing.command_line import radiomics
from processing.masks import Mask, read_mask, write_mask
from processing.nifti import write_nifti
from processing.volume import Volume
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


@pytest.mark.parametrize("killed", [False, True])
def test_a_list_of_volumes_gives_their_rows_in_its_order_also_if_a_process_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], killed: bool
) -> None:
    rng, inside = np.random.default_rng(2), np.zeros((6, 12, 12), bool)
    inside[2:5, 3:9, 3:9] = True
    write_mask(Mask("", 1, inside, np.eye(4)), tmp_path / "cord.nii")
    lines, one_by_one = ["image,mask,subject,arm"], ""
    how = ["--settings", str(tmp_path / "settings.yaml")]
    (tmp_path / "settings.yaml").write_text("featureClass: {firstorder: [Mean, Entropy], shape: [VoxelVolume]}")
    for number in range(4):
        write_nifti(Volume(rng.gamma(4, 60, (6, 12, 12)), np.eye(4)), tmp_path / f"{number}.nii")
        lines.append(f"{number}.nii,cord.nii,S{number},SOC")
        image = [str(tmp_path / name) for name in (f"{number}.nii", "cord.nii")]
        assert main(["radiomics", *image, "--subject", f"S{number}", "--arm", "SOC", *how]) == 0
        text = capsys.readouterr().out
        one_by_one += text if not number else text.split("\n", 1)[1]
    (tmp_path / "list.csv").write_text("\n".join(lines) + "\n")
    if killed:
        own, rows = os.getpid(), radiomics._rows
        monkeypatch.setattr(
            radiomics,
            "_rows",
            lambda *said: os._exit(9) if os.getpid() != own and "2.nii" in str(said) else rows(*said),
        )
    assert main(["radiomics", "--list", str(tmp_path / "list.csv"), "--processes", "2", *how]) == 0
    shown = capsys.readouterr()
    assert shown.out == one_by_one
    assert shown.err.splitlines() == ["1 of 4", "2 of 4", "3 of 4", "4 of 4"]
    (tmp_path / "list.csv").write_text("image,mask\n0.nii,cord.nii\nnone.nii,cord.nii\n")
    assert main(["radiomics", "--list", str(tmp_path / "list.csv")]) == 2
    assert "Line 3 of the list: There is no file or folder none.nii." in capsys.readouterr().err
