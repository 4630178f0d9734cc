"""TOST, counts and multiplicity against R."""

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.equivalence import noninferiority, subject_means, subjects_needed, t_below, tost
from analysis.statistics.multiplicity import benjamini_hochberg, holm
from analysis.statistics.proportions import binomial, clopper_pearson, proportion

P = [0.01, 0.04, 0.03, 0.005, 0.6, 0.03]


@pytest.mark.reference("equivalence", "t.test of R", version="4.2.2")
def test_t_tests_equal_those_of_r_on_subject_means(scores, r):
    x, subject = scores["r1"] - 3, scores["subject"]
    means = subject_means(x, subject)[None]
    assert max(t_below(means, 0.5)[0], t_below(-means, 0.5)[0]) == pytest.approx(r["tost_p"], rel=1e-9)
    assert t_below(-means, 0.1)[0] == pytest.approx(r["noninferiority_p"], rel=1e-9)
    result = tost(x, margin=0.5, cluster=subject)
    assert result.p >= r["tost_p"] * (1 - 1e-9)
    assert result.ci[0] <= r["tost_low"] * (1 - 1e-9)
    assert result.ci[1] >= r["tost_high"] * (1 - 1e-9)
    assert (result.n, result.confidence) == (25, 0.90)


@pytest.mark.parametrize("bound", [1.0, 2.0])
def test_equivalent_exactly_where_the_interval_lies_within_the_margins(bound):
    random = np.random.default_rng(0)
    claims = 0
    for _ in range(150):
        subject = np.repeat(np.arange(30), random.integers(1, 7, 30))
        x = random.choice([-1, 0, 1], size=subject.size, p=[0.1, 0.75, 0.15]) * bound
        margin = random.choice([0.1, 0.2, 0.3]) * bound
        result = tost(x, margin=margin, cluster=subject, bound=bound)
        assert (result.p < 0.05) == (result.ci[0] > -margin and result.ci[1] < margin)
        assert (noninferiority(x, margin=margin, cluster=subject, bound=bound).p < 0.05) == (result.ci[0] > -margin)
        claims += result.p < 0.05
    assert 20 < claims < 130


def test_both_arms_are_treated_alike():
    random = np.random.default_rng(1)
    x, subject = random.choice([-2, -1, 0, 1], size=90, p=[0.02, 0.08, 0.8, 0.1]), np.repeat(np.arange(30), 3)
    one, other = tost(x, margin=0.3, cluster=subject), tost(-x, margin=0.3, cluster=subject)
    assert one.p == pytest.approx(other.p, rel=1e-9)
    assert one.ci == pytest.approx((-other.ci[1], -other.ci[0]), abs=1e-6)


@pytest.mark.parametrize(
    ("margin", "bound", "needed"), [(0.1, 1, 29), (0.1, 2, 59), (0.2, 1, 14), (0.5, 1, 5), (1, 1, 2)]
)
def test_all_neutral_subjects_have_the_bound_of_clopper_and_pearson(margin, bound, needed):
    assert subjects_needed(margin, bound=bound) == needed
    for n in {needed - 1, needed} - {1}:
        subject = np.repeat(np.arange(n), np.arange(1, n + 1))  # uneven numbers of answers change nothing
        result = tost(np.zeros(subject.size), margin=margin, cluster=subject, bound=bound)
        exact = stats.binomtest(0, n).proportion_ci(0.90, "exact").high * bound
        assert result.ci == pytest.approx((-exact, exact), abs=1e-6)
        assert result.p == pytest.approx((1 - margin / bound) ** n, rel=1e-7)
        assert (result.p < 0.05, result.reason is None) == (n >= needed, n >= needed)
        if n < needed:
            assert result.reason == f"too few subjects: {n}; this margin takes {needed} where every answer is neutral"


def test_too_few_subjects_are_no_reason_where_the_estimate_lies_beyond_the_margin():
    x, subject = np.repeat([0.5, 0.0], [3, 9]), np.arange(12)
    assert tost(x, margin=0.1, cluster=subject, bound=1).reason is None
    assert noninferiority(x, margin=0.1, cluster=subject, bound=1).reason is None  # 12 would do, were they like these
    assert noninferiority(0 * x, margin=0.1, cluster=subject, bound=1).reason.startswith("too few subjects: 12;")


@pytest.mark.parametrize("bound", [1.0, 2.0])
def test_one_answer_off_makes_the_result_a_little_less_sure(bound):
    x, subject = np.zeros((61, 6)), np.repeat(np.arange(61), 6)
    neutral = tost(x.ravel(), margin=0.1, cluster=subject, bound=bound)
    for answer in (-1.0, 1.0):
        x[7, 3] = answer
        off = tost(x.ravel(), margin=0.1, cluster=subject, bound=bound)
        assert neutral.p < off.p < 1.25 * neutral.p
        width, before = off.ci[1] - off.ci[0], neutral.ci[1] - neutral.ci[0]
        assert before * 0.995 < width < before * 1.1
        assert max(np.abs(off.ci)) > neutral.ci[1]
        more = x.copy()
        more[7, 2] = answer
        assert off.p < tost(more.ravel(), margin=0.1, cluster=subject, bound=bound).p < 1.6 * neutral.p


def test_results_are_continuous_in_the_answers():
    random = np.random.default_rng(2)
    for neutral in (0.8, 0.95, 1.0):
        x = random.choice([-1.0, 0.0, 1.0], size=120, p=[(1 - neutral) / 2, neutral, (1 - neutral) / 2])
        subject, shift = np.repeat(np.arange(40), 3), 1e-7 * (random.random(120) - 0.5)
        for bound in (1.0, 2.0):
            still, moved = (tost(y, margin=0.15, cluster=subject, bound=bound) for y in (x * 0.99, x * 0.99 + shift))
            assert moved.p == pytest.approx(still.p, abs=1e-5)
            assert moved.ci == pytest.approx(still.ci, abs=1e-5)


def test_exact_p_is_that_of_clopper_and_pearson_and_no_interval_leaves_the_scale():
    x, subject = np.repeat([1.0, 0.0], [3, 47]), np.arange(50)
    both = tost(x, margin=0.2, cluster=subject, bound=1)
    assert both.p_exact == pytest.approx(stats.binom.cdf(3, 50, 0.2), rel=1e-6)
    assert noninferiority(x, margin=0.2, cluster=subject, bound=1).p_exact < both.p_exact
    assert tost([1.0], margin=0.2, cluster=[1]).p_exact is None
    wide = tost([2, 2, -2], margin=0.5, cluster=[1, 2, 3])
    assert wide.ci == (-2, 2)


def test_undefined_and_impossible_equivalence_says_why():
    assert tost([1, 0], margin=0.2, cluster=[1, 1]).reason == "fewer than two subjects"
    with pytest.raises(ValueError, match="positive"):
        tost([0, 1], margin=0, cluster=[1, 2])
    with pytest.raises(ValueError, match="beyond ±1"):
        tost([0, 2], margin=0.1, cluster=[1, 2], bound=1)
    alike = tost(np.full(8, 0.5), margin=0.6, cluster=np.arange(8), bound=1)
    assert alike.p == pytest.approx(0.8**8)  # one more subject, at 1, would pull the mean to the margin


@pytest.mark.reference("equivalence", "binom.test of R", version="4.2.2")
def test_exact_binomial_inference_equals_r(r):
    assert binomial(14, 45).p == pytest.approx(r["binomial_p"], rel=1e-10)
    assert clopper_pearson(14, 45) == pytest.approx((r["clopper_low"], r["clopper_high"]), rel=1e-10)
    assert clopper_pearson(0, 666) == pytest.approx((0, r["clopper_none_high"]), rel=1e-10)
    assert clopper_pearson(666, 666)[1] == 1
    assert proportion(0, 0).reason == "nothing was answered"


@pytest.mark.reference("multiplicity", "p.adjust of R", version="4.2.2")
def test_adjusted_p_values_equal_r(r):
    assert holm(P) == pytest.approx([r[f"holm_{i}"] for i in range(1, 7)])
    assert benjamini_hochberg(P) == pytest.approx([r[f"bh_{i}"] for i in range(1, 7)])


def test_undefined_p_values_leave_the_family():
    assert holm([0.01, None, 0.04]) == [0.02, None, 0.04]
    assert holm([None, None]) == [None, None]
    assert benjamini_hochberg([]) == []
