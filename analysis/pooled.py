"""Means and net preferences of pooled ratings, with intervals by leaving out each subject, marked where of few."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.cells import Scores
from analysis.few_subjects import few_subjects
from analysis.statistics import jackknife
from analysis.statistics.result import Result, undefined


class Scale(NamedTuple):
    """What is pooled, and where its values end."""

    method: str
    low: float
    high: float
    shift: float

    def reaching(self, reach: float) -> "Scale":
        """The same of scores that lie no further than ``reach`` from 3."""
        return self._replace(low=self.shift - reach, high=self.shift + reach)

    def within(self, ci: NDArray[np.float64]) -> tuple[float, float]:
        """The interval, cut off where the scale ends."""
        return max(float(ci[0]), self.low), min(float(ci[1]), self.high)


MEAN = Scale("mean preference, ratings pooled, interval by leaving out each subject", 1.0, 5.0, 3.0)
NET = Scale("P(> 3) − P(< 3), ratings pooled, interval by leaving out each subject", -1.0, 1.0, 0.0)
READER = Scale("mean preference, interval by leaving out each subject", 1.0, 5.0, 3.0)


def per_subject(
    data: Scores, group: NDArray[np.intp], groups: int, values: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Sums of ``values`` (or counts) as subjects × groups."""
    flat = np.bincount(data.subject * groups + group, weights=values, minlength=data.n_subjects * groups)
    return flat.reshape(data.n_subjects, groups).astype(np.float64)


def pooled(
    total: NDArray[np.float64], count: NDArray[np.float64], differing: NDArray[np.float64], *, scale: Scale
) -> list[dict[str, Any]]:
    """Ratios of sums per group as E, with ``ci90`` and ``caution``: the interval is of few subjects.

    total, count, differing: sums per subject, numbers of ratings and of those that differ from 3, subjects × groups.
    """
    n = count.sum(axis=0)
    wide, narrow = (
        jackknife.ratio_bounds(total, count, confidence=confidence) + scale.shift for confidence in (0.95, 0.90)
    )
    enough = few_subjects(count, differing)
    results = []
    for group in range(n.size):
        if n[group] == 0:
            results.append(no_mean("no ratings", scale))
            continue
        why = None
        if int((count[:, group] > 0).sum()) < 2:
            why = "no interval from one subject"
        elif np.isnan(wide[0, group]):
            why = jackknife.SAME
        found = Result(
            estimate=float(total[:, group].sum() / n[group] + scale.shift),
            ci=None if why else scale.within(wide[:, group]),
            n=int(n[group]),
            method=scale.method,
            reason=why,
        ).as_estimate()
        found["ci90"] = None if why else list(scale.within(narrow[:, group]))
        found["caution"] = None if why else enough[group]
        results.append(found)
    return results


def no_mean(reason: str, scale: Scale = MEAN) -> dict[str, Any]:
    """What stands in the place of a mean that is undefined."""
    return {**undefined(reason, method=scale.method).as_estimate(), "ci90": None, "caution": None}


def mean_preference(x: NDArray[np.float64], subject: NDArray[np.intp], reach: float) -> dict[str, Any]:
    """Mean preference of scores − 3 as E, ratings pooled. reach: the largest magnitude that ``x`` may have."""
    subjects = int(subject.max(initial=0)) + 1
    total, count, differing = (
        np.bincount(subject, weights=values, minlength=subjects).astype(np.float64)[:, None]
        for values in (x, np.ones(x.size), x != 0)
    )
    return pooled(total, count, differing, scale=MEAN.reaching(reach))[0]
