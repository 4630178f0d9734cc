"""Davidson's model against R's log-linear fit, and what cannot be ranked."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import reading
from analysis.ranking import davidson

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


def test_davidson_equals_the_log_linear_fit_of_r(answers, r):
    fit = davidson(**answers, arms=ARMS)
    names = ("worth2", "worth3", "tie", "side")
    assert fit.estimates == pytest.approx([r[f"davidson_{name}"] for name in names], rel=1e-6)
    # every answer its own cluster: the sandwich comes close to the model's standard errors
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx([r[f"davidson_se_{name}"] for name in names], rel=0.1)


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
    neutral = reading.analyse(study.assign(score=3))["ranking"]["criteria"][0]
    assert neutral["arms"][0]["log_worth"]["estimate"] is None
    assert neutral["arms"][0]["log_worth"]["reason"].startswith("no finite maximum")
