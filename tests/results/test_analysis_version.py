"""Results are those of the present analysis: a change anywhere in its source gives another version."""

import shutil
from pathlib import Path

import pytest

import analysis
from readerstudy.images.analyses import analysis_version

SOURCE = Path(analysis.__file__).parent


@pytest.mark.parametrize(
    "changed", ["reading.py", "statistics/preference.py", "report/report.css", "report/templates/table.html"]
)
def test_a_change_in_any_room_is_another_version(tmp_path, monkeypatch, changed):
    copy = tmp_path / "analysis"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(analysis, "__file__", str(copy / "__init__.py"))
    before = analysis_version.__wrapped__()
    assert before == analysis_version()
    (copy / changed).write_text((copy / changed).read_text() + "\n")
    assert analysis_version.__wrapped__() != before
