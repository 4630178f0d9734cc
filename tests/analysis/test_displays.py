"""With and without what was read on displays that failed, computed by hand."""

import pandas as pd
import pytest

from analysis.__main__ import main
from analysis.displays import displays, states
from analysis.protocol import Protocol
from analysis.reading import analyse
from analysis.report import document
from analysis.report.result_tables import result_tables

# R1 passes a check at 8, fails one at 11 and passes one at 13; R2 makes none. The first arm is on the left, so that a
# score s is a preference of 6 − s: 4, 4, 1, 5 of R1 and 3 of R2.
CHECKS = pd.DataFrame(
    {
        "reader": ["R1", "R1", "R1"],
        "checked_at": ["2026-03-02T13:00:00Z", "2026-03-02T08:00:00Z", "2026-03-02T11:00:00.000Z"],
        "passed": [True, True, False],
    }
)
READ = [("R1", "A", 2, 9), ("R1", "B", 2, 10), ("R1", "C", 5, 12), ("R1", "D", 1, 14), ("R2", "A", 3, 12)]


def ratings() -> pd.DataFrame:
    rows = [
        {
            "reader": reader,
            "subject": subject,
            "case": subject.lower(),
            "presentation": f"{reader}-{subject}",
            "score": float(score),
            "confirmed_at": f"2026-03-02T{hour:02d}:00:00Z",
        }
        for reader, subject, score, hour in READ
    ]
    same = {"kind": "main", "comparison": "SOC vs FAST", "first": "SOC", "second": "FAST", "first_side": "left"}
    return pd.DataFrame(rows).assign(**same, criterion="snr", status="rated")


def test_each_presentation_goes_with_the_last_check_before_it():
    assert list(states(ratings(), CHECKS)) == ["fit", "fit", "failed", "fit", "none"]
    at_once = ratings().assign(confirmed_at="2026-03-02T11:00:00Z")  # in the very moment of the check: after it
    assert list(states(at_once, CHECKS))[:1] == ["failed"]
    assert list(states(ratings().assign(confirmed_at=None), CHECKS)) == ["none"] * 5


def test_the_mean_without_failed_displays_is_what_a_hand_computes():
    results = analyse(ratings(), display_checks=CHECKS)
    [cell] = results["displays"]["cells"]
    assert results["comparisons"][0]["mean"]["estimate"] == pytest.approx((4 + 4 + 1 + 5 + 3) / 5)
    assert cell["mean"]["estimate"] == pytest.approx((4 + 4 + 5 + 3) / 4)
    assert cell["mean"]["n"] == 4
    # Subjects A, B, D all favour the first arm: two of 2³ assignments of signs are as far from none.
    assert cell["test"]["p"] == pytest.approx(2 / 8)
    assert results["displays"]["readers"] == [
        {"reader": "R1", "checks": 3, "checks_failed": 1, "read_fit": 3, "read_failed": 1, "read_none": 0},
        {"reader": "R2", "checks": 0, "checks_failed": 0, "read_fit": 0, "read_failed": 0, "read_none": 1},
    ]
    assert result_tables(results)["displays"][0]["mean_estimate"] == 4
    page = document.reading(results)
    assert "Without failed displays" in page
    assert "4.00" in page


@pytest.mark.parametrize(
    ("checks", "reason"),
    [
        (None, "no display was checked"),
        (CHECKS.iloc[:0], "no display was checked"),
        (CHECKS[CHECKS["passed"]], "no pair was read after a failed check"),
        (CHECKS.assign(checked_at="2026-03-01T00:00:00Z", passed=False), None),
    ],
)
def test_where_there_is_nothing_to_leave_out_it_is_said(checks, reason):
    assert displays_of(ratings(), checks)["reason"] == reason


def test_where_all_would_be_left_out_it_is_said():
    first = ratings()[:4]
    failed = CHECKS.assign(checked_at="2026-03-01T00:00:00Z", passed=False)
    assert displays_of(first, failed)["reason"] == "every pair was read after a failed check"
    assert "do not say" in displays_of(first.drop(columns="confirmed_at"), failed)["reason"]


def displays_of(frame: pd.DataFrame, checks: pd.DataFrame | None) -> dict:
    from analysis import tables

    return displays(tables.check_ratings(frame), checks, Protocol())


def test_the_command_takes_display_checks(tmp_path, capsys):
    for name, frame in (("ratings", ratings()), ("checks", CHECKS)):
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    assert main(["reading", str(tmp_path / "ratings.csv"), "--display-checks", str(tmp_path / "checks.csv")]) == 0
    assert '"read_failed": 1' in capsys.readouterr().out
