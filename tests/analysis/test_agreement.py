"""Agreement against published worked examples, R and the six-rater table."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.statistics.agreement import (
    concordance,
    gwet_ac,
    icc,
    kendall_w,
    krippendorff_alpha,
    percent,
    spearman,
    weighted_kappa,
)

NA = np.nan
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
# Krippendorff 2011, example D: four observers, twelve units; also Gwet's cac.raw4raters
FOUR_OBSERVERS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NA, NA, NA],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NA, 3],
        [NA, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NA],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NA],
    ]
).T
SCALE = [1, 2, 3, 4, 5]


@pytest.mark.reference("ICC", "Shrout and Fleiss", version="1979")
def test_icc_of_shrout_and_fleiss_1979():
    forms = icc(SHROUT_FLEISS)
    printed = {"ICC1": 0.17, "ICC2": 0.29, "ICC3": 0.71, "ICC1k": 0.44, "ICC2k": 0.62, "ICC3k": 0.91}
    assert {name: round(result.estimate, 2) for name, result in forms.items()} == printed
    assert forms["ICC1"].ci == pytest.approx((-0.133, 0.723), abs=1e-3)
    assert forms.ICC2.ci == pytest.approx((0.019, 0.761), abs=1e-3)
    assert forms.ICC3.ci == pytest.approx((0.342, 0.946), abs=1e-3)


@pytest.mark.parametrize("form", ["ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k"])
@pytest.mark.reference("ICC", "psych, R", version="R 4.2.2, Debian 12")
def test_icc_equals_psych(scores, r, form):
    result = icc(scores[["r1", "r2", "r3"]])[form]
    assert result.estimate == pytest.approx(r[form], rel=1e-9)
    assert result.ci == pytest.approx((r[f"{form}_low"], r[f"{form}_high"]), rel=1e-7)
    assert (result.statistic, result.p) == pytest.approx((r[f"{form}_F"], r[f"{form}_p"]), rel=1e-7)


@pytest.mark.parametrize(
    ("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]
)
@pytest.mark.reference("alpha", "Krippendorff, example D", version="2011")
def test_alpha_of_krippendorff_2011(level, alpha):
    result = krippendorff_alpha(FOUR_OBSERVERS, level=level)
    assert round(result.estimate, 3) == alpha
    assert result.n == 11
    assert result.ci[0] < result.estimate < result.ci[1]


@pytest.mark.reference("AC2", "irrCAC, cac.raw4raters", version="as printed")
def test_gwet_coefficients_of_irrcac():
    """AC1 as printed in irrCAC's documentation: 0.77544, 95 % interval 0.461 to 1."""
    ac1 = gwet_ac(FOUR_OBSERVERS, categories=SCALE, weights="identity")
    assert ac1.estimate == pytest.approx(0.77544, abs=5e-6)
    assert ac1.ci == pytest.approx((0.461, 1.0), abs=5e-4)


# cont3x3abstractors of irrCAC: 100 pregnancies, two abstractors
ABSTRACTORS = np.repeat(
    [(a, b) for a in (1, 2, 3) for b in (1, 2, 3)], np.ravel([[13, 0, 0], [0, 20, 7], [0, 4, 56]]), axis=0
)


@pytest.mark.parametrize(
    ("weights", "value", "ci"),
    [
        ("identity", 0.849, (0.764, 0.935)),
        ("linear", 0.900, (0.842, 0.958)),
        ("ordinal", 0.925, (0.881, 0.969)),
        ("quadratic", 0.940, None),
    ],
)
def test_gwet_coefficients_of_two_abstractors(weights, value, ci):
    """As printed by irrCAC for its table cont3x3abstractors, AC1 and AC2."""
    result = gwet_ac(ABSTRACTORS, categories=[1, 2, 3], weights=weights)
    assert round(result.estimate, 3) == value
    assert ci is None or result.ci == pytest.approx(ci, abs=1e-3)


@pytest.mark.parametrize(
    ("weights", "value", "ci"),
    [("identity", 0.796, (0.680, 0.913)), ("linear", 0.843, (0.748, 0.938)), ("quadratic", 0.892, None)],
)
def test_kappas_of_two_abstractors(weights, value, ci):
    """As printed by irrCAC, whose interval takes t where ours takes the normal distribution."""
    result = weighted_kappa(*ABSTRACTORS.T, categories=[1, 2, 3], weights=weights)
    assert round(result.estimate, 3) == value
    assert ci is None or result.ci == pytest.approx(ci, abs=3e-3)


def test_ordinal_metric_of_krippendorff_differs_from_ordinal_weights_of_irrcac():
    """Measured trap: irrCAC's ordinal weights give alpha 0.834, Krippendorff's own metric 0.815."""
    table = FOUR_OBSERVERS[(~np.isnan(FOUR_OBSERVERS)).sum(axis=1) >= 2]
    counts = np.stack([(table == k).sum(axis=1) for k in SCALE], axis=1)
    from analysis.statistics.chance import agreement_weights

    w = agreement_weights(SCALE, "ordinal")
    rated = counts.sum(axis=1)
    mean = rated.mean()
    observed = ((counts * (counts @ w - 1)).sum(axis=1) / (mean * (rated - 1))).mean()
    epsilon = 1 / (len(table) * mean)
    observed = (1 - epsilon) * observed + epsilon
    shares = (counts / mean).mean(axis=0)
    expected = shares @ w @ shares
    assert round((observed - expected) / (1 - expected), 3) == 0.834
    assert round(krippendorff_alpha(FOUR_OBSERVERS, level="ordinal").estimate, 3) == 0.815


@pytest.mark.reference("kappa", "vcd, R", version="R 4.2.2, Debian 12")
def test_kappa_equals_vcd(scores, r):
    for weights in ("linear", "quadratic"):
        result = weighted_kappa(scores["r1"], scores["r2"], categories=SCALE, weights=weights)
        assert result.estimate == pytest.approx(r[f"kappa_{weights}"], rel=1e-10)
        reach = stats.norm.ppf(0.975) * r[f"kappa_se_{weights}"]
        assert result.ci == pytest.approx((result.estimate - reach, result.estimate + reach), rel=1e-7)


def test_kappa_uses_the_declared_categories():
    """Categories that nobody chose still space the scale: 1, 2 and 5 are not 1, 2 and 3."""
    a, b = [1, 2, 5, 5, 2, 1, 5, 2], [1, 5, 5, 2, 2, 2, 5, 1]
    declared = weighted_kappa(a, b, categories=SCALE, weights="linear").estimate
    names = {1: 1, 2: 2, 5: 3}
    observed = weighted_kappa([names[v] for v in a], [names[v] for v in b], categories=[1, 2, 3], weights="linear")
    assert declared != pytest.approx(observed.estimate, abs=0.01)


@pytest.mark.reference("Kendall", "friedman.test of R", version="4.2.2")
def test_kendall_w_equals_the_friedman_test_of_r(scores, r):
    result = kendall_w(scores[["r1", "r2", "r3"]])
    assert result.estimate == pytest.approx(r["kendall_w"], rel=1e-10)
    assert (result.statistic, result.p) == pytest.approx((r["kendall_chi2"], r["kendall_p"]), rel=1e-9)


@pytest.mark.reference("Spearman", "cor.test of R", version="4.2.2")
def test_spearman_equals_r_with_the_interval_of_bonett_and_wright(scores, r):
    result = spearman(scores["r1"], scores["r2"])
    assert (result.estimate, result.p) == pytest.approx((r["spearman_rho"], r["spearman_p"]), rel=1e-9)
    rho = r["spearman_rho"]
    reach = 1.959963985 * np.sqrt((1 + rho**2 / 2) / 57)
    assert result.ci == pytest.approx((np.tanh(np.arctanh(rho) - reach), np.tanh(np.arctanh(rho) + reach)), rel=1e-8)


@pytest.mark.reference("concordance", "epiR, R", version="R 4.2.2, Debian 12")
def test_concordance_equals_epir_and_uses_n(two_samples, r):
    result = concordance(two_samples["a"], two_samples["b"])
    assert result.estimate == pytest.approx(r["ccc"], rel=1e-10)
    assert result.ci == pytest.approx((r["ccc_low"], r["ccc_high"]), rel=1e-8)


def test_six_raters_of_hbn(real_data):
    """Published: ICC3 0.688, ICC3k 0.930, mean pairwise quadratic kappa 0.64767."""
    raters = [
        pd.read_csv(path).drop_duplicates("subject").set_index("subject")["rating"]
        for path in sorted((real_data / "reader_tables" / "hbn_pod2_6raters").glob("expertqc-*.csv"))
    ]
    table = pd.concat(raters, axis=1).to_numpy()
    table = table[~np.isnan(table).any(axis=1)]
    assert table.shape == (200, 6)
    forms = icc(table)
    assert (round(forms.ICC3.estimate, 3), round(forms.ICC3k.estimate, 3)) == (0.688, 0.930)
    categories = sorted(np.unique(table))
    kappas = [
        weighted_kappa(table[:, a], table[:, b], categories=categories, weights="quadratic").estimate
        for a in range(6)
        for b in range(a)
    ]
    assert np.mean(kappas) == pytest.approx(0.64767, abs=5e-6)


def test_percent_is_a_share_with_an_exact_interval():
    result = percent([1, 2, 3, 3], [1, 2, 3, 4])
    assert result.estimate == 0.75
    assert result.ci == pytest.approx((0.1941, 0.9937), abs=1e-4)


def test_missing_scores_are_left_out_pairwise():
    x, y = [1, 2, 3, 4, NA, 5], [2, 2, 3, 5, 1, NA]
    assert spearman(x, y) == spearman([1, 2, 3, 4], [2, 2, 3, 5])
    assert percent(x, y).n == 4


@pytest.mark.parametrize(
    "result",
    [
        spearman([3, 3, 3, 3], [1, 2, 3, 4]),
        weighted_kappa([3, 3, 3, 3], [1, 2, 3, 4], categories=SCALE),
    ],
)
def test_a_constant_reader_has_no_correlation_and_no_kappa(result):
    assert (result.estimate, result.ci) == (None, None)
    assert result.reason == "a reader gave the same score to every pair"


def test_a_constant_reader_ties_all_units_of_kendalls_w():
    """R: irr::kendall(matrix(c(3, 3, 3, 1, 2, 4), 3), correct = TRUE)$value is 0.5."""
    found = kendall_w([[3, 1], [3, 2], [3, 4]])
    assert found.estimate == pytest.approx(0.5)
    assert kendall_w([[3, 2], [3, 2], [3, 2]]).reason == "every reader gave the same score to every unit"


def test_all_neutral_answers_have_no_alpha_and_no_icc_but_full_ac2():
    neutral = np.full((10, 3), 3.0)
    assert krippendorff_alpha(neutral).reason == "all scores are the same"
    assert {result.reason for _, result in icc(neutral).items()} == {"all scores are the same"}
    assert gwet_ac(neutral, categories=SCALE).estimate == 1


def test_one_reader_has_no_agreement():
    alone = np.arange(5.0)[:, None]
    for result in (krippendorff_alpha(alone), gwet_ac(alone, categories=SCALE), kendall_w(alone), icc(alone).ICC1):
        assert (result.estimate, result.reason) == (None, "fewer than two readers")


def test_clusters_widen_the_intervals():
    """The same ten subjects thrice are not thirty subjects."""
    once = np.random.default_rng(2).integers(2, 5, (10, 3)).astype(float)
    thrice, subject = np.repeat(once, 3, axis=0), np.repeat(np.arange(10), 3)
    for function, options in (
        (krippendorff_alpha, {}),
        (gwet_ac, {"categories": SCALE}),
        (kendall_w, {}),
    ):
        free, clustered = function(thrice, **options), function(thrice, cluster=subject, **options)
        assert clustered.estimate == free.estimate
        assert np.ptp(clustered.ci) > 1.3 * np.ptp(free.ci)
    free = weighted_kappa(thrice[:, 0], thrice[:, 1], categories=SCALE)
    clustered = weighted_kappa(thrice[:, 0], thrice[:, 1], categories=SCALE, cluster=subject)
    assert np.ptp(clustered.ci) > 1.3 * np.ptp(free.ci)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_icc_of_few_scores_has_an_interval_or_a_reason():
    """Every table of three units, two raters and three scores."""
    for scores in np.ndindex(*[3] * 6):
        for _, result in icc(np.reshape(scores, (3, 2))).items():
            assert result.ci or result.reason
            assert result.ci is None or result.ci[0] <= result.estimate + 1e-9
