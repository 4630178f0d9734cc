"""Exploratory subgroups: does the preference differ between regions, weightings, scanners … ?"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from analysis.cells import Scores, natural
from analysis.statistics.equivalence import subject_means
from analysis.statistics.result import Result, undefined
from analysis.statistics.values import cluster_codes, negligible, scale_of

VARIABLES = ("region", "weighting", "plane", "scanner", "field_strength", "site")
METHOD = "Wald test of equal means, subjects as clusters, F with levels − 1 and subjects − levels degrees of freedom"
MEAN = "mean preference, ratings pooled, linearised t interval, subjects as clusters"


def subgroups(scores: Scores, rated: pd.DataFrame) -> dict[str, Any]:
    """Means per level of each variable and cell, with an interaction test; all exploratory, nothing is adjusted.

    ``rated`` holds the rows of ``scores``, in the same order, with the VARIABLES as columns. Variables that are absent,
    empty or the same everywhere are left out.
    """
    listed = []
    for variable in VARIABLES:
        if variable not in rated or rated[variable].isna().all():
            continue
        codes, found = pd.factorize(rated[variable], use_na_sentinel=True)
        levels = [_level(level) for level in found]
        if len(levels) < 2:
            continue
        order = sorted(range(len(levels)), key=lambda place: natural(levels[place]))
        rank = np.append(np.argsort(order), -1)
        listed.append(_variable(scores, variable, rank[codes], [levels[place] for place in order]))
    reason = None if listed else "no variable has two levels"
    return {"exploratory": True, "conventions": METHOD, "variables": listed, "reason": reason}


def _level(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _variable(scores: Scores, variable: str, level: NDArray[np.intp], levels: list[str]) -> dict[str, Any]:
    cells = []
    for place, (first, second, criterion) in enumerate(scores.cells):
        rows = (scores.cell == place) & (level >= 0)
        x, own, subject = scores.x[rows], level[rows], scores.subject[rows]
        found = []
        for number, name in enumerate(levels):
            mine = own == number
            mean, net = mean_preference(x[mine], subject[mine]), _mean(np.sign(x[mine]), subject[mine], shift=0)
            row = {"level": name, "subjects": int(subject_means(x[mine], subject[mine]).size)}
            found.append({**row, "mean": mean.as_estimate(), "net_preference": net.as_estimate()})
        test = interaction(x, own, subject).as_test()
        row = {"first": first, "second": second, "criterion": criterion}
        cells.append({**row, "levels": found, "interaction": test})
    return {"variable": variable, "levels": levels, "cells": cells}


def mean_preference(x: NDArray[np.float64], subject: NDArray[np.intp]) -> Result:
    """Mean preference of scores − 3, ratings pooled, with a linearised t interval, subjects as clusters."""
    return _mean(x, subject, shift=3)


def _mean(x: NDArray[np.float64], subject: NDArray[np.intp], *, shift: float) -> Result:
    if x.size == 0:
        return undefined("no ratings", method=MEAN)
    estimate = float(x.mean()) + shift
    sums = np.bincount(cluster_codes(subject), weights=x - x.mean())
    k = sums.size
    if k < 2:
        return Result(estimate=estimate, n=x.size, method=MEAN, reason="no interval from one subject")
    reach = special.stdtrit(k - 1, 0.975) * np.sqrt(k / (k - 1) * (sums**2).sum()) / x.size
    if negligible(reach, max(1.0, scale_of(x))):
        why = "no interval: the subjects do not differ"
        return Result(estimate=estimate, n=x.size, method=MEAN, reason=why)
    return Result(estimate=estimate, ci=(estimate - reach, estimate + reach), n=x.size, method=MEAN)


def interaction(x: NDArray[np.float64], level: NDArray[np.intp], subject: NDArray[np.intp]) -> Result:
    """Wald test that the mean of ``x`` is the same at every level, with subjects as clusters; the statistic is F.

    Undefined with fewer than two levels, with a level of fewer than two subjects, or without variance.
    """
    n = x.size
    used, level = np.unique(level, return_inverse=True)
    subject = cluster_codes(subject)
    levels, k = used.size, int(subject.max(initial=-1)) + 1
    if levels < 2:
        return undefined("fewer than two levels were rated", n=n, method=METHOD)
    if min(np.unique(subject[level == place]).size for place in range(levels)) < 2 or k <= levels:
        return undefined("a level has fewer than two subjects", n=n, method=METHOD)
    counts = np.bincount(level)
    means = np.bincount(level, weights=x) / counts
    influence = np.zeros((k, levels))
    np.add.at(influence, (subject, level), (x - means[level]) / counts[level])
    covariance = k / (k - 1) * influence.T @ influence
    contrast = np.hstack([-np.ones((levels - 1, 1)), np.eye(levels - 1)])
    spread = contrast @ covariance @ contrast.T
    if negligible(np.sqrt(np.trace(spread)), scale_of(x)) or np.linalg.matrix_rank(spread) < levels - 1:
        return undefined("no variance between subjects", n=n, method=METHOD)
    difference = contrast @ means
    f = float(difference @ np.linalg.solve(spread, difference)) / (levels - 1)
    return Result(statistic=f, p=float(special.fdtrc(levels - 1, k - levels, f)), n=n, method=METHOD)
