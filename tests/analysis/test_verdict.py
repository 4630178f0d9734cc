"""What results say follows from the declared test, its adjustment and each cell's own margins; from no other number."""

import json
import xml.etree.ElementTree as ET
from html import unescape

import pandas as pd
import pytest

from analysis import formats, reading, verdict
from analysis.__main__ import main
from analysis.errors import InputError
from analysis.protocol import PRIMARY_TESTS, parse_protocol
from analysis.report import document, forest, result_tables

COLOURS = {"A": "fast2", "B": "fastdl2"}
PRIMARY = {"first": "A", "second": "B", "criterion": "snr"}


def ratings(answers: dict[str, list[list[int]]]) -> pd.DataFrame:
    """Preferences − 3 by criterion: one row per subject, one number per reader; A always stood on the right."""
    rows = [
        {
            "subject": f"S{subject}",
            "case": "C1",
            "reader": f"R{reader}",
            "kind": "main",
            "comparison": "A vs B",
            "first": "A",
            "second": "B",
            "first_side": "right",
            "criterion": criterion,
            "score": 3 + x,
            "status": "rated",
        }
        for criterion, own in answers.items()
        for subject, scores in enumerate(own)
        for reader, x in enumerate(scores)
    ]
    return pd.DataFrame(rows)


def analysed(answers: dict[str, list[list[int]]], *margins: dict, **more) -> dict:
    protocol = {"comparisons": [{"first": "A", "second": "B"}], "criteria": [{"id": name} for name in answers]}
    found = reading.analyse(ratings(answers), protocol={**protocol, "primary": PRIMARY, "margins": margins, **more})
    json.dumps(found, allow_nan=False)
    return found


def margin(size: float, *, on: str = "net_preference", kind: str = "equivalence", **cell: str) -> dict:
    return {"on": on, "margin": size, "kind": kind, **cell}


# Two readers prefer A a little, the third prefers B much, as one in three of the first subjects does not even.
PULLED = {"snr": [[1, 1, -2]] * 56 + [[1, 1, 0]] * 3 + [[1, 1, -1]]}
FOUR = {"snr": [[1, 0]] * 4 + [[0, 0]] * 57}
MANY = {"snr": [[1, 0], [1, 1], [0, 1]] * 10 + [[0, 0]] * 30}


@pytest.mark.parametrize("test", PRIMARY_TESTS)
@pytest.mark.parametrize(("sign", "better", "other"), [(1, "A", "B"), (-1, "B", "A")])
def test_the_verdict_names_the_arm_that_each_test_rejects_for(test, sign, better, other):
    answers = {"snr": [[sign * x for x in own] for own in MANY["snr"]]}
    found = analysed(answers, primary_test=test)
    assert found["primary"]["test"] == test
    assert found["primary"]["favours"] == found["comparisons"][0]["favours"] == ("first" if sign > 0 else "second")
    assert verdict.primary(found) == [f"{better} is preferred to {other}."]
    assert verdict.labels(found["comparisons"][0]) == [f"{better} better"]


def test_where_mean_and_test_disagree_the_test_is_followed_and_that_is_said():
    found = analysed(PULLED)
    cell = found["comparisons"][0]
    assert cell["mean"]["estimate"] > 3
    assert cell["net_preference"]["estimate"] > 0
    assert cell["tests"]["cluster_permutation"]["statistic"] < 0
    assert found["primary"]["favours"] == "second"
    said = " ".join(verdict.primary(found))
    assert said.startswith("B is preferred to A. The test disagrees with the mean (3.")
    assert said.endswith("they lean to A.")
    page = document.reading(found)
    assert "B is preferred to A." in page
    assert "A is preferred" not in page
    drawn = forest.net_preference(found["comparisons"], colours=COLOURS)
    assert "B better" in drawn
    assert "net preference disagrees" in drawn
    assert 'class="fastdl2"' in drawn
    assert 'class="fast2"' not in drawn


def test_four_of_many_answers_are_no_better_arm_and_get_no_colour():
    """The interval of net preference leaves out 0 and the sign flip says 0.046; the exact test says 0.125."""
    found = analysed(FOUR)
    cell = found["comparisons"][0]
    assert cell["net_preference"]["ci"][0] >= 0
    assert cell["tests"]["cluster_sign_flip"]["p"] < 0.05
    assert cell["tests"]["cluster_permutation"]["p"] == cell["p_holm"]["primary"] == 0.125
    assert (found["primary"]["favours"], verdict.labels(cell)) == ("neither", [])
    assert verdict.primary(found)[0] == "No preference is shown."
    drawn = ET.fromstring(forest.net_preference([cell], colours=COLOURS))
    assert {mark.get("class") for mark in drawn.iter("rect")} == {"neu"}
    assert "better" not in drawn.get("aria-label")


def test_labels_follow_the_adjusted_p_and_the_primary_hypothesis_its_own():
    """One cell that its own test rejects and Holm over eight does not."""
    answers = {"snr": [[1]] * 7 + [[-1]] + [[0]] * 12, **{f"c{n}": [[0]] * 18 + [[1], [-1]] for n in range(7)}}
    found = analysed(answers, primary_test="cluster_sign_flip")
    cell = found["comparisons"][0]
    assert cell["tests"]["cluster_sign_flip"]["p"] < 0.05 < cell["p_holm"]["primary"]
    assert (found["primary"]["favours"], cell["favours"]) == ("first", "neither")
    assert verdict.primary(found)[0] == "A is preferred to B."
    assert verdict.labels(cell) == ["A better"]
    drawn = forest.net_preference(found["comparisons"], colours=COLOURS)
    assert drawn.count('class="fast2"') == 1
    assert "in the row of the primary hypothesis its own p" in verdict.caption(found["comparisons"])
    del cell["primary"]  # an exploratory cell with the same numbers
    assert verdict.labels(cell) == []
    assert 'class="fast2"' not in forest.net_preference(found["comparisons"], colours=COLOURS)


def test_a_cell_outside_the_family_has_no_label():
    answers = {"snr": MANY["snr"], "disc": MANY["snr"]}
    found = analysed(answers, family=[PRIMARY])
    assert [cell["favours"] for cell in found["comparisons"]] == ["first", "neither"]


def test_each_row_of_the_figure_has_its_own_margin():
    answers = {"snr": MANY["snr"], "artifacts": MANY["snr"], "disc": MANY["snr"]}
    found = analysed(answers, margin(0.1, criterion="snr"), margin(0.75, criterion="artifacts"))
    drawn = ET.fromstring(forest.net_preference(found["comparisons"], colours=COLOURS))
    bands = [mark for mark in drawn.iter("rect") if mark.get("class") == "margin"]
    widths, tops = ([float(band.get(name)) for band in bands] for name in ("width", "y"))
    assert widths[1] == pytest.approx(7.5 * widths[0], rel=0.01)
    assert tops[1] == pytest.approx(tops[0] + float(bands[0].get("height")))
    assert {"±0.1", "±0.75", "no margin"} <= {text.text for text in drawn.iter("text")}
    assert "each row's own margin" in verdict.caption(found["comparisons"])
    assert verdict.labels(found["comparisons"][1]) == ["A better", "equivalent"]
    assert verdict.labels(found["comparisons"][0]) == ["A better"]


def test_one_margin_of_all_rows_stands_above_them():
    found = analysed({"snr": MANY["snr"], "disc": MANY["snr"]}, margin(0.125), margin(0.25, kind="noninferiority"))
    drawn = ET.fromstring(forest.net_preference(found["comparisons"], colours=COLOURS))
    assert {"−0.125", "+0.125", "−0.25"} <= {text.text for text in drawn.iter("text")}
    assert sum(line.get("stroke-dasharray") is not None for line in drawn.iter("line")) == 2
    caption = verdict.caption(found["comparisons"])
    assert "Grey: margin ±0.125, fixed before opening." in caption
    assert "Dashed: margin −0.25 of non-inferiority of the first arm to the second." in caption


def test_a_margin_on_the_mean_is_not_denied_where_none_is_on_net_preference():
    found = analysed(MANY, margin(0.5, on="mean"))
    caption = verdict.caption(found["comparisons"])
    assert "Margins on the mean (±0.5) were declared too" in caption
    assert "No margin" not in caption
    assert "Margins on the mean (±0.5)" in document.reading(found)
    assert verdict.labels(found["comparisons"][0]) == ["A better", "equivalent (mean)"]
    assert verdict.primary(found)[-1] == "A and B are equivalent: mean preference within ±0.5."
    without = analysed(MANY)
    assert "No margin declared before opening applies here" in verdict.caption(without["comparisons"])


def test_non_inferiority_says_of_which_arm_to_which():
    found = analysed(MANY, margin(0.2, kind="noninferiority"))
    (claim,) = verdict.claims(found["comparisons"][0])
    assert (claim.name, claim.verdict) == ("non-inferiority of A to B", "A non-inferior to B")
    assert verdict.sentences(found["comparisons"][0]) == ["A is non-inferior to B: net preference above −0.2."]
    assert "A non-inferior to B" in document.reading(found)
    row = result_tables.result_tables(found)["margins"][0]
    assert (row["claim"], row["verdict"]) == ("non-inferiority of A to B", "A non-inferior to B")
    against = analysed({"snr": [[-x for x in own] for own in MANY["snr"]]}, margin(0.1, kind="noninferiority"))
    assert verdict.primary(against) == [
        "B is preferred to A.",
        "Non-inferiority of A to B (net preference above −0.1) is not shown.",
    ]


@pytest.mark.parametrize(
    ("row", "said", "in_table", "labels"),
    [
        (
            {"p": 0.01, "equivalent": True, "reason": None},
            "A and B are equivalent: net preference within ±0.1.",
            "equivalent",
            ["equivalent"],
        ),
        (
            {"p": 0.2, "equivalent": False, "reason": "29 subjects are needed"},
            "Equivalence (net preference within ±0.1) is not shown: 29 subjects are needed.",
            "not shown",
            [],
        ),
        (
            {"p": None, "equivalent": None, "reason": "too few subjects to claim it: 29 are needed"},
            "Equivalence (net preference within ±0.1): n/a, too few subjects to claim it: 29 are needed.",
            "n/a",
            [],
        ),
    ],
)
def test_an_all_neutral_cell_says_what_its_margin_shows_without_any_preference(row, said, in_table, labels):
    """No preference can be tested and no interval exists; the claim stands, falls or is undefined by its own test."""
    found = analysed({"snr": [[0, 0]] * 30}, margin(0.1))
    found["comparisons"][0]["equivalence"] = [
        {"on": "net_preference", "margin": 0.1, "estimate": 0.0, "ci90": None, "n": 30, "method": "m", **row}
    ]
    assert verdict.primary(found) == ["No preference can be tested: every answer is 'no difference'.", said]
    (claim,) = verdict.claims(found["comparisons"][0])
    assert (claim.verdict, verdict.labels(found["comparisons"][0])) == (in_table, labels)
    assert said in unescape(document.reading(found))
    assert forest.net_preference(found["comparisons"], colours=COLOURS)


def test_a_figure_says_no_more_than_it_must():
    """Equal answers either way are equivalent on both measures, hence not inferior; nor is an arm that is better."""
    even = {"snr": [[1, 0], [0, 0], [0, -1]] * 20}
    both = [
        margin(size, on=on, kind=kind)
        for kind in ("equivalence", "noninferiority")
        for on, size in (("mean", 0.4), ("net_preference", 0.3))
    ]
    (cell,) = analysed(even, *both)["comparisons"]
    assert all(claim.shown for claim in verdict.claims(cell))
    assert verdict.labels(cell) == ["equivalent (mean too)"]
    assert verdict.sentences(cell) == [
        "A and B are equivalent: mean preference within ±0.4 and net preference within ±0.3.",
        "A is non-inferior to B: mean preference above −0.4 and net preference above −0.3.",
    ]
    (only,) = analysed(even, *both[2:])["comparisons"]
    assert verdict.labels(only) == ["A non-inferior to B (mean too)"]
    (wider,) = analysed(even, margin(0.02), margin(0.3))["comparisons"]
    assert verdict.labels(wider) == ["equivalent (net preference within ±0.3)"]
    (better,) = analysed(MANY, margin(0.2, kind="noninferiority"))["comparisons"]
    assert verdict.labels(better) == ["A better"]


def test_without_a_primary_hypothesis_nothing_is_said_of_one():
    found = reading.analyse(ratings(MANY))
    assert verdict.primary(found) == []
    assert found["primary"]["favours"] is None


def test_results_of_an_earlier_version_are_still_put_into_words():
    found = analysed(PULLED, margin(0.5, on="mean"))
    said, labels = verdict.primary(found), verdict.labels(found["comparisons"][0])
    for row in (found["primary"], found["comparisons"][0]):
        del row["favours"]
    assert (verdict.primary(found), verdict.labels(found["comparisons"][0])) == (said, labels)


def test_a_pooled_figure_beyond_the_margin_is_named_beside_a_claim_on_subject_means():
    """One subject with many answers for A: subjects weighed alike hardly lean, ratings pooled do."""
    found = analysed({"snr": [[1] * 60, *([[0]] * 60)]}, margin(0.15))
    (cell,) = found["comparisons"]
    assert verdict.sentences(cell)[-1] == (
        "Net preference with subjects weighed alike, as the claim has it: +0.02; ratings pooled: +0.50."
    )
    assert verdict.labels(cell) == ["equivalent", "pooled ratings disagree"]
    assert "judged by the interval in the table of margins" in verdict.caption([cell])
    (even,) = analysed({"snr": [[1], *([[0]] * 60)]}, margin(0.15))["comparisons"]
    assert verdict.labels(even) == ["equivalent"]


@pytest.mark.parametrize(
    ("p", "shown"), [(0.05, "0.050"), (0.0499, "0.0499"), (0.050004, "0.050004"), (0.0501, "0.0501"), (0.2, "0.20")]
)
def test_a_p_beside_the_level_keeps_the_digits_that_tell_its_side(p, shown):
    assert formats.p_value(p) == shown


def test_interval_limits_beside_a_margin_keep_the_digits_that_tell_their_side():
    (cell,) = analysed(MANY, margin(0.2, kind="noninferiority"))["comparisons"]
    (claim,) = verdict.claims(cell)
    assert claim.digits == 2
    claim.row["ci90"][:] = [-0.1998, 0.3]
    assert claim.digits == 4


def test_the_numbers_leave_with_their_verdict():
    found = analysed(PULLED)
    tables = result_tables.result_tables(found)
    assert tables["preference"][0]["favours"] == "second"
    assert tables["primary"][0]["favours"] == "second"
    assert tables["primary"][0]["says"].startswith("B is preferred to A.")


def test_no_verdict_comes_from_a_neighbouring_number():
    """Planted means, shares, intervals and unadjusted p: whatever they say, words and colours stay."""
    found = analysed(MANY, margin(0.2))
    cell = found["comparisons"][0]
    before = verdict.labels(cell), [claim.verdict for claim in verdict.claims(cell)]
    for value in (1.0, 3.0, 5.0):
        cell["mean"] |= {"estimate": value, "ci": [value, value], "ci90": [value, value]}
        cell["tests"]["as_published"] |= {"p": 0.9, "statistic": 0.0}
        cell["tests"]["cluster_sign_flip"] |= {"p": 0.9, "statistic": -5.0}
        cell["regression"]["preference"] |= {"estimate": -1.0, "ci": [-2.0, -0.5]}
        assert before == (verdict.labels(cell), [claim.verdict for claim in verdict.claims(cell)])
        assert verdict.favours(cell) == "first"
        assert verdict.primary(found)[0] == "A is preferred to B."


def test_the_test_is_the_exact_one_unless_the_protocol_names_another(tmp_path):
    assert parse_protocol(None).primary_test == parse_protocol({}).primary_test == "cluster_permutation"
    assert parse_protocol({"primary": PRIMARY}).primary_test == "cluster_permutation"
    assert parse_protocol({"primary_test": "cluster_sign_flip"}).primary_test == "cluster_sign_flip"
    assert parse_protocol({"primary": {**PRIMARY, "test": "datta_satten"}}).primary_test == "datta_satten"
    both = {"primary_test": "datta_satten", "primary": {**PRIMARY, "test": "cluster_permutation"}}
    with pytest.raises(InputError, match=r"primary_test is datta_satten, but primary\.test is cluster_permutation"):
        parse_protocol(both)
    with pytest.raises(InputError, match="primary_test is 't', not one of"):
        parse_protocol({"primary_test": "t"})


def test_the_family_follows_the_declared_test(study):
    for test in PRIMARY_TESTS:
        found = reading.analyse(study, protocol={"primary_test": test})
        p = [row["tests"][test]["p"] for row in found["comparisons"]]
        smallest = min(value for value in p if value is not None)
        m = sum(value is not None for value in p)
        assert min(row["p_holm"]["primary"] for row in found["comparisons"] if row["p_holm"]["primary"]) == (
            pytest.approx(min(1, smallest * m))
        )


def test_the_command_says_whom_the_test_favours(tmp_path, capsys):
    ratings(PULLED).to_csv(tmp_path / "r.csv", index=False)
    (tmp_path / "p.json").write_text(json.dumps({"primary": PRIMARY}))
    assert main(["reading", str(tmp_path / "r.csv"), "--protocol", str(tmp_path / "p.json")]) == 0
    assert json.loads(capsys.readouterr().out)["primary"]["favours"] == "second"
