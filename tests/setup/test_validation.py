"""The validation report is that of the tests: what has no test, fails or does not run is told, and ends in status 1."""

import re
import subprocess
import sys

import pytest

from tests import validation
from tests.site_process import ROOT
from tests.validation import Check, compared, faults, page

PLANTED = """
import pytest
from pytest import approx

@pytest.mark.reference("kappa", "a book", version="1968")
def test_good():
    assert 0.5 == approx(0.50000001)

@pytest.mark.reference("ICC", "a paper", version="1979")
def test_bad():
    assert 0.5 == approx(0.6)

@pytest.mark.reference("SSIM", "a program", version="1")
def test_not_here():
    pytest.skip("no data")

@pytest.mark.reference("kappa", "another book", version="1970")
def test_of_another_book():
    pytest.skip("no book")

@pytest.mark.reference("alpha", "a guide", version="2011")
@pytest.mark.xfail
def test_known_to_fail():
    assert 0.5 == approx(0.6)

@pytest.mark.reference("AC2", "a paper", version="2008")
@pytest.mark.xfail(strict=False)
def test_said_to_fail():
    assert 0.5 == approx(0.5)

def test_unmarked():
    raise AssertionError
"""


def test_every_subject_has_a_test_that_names_its_reference():
    tests = [path.read_text() for folder in validation.FOLDERS for path in (ROOT / folder).glob("test_*.py")]
    named = set(re.findall(r'mark\.reference\(\s*"([^"]+)"', "".join(tests)))
    assert named == set(validation.SUBJECTS)


def test_a_test_that_fails_or_is_missing_ends_in_status_1(tmp_path):
    (tmp_path / "test_planted.py").write_text(PLANTED)
    options = [str(tmp_path), "--out", str(tmp_path)]
    command = [sys.executable, "-m", "tests.validation", *options]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    said = ran.stderr.splitlines()
    assert any(line.startswith("Intraclass correlation: ") and line.endswith("::test_bad failed.") for line in said)
    assert "Structural similarity: none of its tests ran." in said
    for marked in ("Krippendorff's alpha: ", "Gwet's AC1 and AC2: "):
        assert any(line.startswith(marked) and line.endswith("_to_fail failed.") for line in said)
    assert "Kendall's W: no test says that it compares this with an outside reference." in said
    assert not any("kappa" in line or "unmarked" in line for line in said)
    shown = " ".join(re.sub(r"<[^>]+>", " ", (tmp_path / "validation.html").read_text()).split())
    top = shown[: shown.index("Analysis Checks")]
    assert "Weighted kappa, against another book: nothing ran." in top
    assert "Weighted kappa, against a book" not in shown
    assert "Weighted kappa a book 1968 1 1 2e-08 1e-06 held" in shown
    assert "Intraclass correlation a paper 1979 1 0 1 failed" in shown
    assert (tmp_path / "validation.pdf").read_bytes().startswith(b"%PDF")


def test_nothing_is_wrong_where_every_subject_held():
    checks = [Check(subject, "a book", "1", {"a"}, passed=1) for subject in validation.SUBJECTS]
    assert faults(checks) == []
    assert "Not everything" not in page(checks)
    assert len(faults(checks[1:])) == 1


def test_numbers_are_counted_where_they_are_compared():
    with compared() as apart:
        assert pytest.approx([2.0, 4.0000001]) == [2.0, 4.0]
        assert pytest.approx(1.0) != 2.0
        assert pytest.approx("words") == "words"
    assert [share for share, _ in apart] == [0.0, pytest.approx(2.5e-8, rel=1e-3)]
    assert [allowed for _, allowed in apart] == [pytest.approx(1e-6)] * 2
