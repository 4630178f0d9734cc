"""Paired measurements: t test and Pearson; dispersion of repeated ones."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from analysis.statistics.correlation import complete_pairs
from analysis.statistics.direction import SAID, Alternative, check, student_p
from analysis.statistics.result import Result, undefined
from analysis.statistics.values import constant, differences, negligible, numbers, scale_of

CONSTANT = "differences are constant"


def paired_t(x: ArrayLike, y: ArrayLike, *, alternative: Alternative = "two-sided", confidence: float = 0.95) -> Result:
    """Paired t test of the mean of x − y against 0; pairwise complete.

    Parameters
    ----------
    x, y : array_like
        Paired values of one length and unit; pairs with a NaN are left out.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        What is looked for: any mean, or one above or below 0.
    confidence : float, default 0.95
        Confidence of the t interval, 0 to 1; it has two sides whatever is looked for.

    Returns
    -------
    Result
        ``estimate`` is the mean of x − y; ``statistic`` is t; ``n`` counts pairs. Test and interval are
        undefined where the differences are constant up to rounding of x and y: no variance to divide by.

    Raises
    ------
    ValueError
        If ``x`` and ``y`` differ in length, a value is infinite, or ``alternative`` is another.

    Notes
    -----
    SD with n − 1; t with n − 1 degrees of freedom.

    Examples
    --------
    Differences 0, 1 and 2: mean 1, SD 1, t = √3.

    >>> from analysis.statistics.paired import paired_t
    >>> found = paired_t([1, 3, 5], [1, 2, 3])
    >>> found.estimate, round(found.statistic, 4), round(found.p, 4)
    (1.0, 1.7321, 0.2254)
    >>> paired_t([2, 3], [1, 2]).reason
    'differences are constant'
    """
    check(alternative)
    text = f"paired t test of x − y{SAID[alternative]}"
    x, y = complete_pairs(x, y)
    n = x.size
    if n < 2:
        return undefined("fewer than two pairs", n=n, method=text, confidence=confidence)
    difference = differences(x, y)
    mean, error = float(difference.mean()), float(difference.std(ddof=1)) / np.sqrt(n)
    if constant(difference, scale=scale_of(x, y)) or error == 0:
        why = CONSTANT if difference.any() else "every difference is zero"
        return Result(estimate=mean, n=n, method=text, reason=why, confidence=confidence)
    reach = special.stdtrit(n - 1, (1 + confidence) / 2) * error
    t = mean / error
    return Result(
        estimate=mean,
        ci=(mean - reach, mean + reach),
        statistic=t,
        p=student_p(t, n - 1, alternative),
        n=n,
        method=text,
        confidence=confidence,
    )


def pearson(x: ArrayLike, y: ArrayLike, *, alternative: Alternative = "two-sided", confidence: float = 0.95) -> Result:
    """Pearson correlation; pairwise complete.

    Parameters
    ----------
    x, y : array_like
        Paired values of one length; pairs with a NaN are left out.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        What is looked for: any correlation, or one above or below 0.
    confidence : float, default 0.95
        Confidence of the interval, 0 to 1; it has two sides whatever is looked for.

    Returns
    -------
    Result
        ``estimate`` is r, −1 to 1; ``statistic`` is t of the test against 0; ``n`` counts pairs.
        Undefined where either side is constant or fewer than three pairs are there; r alone for three pairs, or if it
        is ±1.

    Raises
    ------
    ValueError
        If ``x`` and ``y`` differ in length, a value is infinite, or ``alternative`` is another.

    Notes
    -----
    Fisher's z interval; t with n − 2 degrees of freedom.

    Examples
    --------
    >>> from analysis.statistics.paired import pearson
    >>> found = pearson([1, 2, 3, 4], [1, 3, 2, 4])
    >>> round(found.estimate, 4), round(found.p, 4)
    (0.8, 0.2)
    """
    check(alternative)
    text = f"Pearson, Fisher z interval{SAID[alternative]}"
    x, y = complete_pairs(x, y)
    n = x.size
    if n < 3:
        return undefined("fewer than three pairs", n=n, method=text, confidence=confidence)
    if constant(x) or constant(y):
        return undefined("one side is constant", n=n, method=text, confidence=confidence)
    r = max(-1.0, min(1.0, float(np.corrcoef(x / scale_of(x), y / scale_of(y))[0, 1])))
    if negligible(1 - abs(r), 1) or n < 4:
        why = "no interval from three pairs" if n < 4 else "no interval for a perfect correlation"
        return Result(estimate=r, n=n, method=text, reason=why, confidence=confidence)
    t = r * np.sqrt((n - 2) / (1 - r**2))
    reach = special.ndtri((1 + confidence) / 2) / np.sqrt(n - 3)
    z = np.arctanh(r)
    return Result(
        estimate=r,
        ci=(np.tanh(z - reach), np.tanh(z + reach)),
        statistic=t,
        p=student_p(t, n - 2, alternative),
        n=n,
        method=text,
        confidence=confidence,
    )


def coefficient_of_variation(values: ArrayLike) -> Result:
    """SD over the absolute mean, a fraction.

    Parameters
    ----------
    values : array_like
        Repeated measurements; NaN is left out.

    Returns
    -------
    Result
        ``estimate``, 0 or more, without an interval; ``n`` counts values. Undefined for fewer than two values or a mean
        of 0.

    Raises
    ------
    ValueError
        If a value is infinite.

    Notes
    -----
    SD with n − 1.

    Examples
    --------
    >>> from analysis.statistics.paired import coefficient_of_variation
    >>> coefficient_of_variation([1, 2, 3]).estimate
    0.5
    >>> coefficient_of_variation([-1, 1]).reason
    'the mean is 0'
    """
    text = "SD (n − 1) / |mean|"
    values = numbers(values)
    values = values[~np.isnan(values)]
    if values.size < 2:
        return undefined("fewer than two values", n=values.size, method=text)
    mean = float(values.mean())
    if negligible(abs(mean), scale_of(values)):
        return undefined("the mean is 0", n=values.size, method=text)
    return Result(estimate=float(values.std(ddof=1)) / abs(mean), n=values.size, method=text, reason="no interval")


def quartile_dispersion(values: ArrayLike, *, quantile_type: Literal[6, 7] = 7) -> Result:
    """Quartile coefficient of dispersion (Q3 − Q1)/|Q3 + Q1|, a fraction.

    Parameters
    ----------
    values : array_like
        Repeated measurements; NaN is left out.
    quantile_type : {7, 6}, default 7
        Quantiles of type 7 (R, NumPy) or 6 (SPSS, Minitab): with four values they differ much.

    Returns
    -------
    Result
        ``estimate``, 0 or more, without an interval; ``n`` counts values. Undefined for fewer than two values and where
        the quartiles differ in sign or sum to 0.

    Raises
    ------
    ValueError
        If a value is infinite, or ``quantile_type`` is another.

    Notes
    -----
    Types of quantiles by their numbers in R.

    Examples
    --------
    >>> from analysis.statistics.paired import quartile_dispersion
    >>> quartile_dispersion([1, 2, 3, 4]).estimate, quartile_dispersion([1, 2, 3, 4], quantile_type=6).estimate
    (0.3, 0.5)
    """
    text = f"(Q3 − Q1) / |Q3 + Q1|, quantiles of type {quantile_type}"
    rules = {6: "weibull", 7: "linear"}
    if quantile_type not in rules:
        raise ValueError("quantile_type is 6 or 7")
    values = numbers(values)
    values = values[~np.isnan(values)]
    if values.size < 2:
        return undefined("fewer than two values", n=values.size, method=text)
    q1, q3 = np.quantile(values, [0.25, 0.75], method=rules[quantile_type])  # type: ignore[call-overload]
    if q1 * q3 < 0 or negligible(abs(q1 + q3), scale_of(values)):
        return undefined("the quartiles differ in sign or sum to 0", n=values.size, method=text)
    return Result(estimate=float((q3 - q1) / abs(q3 + q1)), n=values.size, method=text, reason="no interval")


def median_interval(values: ArrayLike, *, confidence: float = 0.95) -> Result:
    """Median with its exact interval from order statistics.

    Parameters
    ----------
    values : array_like
        Values; NaN is left out.
    confidence : float, default 0.95
        Least confidence of the interval, 0 to 1.

    Returns
    -------
    Result
        ``estimate`` is the median; ``n`` counts values. Undefined without values; no interval for too few.

    Raises
    ------
    ValueError
        If a value is infinite.

    Notes
    -----
    Binomial, conservative.

    Examples
    --------
    >>> from analysis.statistics.paired import median_interval
    >>> found = median_interval([1, 2, 3, 4, 5, 6])
    >>> found.estimate, found.ci
    (3.5, (1.0, 6.0))
    """
    text = "median, order-statistic interval"
    given = numbers(values)
    ordered = np.sort(given[~np.isnan(given)])
    n = ordered.size
    if n == 0:
        return undefined("no values", method=text, confidence=confidence)
    rank = int(special.bdtr(np.arange(n), n, 0.5).searchsorted((1 - confidence) / 2, side="right"))
    if rank == 0:
        return Result(
            estimate=float(np.median(ordered)), n=n, method=text, reason="no interval: too few", confidence=confidence
        )
    return Result(
        estimate=float(np.median(ordered)),
        ci=(ordered[rank - 1], ordered[n - rank]),
        n=n,
        method=text,
        confidence=confidence,
    )
