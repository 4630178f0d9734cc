"""Equivalence and non-inferiority with margins fixed beforehand, on subject means."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from analysis.result import Result, undefined


def subject_means(x: ArrayLike, cluster: ArrayLike) -> NDArray[np.float64]:
    """Mean of ``x`` per cluster, NaN left out, clusters without a value left out."""
    x = np.asarray(x, dtype=np.float64).ravel()
    labels = np.unique(np.asarray(cluster).ravel(), return_inverse=True)[1]
    keep = ~np.isnan(x)
    counts = np.bincount(labels[keep], minlength=1)
    sums = np.bincount(labels[keep], weights=x[keep], minlength=1)
    return np.asarray(sums[counts > 0] / counts[counts > 0])


def tost(x: ArrayLike, *, margin: float, cluster: ArrayLike) -> Result:
    """Two one-sided t tests (Schuirmann 1987) that the mean of the subject means of ``x`` lies within ±margin.

    ``x`` is preference − 3, or its sign for net preference; every subject weighs the same. The estimate is the mean of
    the subject means, ``ci`` its 90 % t interval, p the larger of the two one-sided p values and the statistic its
    t; equivalent at 0.05 where p < 0.05, that is where the interval lies within the margins.
    """
    return _t_tests(subject_means(x, cluster), margin, one_sided=False)


def noninferiority(x: ArrayLike, *, margin: float, cluster: ArrayLike) -> Result:
    """One-sided t test that the mean of the subject means of ``x`` lies above −margin; otherwise as ``tost``."""
    return _t_tests(subject_means(x, cluster), margin, one_sided=True)


def _t_tests(means: NDArray[np.float64], margin: float, *, one_sided: bool) -> Result:
    kind = "non-inferiority, one-sided t test" if one_sided else "TOST, two one-sided t tests"
    text = f"{kind} on subject means, margin {margin:g}"
    if not margin > 0:
        raise ValueError("a margin is positive")
    n = means.size
    if n < 2:
        return undefined("fewer than two subjects", n=n, method=text, level=0.90)
    average = float(means.mean())
    error = float(means.std(ddof=1)) / np.sqrt(n)
    if error <= 1e-15 * max(1.0, abs(average)):
        return Result(estimate=average, n=n, method=text, reason="all subject means are the same", level=0.90)
    lower, upper = (average + margin) / error, (average - margin) / error
    p_lower, p_upper = float(special.stdtr(n - 1, -lower)), float(special.stdtr(n - 1, upper))
    reach = special.stdtrit(n - 1, 0.95) * error
    use_lower = one_sided or p_lower >= p_upper
    return Result(
        estimate=average,
        ci=(average - reach, average + reach),
        statistic=lower if use_lower else upper,
        p=p_lower if use_lower else p_upper,
        n=n,
        method=text,
        level=0.90,
    )
