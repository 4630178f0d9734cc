"""The analysis of a reader study: the contract's shape, oriented numbers, and what is undefined."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import reading, tables
from analysis.__main__ import main
from analysis.errors import InputError
from analysis.report import document
from tests.analysis.conftest import made_up_study

E = {"estimate", "ci", "level", "n", "method", "reason"}
T = {"statistic", "p", "n", "method", "reason"}
TESTS = {"as_published", "rank_sum_mirror", "cluster_sign_flip", "cluster_permutation", "datta_satten"}
AGREEMENT = {"pairs", "krippendorff_alpha", "gwet_ac2", "kendall_w", "icc"}
PROTOCOL = {
    "comparisons": [{"first": "FAST-DL", "second": "SOC"}, {"first": "SOC", "second": "FAST"}],
    "criteria": [{"id": "disc", "name": "Disc pathology"}, {"id": "snr", "name": "SNR"}],
    "primary": {"first": "FAST-DL", "second": "SOC", "criterion": "snr", "test": "datta_satten"},
    "family": [
        {"first": "FAST-DL", "second": "SOC", "criterion": "snr"},
        {"first": "SOC", "second": "FAST", "criterion": "snr"},
    ],
    "margins": [
        {"on": "mean", "margin": 0.5},
        {"on": "net_preference", "margin": 0.15, "kind": "noninferiority", "criterion": "disc"},
    ],
}


@pytest.fixture(scope="module")
def results(study) -> dict:
    return reading.analyse(study)


def preferences(study, first="SOC", second="FAST", criterion="snr") -> pd.DataFrame:
    """Independent orientation, by hand, of the main rows of one cell."""
    rows = study[(study["kind"] == "main") & (study["first"] == first) & (study["second"] == second)]
    rows = rows[(rows["criterion"] == criterion) & (rows["status"] == "rated")].copy()
    rows["preference"] = [
        s if side == "right" else 6 - s for s, side in zip(rows["score"], rows["first_side"], strict=True)
    ]
    return rows


def cell(results, first="SOC", second="FAST", criterion="snr", *, of="comparisons") -> dict:
    rows = results[of] if of == "comparisons" else results["agreement"]["cells"]
    (found,) = [r for r in rows if (r["first"], r["second"], r["criterion"]) == (first, second, criterion)]
    return found


def test_shape_is_the_contract(results):
    assert set(results) >= {
        "conventions",
        "n",
        "comparisons",
        "agreement",
        "repeats",
        "side_bias",
        "integrity",
        "diagnostic",
        "ranking",
        "blinding",
        "time",
        "subgroups",
    }
    assert len(results["comparisons"]) == 9
    for row in results["comparisons"]:
        assert set(row["tests"]) == TESTS
        assert all(set(test) == T for test in row["tests"].values())
        assert set(row["mean"]) >= E
        assert set(row["net_preference"]) >= E
        assert set(row["p_holm"]) == set(row["p_bh"]) == {"as_published", "primary"}
        assert row["primary_test"] == "cluster_permutation"
        assert row["favours"] in ("first", "second", "neither")
        assert {"counts", "sd", "equivalence", "noninferiority"} <= set(row)
        assert [set(r) for r in row["readers"]] == [{"reader", "mean", "as_published"}] * 3
    for found in [results["agreement"]["overall"], *results["agreement"]["cells"]]:
        assert set(found) >= AGREEMENT
        assert set(found["icc"]) == {"ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k"}
        for pair in found["pairs"]:
            assert set(pair) == {"reader_a", "reader_b", "spearman", "percent", "kappa_linear", "kappa_quadratic"}
    assert set(results["side_bias"][0]) == {"reader", "left", "right", "neutral", "binomial", "threshold_shift"}
    json.dumps(results, allow_nan=False)


def test_means_and_counts_are_those_of_oriented_main_ratings(study, results):
    expected = preferences(study)["preference"]
    found = cell(results)
    assert found["mean"]["estimate"] == pytest.approx(expected.mean())
    assert found["sd"] == pytest.approx(expected.std(ddof=1))
    assert found["counts"] == [int((expected == k).sum()) for k in range(1, 6)]
    assert found["net_preference"]["estimate"] == pytest.approx((expected > 3).mean() - (expected < 3).mean())
    assert found["mean"]["n"] == 60
    assert found["tests"]["as_published"]["p"] == pytest.approx(
        stats.wilcoxon(expected[expected != 3] - 3, method="asymptotic", correction=False).pvalue
    )


def test_each_reader_has_the_own_mean_and_test(study, results):
    expected = preferences(study)
    for row in cell(results)["readers"]:
        mine = expected.loc[expected["reader"] == row["reader"], "preference"]
        assert row["mean"]["estimate"] == pytest.approx(mine.mean())
        assert row["mean"]["n"] == 20


def test_spearman_of_readers_is_on_oriented_scores(study, results):
    wide = preferences(study).pivot(index="case", columns="reader", values="preference")
    pair = cell(results, of="agreement")["pairs"][0]
    assert (pair["reader_a"], pair["reader_b"]) == ("R1", "R2")
    assert pair["spearman"]["estimate"] == pytest.approx(stats.spearmanr(wide["R1"], wide["R2"]).statistic)
    assert results["agreement"]["overall"]["pairs"][0]["spearman"]["n"] == 20 * 9


def test_sides_do_not_matter_to_preferences(study):
    """Mirroring every presentation changes display scores, not one oriented number."""
    mirrored = study.assign(
        score=6 - study["score"], first_side=study["first_side"].map({"left": "right", "right": "left"})
    )
    one, other = reading.analyse(study), reading.analyse(mirrored)
    for row, again in zip(one["comparisons"], other["comparisons"], strict=True):
        model, mirror = row.pop("regression"), again.pop("regression")
        if model["side"]["estimate"] is not None:
            assert model["preference"]["estimate"] == pytest.approx(mirror["preference"]["estimate"])
            assert model["side"]["estimate"] == pytest.approx(-mirror["side"]["estimate"])
    assert one["comparisons"] == other["comparisons"]
    assert one["agreement"] == other["agreement"]
    assert one["side_bias"][0]["left"] == other["side_bias"][0]["right"]


def test_order_of_rows_does_not_matter_to_the_numbers(study):
    shuffled = reading.analyse(study.sample(frac=1, random_state=1))
    found, again = cell(reading.analyse(study)), cell(shuffled)
    assert found["tests"]["cluster_sign_flip"]["p"] == pytest.approx(
        again["tests"]["cluster_sign_flip"]["p"], rel=1e-12
    )
    assert found["mean"]["estimate"] == pytest.approx(again["mean"]["estimate"], rel=1e-12)


def test_the_same_table_gives_the_same_results(study):
    assert reading.analyse(study) == reading.analyse(study)


def test_without_a_protocol_all_cells_are_the_family_and_nothing_is_equivalent(results):
    p = [row["tests"]["cluster_permutation"]["p"] for row in results["comparisons"]]
    defined = [value for value in p if value is not None]
    smallest = results["comparisons"][p.index(min(defined))]
    assert smallest["p_holm"]["primary"] == pytest.approx(min(1, min(defined) * len(defined)))
    assert all(row["equivalence"] == [] for row in results["comparisons"])
    assert "no equivalence is claimed" in results["conventions"]["protocol"]


def test_protocol_orders_cells_and_declares_test_family_and_margins(study):
    found = reading.analyse(study, protocol=PROTOCOL)
    order = [(row["first"], row["second"], row["criterion"]) for row in found["comparisons"]]
    assert order[0] == ("FAST-DL", "SOC", "disc")
    assert list(dict.fromkeys(cell[:2] for cell in order)) == [("FAST-DL", "SOC"), ("SOC", "FAST"), ("FAST-DL", "FAST")]
    assert [cell[2] for cell in order] == ["disc", "snr", "artifacts"] * 3
    inside = [row for row in found["comparisons"] if row["p_holm"]["primary"] is not None]
    assert [(row["first"], row["criterion"]) for row in inside] == [("FAST-DL", "snr"), ("SOC", "snr")]
    smaller = min(inside, key=lambda row: row["tests"]["datta_satten"]["p"])
    assert smaller["p_holm"]["primary"] == pytest.approx(2 * smaller["tests"]["datta_satten"]["p"])
    disc = cell(found, "FAST-DL", "SOC", "disc")
    assert [set(row) >= {"on", "margin", "ci90", "p", "equivalent"} for row in disc["equivalence"]] == [True]
    assert disc["equivalence"][0]["equivalent"] is True
    assert disc["noninferiority"][0]["on"] == "net_preference"
    assert cell(found, "SOC", "FAST", "snr")["equivalence"][0]["equivalent"] is False
    assert cell(found, "SOC", "FAST", "snr")["noninferiority"] == []


@pytest.mark.parametrize(
    ("protocol", "sentence"),
    [
        ({"comparisons": [{"first": "SOC"}]}, "lacks 'second'"),
        ({"primary": {"first": "a", "second": "b", "criterion": "c", "test": "t"}}, "primary.test is 't'"),
        ({"margins": [{"on": "mean", "margin": -1}]}, "a margin is -1, not a positive number"),
        ({"margins": [{"on": "median", "margin": 1}]}, "a margin's on is 'median'"),
        ({"categories": [2, 3, 4]}, "which the protocol's scale 2, 3, 4 lacks"),
        ({"categories": [1, 2, 3]}, "categories must lie evenly about 3"),
        ({"categories": [1, 2.5, 3.5, 5]}, "categories must be whole numbers from 1 to 5"),
        ({"categories": [0, 1, 2, 3, 4, 5, 6]}, "categories must be whole numbers from 1 to 5"),
        ({"categories": True}, "categories must be a list of numbers"),
        ({"margins": [{"on": "mean", "margin": True}]}, "a margin is true, not a positive number"),
        ({"margins": [{"on": "mean", "margin": 2}]}, "A margin of 2 on mean spans the whole scale"),
        ({"margins": [{"on": "net_preference", "margin": 1}]}, "it must be below 1"),
        ({"margins": [{"on": "mean", "margin": 10**400}]}, "has an entry of the wrong form"),
        ([], "must be a JSON object"),
    ],
)
def test_bad_protocols_are_refused_in_one_sentence(study, protocol, sentence):
    with pytest.raises(InputError, match=sentence.replace("'", ".")):
        reading.analyse(study, protocol=protocol)


def test_a_margin_that_holds_for_no_cell_is_said_and_one_twice_declared_is_one(study):
    """Swapped arms and an unknown criterion; the caption then does not say that nothing was declared."""
    lost = [
        {"kind": "noninferiority", "on": "mean", "margin": 0.3, "first": "FAST", "second": "SOC"},
        {"on": "net_preference", "margin": 0.1, "criterion": "sharpness"},
    ]
    found = reading.analyse(study, protocol={"margins": lost})
    assert len(found["warnings"]) == 3
    assert "non-inferiority (mean above −0.3; FAST vs SOC) applies to no comparison" in found["warnings"][0]
    assert "equivalence (net preference within ±0.1; sharpness) applies to no" in found["warnings"][1]
    assert "No margin was declared" not in document.reading(found)
    twice = reading.analyse(study, protocol={"margins": [{"on": "mean", "margin": 0.5}] * 2})
    assert [len(row["equivalence"]) for row in twice["comparisons"]] == [1] * len(twice["comparisons"])
    assert not any("argin" in warning for warning in twice["warnings"])


@pytest.mark.parametrize("content", ["[" * 100_000, '{"seed": 1' + "0" * 6_000 + "}"])
def test_a_protocol_that_python_cannot_read_is_refused_in_one_sentence(tmp_path, capsys, content):
    (tmp_path / "p.json").write_text(content)
    assert main(["reading", "r.csv", "--protocol", str(tmp_path / "p.json")]) == 2
    assert capsys.readouterr().err == "p.json holds a number too large or members nested too deeply.\n"


@pytest.mark.parametrize("command", [["reading", "r.csv"], ["plan", "--subjects", "9"]])
def test_a_negative_seed_is_a_usage_error(capsys, command):
    with pytest.raises(SystemExit) as left:
        main([*command, "--seed", "-1"])
    assert left.value.code == 2
    assert "argument --seed: a seed is 0 or more" in capsys.readouterr().err


def test_a_seed_that_changes_nothing_is_said_to_and_one_of_scan_times_is_refused(study, tmp_path, capsys):
    study.to_csv(tmp_path / "r.csv", index=False)
    assert main(["reading", str(tmp_path / "r.csv"), "--json", str(tmp_path / "out.json"), "--seed", "3"]) == 0
    assert capsys.readouterr().err.startswith("--seed has no effect on reading")
    with pytest.raises(SystemExit):
        main(["scan-times", "s.csv", "--seed", "3"])
    assert "unrecognized arguments: --seed 3" in capsys.readouterr().err


def test_repeats_are_compared_with_their_main_reading(study, results):
    found = results["repeats"]
    assert [row["reader"] for row in found["readers"]] == ["R1", "R2", "R3"]
    assert found["overall"]["n"] == 3 * 4 * 3
    rows = study[
        (study["reader"] == "R1") & study["case"].isin(["C000", "C001", "C002", "C003"]) & (study["first"] == "SOC")
    ]
    rows = rows[rows["kind"] != "training"]
    rows["preference"] = [s if d == "right" else 6 - s for s, d in zip(rows["score"], rows["first_side"], strict=True)]
    wide = rows.pivot(index=["case", "criterion"], columns="kind", values="preference")
    assert found["readers"][0]["percent"]["estimate"] == pytest.approx((wide["main"] == wide["repeat"]).mean())


def test_side_bias_counts_display_scores_of_main_ratings(study, results):
    mine = study[(study["kind"] == "main") & (study["reader"] == "R2")]["score"]
    row = results["side_bias"][1]
    assert (row["left"], row["right"], row["neutral"]) == ((mine < 3).sum(), (mine > 3).sum(), (mine == 3).sum())
    test = stats.binomtest(int((mine > 3).sum()), int((mine != 3).sum()))
    assert row["binomial"]["p"] == pytest.approx(test.pvalue)


def test_a_reader_for_whom_the_first_arm_never_changed_its_side_is_not_tested(study):
    table = study.copy()
    table.loc[table["reader"] == "R1", "first_side"] = "right"
    found = reading.analyse(table)["side_bias"]
    assert found[0]["binomial"]["p"] is None
    assert "stands on one side" in found[0]["binomial"]["reason"]
    assert found[1]["binomial"]["p"] is not None


def test_intervals_end_where_a_short_scale_ends():
    random = np.random.default_rng(2)
    table = made_up_study(subjects=6, cases=6, readers=3)
    table["score"] = random.choice([2.0, 3.0, 4.0, 4.0], len(table))
    for row in reading.analyse(table, protocol={"categories": [2, 3, 4]})["comparisons"]:
        found = [row["mean"], row["hodges_lehmann"], *(one["mean"] for one in row["readers"])]
        ends = [end for one in found if one["ci"] for end in one["ci"]]
        assert (min(ends) >= 2, max(ends) <= 4) == (True, True)


def test_threshold_shift_finds_a_reader_who_leans_right():
    """Latent answers with thresholds at ±0.8, preference 0.5 and a lean of 0.4 to the right."""
    random = np.random.default_rng(4)
    study = made_up_study(subjects=40, cases=200, readers=1).query("kind == 'main'").copy()
    sign = np.where(study["first_side"] == "right", 1, -1)
    latent = 0.5 * sign + 0.4 + random.normal(size=len(study))
    study["score"] = 3 + (latent > 0.8).astype(int) - (latent < -0.8).astype(int)
    (row,) = reading.analyse(study)["side_bias"]
    assert row["threshold_shift"]["estimate"] == pytest.approx(0.4, abs=0.08)
    assert row["threshold_shift"]["ci"][0] > 0.2
    assert row["binomial"]["p"] < 0.001


def test_threshold_shift_is_the_mean_of_the_thresholds():
    """Minus the mean of the probits of P(< 3) and P(≤ 3), over both places of the first arm."""
    study = made_up_study(subjects=40, cases=120, readers=1)
    mine = study[study["kind"] == "main"]
    probits = [
        stats.norm.ppf((rows["score"] < limit).mean()) for _, rows in mine.groupby("first_side") for limit in (3, 4)
    ]
    found = reading.analyse(study)["side_bias"][0]["threshold_shift"]
    assert found["estimate"] == pytest.approx(-np.mean(probits))


def test_training_never_enters(study, results):
    without = reading.analyse(study[study["kind"] != "training"])
    assert without["comparisons"] == results["comparisons"]
    assert without["n"] == results["n"]


def test_integrity_and_diagnostic_quality_are_counts_with_exact_intervals(study):
    rows = [
        {
            "reader": "R1",
            "presentation": f"p{k}",
            "kind": "main",
            "comparison": "c",
            "side": side,
            "arm": arm,
            "consistent": not (k == 0 and arm == "FAST"),
            "diagnostic": None if k == 1 else True,
        }
        for k in range(30)
        for side, arm in (("left", "SOC"), ("right", "FAST"))
    ]
    rows.append({**rows[0], "kind": "training", "consistent": False})
    finding = {"reader": "R1", "presentation": "p0", "side": "right", "arm": "FAST", "kind": "loss"}
    findings = pd.DataFrame([finding, finding | {"presentation": "training"}])
    found = reading.analyse(study, integrity=pd.DataFrame(rows), findings=findings)
    overall = found["integrity"]["overall"]
    assert (overall["yes"], overall["no"], overall["unanswered"]) == (59, 1, 0)
    assert overall["share"]["ci"] == pytest.approx(stats.binomtest(59, 60).proportion_ci(), rel=1e-9)
    assert {row["arm"]: row["no"] for row in found["integrity"]["arms"]} == {"FAST": 1, "SOC": 0}
    assert found["integrity"]["findings"] == [{"arm": "FAST", "kind": "loss", "n": 1}]
    assert found["diagnostic"]["overall"]["unanswered"] == 2
    assert found["diagnostic"]["overall"]["share"]["estimate"] == 1


def test_statuses_without_a_score_are_counted_and_left_out(study):
    study = study.copy()
    study["score"] = study["score"].astype(float)
    main_rows = study.index[study["kind"] == "main"]
    for row, status in zip(main_rows, ("cannot_judge", "cannot_judge", "not_applicable", "missing"), strict=False):
        study.loc[row, "score"] = np.nan
        study.loc[row, "status"] = status
    n = reading.analyse(study)["n"]
    assert n == {
        "subjects": 12,
        "cases": 20,
        "readers": 3,
        "presentations": 180,
        "ratings": 536,
        "cannot_judge": 2,
        "not_applicable": 1,
        "missing": 1,
    }


def test_criteria_from_two_presentations_are_a_warning(study):
    study = study.copy()
    study.loc[0, "presentation"] = "R1-9999"
    assert reading.analyse(study)["warnings"][0] == "The criteria of 1 pairs come from two presentations."


def test_ratings_without_main_presentations_are_refused(study):
    with pytest.raises(InputError, match="no main presentations"):
        reading.analyse(study[study["kind"] == "repeat"])


def neutral(study):
    return study.assign(score=3)


def one_subject(study):
    return study.assign(subject="S1")


def one_reader(study):
    return study[study["reader"] == "R1"]


def separated(study):
    return study.assign(score=np.where(study["first_side"] == "right", 5, 1))


def nothing_rated(study):
    return study.assign(score=np.nan, status="missing")


@pytest.mark.parametrize("make", [neutral, one_subject, one_reader, separated, nothing_rated])
def test_degenerate_studies_are_analysed_with_reasons(study, make):
    found = reading.analyse(make(study), protocol=PROTOCOL)
    json.dumps(found, allow_nan=False)
    explained(found)


def explained(value):
    """Every undefined estimate and test says why."""
    if isinstance(value, dict):
        if {"estimate", "reason"} <= set(value) and (value["estimate"] is None or value.get("ci", 0) is None):
            assert value["reason"], value
        if {"statistic", "p", "reason"} <= set(value) and value["p"] is None:
            assert value["reason"], value
        for part in value.values():
            explained(part)
    elif isinstance(value, list):
        for part in value:
            explained(part)


def test_all_neutral_criteria_leave_the_family(study):
    study = study.copy()
    study.loc[study["criterion"] == "disc", "score"] = 3
    found = reading.analyse(study)
    disc = cell(found, criterion="disc")
    assert disc["tests"]["as_published"] == {
        "statistic": None,
        "p": None,
        "n": 60,
        "reason": "every answer is 'no difference'",
        "method": disc["tests"]["as_published"]["method"],
    }
    assert disc["p_holm"] == {"as_published": None, "primary": None}
    p = [row["tests"]["as_published"]["p"] for row in found["comparisons"]]
    assert p.count(None) == 3
    smallest = min(value for value in p if value is not None)
    assert cell_with(found, smallest)["p_holm"]["as_published"] == pytest.approx(6 * smallest)


def cell_with(found, p):
    return next(row for row in found["comparisons"] if row["tests"]["as_published"]["p"] == p)


def test_many_readers_have_overall_pairs_only():
    found = reading.analyse(made_up_study(subjects=5, cases=6, readers=22))
    assert len(found["agreement"]["overall"]["pairs"]) == 231
    assert found["agreement"]["cells"][0]["pairs"] == []
    assert "left out" in found["agreement"]["reason"]


def test_command_writes_the_same_numbers_as_the_function(study, tmp_path):
    ratings, protocol, out = tmp_path / "r.csv", tmp_path / "p.json", tmp_path / "out.json"
    study.to_csv(ratings, index=False)
    protocol.write_text(json.dumps(PROTOCOL))
    assert main(["reading", str(ratings), "--protocol", str(protocol), "--json", str(out), "--seed", "3"]) == 0
    assert json.loads(out.read_text()) == json.loads(json.dumps(reading.analyse(study, protocol=PROTOCOL)))


def test_command_says_bad_input_in_one_sentence_with_status_2(tmp_path, capsys):
    assert main(["reading", str(tmp_path / "none.csv")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    ratings = tmp_path / "r.csv"
    ratings.write_text(",".join(tables.column_names("ratings")) + "\n")
    assert main(["reading", str(ratings)]) == 2
    assert capsys.readouterr().err == "r.csv has no rows.\n"


def test_html_page_is_self_contained_and_holds_the_tables(study, tmp_path):
    ratings, protocol, page = tmp_path / "r.csv", tmp_path / "p.json", tmp_path / "out.html"
    study.to_csv(ratings, index=False)
    protocol.write_text(json.dumps({**PROTOCOL, "criteria": [{"id": "snr", "name": "SNR <b>"}]}))
    assert main(["reading", str(ratings), "--protocol", str(protocol), "--html", str(page)]) == 0
    html = page.read_text(encoding="utf-8")
    found = reading.analyse(study, protocol=PROTOCOL)
    assert f"{cell(found)['mean']['estimate']:.2f} ± {cell(found)['sd']:.2f}" in html
    assert "SNR &lt;b&gt;" in html
    assert html.count("<svg") == 9 + 3 + 1  # bars, forest plots, ranking
    assert not re.search(r"<script|<link|src=|@import|url\(", html)
    text = document.reading(reading.analyse(neutral(study)))
    assert "a reader gave the same score to every pair" in text


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("seed", range(12))
def test_tiny_studies_are_analysed_without_a_warning(seed):
    """Two to four subjects, cases and readers: whatever is undefined there is said, not warned about."""
    random = np.random.default_rng(seed)
    subjects, readers = random.integers(1, 4, 2)
    study = made_up_study(subjects=int(subjects), cases=int(subjects) + 4, readers=int(readers), seed=seed)
    found = reading.analyse(study[random.random(len(study)) < 0.5], protocol=PROTOCOL)
    json.dumps(found, allow_nan=False)
    explained(found)
    document.reading(found)
