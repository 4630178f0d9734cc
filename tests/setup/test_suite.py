"""The suite's own guards: nothing is skipped unseen where every program is promised; time and reach are told."""

import re
from pathlib import Path

import pytest

from tests.__main__ import PROOFS
from tests.covered import share_by_package
from tests.folder_times import seconds_by_folder
from tests.skips import NO_DATA, NO_SUCH_PROCESSOR

pytest_plugins = "pytester"
ROOT = Path(__file__).resolve().parents[2]


def outcomes(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, *, ci: str, reason: str) -> dict[str, int]:
    monkeypatch.setenv("CI", ci)
    pytester.makeconftest("from tests.skips import pytest_runtest_makereport")
    pytester.makepyfile(f"""
        import pytest

        def test_in_its_body():
            pytest.skip({reason!r})

        @pytest.mark.skipif(True, reason={reason!r})
        def test_by_its_mark():
            raise AssertionError
    """)
    return pytester.runpytest_inprocess("-p", "no:django", "-p", "no:xdist").parseoutcomes()


def not_installed(script: str, tests: list[str]) -> set[str]:
    """Programs that tests look for and neither continuous integration nor a package of Python brings."""
    wanted = {name for text in tests for name in re.findall(r'\bwhich\("([^"]+)"', text)}
    brought = set(re.findall(r"^have (.+?) \|\|", script, re.MULTILINE))
    return wanted - {name for names in brought for name in names.split()} - {"sh", "initdb", "postgres"}


def test_every_program_that_a_test_looks_for_is_installed_where_none_may_miss() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    tests = [path.read_text() for path in (ROOT / "tests").rglob("*.py")]
    assert not not_installed(script, tests)
    assert not_installed(script.replace("have storescu ||", "true ||"), tests) == {"storescu"}


def test_a_test_that_misses_a_program_fails_in_ci_and_is_skipped_elsewhere(pytester, monkeypatch) -> None:
    reason = "dicom3tools is not installed"
    assert outcomes(pytester, monkeypatch, ci="true", reason=reason) == {"failed": 1, "errors": 1}
    assert outcomes(pytester, monkeypatch, ci="", reason=reason) == {"skipped": 2}


@pytest.mark.parametrize("reason", [f"{NO_DATA}: set a variable", f"{NO_SUCH_PROCESSOR} has no AMX"])
def test_what_no_installation_brings_may_be_missing_in_ci(pytester, monkeypatch, reason: str) -> None:
    assert outcomes(pytester, monkeypatch, ci="true", reason=reason) == {"skipped": 2}


def test_seconds_are_summed_by_folder_the_slowest_first() -> None:
    durations = [("tests/site/test_home.py::test_a", 1.0), ("tests/audit/test_b.py::test_b", 2.5)]
    durations += [("tests/site/test_home.py::test_a[x::y]", 0.5), ("tests/browser/room/test_c.py::test_c", 4.0)]
    assert seconds_by_folder(durations) == [("browser", 4.0), ("audit", 2.5), ("site", 1.5)]


def test_shares_are_of_the_lines_of_each_package_and_app() -> None:
    lines = {"analysis/a.py": (3, 3), "readerstudy/urls.py": (4, 2), "readerstudy/audit/x/y.py": (8, 2)}
    lines |= {"readerstudy/audit/z.py": (2, 2), "readerstudy/jobs/__init__.py": (0, 0)}
    files = {name: {"summary": {"num_statements": all_, "covered_lines": run}} for name, (all_, run) in lines.items()}
    shares = {"analysis": 1.0, "readerstudy": 0.5, "readerstudy.audit": 0.4}
    assert share_by_package({"files": files}) == shares


def test_what_make_test_leaves_out_is_there_and_continuous_integration_runs_it_too() -> None:
    assert [path for path in PROOFS if not (ROOT / path).exists()] == []
    script = (ROOT / ".ci" / "run").read_text()
    assert re.findall(r"^make (\w+)", script, re.MULTILINE) == ["test", "proofs"]
    assert "-m tests --proofs" in (ROOT / "Makefile").read_text()
