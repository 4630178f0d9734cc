"""Unanswered questions: counted as they are, filled in as is said, and tipped where a hand would tip them."""

import numpy as np
import pandas as pd
import pytest

from analysis import reading
from analysis.report import document
from analysis.report.result_tables import result_tables
from analysis.statistics.preference import cluster_signed_rank

LEFT = {"study": "t", "comparison": "SOC vs FAST", "first": "SOC", "second": "FAST", "first_side": "right"}


def ratings(answers: dict[str, list]) -> pd.DataFrame:
    """Reader → answers to one case of each subject; None is unanswered, "–" does not apply."""
    rows = [
        {
            **LEFT,
            "subject": f"S{place:02d}",
            "case": f"S{place:02d}",
            "reader": reader,
            "presentation": f"{reader}-{place}",
            "kind": "main",
            "criterion": "snr",
            "score": answer if isinstance(answer, int) else np.nan,
            "status": "not_applicable" if answer == "–" else "cannot_judge" if answer is None else "rated",
        }
        for reader, given in answers.items()
        for place, answer in enumerate(given)
    ]
    return pd.DataFrame(rows)


def found(answers: dict[str, list], **protocol) -> dict:
    return reading.analyse(ratings(answers), protocol=protocol or None)["missing"]


R1, R2 = [4, 4, 4, 4, 5, 4, 3, None], [4, 4, 4, None, 4, 3, None, "–"]


def test_what_was_asked_is_counted_and_each_set_is_what_a_hand_computes():
    (cell,) = found({"R1": R1, "R2": R2})["cells"]
    assert (cell["asked"], cell["cannot_judge"], cell["missing"], cell["unread"]) == (15, 3, 0, 1)
    given = [4, 4, 4, 4, 5, 4, 3, 4, 4, 4, 4, 3]
    both = [4, 4, 4, 5, 4, 4, 4, 4, 4, 3]
    for name, scores in (("all", given), ("per_protocol", both), ("as_no_difference", [*given, 3, 3, 3])):
        assert cell[name]["mean"]["estimate"] == pytest.approx(np.mean(scores))
        assert cell[name]["mean"]["n"] == len(scores)
    assert [cell[name]["cases"] for name in ("all", "per_protocol", "as_no_difference")] == [7, 5, 8]
    assert cell["lowest_mean"] == pytest.approx(np.mean([*given, 1, 1, 1]))
    assert cell["highest_mean"] == pytest.approx(np.mean([*given, 5, 5, 5]))


def test_the_tipping_answer_is_the_nearest_to_three_at_which_the_test_says_something_else():
    answers = {"R1": [4] * 7 + [None] * 2}
    (cell,) = found(answers)["cells"]
    x, subject = np.array([1.0] * 7), np.arange(9)
    p = {fill: cluster_signed_rank([*x, fill, fill], subject, method="permutation").p for fill in (0, -1, 1, -2, 2)}
    assert cell["favours_unadjusted"] == "first"
    assert [fill for fill, value in p.items() if value >= 0.05] == [-1, -2]
    assert cell["tips_at"] == [2]
    (neutral,) = found({"R1": [4, 4, 4, 4, 4, None, None]})["cells"]
    assert (neutral["favours_unadjusted"], neutral["tips_at"]) == ("neither", [4])


def test_two_answers_equally_near_both_tip():
    """Three for and three against: either side tips it, whichever comes first."""
    (cell,) = found({"R1": [4, 2] * 3 + [None] * 14})["cells"]
    assert (cell["favours_unadjusted"], cell["tips_at"]) == ("neither", [2, 4])
    results = reading.analyse(ratings({"R1": [4, 2] * 3 + [None] * 14}))
    assert result_tables(results)["missing"][0]["tips_at"] == "2 4"
    assert ">2 and 4<" in document.reading(results)


def test_a_scale_without_a_middle_is_not_filled_with_it():
    (cell,) = found({"R1": [4, 2] * 3 + [4] * 8 + [None]}, categories=[2, 4])["cells"]
    filled = cell["as_no_difference"]
    assert (filled["mean"]["estimate"], filled["cases"], filled["test"]["p"]) == (None, None, None)
    assert filled["mean"]["reason"] == filled["test"]["reason"] == "the scale has no answer for no difference"
    assert cell["all"]["mean"]["estimate"] is not None


def test_a_test_that_nothing_can_tip_says_so():
    (cell,) = found({"R1": [4] * 20 + [None]})["cells"]
    assert cell["tips_at"] == []
    assert cell["tipping_reason"].startswith("at none")


@pytest.mark.parametrize("test", ["cluster_sign_flip", "datta_satten", "as_published"])
def test_it_is_the_declared_test_that_tips(test):
    (cell,) = found({"R1": [4] * 7 + [None] * 4}, primary_test=test)["cells"]
    assert cell["favours_unadjusted"] == "first"
    assert cell["tips_at"] in ([1], [2])
    (mirror,) = found({"R1": [2] * 7 + [None] * 4}, primary_test=test)["cells"]
    assert mirror["favours_unadjusted"] == "second"
    assert mirror["tips_at"] == [6 - cell["tips_at"][0]]


def test_the_pattern_names_arms_readers_and_criteria():
    rows = {(row["by"], row["name"]): row for row in found({"R1": R1, "R2": R2})["pattern"]}
    assert list(rows) == [("arm", "SOC"), ("arm", "FAST"), ("reader", "R1"), ("reader", "R2"), ("criterion", "snr")]
    assert rows["reader", "R2"]["unanswered"]["estimate"] == pytest.approx(2 / 7)
    assert rows["arm", "FAST"]["asked"] == 15
    low, high = rows["arm", "FAST"]["unanswered"]["ci"]
    assert 0 <= low < 3 / 15 < high <= 1


def test_where_all_was_answered_nothing_is_shown_but_that():
    assert found({"R1": [4, 3, 4], "R2": [4, 3, "–"]})["reason"] == "every question that was asked was answered"
    page = document.reading(reading.analyse(ratings({"R1": [4, 3, 4]})))
    assert "n/a: every question that was asked was answered." in page


def test_report_and_files_tell_of_what_is_missing():
    results = reading.analyse(ratings({"R1": R1, "R2": R2}))
    tables = result_tables(results)
    assert tables["missing"][0]["per_protocol_mean_n"] == 10
    assert [row["name"] for row in tables["missing-pattern"]][:2] == ["SOC", "FAST"]
    page = document.reading(results)
    assert "3 of 15" in page
    assert "Where answers are missing" in page
    assert "The whole family" in page
