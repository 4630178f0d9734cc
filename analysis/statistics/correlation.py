"""Association and reliability of scores: Spearman, Lin's concordance, Kendall's W, intraclass correlations."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from analysis.statistics import bootstrap
from analysis.statistics.result import Result, undefined
from analysis.statistics.values import RELATIVE, cluster_codes, constant, matrix, negligible, numbers, scale_of

CONSTANT = "a reader gave the same score to every pair"
TOO_MANY_VALUES = 50
NO_INTERVAL = (np.nan, np.nan)
WORK, FEWEST, BLOCK = 5e8, 200, 2_000_000


def complete_pairs(x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both vectors as float, without the places where either is NaN. ValueError if they differ in
    length or if one is infinite."""
    x, y = numbers(x), numbers(y)
    if x.size != y.size:
        raise ValueError("x and y differ in length")
    keep = ~(np.isnan(x) | np.isnan(y))
    return x[keep], y[keep]


def midranks(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1, ties at their mean: scipy.stats.rankdata without its overhead, for many small samples."""
    _, place, counts = np.unique(x, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place])


def spearman(x: ArrayLike, y: ArrayLike, *, level: float = 0.95) -> Result:
    """Spearman rank correlation with mid-ranks; pairwise complete.

    Parameters
    ----------
    x, y : array_like
        Paired values of one length; pairs with a NaN are left out.
    level : float, default 0.95
        Confidence of the interval, 0 to 1.

    Returns
    -------
    Result
        ``estimate`` is ρ, −1 to 1; ``statistic`` is t, ``p`` two-sided; ``n`` counts pairs. Undefined where either side
        is constant or fewer than three pairs are there; no interval for a perfect correlation or three pairs.

    Raises
    ------
    ValueError
        If ``x`` and ``y`` differ in length, or a value is infinite.

    Notes
    -----
    Interval: Fisher z with the variance (1 + ρ²/2)/(n − 3). p from t with n − 2 degrees of freedom.

    References
    ----------
    Bonett & Wright 2000.

    Examples
    --------
    >>> from analysis.statistics.agreement import spearman
    >>> found = spearman([1, 2, 3, 4, 5], [1, 3, 2, 5, 4])
    >>> round(found.estimate, 4), round(found.p, 4), found.n
    (0.8, 0.1041, 5)
    >>> [round(bound, 4) for bound in found.ci]
    [-0.4571, 0.9908]
    """
    text = "Spearman, mid-ranks, Bonett–Wright interval"
    x, y = complete_pairs(x, y)
    n = x.size
    if n < 3:
        return undefined("fewer than three pairs", n=n, method=text, level=level)
    if constant(x) or constant(y):
        return undefined(CONSTANT, n=n, method=text, level=level)
    a, b = midranks(x) - (n + 1) / 2, midranks(y) - (n + 1) / 2
    rho = max(-1.0, min(1.0, float(a @ b / np.sqrt((a @ a) * (b @ b)))))
    if negligible(1 - abs(rho), 1):
        return Result(
            estimate=round(rho), n=n, method=text, reason="no interval for a perfect correlation", level=level
        )
    t = rho * np.sqrt((n - 2) / (1 - rho**2))
    p = float(2 * special.stdtr(n - 2, -abs(t)))
    if n < 4:
        return Result(
            estimate=rho, statistic=t, p=p, n=n, method=text, reason="no interval from three pairs", level=level
        )
    reach = special.ndtri((1 + level) / 2) * np.sqrt((1 + rho**2 / 2) / (n - 3))
    z = np.arctanh(rho)
    return Result(
        estimate=rho, ci=(np.tanh(z - reach), np.tanh(z + reach)), statistic=t, p=p, n=n, method=text, level=level
    )


def concordance(x: ArrayLike, y: ArrayLike, *, level: float = 0.95) -> Result:
    """Lin's concordance correlation coefficient; pairwise complete.

    Parameters
    ----------
    x, y : array_like
        Paired values of one length and unit; pairs with a NaN are left out.
    level : float, default 0.95
        Confidence of the interval, 0 to 1.

    Returns
    -------
    Result
        ``estimate`` is the coefficient, −1 to 1; ``n`` counts pairs. Undefined where both sides are constant or fewer
        than two pairs are there; 0 by definition where one side is constant.

    Raises
    ------
    ValueError
        If ``x`` and ``y`` differ in length, or a value is infinite.

    Notes
    -----
    2·s_xy/(s_x² + s_y² + (x̄ − ȳ)²), all moments with n. Interval by Lin's z transformation with the corrected
    variance; none for two pairs, or where the correlation is 0 or ±1.

    References
    ----------
    Lin 1989, 2000.

    Examples
    --------
    Moments with n: s_xy = s_x² = s_y² = 1.25 and the means are 1 apart, so 2.5/3.5.

    >>> from analysis.statistics.agreement import concordance
    >>> round(concordance([1, 2, 3, 4], [2, 3, 4, 5]).estimate, 4)
    0.7143
    """
    text = "Lin's CCC, moments with n, z-transformed interval"
    x, y = complete_pairs(x, y)
    n = x.size
    if n < 2:
        return undefined("fewer than two pairs", n=n, method=text, level=level)
    flat = constant(x), constant(y)
    if all(flat):
        return undefined("both sides are constant", n=n, method=text, level=level)
    scale = scale_of(x, y)
    x, y = x / scale, y / scale  # the coefficient has no unit; squares of very small values would be 0
    shift = float(x.mean() - y.mean())
    covariance = 0.0 if any(flat) else float(((x - x.mean()) * (y - y.mean())).mean())
    ccc = float(2 * covariance / (x.var() + y.var() + shift**2))
    spread = x.std() * y.std()
    r = covariance / spread if covariance else 0.0
    if n < 3 or negligible(abs(r), 1) or negligible(1 - abs(ccc), 1):
        why = "no interval from two pairs" if n < 3 else "no interval where the correlation is 0 or ±1"
        return Result(estimate=ccc, n=n, method=text, reason=why, level=level)
    u2 = shift**2 / spread
    variance = (
        (1 - r**2) * ccc**2 * (1 - ccc**2) / r**2 + 2 * ccc**3 * (1 - ccc) * u2 / r - ccc**4 * u2**2 / (2 * r**2)
    ) / (n - 2)
    if variance < 0:
        return Result(estimate=ccc, n=n, method=text, reason="no interval: Lin's variance is negative", level=level)
    reach = special.ndtri((1 + level) / 2) * np.sqrt(variance) / (1 - ccc**2)
    z = np.arctanh(ccc)
    return Result(estimate=ccc, ci=(np.tanh(z - reach), np.tanh(z + reach)), n=n, method=text, level=level)


def kendall_w(
    ratings: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    resamples: int = bootstrap.RESAMPLES,
    seed: int = 0,
    level: float = 0.95,
) -> Result:
    """Kendall's coefficient of concordance W, tie-corrected.

    Parameters
    ----------
    ratings : array_like, shape (units, raters)
        Scores; units with a NaN are left out.
    cluster : array_like, shape (units,), optional
        The subject of each unit: subjects are then resampled whole.
    resamples : int, default 2000
        Of the bootstrap; fewer are drawn where units × raters are very many.
    seed : int, default 0
        Of the bootstrap.
    level : float, default 0.95
        Confidence of the interval, 0 to 1.

    Returns
    -------
    Result
        ``estimate`` is W, 0 to 1; ``statistic`` is χ² and ``p`` its upper tail; ``n`` counts units rated by all;
        ``method`` says how many resamples were drawn. Undefined where some rater is constant, or with fewer than two
        raters or units.

    Raises
    ------
    ValueError
        If a value is infinite, or a unit has no cluster.

    Notes
    -----
    χ² = m(n − 1)W with n − 1 degrees of freedom. Interval: percentile bootstrap of units, or of whole clusters; W of
    resampled units is biased towards agreement by the ties that resampling makes, so read it as rough.

    References
    ----------
    Kendall & Babington Smith 1939; Siegel & Castellan 1988.

    Examples
    --------
    Rank sums of the units are 4, 5 and 9, that is 2, 1 and 3 from their mean 6: W = 12 · 14/(9 · 24).

    >>> from analysis.statistics.agreement import kendall_w
    >>> found = kendall_w([[1, 1, 2], [2, 2, 1], [3, 3, 3]])
    >>> round(found.estimate, 4), round(found.statistic, 4), round(found.p, 4)
    (0.7778, 4.6667, 0.097)
    """
    text = "Kendall's W, tie-corrected, bootstrap interval of " + ("units" if cluster is None else "subjects")
    table = matrix(ratings)
    keep = np.asarray(~np.isnan(table).any(axis=1))
    table = table[keep]
    n, m = table.shape
    if m < 2:
        return undefined("fewer than two readers", n=n, method=text, level=level)
    if n < 2:
        return undefined("fewer than two units rated by all readers", n=n, method=text, level=level)
    if any(constant(column) for column in table.T):
        return undefined(CONSTANT, n=n, method=text, level=level)
    patterns, codes = np.unique(table, axis=0, return_inverse=True)
    codes = codes.ravel()
    w = float(_w(np.bincount(codes)[None, :].astype(np.float64), patterns)[0])
    chi2 = m * (n - 1) * w
    p = float(special.chdtrc(n - 1, chi2))
    labels = np.arange(n) if cluster is None else cluster_codes(cluster, keep)
    groups = int(labels.max()) + 1
    if groups < 2 or np.unique(table).size > TOO_MANY_VALUES:
        why = "no interval from one subject" if groups < 2 else "no interval for continuous scores"
        return Result(estimate=w, statistic=chi2, p=p, n=n, method=text, reason=why, level=level)
    drawn = bootstrap.weights(groups, resamples=resamples, seed=seed)
    drawn = drawn[: max(FEWEST, int(WORK / (len(patterns) * m)))]
    text += f", {len(drawn)} resamples"
    parts = np.split(drawn, range(block := max(1, BLOCK // len(patterns)), len(drawn), block))
    if groups * len(patterns) <= 5 * BLOCK:
        counts = np.zeros((groups, len(patterns)))
        np.add.at(counts, (labels, codes), 1.0)
        values = np.concatenate([_w(part @ counts, patterns) for part in parts])
    else:  # hardly any pattern occurs twice: unit by unit
        values = np.concatenate([_w(part[:, labels], table) for part in parts])
    low, high = bootstrap.interval(values, level)
    return Result(estimate=w, ci=(low, high), statistic=chi2, p=p, n=n, method=text, level=level)


def _w(counts: NDArray[np.float64], patterns: NDArray[np.float64]) -> NDArray[np.float64]:
    """W for each row of counts (resamples × patterns) of the score patterns (patterns × raters)."""
    n = counts.sum(axis=1)
    m = patterns.shape[1]
    sums = np.zeros_like(counts)
    ties = np.zeros_like(n)
    for rater in range(m):
        values, place = np.unique(patterns[:, rater], return_inverse=True)
        frequency = counts @ np.eye(len(values))[place]
        ranks = np.cumsum(frequency, axis=1) - frequency / 2 + 0.5
        sums += ranks[:, place]
        ties += (frequency**3 - frequency).sum(axis=1)
    spread = (counts * sums**2).sum(axis=1) - (counts * sums).sum(axis=1) ** 2 / n
    most = m**2 * (n**3 - n)
    below = most - m * ties
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(below > RELATIVE * most, 12 * spread / below, np.nan)


@dataclass(frozen=True)
class IntraclassCorrelations:
    """The six forms of Shrout & Fleiss; ``icc["ICC2"]`` is the same as ``icc.ICC2``."""

    ICC1: Result
    ICC2: Result
    ICC3: Result
    ICC1k: Result
    ICC2k: Result
    ICC3k: Result

    def __getitem__(self, name: str) -> Result:
        result: Result = getattr(self, name)
        return result

    def items(self) -> Iterator[tuple[str, Result]]:
        """Name and result of each form."""
        return ((field.name, getattr(self, field.name)) for field in fields(self))


def icc(ratings: ArrayLike, *, level: float = 0.95) -> IntraclassCorrelations:
    """Six intraclass correlations.

    Parameters
    ----------
    ratings : array_like, shape (units, raters)
        Scores; units with a NaN are left out.
    level : float, default 0.95
        Confidence of the intervals, 0 to 1.

    Returns
    -------
    IntraclassCorrelations
        A ``Result`` each as ``ICC1``, ``ICC2``, ``ICC3``, ``ICC1k``, ``ICC2k`` and ``ICC3k``, attributes or keys.
        ``estimate`` is at most 1 and may be negative; ``statistic`` is the F test of ICC = 0 and ``p`` its upper tail;
        ``n`` counts units rated by all. Undefined with fewer than two raters or units, or where all scores are the
        same.

    Raises
    ------
    ValueError
        If a value is infinite.

    Notes
    -----
    ICC1: raters differ per unit (one-way). ICC2: random raters, absolute agreement, ICC(A,1) of McGraw & Wong. ICC3:
    fixed raters, consistency. …k: the mean of the k raters. Intervals from F (ICC2: Satterthwaite).

    References
    ----------
    Shrout & Fleiss 1979; McGraw & Wong 1996.

    Examples
    --------
    Table 2 of Shrout & Fleiss: six targets, four judges.

    >>> from analysis.statistics.agreement import icc
    >>> table = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> [(name, round(found.estimate, 2)) for name, found in icc(table).items()]
    [('ICC1', 0.17), ('ICC2', 0.29), ('ICC3', 0.71), ('ICC1k', 0.44), ('ICC2k', 0.62), ('ICC3k', 0.91)]
    """
    table = matrix(ratings)
    table = table[~np.isnan(table).any(axis=1)]
    n, k = table.shape
    names = {
        "ICC1": "ICC(1), one-way random, single rater",
        "ICC2": "ICC(A,1), two-way random, absolute agreement, single rater",
        "ICC3": "ICC(C,1), two-way mixed, consistency, single rater",
        "ICC1k": "ICC(k), one-way random, mean of k raters",
        "ICC2k": "ICC(A,k), two-way random, absolute agreement, mean of k raters",
        "ICC3k": "ICC(C,k), two-way mixed, consistency, mean of k raters",
    }
    reason = None
    if k < 2:
        reason = "fewer than two readers"
    elif n < 2:
        reason = "fewer than two units rated by all readers"
    elif constant(table):
        reason = "all scores are the same"
    if reason:
        return IntraclassCorrelations(
            **{name: undefined(reason, n=n, method=text, level=level) for name, text in names.items()}
        )
    table = table / scale_of(table)  # ratios of variances have no unit
    grand = table.mean()
    units = k * ((table.mean(axis=1) - grand) ** 2).sum()
    raters = n * ((table.mean(axis=0) - grand) ** 2).sum()
    total = ((table - grand) ** 2).sum()
    msb, msj = units / (n - 1), raters / (k - 1)
    mse = max(total - units - raters, 0.0) / ((n - 1) * (k - 1))
    msw = (total - units) / (n * (k - 1))
    tail = (1 + level) / 2
    results = {}

    def put(name: str, above: float, below: float, f: float, df2: int, ci: tuple[float, float] | None = None) -> None:
        if below <= tiny(total):
            results[name] = undefined("no variance left to divide by", n=n, method=names[name], level=level)
            return
        if not np.isfinite(f):
            why = "no interval and no test: the raters leave no error"
            results[name] = Result(estimate=above / below, n=n, method=names[name], reason=why, level=level)
            return
        if ci is None:
            # F over its quantiles bounds the ratio of variances; single and mean ICC are functions of that ratio
            low, high = f / special.fdtri(n - 1, df2, tail), f * special.fdtri(df2, n - 1, tail)
            if name.endswith("k"):
                ci = (1 - 1 / low, 1 - 1 / high) if low > 0 else None
            else:
                ci = ((low - 1) / (low + k - 1), (high - 1) / (high + k - 1))
        results[name] = Result(
            estimate=above / below,
            ci=ci,
            statistic=f,
            p=float(special.fdtrc(n - 1, df2, f)),
            n=n,
            method=names[name],
            reason=None if ci else "no interval",
            level=level,
        )

    f1 = msb / msw if msw > tiny(total) else np.inf
    f3 = msb / mse if mse > tiny(total) else np.inf
    df1, df3 = n * (k - 1), (n - 1) * (k - 1)
    put("ICC1", msb - msw, msb + (k - 1) * msw, f1, df1)
    put("ICC1k", msb - msw, msb, f1, df1)
    put("ICC3", msb - mse, msb + (k - 1) * mse, f3, df3)
    put("ICC3k", msb - mse, msb, f3, df3)
    single = _icc2_interval(n, k, msb, msj, mse, tail)
    put("ICC2", msb - mse, msb + (k - 1) * mse + k * (msj - mse) / n, f3, df3, single or NO_INTERVAL)
    mean = None
    if single and 1 + single[0] * (k - 1) > 0:
        mean = _spearman_brown(single[0], k), _spearman_brown(single[1], k)
    put("ICC2k", msb - mse, msb + (msj - mse) / n, f3, df3, mean or NO_INTERVAL)
    return IntraclassCorrelations(**results)


def _spearman_brown(single: float, k: int) -> float:
    """Reliability of the mean of k raters from that of one."""
    return k * single / (1 + single * (k - 1))


def tiny(total: float) -> float:
    """Below this a mean square is rounding error."""
    return RELATIVE * max(total, 1e-300)


def _icc2_interval(n: int, k: int, msb: float, msj: float, mse: float, tail: float) -> tuple[float, float] | None:
    below = msb + (k - 1) * mse + k * (msj - mse) / n
    if below <= tiny(msb + msj + mse) or mse <= 0:
        return None
    rho = (msb - mse) / below
    f = msj / mse
    inner = n * (1 + (k - 1) * rho) - k * rho
    spread = (n - 1) * k**2 * rho**2 * f**2 + inner**2
    if spread <= 0:
        return None
    degrees = (k - 1) * (n - 1) * (k * rho * f + inner) ** 2 / spread
    if degrees <= 0:
        return None
    upper, lower = special.fdtri(n - 1, degrees, tail), special.fdtri(degrees, n - 1, tail)
    rest = k * msj + (k * n - k - n) * mse
    divisors = upper * rest + n * msb, rest + n * lower * msb
    if not np.isfinite([*divisors, upper, lower]).all() or min(divisors) <= 0:
        return None
    return n * (msb - upper * mse) / divisors[0], n * (lower * msb - mse) / divisors[1]
