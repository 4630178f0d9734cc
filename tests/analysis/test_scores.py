"""What makes scores differ: against R's lme4, the standard's own example, and by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import reading
from analysis.cells import scores as arrays
from analysis.components import readers_apart, variance_components
from analysis.protocol import Protocol
from analysis.report.result_tables import result_tables
from analysis.statistics.components import PARTS, components
from analysis.statistics.reader_model import reader_model
from analysis.tables import check_ratings
from tests.analysis.conftest import FOLDER

# what ITU-T P.913, 12.6, prints for its example
BIAS = """-0.18985 -0.20251 0.24053 0.11395 0.30382 -0.07593 -0.18985 0.22732 -0.31643 0.81015 -0.03795 0.32913 0.46838
-0.05061 -0.03795 -0.03795 0.03800 -0.34175 -0.41770 -0.10124 -0.01264 -0.25314 -0.30378 -0.48099 0.43040 0.08863"""
INCONSISTENCY = """1.83394 1.79280 1.60525 1.72790 1.68956 0.78606 0.86139 0.52485 0.69708 0.60177 0.58738 0.44599
0.63139 0.75952 0.57306 0.60435 0.45921 0.59312 0.59994 0.55366 0.51803 0.49439 0.47280 0.65150 0.48376 0.48066"""
SCORES = "4.92623 4.87188 4.66002 4.67821 4.80688 4.91596 4.50388 4.65508 4.69651 1.37505"


def listed(text: str) -> list[float]:
    return [float(word) for word in text.split()]


@pytest.fixture(scope="module")
def reference() -> dict[str, float]:
    """What R gives (reference/make_scores.R)."""
    frame = pd.read_csv(FOLDER / "scores_reference.csv")
    return dict(zip(frame["name"], frame["value"], strict=True))


@pytest.fixture(scope="module")
def made_up() -> np.ndarray:
    """30 cases × 4 readers × 3 conditions."""
    long = pd.read_csv(FOLDER / "components.csv")
    table = np.full((30, 4, 3), np.nan)
    table[long["case"] - 1, long["reader"] - 1, long["condition"] - 1] = long["score"]
    return table


@pytest.mark.reference("components", "lme4, R", version="R 4.2.2, Debian 12")
def test_components_are_those_of_lme4(made_up, reference):
    found = components(made_up).parts
    named = {name: f"components_{name if name != 'rest' else 'residual'}" for name in PARTS}
    assert {name: part.estimate for name, part in found.items()} == pytest.approx(
        {name: reference[key] for name, key in named.items()}, rel=1e-3, abs=1e-6
    )
    one = components(made_up[:, :, :1]).parts
    assert [one[name].estimate for name in ("case", "reader", "rest")] == pytest.approx(
        [reference[f"one_{name}"] for name in ("case", "reader", "residual")], rel=1e-3
    )
    assert one["condition_case"].reason == "one comparison: it cannot be told from the rest"


def test_limits_are_those_of_all_differences_of_two_scores(made_up):
    """Between readers: the mean square of every difference of two readers; between conditions: of its own mean."""
    found = components(made_up)
    apart = [made_up[:, a] - made_up[:, b] for a in range(4) for b in range(a)]
    assert found.between_readers.estimate == pytest.approx(1.96 * np.sqrt(np.mean(np.square(apart))))
    means = made_up.mean(axis=(0, 1))
    apart = [made_up[:, :, a] - made_up[:, :, b] - means[a] + means[b] for a in range(3) for b in range(a)]
    # an unbiased variance: parts of readers and of cases have fewer degrees of freedom than scores
    assert found.between_conditions.estimate == pytest.approx(1.96 * np.sqrt(np.mean(np.square(apart))), rel=0.03)
    for limit in (found.between_readers, found.between_conditions, found.between_both):
        assert limit.ci[0] < limit.estimate < limit.ci[1]
    assert found.between_both.estimate > found.between_readers.estimate


def test_leaving_out_by_sums_is_leaving_out_by_hand(made_up, monkeypatch):
    from analysis.statistics import components as module

    subject = np.arange(30) // 3
    seen = {}
    bounds = module.jackknife.bounds
    monkeypatch.setattr(
        module.jackknife,
        "bounds",
        lambda own, without, *rest, **more: (
            seen.setdefault("x", without) is None or bounds(own, without, *rest, **more)
        ),
    )
    components(made_up, cluster=subject)
    by_hand = [components(made_up[subject != out]).parts["reader"].estimate for out in range(10)]
    assert seen["x"][:, 0] == pytest.approx(by_hand)


def test_incomplete_cases_are_left_out_and_what_cannot_be_told_says_why(made_up):
    holes = made_up.copy()
    holes[0, 1, 2] = np.nan
    assert components(holes).parts["case"].estimate == pytest.approx(components(made_up[1:]).parts["case"].estimate)
    assert components(holes).parts["case"].n == 29
    assert components(made_up[:, :1]).parts["case"].reason == "one reader"
    assert components(made_up[:1]).between_readers.reason == "fewer than two cases were scored by all"
    same = components(np.ones((5, 3, 2)))
    assert (same.parts["rest"].estimate, same.between_readers.estimate) == (0, 0)


def test_bias_and_inconsistency_are_those_that_the_standard_prints():
    votes = pd.read_csv(FOLDER / "p913.csv").to_numpy()
    found = reader_model(votes)
    assert [one.estimate for one in found.bias] == pytest.approx(listed(BIAS), abs=1e-5)
    assert [one.estimate for one in found.inconsistency] == pytest.approx(listed(INCONSISTENCY), abs=1e-5)
    assert found.scores[:10] == pytest.approx(listed(SCORES), abs=1e-5)
    assert all(one.ci[0] < one.estimate < one.ci[1] for one in found.bias)
    assert all("too small" in one.reason for one in found.inconsistency)
    assert [one.n for one in found.bias[6:9]] == [79, 78, 79]


def test_no_reader_of_three_is_taken_for_the_truth():
    """Where the fit runs to one reader, inconsistency comes from differences: ½(V₁₂ + V₁₃ − V₂₃)."""
    random = np.random.default_rng(0)
    unit = random.normal(3, 0.3, 200)
    three = unit[:, None] + random.normal(0, [0.8, 1.0, 1.2], (200, 3)) + [0.5, 0, 0]
    found = reader_model(three)
    pair = {(a, b): np.var(three[:, a] - three[:, b], ddof=1) for a in range(3) for b in range(3)}
    by_hand = [(pair[0, 1] + pair[0, 2] - pair[1, 2]) / 2, (pair[0, 1] + pair[1, 2] - pair[0, 2]) / 2]
    assert [one.estimate**2 for one in found.inconsistency[:2]] == pytest.approx(by_hand)
    assert [one.estimate for one in found.bias] == pytest.approx(list(three.mean(axis=0) - three.mean()))
    for one, truth in zip(found.inconsistency, (0.8, 1.0, 1.2), strict=True):
        assert "Grubbs" in one.method
        assert one.ci[0] < truth < one.ci[1]
    two_alike = np.column_stack([unit, unit, unit + random.normal(0, 1, 200)])
    assert reader_model(two_alike).inconsistency[0].reason == "not above 0: no more than the others differ"
    assert reader_model(two_alike[:, :2]).bias[0].reason == "fewer than 3 readers"
    two_alike[:, 2] = np.nan
    assert reader_model(two_alike).inconsistency[1].reason == "a reader has no score of what another scored too"


def test_cases_that_one_reader_scored_alone_tell_nothing_of_how_readers_differ():
    random = np.random.default_rng(1)
    together = random.normal(3, 1, (60, 1)) + random.normal([0.3, 0, -0.3], 0.6, (60, 3))
    alone = np.full((340, 3), np.nan)
    alone[:, 0] = random.normal(3, 1, 340)
    found, without = reader_model(np.vstack([together, alone])), reader_model(together)
    assert [one.ci for one in found.bias] == [one.ci for one in without.bias]
    assert [one.n for one in found.bias] == [60] * 3
    assert found.scores.size == 400
    assert np.isnan(found.scores[60:]).all()


def test_readers_whom_no_case_links_are_not_compared():
    apart = np.full((18, 3), np.nan)
    for reader, level in enumerate((4.5, 3.0, 1.5)):
        apart[6 * reader : 6 * reader + 6, reader] = level
    assert "another scored too" in reader_model(apart).bias[0].reason
    pairs = np.full((12, 4), np.nan)
    pairs[:6, :2], pairs[6:, 2:] = [4, 3], [2, 1]
    assert {one.reason for one in reader_model(pairs).bias} == {
        "nothing links the readers: some share no case with the others"
    }
    pairs[0, 2] = 3
    found = reader_model(pairs)
    assert found.bias[0].estimate is not None
    assert {one.reason for one in found.inconsistency} == {"two of the readers share too few cases"}


def test_no_limit_is_wider_than_the_scale(study):
    data = arrays(check_ratings(study).query("kind == 'main'"), Protocol())
    narrow = replace(data, reach=0.1)
    limits = [row["limits"]["between_readers"] for row in variance_components(narrow)["rows"]]
    assert max(one["estimate"] for one in limits) == pytest.approx(0.2)
    assert all(one["ci"] is None or max(one["ci"]) <= 0.2 + 1e-12 for one in limits)


def test_a_study_has_components_per_criterion_and_cell_and_readers_apart(study):
    data = arrays(check_ratings(study).query("kind == 'main'"), Protocol())
    rows = variance_components(data)["rows"]
    assert [row["first"] for row in rows[:4]] == [None, "SOC", "FAST-DL", "FAST-DL"]
    assert len(rows) == 12
    assert rows[0]["limits"]["between_readers"]["n"] == 20
    assert [row["reader"] for row in readers_apart(data)["readers"]] == ["R1", "R2", "R3"]
    results = reading.analyse(study)
    tables = result_tables(results)
    assert tables["components"][0]["limits_between_readers_estimate"] > 0
    assert {"bias_estimate", "inconsistency_estimate", "binomial_p"} <= set(tables["readers"][0])
