"""`python -m processing`: one JSON object, or one sentence and status 2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from processing import series
from processing.__main__ import main
from tests.processing import dicom_files as files


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
