"""Exploratory subgroups: does the preference differ between regions, weightings, scanners … ?"""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from analysis.cells import Scores, natural
from analysis.pooled import MEAN, NET, per_subject, pooled
from analysis.statistics.result import Result, undefined
from analysis.statistics.values import cluster_codes, negligible, scale_of

VARIABLES = ("region", "weighting", "plane", "scanner", "field_strength", "site")
METHOD = "Wald test of equal means, subjects as clusters, F with levels − 1 and subjects − levels degrees of freedom"


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
    known = level >= 0
    data = replace(scores, cell=scores.cell[known], subject=scores.subject[known], x=scores.x[known])
    own, groups = level[known], len(scores.cells) * len(levels)
    group = data.cell * len(levels) + own
    count = per_subject(data, group, groups)
    differing = per_subject(data, group, groups, (data.x != 0).astype(np.float64))
    means, nets = (
        pooled(per_subject(data, group, groups, values), count, differing, scale=scale)
        for values, scale in ((data.x, MEAN.reaching(data.reach)), (np.sign(data.x), NET))
    )
    cells = []
    for place, (first, second, criterion) in enumerate(scores.cells):
        found = []
        for number, name in enumerate(levels):
            at = place * len(levels) + number
            row = {"level": name, "subjects": int((count[:, at] > 0).sum())}
            found.append({**row, "mean": means[at], "net_preference": nets[at]})
        rows = data.cell == place
        test = interaction(data.x[rows], own[rows], data.subject[rows]).as_test()
        row = {"first": first, "second": second, "criterion": criterion}
        cells.append({**row, "levels": found, "interaction": test})
    return {"variable": variable, "levels": levels, "cells": cells}


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
