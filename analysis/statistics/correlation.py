"""Association and reliability of scores: Spearman, Lin's concordance, Kendall's W, intraclass correlations."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from analysis.statistics import jackknife
from analysis.statistics.direction import SAID, Alternative, check, student_p
from analysis.statistics.result import Result, undefined
from analysis.statistics.values import RELATIVE, cluster_codes, constant, matrix, negligible, numbers, scale_of

CONSTANT = "a reader gave the same score to every pair"
TOO_MANY_VALUES = 50
NO_INTERVAL = (np.nan, np.nan)
BLOCK = 2_000_000
SUBJECTS = "interval by leaving out each subject, Fisher z"
UNITS = "interval by leaving out each unit, Fisher z"


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


def spearman(
    x: ArrayLike,
    y: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    alternative: Alternative = "two-sided",
    confidence: float = 0.95,
) -> Result:
    """Spearman rank correlation with mid-ranks; pairwise complete.

    Parameters
    ----------
    x, y : array_like
        Paired values of one length; pairs with a NaN are left out.
    cluster : array_like, optional
        The subject of each pair; the interval then respects it, and no test is made.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        What is looked for: any correlation, or one above or below 0.
    confidence : float, default 0.95
        Confidence of the interval, 0 to 1; it has two sides whatever is looked for.

    Returns
    -------
    Result
        ``estimate`` is ρ, −1 to 1; ``statistic`` is t; ``n`` counts pairs. Undefined where either side is
        constant or fewer than three pairs are there; no interval for a perfect correlation or three pairs.

    Raises
    ------
    ValueError
        If ``x`` and ``y`` differ in length, a value is infinite, a pair has no cluster, or ``alternative`` is another.

    Notes
    -----
    Interval: Fisher z with the variance (1 + ρ²/2)/(n − 3), or, with clusters, by leaving out each (``jackknife``). p
    from t with n − 2 degrees of freedom: it takes the pairs as independent.

    References
    ----------
    Bonett & Wright 2000; Tukey 1958.

    Examples
    --------
    >>> from analysis.statistics.agreement import spearman
    >>> found = spearman([1, 2, 3, 4, 5], [1, 3, 2, 5, 4])
    >>> round(found.estimate, 4), round(found.p, 4), found.n
    (0.8, 0.1041, 5)
    >>> [round(bound, 4) for bound in found.ci]
    [-0.4571, 0.9908]
    """
    check(alternative)
    text = f"Spearman, mid-ranks, {'Bonett–Wright interval' if cluster is None else SUBJECTS}{SAID[alternative]}"
    keep = ~(np.isnan(numbers(x)) | np.isnan(numbers(y)))
    x, y = complete_pairs(x, y)
    n = x.size
    if n < 3:
        return undefined("fewer than three pairs", n=n, method=text, confidence=confidence)
    if constant(x) or constant(y):
        return undefined(CONSTANT, n=n, method=text, confidence=confidence)
    a, b = midranks(x) - (n + 1) / 2, midranks(y) - (n + 1) / 2
    rho = max(-1.0, min(1.0, float(a @ b / np.sqrt((a @ a) * (b @ b)))))
    if negligible(1 - abs(rho), 1):
        return Result(
            estimate=round(rho), n=n, method=text, reason="no interval for a perfect correlation", confidence=confidence
        )
    if cluster is not None:
        return _without_each(
            Result(estimate=rho, n=n, method=text, confidence=confidence), x, y, cluster_codes(cluster, keep)
        )
    t = rho * np.sqrt((n - 2) / (1 - rho**2))
    p = student_p(t, n - 2, alternative)
    if n < 4:
        return Result(
            estimate=rho,
            statistic=t,
            p=p,
            n=n,
            method=text,
            reason="no interval from three pairs",
            confidence=confidence,
        )
    reach = special.ndtri((1 + confidence) / 2) * np.sqrt((1 + rho**2 / 2) / (n - 3))
    z = np.arctanh(rho)
    return Result(
        estimate=rho,
        ci=(np.tanh(z - reach), np.tanh(z + reach)),
        statistic=t,
        p=p,
        n=n,
        method=text,
        confidence=confidence,
    )


def _without_each(found: Result, x: NDArray[np.float64], y: NDArray[np.float64], labels: NDArray[np.intp]) -> Result:
    if int(labels.max()) < 1:
        return replace(found, reason="no interval from one subject")
    (first, a), (second, b) = np.unique(x, return_inverse=True), np.unique(y, return_inverse=True)
    if max(first.size, second.size) > TOO_MANY_VALUES:
        return replace(found, reason="no interval for continuous scores")
    together = jackknife.left_out(tables(a, b, first.size, second.size, labels))
    ranks, other = (_centred(together.sum(axis=axis)) for axis in (2, 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = np.einsum("gab,ga,gb->g", together, ranks, other) / np.sqrt(
            (together.sum(axis=2) * ranks**2).sum(axis=1) * (together.sum(axis=1) * other**2).sum(axis=1)
        )
    return jackknife.coefficient(found, rho)


def tables(
    a: NDArray[np.intp], b: NDArray[np.intp], rows: int, columns: int, labels: NDArray[np.intp]
) -> NDArray[np.float64]:
    """How often codes ``a`` and ``b`` come together, per subject: subjects × rows × columns."""
    labels = jackknife.groups_of(labels)
    groups = int(labels.max()) + 1
    flat = np.bincount((labels * rows + a) * columns + b, minlength=groups * rows * columns)
    return flat.reshape(groups, rows, columns).astype(np.float64)


def _centred(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mid-ranks of the values that occur so often, minus their mean."""
    return np.asarray(np.cumsum(counts, axis=1) - (counts + counts.sum(axis=1, keepdims=True)) / 2)


def concordance(x: ArrayLike, y: ArrayLike, *, confidence: float = 0.95) -> Result:
    """Lin's concordance correlation coefficient; pairwise complete.

    Parameters
    ----------
    x, y : array_like
        Paired values of one length and unit; pairs with a NaN are left out.
    confidence : float, default 0.95
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
        return undefined("fewer than two pairs", n=n, method=text, confidence=confidence)
    flat = constant(x), constant(y)
    if all(flat):
        return undefined("both sides are constant", n=n, method=text, confidence=confidence)
    scale = scale_of(x, y)
    x, y = x / scale, y / scale  # the coefficient has no unit; squares of very small values would be 0
    shift = float(x.mean() - y.mean())
    covariance = 0.0 if any(flat) else float(((x - x.mean()) * (y - y.mean())).mean())
    ccc = float(2 * covariance / (x.var() + y.var() + shift**2))
    spread = x.std() * y.std()
    r = covariance / spread if covariance else 0.0
    if n < 3 or negligible(abs(r), 1) or negligible(1 - abs(ccc), 1):
        why = "no interval from two pairs" if n < 3 else "no interval where the correlation is 0 or ±1"
        return Result(estimate=ccc, n=n, method=text, reason=why, confidence=confidence)
    u2 = shift**2 / spread
    variance = (
        (1 - r**2) * ccc**2 * (1 - ccc**2) / r**2 + 2 * ccc**3 * (1 - ccc) * u2 / r - ccc**4 * u2**2 / (2 * r**2)
    ) / (n - 2)
    if variance < 0:
        return Result(
            estimate=ccc, n=n, method=text, reason="no interval: Lin's variance is negative", confidence=confidence
        )
    reach = special.ndtri((1 + confidence) / 2) * np.sqrt(variance) / (1 - ccc**2)
    z = np.arctanh(ccc)
    return Result(estimate=ccc, ci=(np.tanh(z - reach), np.tanh(z + reach)), n=n, method=text, confidence=confidence)


def kendall_w(
    ratings: ArrayLike,
    *,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
) -> Result:
    """Kendall's coefficient of concordance W, tie-corrected.

    Parameters
    ----------
    ratings : array_like, shape (units, raters)
        Scores; units with a NaN are left out.
    cluster : array_like, shape (units,), optional
        The subject of each unit: subjects are then left out whole.
    confidence : float, default 0.95
        Confidence of the interval, 0 to 1.

    Returns
    -------
    Result
        ``estimate`` is W, 0 to 1; ``statistic`` is χ² and ``p`` its upper tail; ``n`` counts units rated by all.
        Undefined where every rater is constant, or with fewer than two raters or units.

    Raises
    ------
    ValueError
        If a value is infinite, or a unit has no cluster.

    Notes
    -----
    χ² = m(n − 1)W with n − 1 degrees of freedom. A constant rater ties all units, as in R's irr. Interval: by leaving
    out each unit, or each cluster (``jackknife``).

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
    text = f"Kendall's W, tie-corrected, {SUBJECTS if cluster is not None else UNITS}"
    table = matrix(ratings)
    keep = np.asarray(~np.isnan(table).any(axis=1))
    table = table[keep]
    n, m = table.shape
    if m < 2:
        return undefined("fewer than two readers", n=n, method=text, confidence=confidence)
    if n < 2:
        return undefined("fewer than two units rated by all readers", n=n, method=text, confidence=confidence)
    for column in table.T:
        if constant(column):  # up to rounding, which has no ranks
            column[:] = column[0]
    if (np.ptp(table, axis=0) == 0).all():
        return undefined("every reader gave the same score to every unit", n=n, method=text, confidence=confidence)
    patterns, codes = np.unique(table, axis=0, return_inverse=True)
    codes = codes.ravel()
    w = float(_w(np.bincount(codes)[None, :].astype(np.float64), patterns)[0])
    chi2 = m * (n - 1) * w
    p = float(special.chdtrc(n - 1, chi2))
    found = Result(estimate=w, statistic=chi2, p=p, n=n, method=text, confidence=confidence)
    labels = jackknife.groups_of(np.arange(n) if cluster is None else cluster_codes(cluster, keep))
    groups = int(labels.max()) + 1
    if groups < 2 or np.unique(table).size > TOO_MANY_VALUES:
        why = "no interval from one subject" if groups < 2 else "no interval for continuous scores"
        return replace(found, reason=why)
    everyone, without = np.bincount(codes), []
    for start in range(0, groups, block := max(1, BLOCK // len(patterns))):
        own = (labels >= start) & (labels < start + block)
        counts = np.zeros((min(block, groups - start), len(patterns)))
        np.add.at(counts, (labels[own] - start, codes[own]), 1.0)
        without.append(_w(everyone - counts, patterns))
    found = jackknife.coefficient(found, np.concatenate(without))
    return found if found.ci is None else replace(found, ci=(max(found.ci[0], 0.0), found.ci[1]))


def _w(counts: NDArray[np.float64], patterns: NDArray[np.float64]) -> NDArray[np.float64]:
    """W for each row of counts (rows × patterns) of the score patterns (patterns × raters)."""
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


def icc(ratings: ArrayLike, *, cluster: ArrayLike | None = None, confidence: float = 0.95) -> IntraclassCorrelations:
    """Six intraclass correlations.

    Parameters
    ----------
    ratings : array_like, shape (units, raters)
        Scores; units with a NaN are left out.
    cluster : array_like, shape (units,), optional
        The subject of each unit; the intervals then respect it, and no test is made.
    confidence : float, default 0.95
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
    fixed raters, consistency. …k: the mean of the k raters. Intervals from F (ICC2: Satterthwaite), or, with clusters,
    by leaving out each (``jackknife``), those of …k from those of the single rater by Spearman and Brown.

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
    keep = np.asarray(~np.isnan(table).any(axis=1))
    table = table[keep]
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
            **{name: undefined(reason, n=n, method=text, confidence=confidence) for name, text in names.items()}
        )
    table = table / scale_of(table)  # ratios of variances have no unit
    grand = table.mean()
    units = k * ((table.mean(axis=1) - grand) ** 2).sum()
    raters = n * ((table.mean(axis=0) - grand) ** 2).sum()
    total = ((table - grand) ** 2).sum()
    msb, msj = units / (n - 1), raters / (k - 1)
    mse = max(total - units - raters, 0.0) / ((n - 1) * (k - 1))
    msw = (total - units) / (n * (k - 1))
    tail = (1 + confidence) / 2
    results = {}

    def put(name: str, above: float, below: float, f: float, df2: int, ci: tuple[float, float] | None = None) -> None:
        if below <= tiny(total):
            results[name] = undefined("no variance left to divide by", n=n, method=names[name], confidence=confidence)
            return
        if not np.isfinite(f):
            why = "no interval and no test: the raters leave no error"
            results[name] = Result(estimate=above / below, n=n, method=names[name], reason=why, confidence=confidence)
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
            confidence=confidence,
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
    if cluster is not None:
        results = _by_subject(results, table, cluster_codes(cluster, keep))
    return IntraclassCorrelations(**results)


def _by_subject(results: dict[str, Result], table: NDArray[np.float64], labels: NDArray[np.intp]) -> dict[str, Result]:
    """The same estimates with intervals by leaving out each subject."""
    labels, k = jackknife.groups_of(labels), table.shape[1]
    table = (table - table.mean()) / scale_of(table)
    rows = table.sum(axis=1)
    columns = np.column_stack([np.ones(len(table)), table, rows**2, (table**2).sum(axis=1)])
    sums = np.stack([np.bincount(labels, weights=column) for column in columns.T], axis=1).astype(np.float64)
    if len(sums) < 2:
        return {
            name: found if found.estimate is None else _plain(found, "no interval from one subject")
            for name, found in results.items()
        }
    rest = jackknife.left_out(sums)
    n, raters, squares, total = rest[:, 0], rest[:, 1:-2], rest[:, -2], rest[:, -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        grand = raters.sum(axis=1) ** 2 / (n * k)
        units, raters, total = squares / k - grand, (raters**2).sum(axis=1) / n - grand, total - grand
        msb, msj = units / (n - 1), raters / (k - 1)
        mse, msw = (total - units - raters) / ((n - 1) * (k - 1)), (total - units) / (n * (k - 1))
        without = {
            "ICC1": (msb - msw) / (msb + (k - 1) * msw),
            "ICC2": (msb - mse) / (msb + (k - 1) * mse + k * (msj - mse) / n),
            "ICC3": (msb - mse) / (msb + (k - 1) * mse),
        }
    for name, single in without.items():
        if results[name].estimate is not None:
            results[name] = jackknife.coefficient(_plain(results[name], None), single)
        mean = results[f"{name}k"]
        if mean.estimate is not None:
            ci, why = results[name].ci, results[name].reason
            if ci is not None and ci[0] * (k - 1) <= -1:
                ci, why = None, "no interval"
            mean = _plain(mean, why)
            if ci is not None:
                mean = replace(mean, ci=(_spearman_brown(ci[0], k), _spearman_brown(ci[1], k)))
            results[f"{name}k"] = mean
    return results


def _plain(found: Result, reason: str | None) -> Result:
    """The estimate alone."""
    return Result(
        estimate=found.estimate,
        n=found.n,
        method=f"{found.method}, {SUBJECTS}",
        reason=reason,
        confidence=found.confidence,
    )


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
