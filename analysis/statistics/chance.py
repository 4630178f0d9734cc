"""Chance-corrected agreement: weighted kappa, Krippendorff's alpha, Gwet's AC1 and AC2."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from analysis.statistics import jackknife
from analysis.statistics.correlation import CONSTANT, SUBJECTS, TOO_MANY_VALUES, UNITS, complete_pairs, tables
from analysis.statistics.result import Result, undefined
from analysis.statistics.values import cluster_codes, constant, matrix, negligible, numbers

Weights = Literal["identity", "linear", "quadratic", "ordinal"]
Level = Literal["nominal", "ordinal", "interval", "ratio"]


def agreement_weights(categories: Sequence[float], kind: Weights) -> NDArray[np.float64]:
    """Agreement weights between categories, 1 on the diagonal, read-only.

    linear 1 − |a − b|/range and quadratic 1 − (a − b)²/range² on the category values; ordinal as in irrCAC:
    1 − C(steps + 1, 2)/C(categories, 2), steps counted in categories.
    """
    weights = _weights(tuple(float(category) for category in categories), kind)
    weights.setflags(write=False)
    return weights


@lru_cache(maxsize=32)
def _weights(categories: tuple[float, ...], kind: Weights) -> NDArray[np.float64]:
    values = np.array(categories)
    if kind == "identity":
        return np.eye(values.size)
    apart = np.abs(values[:, None] - values[None, :])
    if kind == "linear":
        return np.asarray(1 - apart / apart.max())
    if kind == "quadratic":
        return np.asarray(1 - (apart / apart.max()) ** 2)
    if kind == "ordinal":
        places = np.arange(values.size)
        steps = np.abs(places[:, None] - places[None, :]) + 1
        pairs = steps * (steps - 1) / 2
        return np.asarray(1 - pairs / pairs.max())
    raise ValueError("weights are identity, linear, quadratic or ordinal")


def _places(values: NDArray[np.float64], categories: Sequence[float]) -> NDArray[np.intp]:
    known = np.asarray(categories, dtype=np.float64)
    if known.size < 2 or (np.diff(known) <= 0).any():
        raise ValueError("categories are at least two ascending numbers")
    place = np.clip(np.searchsorted(known, values), 0, known.size - 1)
    if (known[place] != values).any():
        raise ValueError("a score is not among the categories")
    return place


def weighted_kappa(
    a: ArrayLike,
    b: ArrayLike,
    *,
    categories: Sequence[float],
    weights: Weights = "quadratic",
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Result:
    """Cohen's weighted kappa of two raters over the declared categories; pairwise complete.

    Parameters
    ----------
    a, b : array_like
        Scores of the raters, of one length; pairs with a NaN are left out.
    categories : sequence of float
        All values that a score may have, ascending, two or more.
    weights : {"quadratic", "linear", "identity", "ordinal"}, default "quadratic"
        Agreement of two categories, see ``agreement_weights``.
    cluster : array_like, optional
        The subject of each pair; the interval then respects it.
    confidence : float, default 0.95
        Confidence of the interval, 0 to 1.

    Returns
    -------
    Result
        ``estimate`` is kappa, −1 to 1; ``n`` counts pairs. Undefined where a rater is constant (scikit-learn: 0) or
        fewer than two pairs are there; no interval for perfect agreement, or from one cluster.

    Raises
    ------
    ValueError
        If the raters differ in length, a score is not among the categories, these are not ascending, or a pair has no
        cluster.

    Notes
    -----
    Interval: large-sample variance of Fleiss, Cohen & Everitt, cut at ±1; or, with clusters, by leaving out each.
    Declared, not observed, categories: scikit-learn spaces whatever categories happen to occur evenly.

    References
    ----------
    Fleiss, Cohen & Everitt 1969.

    Examples
    --------
    3 of 4 agree, half would by chance: kappa = (¾ − ½)/(1 − ½).

    >>> from analysis.statistics.agreement import weighted_kappa
    >>> weighted_kappa([1, 1, 2, 2], [1, 2, 2, 2], categories=[1, 2], weights="linear").estimate
    0.5
    >>> round(weighted_kappa([1, 2, 3, 4, 5], [1, 2, 3, 5, 5], categories=range(1, 6)).estimate, 4)
    0.9565
    """
    text = f"weighted kappa, {weights} weights, {len(categories)} declared categories, " + (
        "Fleiss–Cohen–Everitt interval" if cluster is None else SUBJECTS
    )
    keep = ~(np.isnan(numbers(a)) | np.isnan(numbers(b)))
    x, y = complete_pairs(a, b)
    n = x.size
    if n < 2:
        return undefined("fewer than two pairs", n=n, method=text, confidence=confidence)
    first, second = _places(x, categories), _places(y, categories)
    if constant(x) or constant(y):
        return undefined(CONSTANT, n=n, method=text, confidence=confidence)
    q = len(categories)
    w = agreement_weights(categories, weights)
    rows = np.bincount(first, minlength=q) / n
    columns = np.bincount(second, minlength=q) / n
    observed = float(w[first, second].mean())
    expected = float(rows @ w @ columns)
    kappa = (observed - expected) / (1 - expected)
    found = Result(estimate=kappa, n=n, method=text, confidence=confidence)
    if cluster is not None:
        labels = cluster_codes(cluster, keep)
        if int(labels.max()) < 1:
            return replace(found, reason="no interval from one subject")
        return jackknife.coefficient(found, _kappa(jackknife.left_out(tables(first, second, q, q, labels)), w))
    row_mean, column_mean = w @ columns, rows @ w
    influence = w[first, second] - (row_mean[first] + column_mean[second]) * (1 - kappa)
    influence -= kappa - expected * (1 - kappa)
    variance = float((influence**2).sum()) / (n * (1 - expected)) ** 2
    if negligible(np.sqrt(max(variance, 0.0)), 1):
        return replace(found, reason="no interval for perfect agreement")
    reach = special.ndtri((1 + confidence) / 2) * np.sqrt(variance)
    return replace(found, ci=(max(-1.0, kappa - reach), min(1.0, kappa + reach)))


def _kappa(together: NDArray[np.float64], w: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kappa of each of several tables."""
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = together / together.sum(axis=(1, 2), keepdims=True)
        observed = (shares * w).sum(axis=(1, 2))
        expected = np.einsum("ga,ab,gb->g", shares.sum(axis=2), w, shares.sum(axis=1))
        return np.asarray((observed - expected) / (1 - expected))


def krippendorff_alpha(
    ratings: ArrayLike,
    *,
    level: Level = "ordinal",
    categories: Sequence[float] | None = None,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Result:
    """Krippendorff's alpha of any number of raters.

    Parameters
    ----------
    ratings : array_like, shape (units, raters)
        Scores, NaN for missing; units with one rating do not count.
    level : {"ordinal", "nominal", "interval", "ratio"}, default "ordinal"
        Level of measurement.
    categories : sequence of float, optional
        All values that a score may have, ascending; another is refused, as ``gwet_ac`` does. Without them any may be.
    cluster : array_like, shape (units,), optional
        The subject of each unit: subjects are then left out whole.
    confidence : float, default 0.95
        Confidence of the interval, 0 to 1.

    Returns
    -------
    Result
        ``estimate`` is alpha, at most 1; ``n`` counts pairable units. Undefined where all pairable scores are the same,
        or no unit was rated twice; no interval from one unit or cluster, or for continuous scores.

    Raises
    ------
    ValueError
        If ``level`` is another, a value is infinite, a score is not among the categories, or a unit has no cluster.

    Notes
    -----
    "ordinal" is Krippendorff's own metric on the cumulated marginals (irrCAC's ordinal weights give another value).
    Interval: by leaving out each unit, or each cluster (``jackknife``).

    References
    ----------
    Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011.

    Examples
    --------
    The first example of Krippendorff 2011: two raters, ten units, nominal.

    >>> import numpy as np
    >>> from analysis.statistics.agreement import krippendorff_alpha
    >>> meg = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    >>> owen = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    >>> found = krippendorff_alpha(np.transpose([meg, owen]), level="nominal")
    >>> round(found.estimate, 3), found.n
    (0.095, 10)
    """
    if level not in ("nominal", "ordinal", "interval", "ratio"):
        raise ValueError("level is nominal, ordinal, interval or ratio")
    text = f"Krippendorff's alpha, {level} metric, {UNITS if cluster is None else SUBJECTS}"
    table = matrix(ratings)
    given = ~np.isnan(table)
    if categories is not None:
        _places(table[given], categories)
    if table.shape[1] < 2:
        return undefined("fewer than two readers", method=text, confidence=confidence)
    keep = given.sum(axis=1) >= 2
    table, given = table[keep], given[keep]
    n = table.shape[0]
    if n == 0:
        return undefined("no unit was rated by two readers", method=text, confidence=confidence)
    values = np.unique(table[given])
    if values.size < 2:
        return undefined("all scores are the same", n=n, method=text, confidence=confidence)
    counts = np.stack([(table == value).sum(axis=1) for value in values], axis=1).astype(np.float64)
    # units with the same counts are one pattern: coincidences are computed once per pattern
    patterns, codes = np.unique(counts, axis=0, return_inverse=True)
    codes = codes.ravel()
    coincidences = patterns[:, :, None] * patterns[:, None, :]
    coincidences -= patterns[:, :, None] * np.eye(values.size)
    coincidences /= (patterns.sum(axis=1) - 1)[:, None, None]
    flat = coincidences.reshape(len(patterns), -1)
    alpha = float(_alpha(np.bincount(codes)[None, :] @ flat, values, level)[0])
    found = Result(estimate=alpha, n=n, method=text, confidence=confidence)
    labels = jackknife.groups_of(np.arange(n) if cluster is None else cluster_codes(cluster, keep))
    if not labels.any() or values.size > TOO_MANY_VALUES:
        why = "no interval for continuous scores" if labels.any() else "no interval from one unit or subject"
        return replace(found, reason=why)
    sums = np.stack([np.bincount(labels, weights=column) for column in flat[codes].T], axis=1).astype(np.float64)
    return jackknife.coefficient(found, _alpha(jackknife.left_out(sums), values, level))


def _alpha(flat: NDArray[np.float64], values: NDArray[np.float64], level: Level) -> NDArray[np.float64]:
    """Alpha per row of flattened coincidence matrices; NaN where nothing differs."""
    q = values.size
    together = flat.reshape(-1, q, q)
    marginals = together.sum(axis=2)
    total = marginals.sum(axis=1)
    distance = _distance(marginals, values, level)
    observed = (together * distance).sum(axis=(1, 2))
    expected = (marginals[:, :, None] * marginals[:, None, :] * distance).sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 0, 1 - (total - 1) * observed / expected, np.nan)


def _distance(marginals: NDArray[np.float64], values: NDArray[np.float64], level: Level) -> NDArray[np.float64]:
    apart = values[:, None] - values[None, :]
    if level == "nominal":
        return np.asarray((apart != 0).astype(np.float64)[None])
    if level == "interval":
        return np.asarray((apart**2)[None])
    if level == "ratio":
        total = values[:, None] + values[None, :]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(total != 0, (apart / total) ** 2, 0.0)[None])
    middle = np.cumsum(marginals, axis=1) - marginals / 2
    return np.asarray((middle[:, :, None] - middle[:, None, :]) ** 2)


def gwet_ac(
    ratings: ArrayLike,
    *,
    categories: Sequence[float],
    weights: Weights = "ordinal",
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Result:
    """Gwet's AC1 or AC2 of any number of raters, over the declared categories.

    Parameters
    ----------
    ratings : array_like, shape (units, raters)
        Scores, NaN for missing.
    categories : sequence of float
        All values that a score may have, ascending, two or more.
    weights : {"ordinal", "identity", "linear", "quadratic"}, default "ordinal"
        Agreement of two categories, see ``agreement_weights``: "identity" makes it AC1, the others AC2.
    cluster : array_like, shape (units,), optional
        The subject of each unit; the interval then respects it.
    confidence : float, default 0.95
        Confidence of the interval, 0 to 1.

    Returns
    -------
    Result
        ``estimate`` is AC1 or AC2, at most 1; ``n`` counts units with a rating. Undefined with fewer than two raters,
        or where no unit was rated twice; no interval from one unit or cluster, or where every unit agrees alike.

    Raises
    ------
    ValueError
        If a score is not among the categories, these are not ascending, a value is infinite, or a unit has no cluster.

    Notes
    -----
    Interval: Gwet's variance and t with n − 1 degrees of freedom, cut at 1; or, with clusters, by leaving out each. AC2
    is high wherever nearly all scores are the same: never show it alone. Ordinal weights as in irrCAC.

    References
    ----------
    Gwet, Handbook of Inter-Rater Reliability, 4th ed. 2014; irrCAC.

    Examples
    --------
    3 of 4 agree; chance 2 · ⅜ · ⅝ = 15/32, so AC1 = (24 − 15)/(32 − 15).

    >>> from analysis.statistics.agreement import gwet_ac
    >>> found = gwet_ac([[1, 1], [1, 2], [2, 2], [2, 2]], categories=[1, 2], weights="identity")
    >>> round(found.estimate, 4), round(9 / 17, 4), found.n
    (0.5294, 0.5294, 4)
    """
    text = (
        f"Gwet's {'AC1' if weights == 'identity' else 'AC2'}, {weights} weights, {len(categories)} declared categories"
        + ("" if cluster is None else f", {SUBJECTS}")
    )
    table = matrix(ratings)
    if table.shape[1] < 2:
        return undefined("fewer than two readers", method=text, confidence=confidence)
    keep = np.asarray((~np.isnan(table)).any(axis=1))
    table = table[keep]
    given = ~np.isnan(table)
    n = table.shape[0]
    rated = given.sum(axis=1).astype(np.float64)
    pairable = rated >= 2
    if not pairable.any():
        return undefined("no unit was rated by two readers", n=n, method=text, confidence=confidence)
    _places(table[given], categories)
    q = len(categories)
    w = agreement_weights(categories, weights)
    counts = np.stack([(table == value).sum(axis=1) for value in categories], axis=1).astype(np.float64)
    shares = (counts / rated[:, None]).mean(axis=0)
    agreeing = (counts * (counts @ w - 1)).sum(axis=1) / np.where(pairable, rated * (rated - 1), 1.0)
    agreeing = np.where(pairable, agreeing, 0.0)
    observed = float(agreeing.sum() / pairable.sum())
    spread = w.sum() / (q * (q - 1))
    expected = float(spread * (shares * (1 - shares)).sum())
    ac = (observed - expected) / (1 - expected)
    found = Result(estimate=ac, n=n, method=text, confidence=confidence)
    labels = np.arange(n) if cluster is None else cluster_codes(cluster, keep)
    if not labels.any():
        return replace(found, reason="no interval from one unit or subject")
    if cluster is not None:
        labels = jackknife.groups_of(labels)
        own = np.column_stack([counts / rated[:, None], np.ones(n), agreeing, pairable])
        rest = jackknife.left_out(np.stack([np.bincount(labels, weights=column) for column in own.T], axis=1))
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = rest[:, :q] / rest[:, [q]]
            chance = spread * (shares * (1 - shares)).sum(axis=1)
            return jackknife.coefficient(found, (rest[:, -2] / rest[:, -1] - chance) / (1 - chance))
    influence = (n / pairable.sum()) * (agreeing - expected * pairable) / (1 - expected)
    own_expected = spread * (counts @ (1 - shares)) / rated
    influence = influence - 2 * (1 - ac) * (own_expected - expected) / (1 - expected) - ac
    reach = special.stdtrit(n - 1, (1 + confidence) / 2) * np.sqrt(float((influence**2).sum()) / (n * (n - 1)))
    if negligible(reach, 1):
        return replace(found, reason="no interval: every unit agrees alike")
    return replace(found, ci=(ac - reach, min(1.0, ac + reach)))
