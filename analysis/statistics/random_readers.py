"""Inference to readers like these: subjects and readers both random."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.statistics.result import Result, undefined
from analysis.statistics.values import cluster_codes, negligible, scale_of

METHOD = (
    "mean of {readers} reader means, readers and subjects random: Obuchowski–Rockette variance of one modality, "
    "subject-clustered covariance, t with {degrees:.1f} degrees of freedom (Hillis)"
)


def random_readers(
    x: NDArray[np.float64],
    reader: NDArray[np.intp],
    cluster: NDArray[np.intp],
    *,
    shift: float = 0.0,
    confidence: float = 0.95,
) -> Result:
    """Mean of the reader means of ``x``, plus ``shift``, with an interval for the population of readers; t test of 0.

    Var = (MS_R + R·max(Cov₂, 0))/R, with MS_R the variance of the R reader means and Cov₂ the mean covariance of two
    readers' means over subjects (linearised, subjects of ``cluster`` as clusters, times clusters/(clusters − 1)).
    Degrees of freedom (MS_R + R·max(Cov₂, 0))²/(MS_R²/(R − 1)), at most subjects − 1. With complete readings of one
    case per subject this is the two-way analysis of variance with both factors random. Every reader counts alike.
    Three readers leave few degrees of freedom where they differ: the interval is then wide, and the approximation
    still somewhat liberal (type I error 0.05 to 0.08 at a nominal 0.05; with ten readers 0.05). ``n`` counts ratings.
    Undefined with one reader, one subject, or an estimated variance of 0.

    Source: Obuchowski & Rockette 1995; Hillis, Stat Med 2007;26:596–619 and 2014;33:330–360.
    """
    n = x.size
    text = "mean of reader means, readers and subjects random"
    if n == 0:
        return undefined("no ratings", method=text, confidence=confidence)
    names, who = np.unique(reader, return_inverse=True)
    group = cluster_codes(cluster)
    readers, subjects = names.size, int(group.max()) + 1
    count = np.bincount(who).astype(np.float64)
    means = np.bincount(who, weights=x) / count
    estimate = float(means.mean()) + shift
    if readers < 2 or subjects < 2:
        why = "one reader: nothing tells how readers differ" if readers < 2 else "no interval from one subject"
        return Result(estimate=estimate, n=n, method=text, reason=why, confidence=confidence)
    influence = np.zeros((subjects, readers))
    np.add.at(influence, (group, who), (x - means[who]) / count[who])
    covariance = subjects / (subjects - 1) * influence.T @ influence
    shared = float(covariance.sum() - np.trace(covariance)) / (readers * (readers - 1))
    between = float(means.var(ddof=1))
    spread = between + readers * max(shared, 0.0)
    if negligible(np.sqrt(spread), scale_of(x)):
        why = "no interval: the estimated variance of the mean is 0"
        return Result(estimate=estimate, n=n, method=text, reason=why, confidence=confidence)
    degrees = subjects - 1.0
    if between > 0:
        degrees = min(degrees, (readers - 1) * (spread / between) ** 2)
    error = np.sqrt(spread / readers)
    reach = special.stdtrit(degrees, (1 + confidence) / 2) * error
    t = (estimate - shift) / error
    return Result(
        estimate=estimate,
        ci=(estimate - reach, estimate + reach),
        statistic=t,
        p=float(2 * special.stdtr(degrees, -abs(t))),
        n=n,
        method=METHOD.format(readers=readers, degrees=degrees),
        confidence=confidence,
    )


def as_dict(x: NDArray[np.float64], reader: NDArray[np.intp], cluster: NDArray[np.intp]) -> dict[str, Any]:
    """JSON of one cell: mean preference, net preference and the test of preference 3."""
    mean = random_readers(x, reader, cluster, shift=3.0)
    net = random_readers(np.sign(x), reader, cluster)
    return {"mean": _within(mean, 1.0, 5.0), "net_preference": _within(net, -1.0, 1.0), "test": mean.as_test()}


def _within(found: Result, low: float, high: float) -> dict[str, Any]:
    """The estimate with its interval cut off where the scale ends."""
    ci = found.ci and (max(found.ci[0], low), min(found.ci[1], high))
    return replace(found, ci=ci).as_estimate()
