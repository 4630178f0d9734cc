"""Cumulative logit mixed models against ordinal::clmm on ten data sets, quadrature, and what has no fit."""

import time

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special

from analysis import mixed, reading
from analysis.report import document
from analysis.report.result_codebook import BEGINNINGS, codebook
from analysis.report.result_tables import columns, result_tables
from analysis.statistics import penalised
from analysis.statistics.mixed_likelihood import Answers, Likelihood, flexible_cuts, symmetric_cuts
from analysis.statistics.mixed_model import NODES, RUNAWAY, MixedFit, fit, separated
from tests.analysis.conftest import FOLDER

SETS = range(1, 11)
CUTS = {"symmetric": symmetric_cuts, "flexible": flexible_cuts}


@pytest.fixture(scope="module")
def clmm() -> pd.DataFrame:
    """What reference/make_mixed.R computed."""
    return pd.read_csv(FOLDER / "clmm.csv")


def answers(set_: int, thresholds: str, *, factors: tuple[str, ...] = ("subject", "reader")) -> Answers:
    """One of the ten data sets; symmetric thresholds take their middle as a constant."""
    frame = pd.read_csv(FOLDER / "mixed.csv").query("set == @set_")
    levels = [np.unique(frame[name], return_inverse=True)[1] for name in factors if frame[name].nunique() > 1]
    side = frame["side"].to_numpy(dtype=np.float64)
    columns = [np.ones(side.size), side] if thresholds == "symmetric" else [side]
    category = frame["answer"].to_numpy() - 1
    return Answers(category, np.stack(columns, axis=1), tuple(levels), CUTS[thresholds](int(category.max()) + 1))


def as_clmm_names(found: MixedFit, given: Answers) -> dict[str, float]:
    """Thresholds, side with its error, SDs and log likelihood, as R has them: a constant lies within its thresholds."""
    constant = found.effects[0] if found.effects.size > 1 else 0.0
    values = {f"cut{place}": cut for place, cut in enumerate(given.cuts @ found.cuts - constant, start=1)}
    at = found.cuts.size + found.effects.size - 1
    return values | {
        "side": found.effects[-1],
        "se_side": np.sqrt(found.covariance[at, at]),
        "sds": found.sds,
        "log_likelihood": found.log_likelihood,
    }


@pytest.mark.parametrize("set_", SETS)
@pytest.mark.reference("mixed model", "clmm of ordinal 2022.11-16, R", version="R 4.2.2, Debian 12")
def test_estimates_and_log_likelihood_equal_clmm(set_, clmm):
    r = clmm.query("set == @set_").set_index("name")
    given = answers(set_, r["thresholds"].iloc[0])
    found = as_clmm_names(fit(given), given)
    sds = found.pop("sds")
    expected = r["value"].to_dict()
    assert sds == pytest.approx([value for name, value in expected.items() if name.startswith("sd_")], abs=1e-3)
    for name, value in found.items():
        assert value == pytest.approx(expected[name], abs=1e-3), name


@pytest.mark.parametrize(
    ("set_", "thresholds"), [(1, "symmetric"), (7, "flexible"), (8, "symmetric"), (10, "symmetric")]
)
def test_the_gradient_is_that_of_the_likelihood(set_, thresholds):
    given = answers(set_, thresholds)
    cuts = [-1.0, 1.4, 2.5, 4.0] if thresholds == "flexible" else [0.9, 2.2, 3.0]
    at = np.array([*cuts[: given.cuts.shape[1]], *[0.3] * given.covariates.shape[1], *[0.8] * len(given.levels)])
    likelihood = Likelihood(given, NODES)
    numeric = [(likelihood(at + step)[0] - likelihood(at - step)[0]) / 2e-5 for step in 1e-5 * np.eye(at.size)]
    assert likelihood(at)[1] == pytest.approx(numeric, abs=1e-5)


def test_quadrature_is_the_integral_and_one_node_is_not():
    """Three answers of one subject, integrated by SciPy."""
    category, cut, sd = np.array([0, 2, 2]), 0.7, 1.9
    given = Answers(category, np.ones((3, 1)), (np.zeros(3, dtype=int),), symmetric_cuts(3))

    def density(u: float) -> float:
        ends = np.array([-np.inf, -cut, cut, np.inf]) - 0.4 - sd * u
        share = special.expit(ends[1:]) - special.expit(ends[:-1])
        return share[category].prod() * np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)

    at, exact = np.array([cut, 0.4, sd]), np.log(integrate.quad(density, -12, 12)[0])
    assert Likelihood(given, NODES)(at)[0] == pytest.approx(exact, abs=1e-7)
    assert abs(Likelihood(given, 1)(at)[0] - exact) > 1e-3


def simulated(cases: int = 111, *, subject: float = 1.0, reader: float = 0.7, shift: float = 0.6) -> dict:
    """A cell of the size of Bash et al.: x, readers, sides and subjects."""
    random = np.random.default_rng(4)
    owner, who = np.repeat(np.arange(cases) % 61, 3), np.tile([0, 1, 2], cases)
    own = random.normal(0, subject, 61)[owner] + reader * np.array([-1.0, 0.2, 0.8])[who]
    x = np.digitize(shift + own + random.logistic(size=owner.size), [-3, -1.5, 1.5, 3]) - 2.0
    return {"x": x, "reader": who, "first_right": random.random(owner.size) < 0.5, "subject": owner}


def test_a_cell_of_111_cases_and_3_readers_takes_less_than_two_seconds():
    cell = simulated()
    began = time.process_time()
    found = mixed.mixed_model(**cell)
    assert time.process_time() - began < 2
    assert found["preference"]["estimate"] == pytest.approx(0.6, abs=0.5)
    assert found["singular"] is None
    assert "t with 2 degrees of freedom" in found["preference"]["method"]


def test_a_singular_fit_is_said_and_is_the_fit_without_that_factor():
    cell = simulated(reader=0.0)
    cell["x"] = np.repeat(cell["x"][::3], 3)  # readers who always agree
    found = mixed.mixed_model(**cell)
    assert found["sd_reader"] == 0
    assert found["singular"] == "no variance between readers"
    assert "t with 60 degrees of freedom" in found["preference"]["method"]
    alone = mixed.mixed_model(**{**cell, "reader": np.zeros_like(cell["reader"])})
    assert alone["sd_reader"] is None
    assert alone["preference"]["estimate"] == pytest.approx(found["preference"]["estimate"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"x": np.ones(333)}, RUNAWAY),
        ({"x": np.abs(simulated()["x"])}, RUNAWAY),
        ({"x": np.zeros(333)}, "every answer is 'no difference'"),
        ({"subject": np.zeros(333, dtype=int)}, "fewer than two subjects"),
        ({name: values[:0] for name, values in simulated().items()}, "no ratings"),
    ],
)
def test_what_has_no_fit_says_why(change, reason):
    found = mixed.mixed_model(**{**simulated(), **change})
    assert (found["preference"]["estimate"], found["preference"]["reason"]) == (None, reason)
    assert found["sd_subject"] is None


def test_separation_is_known_before_anything_is_fitted(monkeypatch):
    """It is where fixed effects alone have no maximum, found in another way."""
    random = np.random.default_rng(0)
    seen = []
    for _ in range(60):
        side, category = random.choice([-1.0, 1.0], size=7), random.integers(0, 3, 7)
        given = Answers(category, np.stack([np.ones(7), side], axis=1), (), symmetric_cuts(3))
        logits = np.stack([np.column_stack([given.cuts, np.tile([-1.0, -one], (2, 1))]) for one in (-1.0, 1.0)])
        counts = np.zeros((1, 2, 3))
        np.add.at(counts[0], ((side > 0).astype(int), category), 1)
        plain = penalised.fit(logits, counts, np.array([1.0, 0.0, 0.0]), penalty=0.0)
        if np.unique(side).size == 2 and 0 < (category == 1).sum() < 7:
            seen.append(bool(np.isnan(plain.parameters).any()))
            assert separated(given) == seen[-1]
    assert 0 < sum(seen) < len(seen) > 40
    monkeypatch.setattr("analysis.statistics.mixed_model.Likelihood", None)
    assert mixed.mixed_model(**simulated() | {"x": np.abs(simulated()["x"])})["preference"]["reason"] == RUNAWAY


def test_mixed_models_are_fitted_where_asked_for_shown_and_described(study):
    one = study[(study["criterion"] == "snr") & (study["first"] != "SOC")]
    found = reading.analyse(one, mixed=True)
    assert [cell["first"] for cell in found["mixed"]["cells"]] == ["FAST-DL", "FAST-DL"]
    rows = result_tables(found)["mixed"]
    assert [row["preference_estimate"] for row in rows] == [
        cell["preference"]["estimate"] for cell in found["mixed"]["cells"]
    ]
    told = {row["column"]: row["description"] for row in codebook({"mixed": columns(rows)})}
    assert told["preference_low"] == f"{BEGINNINGS['preference']}: lower end of the interval"
    assert {"sd_subject", "sd_reader", "singular", "log_likelihood"} <= BEGINNINGS.keys() & told.keys()
    page = document.reading(found)
    assert "Mixed model" in page
    assert "t with readers − 1 degrees of freedom" in page
    assert mixed.NOT_ASKED in document.reading(reading.analyse(one))
