"""Paired measurements: t test, Pearson, limits of agreement; dispersion of repeated ones."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from analysis.correlation import complete_pairs
from analysis.result import Result, undefined


def paired_t(x: ArrayLike, y: ArrayLike, *, level: float = 0.95) -> Result:
    """Paired t test of the mean of x − y against 0, two-sided, with its t interval; pairwise complete.

    Undefined where all differences are the same: no variance to divide by.
    """
    text = "paired t test of x − y"
    x, y = complete_pairs(x, y)
    n = x.size
    if n < 2:
        return undefined("fewer than two pairs", n=n, method=text, level=level)
    difference = x - y
    if np.ptp(difference) == 0:
        why = "every difference is zero" if difference[0] == 0 else "all differences are the same"
        return Result(estimate=float(difference[0]), n=n, method=text, reason=why, level=level)
    mean, error = float(difference.mean()), float(difference.std(ddof=1)) / np.sqrt(n)
    reach = special.stdtrit(n - 1, (1 + level) / 2) * error
    t = mean / error
    return Result(
        estimate=mean,
        ci=(mean - reach, mean + reach),
        statistic=t,
        p=float(2 * special.stdtr(n - 1, -abs(t))),
        n=n,
        method=text,
        level=level,
    )


def pearson(x: ArrayLike, y: ArrayLike, *, level: float = 0.95) -> Result:
    """Pearson correlation with Fisher's z interval and the t test against 0; pairwise complete."""
    text = "Pearson, Fisher z interval"
    x, y = complete_pairs(x, y)
    n = x.size
    if n < 3:
        return undefined("fewer than three pairs", n=n, method=text, level=level)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return undefined("one side is constant", n=n, method=text, level=level)
    r = max(-1.0, min(1.0, float(np.corrcoef(x, y)[0, 1])))
    if 1 - abs(r) < 1e-15 or n < 4:
        why = "no interval from three pairs" if n < 4 else "no interval for a perfect correlation"
        return Result(estimate=r, n=n, method=text, reason=why, level=level)
    t = r * np.sqrt((n - 2) / (1 - r**2))
    reach = special.ndtri((1 + level) / 2) / np.sqrt(n - 3)
    z = np.arctanh(r)
    return Result(
        estimate=r,
        ci=(np.tanh(z - reach), np.tanh(z + reach)),
        statistic=t,
        p=float(2 * special.stdtr(n - 2, -abs(t))),
        n=n,
        method=text,
        level=level,
    )


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
    level: float = 0.95,
) -> BlandAltman:
    """Bias of x − y and its 95 % limits of agreement, bias ± 1.96 SD (SD with n − 1), with t intervals of all three.

    Standard error of a limit: "1986" s·√(3/n) (Lancet, rounded), "1999" s·√(1/n + 1.96²/(2(n − 1))) (Stat Methods Med
    Res). With ``cluster``: several pairs per subject whose true value varies; SD² = within-subject mean square +
    between-subject component (Bland & Altman 2007), bias the mean of all pairs, and no intervals.
    """
    if form not in ("1999", "1986"):
        raise ValueError("form is 1999 or 1986")
    text = f"Bland–Altman, bias ± 1.96 SD, {form} intervals"
    x = np.asarray(x, dtype=np.float64).ravel()
    y = np.asarray(y, dtype=np.float64).ravel()
    keep = ~(np.isnan(x) | np.isnan(y))
    difference = x[keep] - y[keep]
    n = difference.size
    if n < 2:
        return BlandAltman(n=n, method=text, reason="fewer than two pairs", level=level)
    bias = float(difference.mean())
    if cluster is not None:
        text = "Bland–Altman 2007, several pairs per subject, bias ± 1.96 SD"
        sd = _clustered_sd(difference, np.asarray(cluster).ravel()[keep])
        why = "no interval for clustered limits" if sd is not None else "no subject has two pairs, or only one subject"
        limits = [
            undefined(why, n=n, method=text, level=level)
            if sd is None
            else Result(estimate=bias + sign * 1.96 * sd, n=n, method=text, reason=why, level=level)
            for sign in (-1, 1)
        ]
        return BlandAltman(
            estimate=bias, n=n, method=text, reason=why, level=level, sd=sd, lower=limits[0], upper=limits[1]
        )
    sd = float(difference.std(ddof=1))
    t = special.stdtrit(n - 1, (1 + level) / 2)
    reach = t * sd / np.sqrt(n)
    error = sd * np.sqrt(3 / n) if form == "1986" else sd * np.sqrt(1 / n + 1.96**2 / (2 * (n - 1)))
    lower, upper = (
        Result(estimate=limit, ci=(limit - t * error, limit + t * error), n=n, method=text, level=level)
        for limit in (bias - 1.96 * sd, bias + 1.96 * sd)
    )
    return BlandAltman(
        estimate=bias, ci=(bias - reach, bias + reach), n=n, method=text, level=level, sd=sd, lower=lower, upper=upper
    )


def _clustered_sd(difference: NDArray[np.float64], cluster: NDArray[np.generic]) -> float | None:
    labels = np.unique(cluster, return_inverse=True)[1]
    sizes = np.bincount(labels)
    n, groups = difference.size, sizes.size
    if groups < 2 or n == groups:
        return None
    means = np.bincount(labels, weights=difference) / sizes
    within = float(((difference - means[labels]) ** 2).sum()) / (n - groups)
    between = float((sizes * (means - difference.mean()) ** 2).sum()) / (groups - 1)
    typical = (n - (sizes**2).sum() / n) / (groups - 1)
    return float(np.sqrt(within + max(0.0, (between - within) / typical)))


def coefficient_of_variation(values: ArrayLike) -> Result:
    """SD (n − 1) over |mean|, a fraction; NaN left out. Undefined for fewer than two values or a mean of 0."""
    text = "SD (n − 1) / |mean|"
    values = np.asarray(values, dtype=np.float64).ravel()
    values = values[~np.isnan(values)]
    if values.size < 2:
        return undefined("fewer than two values", n=values.size, method=text)
    mean = float(values.mean())
    if mean == 0:
        return undefined("the mean is 0", n=values.size, method=text)
    return Result(estimate=float(values.std(ddof=1)) / abs(mean), n=values.size, method=text, reason="no interval")


def quartile_dispersion(values: ArrayLike, *, quantile_type: Literal[6, 7] = 7) -> Result:
    """Quartile coefficient of dispersion (Q3 − Q1)/|Q3 + Q1|, a fraction; NaN left out.

    Quantiles of type 7 (R, NumPy) or 6 (SPSS, Minitab): with four values they differ much. Undefined for fewer than two
    values and where the quartiles differ in sign or sum to 0.
    """
    text = f"(Q3 − Q1) / |Q3 + Q1|, quantiles of type {quantile_type}"
    rules = {6: "weibull", 7: "linear"}
    if quantile_type not in rules:
        raise ValueError("quantile_type is 6 or 7")
    values = np.asarray(values, dtype=np.float64).ravel()
    values = values[~np.isnan(values)]
    if values.size < 2:
        return undefined("fewer than two values", n=values.size, method=text)
    q1, q3 = np.quantile(values, [0.25, 0.75], method=rules[quantile_type])  # type: ignore[call-overload]
    if q1 * q3 < 0 or q1 + q3 == 0:
        return undefined("the quartiles differ in sign or sum to 0", n=values.size, method=text)
    return Result(estimate=float((q3 - q1) / abs(q3 + q1)), n=values.size, method=text, reason="no interval")


def median_interval(values: ArrayLike, *, level: float = 0.95) -> Result:
    """Median with its exact interval from order statistics (binomial, conservative); NaN left out."""
    text = "median, order-statistic interval"
    given = np.asarray(values, dtype=np.float64).ravel()
    ordered = np.sort(given[~np.isnan(given)])
    n = ordered.size
    if n == 0:
        return undefined("no values", method=text, level=level)
    rank = int(special.bdtr(np.arange(n), n, 0.5).searchsorted((1 - level) / 2, side="right"))
    if rank == 0:
        return Result(estimate=float(np.median(ordered)), n=n, method=text, reason="no interval: too few", level=level)
    return Result(
        estimate=float(np.median(ordered)), ci=(ordered[rank - 1], ordered[n - rank]), n=n, method=text, level=level
    )
