"""TOST, counts and multiplicity against R."""

import numpy as np
import pytest

from analysis.equivalence import noninferiority, tost
from analysis.multiplicity import benjamini_hochberg, holm
from analysis.proportions import binomial, clopper_pearson, proportion

P = [0.01, 0.04, 0.03, 0.005, 0.6, 0.03]


def test_tost_equals_two_t_tests_of_r_on_subject_means(scores, r):
    x, subject = scores["r1"] - 3, scores["subject"]
    result = tost(x, margin=0.5, cluster=subject)
    assert result.p == pytest.approx(r["tost_p"], rel=1e-9)
    assert result.ci == pytest.approx((r["tost_low"], r["tost_high"]), rel=1e-9)
    assert (result.n, result.level) == (25, 0.90)
    assert noninferiority(x, margin=0.1, cluster=subject).p == pytest.approx(r["noninferiority_p"], rel=1e-9)


def test_equivalent_exactly_where_the_interval_lies_within_the_margins():
    random = np.random.default_rng(0)
    for _ in range(200):
        x, subject = random.normal(0.1, 1, 60), np.repeat(np.arange(20), 3)
        result = tost(x, margin=0.3, cluster=subject)
        assert (result.p < 0.05) == (result.ci[0] > -0.3 and result.ci[1] < 0.3)


def test_undefined_equivalence_says_why():
    assert tost([1, 0], margin=0.2, cluster=[1, 1]).reason == "fewer than two subjects"
    same = tost([0, 0, 0], margin=0.2, cluster=[1, 2, 3])
    assert (same.estimate, same.p, same.reason) == (0, None, "all subject means are the same")
    with pytest.raises(ValueError, match="positive"):
        tost([0, 1], margin=0, cluster=[1, 2])


def test_exact_binomial_inference_equals_r(r):
    assert binomial(14, 45).p == pytest.approx(r["binomial_p"], rel=1e-10)
    assert clopper_pearson(14, 45) == pytest.approx((r["clopper_low"], r["clopper_high"]), rel=1e-10)
    assert clopper_pearson(0, 666) == pytest.approx((0, r["clopper_none_high"]), rel=1e-10)
    assert clopper_pearson(666, 666)[1] == 1
    assert proportion(0, 0).reason == "nothing was answered"


def test_adjusted_p_values_equal_r(r):
    assert holm(P) == pytest.approx([r[f"holm_{i}"] for i in range(1, 7)])
    assert benjamini_hochberg(P) == pytest.approx([r[f"bh_{i}"] for i in range(1, 7)])


def test_undefined_p_values_leave_the_family():
    assert holm([0.01, None, 0.04]) == [0.02, None, 0.04]
    assert holm([None, None]) == [None, None]
    assert benjamini_hochberg([]) == []
