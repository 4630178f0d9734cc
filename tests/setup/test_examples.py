"""The examples in docs/examples are those that the code makes now, word by word; a change in one is seen."""

import shutil

import pytest

from tests import examples

MAKE = "docs/examples is not what is made now: run `make examples`, and look at what changed."


def test_the_simulated_study_has_the_charter_and_report_that_are_shown(tmp_path):
    examples.simulated(tmp_path)
    for name in ("charter.html", "report.html"):
        assert _said(tmp_path / name) == _said(examples.FOLDER / "simulated" / name), MAKE


def test_what_stands_beside_its_tables_is_made_of_them(tmp_path):
    """As the demonstration's charter and report."""
    for tables in examples.FOLDER.glob("*/ratings.csv"):
        shutil.copytree(tables.parent, tmp_path / tables.parent.name, ignore=shutil.ignore_patterns("*.html"))
        examples.demonstration(tmp_path / tables.parent.name)
        for name in ("charter.html", "report.html"):
            assert _said(tmp_path / tables.parent.name / name) == _said(tables.parent / name), MAKE


def test_what_is_shown_says_that_nobody_was_scanned():
    for path in examples.FOLDER.rglob("report.html"):
        assert "nothing here is evidence about patients" in " ".join(_said(path))


def test_another_word_is_seen_and_another_version_of_numpy_is_not():
    page = '<style>a</style><p>a <b>b</b></p><table class="table" id="versions"><tr><td>1.2</td></tr></table>'
    assert examples.text(page) == ["a", "b"] == examples.text(page.replace("1.2", "1.3"))
    assert examples.text(page.replace("<b>b", "<b>c")) == ["a", "c"]


def _said(path) -> list[str]:
    if not path.is_file():
        pytest.fail(MAKE)
    return examples.text(path.read_text(encoding="utf-8"))
