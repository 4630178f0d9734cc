"""Limits of agreement of two methods (Bland & Altman), for independent pairs and for several pairs per subject."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from analysis.statistics.result import Result, undefined
from analysis.statistics.values import cluster_codes, differences, negligible, numbers, scale_of

SPREAD = 1.96  # limits are bias ± 1.96 SD, as in all three papers


@dataclass(frozen=True)
class BlandAltman(Result):
    """Limits of agreement: the Result itself is the bias; ``lower`` and ``upper`` are the limits, ``sd`` of x − y."""

    sd: float | None = None
    lower: Result | None = None
    upper: Result | None = None


def bland_altman(
    x: ArrayLike,
    y: ArrayLike,
    *,
    form: Literal["1999", "1986"] = "1999",
    cluster: ArrayLike | None = None,
    weight: Literal["pairs", "subjects"] = "pairs",
    confidence: float = 0.95,
) -> BlandAltman:
    """Bias of x − y and its 95 % limits of agreement, bias ± 1.96 SD, with intervals of all three; pairwise complete.

    Parameters
    ----------
    x, y : array_like
        Paired values of one length and unit; pairs with a NaN are left out.
    form : {"1999", "1986"}, default "1999"
        Standard error of a limit for independent pairs, see Notes.
    cluster : array_like, optional
        The subject of each pair, for several pairs per subject whose true value varies.
    weight : {"pairs", "subjects"}, default "pairs"
        How clustered pairs count, see Notes.
    confidence : float, default 0.95
        Confidence of the intervals, 0 to 1.

    Returns
    -------
    BlandAltman
        The ``Result`` of the bias, with ``sd`` of x − y and the results ``lower`` and ``upper`` of the limits; ``n``
        counts pairs. Undefined for fewer than two pairs; where all differences are the same there is no interval.

    Raises
    ------
    ValueError
        If a value is infinite, a pair has no cluster, or ``form`` or ``weight`` is another.

    Notes
    -----
    SD with n − 1. Independent pairs: t intervals; standard error of a limit "1986" s·√(3/n) (Lancet, rounded), "1999"
    s·√(1/n + 1.96²/(2(n − 1))) (Stat Methods Med Res). With ``cluster`` the variance is that between subjects plus that
    within them (Bland & Altman 1999, 5.3, and 2007). ``weight`` "pairs" is their estimate (bias the mean of all pairs,
    components from the analysis of variance), "subjects" that of Zou (bias the mean of subject means, harmonic mean of
    cluster sizes); they agree for equal cluster sizes. Intervals of clustered limits: MOVER (Zou 2013); of the bias: t
    with subjects − 1 degrees of freedom.

    References
    ----------
    Bland & Altman, Lancet 1986, Stat Methods Med Res 1999 and 2007; Zou, Stat Methods Med Res 2013;22:630–642.

    Examples
    --------
    Differences 0, 1 and 2: bias 1, SD 1.

    >>> from analysis.statistics.limits import bland_altman
    >>> found = bland_altman([1, 3, 5], [1, 2, 3])
    >>> found.estimate, found.sd, round(found.lower.estimate, 2), round(found.upper.estimate, 2)
    (1.0, 1.0, -0.96, 2.96)
    """
    if form not in ("1999", "1986"):
        raise ValueError("form is 1999 or 1986")
    if weight not in ("pairs", "subjects"):
        raise ValueError("weight is pairs or subjects")
    x, y = numbers(x), numbers(y)
    keep = ~(np.isnan(x) | np.isnan(y))
    difference, scale = differences(x[keep], y[keep]), scale_of(x[keep], y[keep])
    if cluster is not None:
        return _clustered(difference, scale, cluster_codes(cluster, keep), weight, confidence)
    text = f"Bland–Altman, bias ± 1.96 SD, {form} intervals"
    n = difference.size
    if n < 2:
        return _undefined("fewer than two pairs", n, text, confidence)
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    t = special.stdtrit(n - 1, (1 + confidence) / 2)
    error = sd * np.sqrt(3 / n) if form == "1986" else sd * np.sqrt(1 / n + SPREAD**2 / (2 * (n - 1)))
    reach = t * sd / np.sqrt(n)
    return _result(bias, sd, reach, t * error, t * error, scale=scale, n=n, text=text, confidence=confidence)


def _result(
    bias: float,
    sd: float,
    reach: float,
    outward: float,
    inward: float,
    *,
    scale: float,
    n: int,
    text: str,
    confidence: float,
) -> BlandAltman:
    """``reach`` is half the interval of the bias; a limit's reaches ``outward`` and ``inward`` of it."""
    why = "no interval: all differences are the same" if negligible(reach, scale) else None
    lower, upper = bias - SPREAD * sd, bias + SPREAD * sd
    both = [
        Result(estimate=value, ci=None if why else ends, n=n, method=text, reason=why, confidence=confidence)
        for value, ends in ((lower, (lower - outward, lower + inward)), (upper, (upper - inward, upper + outward)))
    ]
    ci = None if why else (bias - reach, bias + reach)
    return BlandAltman(
        estimate=bias, ci=ci, n=n, method=text, reason=why, confidence=confidence, sd=sd, lower=both[0], upper=both[1]
    )


def _undefined(reason: str, n: int, text: str, confidence: float, bias: float | None = None) -> BlandAltman:
    none = undefined(reason, n=n, method=text, confidence=confidence)
    return BlandAltman(estimate=bias, n=n, method=text, reason=reason, confidence=confidence, lower=none, upper=none)


def _clustered(
    difference: NDArray[np.float64], scale: float, labels: NDArray[np.intp], weight: str, confidence: float
) -> BlandAltman:
    source = "Bland & Altman 2007" if weight == "pairs" else "Zou 2013"
    text = f"Bland–Altman, several pairs per subject, {source}, bias ± 1.96 SD, MOVER intervals"
    sizes = np.bincount(labels)
    n, k = difference.size, sizes.size
    if n < 2:
        return _undefined("fewer than two pairs", n, text, confidence)
    if k < 2 or n == k:
        why = "only one subject" if k < 2 else "no subject has two pairs: take the pairs as independent"
        return _undefined(why, n, text, confidence, float(difference.mean()))
    means = np.bincount(labels, weights=difference) / sizes
    within = float(((difference - means[labels]) ** 2).sum()) / (n - k)
    if weight == "pairs":
        bias = float(difference.mean())
        typical = (n - (sizes**2).sum() / n) / (k - 1)
        between = float((sizes * (means - bias) ** 2).sum()) / (k - 1) / typical
        error = np.sqrt(k / (k - 1) * ((sizes * (means - bias)) ** 2).sum()) / n
    else:
        bias = float(means.mean())
        typical = k / (1 / sizes).sum()
        between = float(means.var(ddof=1))
        error = np.sqrt(between / k)
    # between + within is an unbiased variance of one difference; it cannot be negative, so nothing is cut off
    within *= 1 - 1 / typical
    total = between + within
    tail = (1 - confidence) / 2
    low, high = (
        np.hypot(between * ((k - 1) / _chi2(k - 1, share) - 1), within * ((n - k) / _chi2(n - k, share) - 1))
        for share in (1 - tail, tail)
    )
    mean_part = special.ndtri(1 - tail) * error
    outward = np.hypot(mean_part, SPREAD * (np.sqrt(total + high) - np.sqrt(total)))
    inward = np.hypot(mean_part, SPREAD * (np.sqrt(total) - np.sqrt(max(total - low, 0.0))))
    reach = special.stdtrit(k - 1, 1 - tail) * error
    return _result(
        bias, float(np.sqrt(total)), reach, outward, inward, scale=scale, n=n, text=text, confidence=confidence
    )


def _chi2(degrees: int, share: float) -> float:
    """Quantile of the χ² distribution."""
    return float(special.chdtri(degrees, 1 - share))
