"""Davidson's model against R's log-linear fit, and what cannot be ranked."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import reading
from analysis.ranking import davidson
from analysis.report.result_tables import result_tables
from analysis.report.tables.readers import side_bias

ARMS = 3


@pytest.fixture(scope="module")
def answers() -> dict[str, np.ndarray]:
    """The counts of davidson.csv as single answers."""
    counts = pd.read_csv(Path(__file__).parent / "reference" / "davidson.csv")
    rows = counts.loc[counts.index.repeat(counts["count"])]
    return {
        "first": rows["first"].to_numpy() - 1,
        "second": rows["second"].to_numpy() - 1,
        "winner": rows["outcome"].map({"first": 1, "tie": 0, "second": -1}).to_numpy(),
        "first_right": rows["right"].to_numpy(dtype=bool),
        "cluster": np.arange(len(rows)),
    }


@pytest.mark.reference("ranking", "glm of R", version="4.2.2")
def test_davidson_equals_the_log_linear_fit_of_r(answers, r):
    fit = davidson(**answers, arms=ARMS)
    names = ("worth2", "worth3", "tie", "side")
    assert fit.estimates == pytest.approx([r[f"davidson_{name}"] for name in names], rel=1e-6)
    # every answer its own cluster: the sandwich comes close to the model's standard errors
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx([r[f"davidson_se_{name}"] for name in names], rel=0.1)


def test_without_ties_it_is_bradley_and_terrys_model_as_glm_of_r_fits_it(answers):
    reference = pd.read_csv(Path(__file__).parent / "reference" / "scores_reference.csv").set_index("name")["value"]
    decided = {name: values[answers["winner"] != 0] for name, values in answers.items()}
    fit = davidson(**decided, arms=ARMS)
    assert fit.ties is False
    expected = [reference[f"bradley_{name}"] for name in ("worth2", "worth3", "side")]
    assert fit.estimates[[0, 1, 3]] == pytest.approx(expected, rel=1e-6)
    errors = [reference[f"bradley_se_{name}"] for name in ("worth2", "worth3", "side")]
    assert np.sqrt(np.diag(fit.covariance))[[0, 1, 3]] == pytest.approx(errors, rel=0.1)


def test_where_nothing_can_be_ranked_it_is_said_which_way(answers):
    def why(**changes) -> str:
        return davidson(**{**answers, **changes}, arms=ARMS, names=["SOC", "FAST", "DL"]).reason

    neutral = np.zeros_like(answers["winner"])
    assert why(winner=neutral) == "no finite maximum: every answer is 'no difference'"
    left, right = np.where(answers["first_right"], -1, 1), np.where(answers["first_right"], 1, -1)
    assert why(winner=left) == "no finite maximum: wherever a side was preferred, it was the left one"
    assert why(winner=right) == "no finite maximum: wherever a side was preferred, it was the right one"
    lost = np.where(answers["first"] == 2, 1, answers["winner"])
    assert why(winner=lost) == "no finite maximum: against some arm DL was always preferred, or equal"
    pair = answers["first"] == 0
    apart = {name: values[pair] for name, values in answers.items()}
    assert why(**apart) == "no finite maximum: there are arms that nothing links to the others"


def test_without_known_sides_arms_are_ranked_and_the_side_is_not(study):
    left = study["first_side"] == "left"
    unknown = study.assign(first_side="right", score=study["score"].where(~left, 6 - study["score"]))
    found = reading.analyse(unknown)
    assert found["warnings"][0].startswith("Sides unknown: the first arm stands on the right in every main row")
    snr = next(row for row in found["ranking"]["criteria"] if row["criterion"] == "snr")
    assert [row["arm"] for row in snr["arms"]] == ["FAST-DL", "SOC", "FAST"]
    assert snr["side"]["reason"] == "sides unknown: the first arm stands on one side throughout"
    assert {row["binomial"]["reason"] for row in found["side_bias"]} == {snr["side"]["reason"]}
    rows = result_tables(found)["readers"]
    assert {(row["left"], row["right"], row["binomial_reason"]) for row in rows} == {
        (None, None, snr["side"]["reason"])
    }
    for row in side_bias(found).rows:
        assert [cell.reason != "" for cell in row] == [False, True, False, True, True, True]
    known = reading.analyse(study)
    assert not any("Sides unknown" in warning for warning in known["warnings"])
    assert all(row["left"] > 0 for row in result_tables(known)["readers"])


def test_whole_clusters_widen_the_interval(answers):
    doubled = {name: np.concatenate([values, values]) for name, values in answers.items()}
    single = np.diag(davidson(**answers, arms=ARMS).covariance)
    together = np.diag(davidson(**doubled, arms=ARMS).covariance)
    assert together == pytest.approx(single, rel=1e-6)


def test_separation_and_single_subjects_are_not_ranked(answers):
    always = answers | {"winner": np.ones_like(answers["winner"])}
    assert davidson(**always, arms=ARMS).reason.startswith("no finite maximum")
    alone = answers | {"cluster": np.zeros_like(answers["cluster"])}
    assert davidson(**alone, arms=ARMS).reason == "fewer than two subjects"


def test_arms_of_a_study_are_ranked_per_criterion(study):
    found = reading.analyse(study)["ranking"]
    snr = next(row for row in found["criteria"] if row["criterion"] == "snr")
    assert [row["arm"] for row in snr["arms"]] == ["FAST-DL", "SOC", "FAST"]
    assert sum(row["log_worth"]["estimate"] for row in snr["arms"]) == pytest.approx(0, abs=1e-9)
    assert snr["arms"][2]["log_worth"]["ci"][1] < 0
    bold = study[(study["kind"] != "main") | (study["score"] != 3)]
    ties = reading.analyse(bold)["ranking"]["criteria"][0]
    assert ties["tie"]["reason"] == "nobody said 'no difference': fitted without ties"
    assert all(arm["log_worth"]["estimate"] is not None for arm in ties["arms"])
    neutral = reading.analyse(study.assign(score=3))["ranking"]["criteria"][0]
    assert neutral["arms"][0]["log_worth"]["estimate"] is None
    assert neutral["arms"][0]["log_worth"]["reason"].startswith("no finite maximum")
