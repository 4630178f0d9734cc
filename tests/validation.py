"""The validation report: what is tested against which outside reference, from the tests themselves: `make validation`.

A test says what it is evidence of, ``@pytest.mark.reference("signed rank", "coin, R", version="R 4.2.2")``: its
subject, one of SUBJECTS, and the reference; the version of an installed package is asked for. The report counts the
numbers that ``pytest.approx`` compared, and how far they lay apart, and names each reference of which nothing ran. Exit
status 1 where a subject has no test, where a test fails, expected or not, or where none of a subject's ran.
"""

import argparse
import math
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from unittest import mock

import pytest
from _pytest.approx import ApproxScalar

from analysis.report import pdf, render, table_cells
from analysis.report.charter import Part
from analysis.report.table import Table
from tests.site_process import ROOT

# key: what it is, in the words of the report
ANALYSIS = {
    "signed rank": "Signed rank and rank sum tests",
    "clustered tests": "Clustered signed rank tests",
    "equivalence": "Equivalence, non-inferiority, exact binomial inference",
    "multiplicity": "Adjusted p values",
    "family": "Intervals that hold together",
    "kappa": "Weighted kappa",
    "alpha": "Krippendorff's alpha",
    "AC2": "Gwet's AC1 and AC2",
    "ICC": "Intraclass correlation",
    "Kendall": "Kendall's W",
    "Spearman": "Spearman's correlation",
    "concordance": "Concordance correlation",
    "limits": "Bland–Altman limits of agreement",
    "paired t": "Paired t test, Pearson's correlation",
    "dispersion": "Coefficient of variation, quartile dispersion",
    "regression": "Visual grading regression",
    "mixed model": "Mixed models",
    "components": "Variance components",
    "ranking": "Davidson's model",
    "blinding": "Bang's and James' blinding indices",
}
IMAGES = {
    "metrics": "PSNR, MSE, NRMSE",
    "SSIM": "Structural similarity",
    "radiomics": "Radiomic features",
    "IBSI": "Radiomic features, digital phantom",
    "overlap": "Overlap and distance of masks",
    "registration": "Resampling by a transform",
    "contours": "Contours to voxels",
}
SUBJECTS = ANALYSIS | IMAGES
FOLDERS = ("tests/analysis", "tests/processing")
OUT = ROOT / "test-results"


@dataclass
class Check:
    """The tests of one subject against one reference. apart: the largest relative difference of the numbers compared,
    allowed: what its test lets pass there."""

    subject: str
    against: str
    version: str
    tests: set[str] = field(default_factory=set)
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: int = 0
    numbers: int = 0
    apart: float = 0.0
    allowed: float = 0.0


class Collected:
    """Plugin of pytest: keeps what the marked tests came to."""

    def __init__(self) -> None:
        self.checks: dict[tuple[str, str], Check] = {}
        self.of: dict[str, list[Check]] = {}

    def pytest_collection_modifyitems(self, items: Sequence[pytest.Item]) -> None:
        for item in items:
            for mark in item.iter_markers("reference"):
                subject, against = mark.args
                if subject not in SUBJECTS:
                    raise pytest.UsageError(f"{item.nodeid}: {subject!r} is no subject of tests/validation.py.")
                key = (subject, against)
                check = self.checks.setdefault(key, Check(subject, against, _version(mark.kwargs)))
                check.tests.add(item.nodeid.split("[")[0])
                self.of.setdefault(item.nodeid, []).append(check)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        with compared() as apart:
            result = yield
        for check in self.of.get(item.nodeid, ()):
            check.numbers += len(apart)
            check.apart, check.allowed = max([(check.apart, check.allowed), *apart])
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for check in self.of.get(report.nodeid, ()):
            if report.failed or hasattr(report, "wasxfail"):  # a failure that was expected is one all the same
                check.failed.append(report.nodeid)
            elif report.skipped:
                check.skipped += 1
            elif report.when == "call":
                check.passed += 1


def _version(said: dict[str, str]) -> str:
    return metadata.version(said["package"]) if "package" in said else said["version"]


@contextmanager
def compared() -> Iterator[list[tuple[float, float]]]:
    """(Difference, difference allowed) of all numbers that `pytest.approx` finds equal meanwhile, relative to the
    reference unless that is 0."""
    apart: list[tuple[float, float]] = []
    own = ApproxScalar.__eq__

    def noted(self: ApproxScalar, actual: object) -> bool:
        same = bool(own(self, actual))
        try:
            ours, theirs = float(actual), float(self.expected)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return same
        if same and math.isfinite(ours) and math.isfinite(theirs):
            apart.append((abs(ours - theirs) / (abs(theirs) or 1.0), float(self.tolerance) / (abs(theirs) or 1.0)))
        return same

    with mock.patch.object(ApproxScalar, "__eq__", noted):
        yield apart


def faults(checks: Sequence[Check]) -> list[str]:
    """What is wrong, in sentences: a subject without a test, a test that failed, a subject of which nothing ran."""
    found = []
    for subject, words in SUBJECTS.items():
        own = [one for one in checks if one.subject == subject]
        if not own:
            found.append(f"{words}: no test says that it compares this with an outside reference.")
        elif not any(one.passed or one.failed for one in own):
            found.append(f"{words}: none of its tests ran.")
        found += [f"{words}: {test} failed." for one in own for test in one.failed]
    return found


def not_run(checks: Sequence[Check]) -> list[str]:
    """The references of which nothing ran here, in sentences."""
    idle = [one for one in checks if not one.passed and not one.failed]
    return [f"{SUBJECTS[one.subject]}, against {one.against}: nothing ran." for one in idle]


def page(checks: Sequence[Check], *, paper: str = "A4") -> str:
    """The report as a page for a browser or a printer."""
    wrong = faults(checks)
    passed = sum(one.passed for one in checks)
    said = [
        "The tests of the product compare its numbers with those of other programs, or with numbers that papers print. "
        "This report is made of these tests as they ran: outcomes, counts and differences are theirs. What a test is "
        "compared with it says itself, and the version too where a program that does not run here, such as R, made the "
        "numbers once; the version of a package is asked of the one installed. A difference is relative to the "
        "reference: the largest of all numbers compared, beside what its test allows there. Papers print few digits. "
        "Where no number was counted, whole results were compared.",
        f"{passed:,} comparisons held."
        if not wrong
        else f"{passed:,} comparisons held. Not everything is as it should be:",
        *wrong,
        *not_run(checks),
    ]
    return render.dossier(
        "charter.html",
        title="Validation against outside references",
        kind="Validation report",
        head="Validation report",
        paper=paper,
        facts=_facts(),
        changes=None,
        parts=[
            Part("validation", "What this is", said),
            Part("analysis", "Analysis", [], [_table(checks, ANALYSIS, "analysis")]),
            Part("images", "Images", [], [_table(checks, IMAGES, "images")]),
        ],
    )


def _facts() -> list[tuple[str, str]]:
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=ROOT, check=False).stdout
    own = [(name, metadata.version(name)) for name in ("numpy", "scipy", "pandas")]
    return [("Commit", commit.strip() or "not known"), ("Python", platform.python_version()), *own]


def _table(checks: Sequence[Check], subjects: dict[str, str], key: str) -> Table:
    rows = []
    for subject, words in subjects.items():
        for one in (one for one in checks if one.subject == subject):
            outcome = f"{len(one.failed)} failed" if one.failed else "held" if one.passed else "did not run"
            rows.append(
                [
                    *table_cells.words(words, one.against, one.version),
                    table_cells.count(one.passed + len(one.failed)),
                    table_cells.count(one.numbers),
                    *table_cells.words(*(f"{share:.1g}" if one.numbers else "" for share in (one.apart, one.allowed))),
                    *table_cells.words(_with_skips(outcome, one.skipped)),
                ]
            )
    heads = ["What", "Against", "Version", "Tests", "Numbers", "Apart", "Allowed", "Outcome"]
    return Table(key, "Checks", heads=heads, rows=rows, words=3, reason="" if rows else "no test is marked")


def _with_skips(outcome: str, skipped: int) -> str:
    return f"{outcome}, {skipped} not run here" if skipped and outcome != "did not run" else outcome


def collect(*paths: str) -> list[Check]:
    """Run the marked tests below these paths."""
    collected = Collected()
    pytest.main(
        ["-n", "0", "-q", "--capture=no", "-p", "no:cacheprovider", "-m", "reference", *paths], plugins=[collected]
    )
    return list(collected.checks.values())


def main() -> int:
    """Write both files; what is wrong goes to stderr."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", default=FOLDERS, help="where the tests are")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of validation.html and validation.pdf")
    options = parser.parse_args()
    checks = collect(*options.paths)
    options.out.mkdir(parents=True, exist_ok=True)
    made = page(checks)
    (options.out / "validation.html").write_text(made, encoding="utf-8")
    (options.out / "validation.pdf").write_bytes(pdf.pdf(made))
    print(options.out / "validation.pdf")
    wrong = faults(checks)
    print(*wrong, sep="\n", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
