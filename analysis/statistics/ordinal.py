"""Visual grading regression of preferences: a cumulative logit model, the sensitivity analysis of the rank tests.

Why this one: it respects the ordinal scale, takes readers as fixed effects and the side of the screen into account, and
needs no more than cluster-robust errors for the subjects, as in the GEE form of visual grading regression (Smedby &
Fredrikson 2010; Saffari et al. 2015). Its thresholds are symmetric about "no difference", as Agresti (1992) has it for
ordinal paired comparisons, so that the location is the preference itself. What it cannot do: it takes the effect to be
the same at every threshold, tells the effect in the population and not in a single subject (for which a mixed model
would be needed), does not generalise to other readers, and has no estimate where the data are separated.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.statistics.result import Result, undefined
from analysis.statistics.values import cluster_codes, negligible

METHOD = (
    "cumulative logit with symmetric thresholds, readers fixed (each counts alike), side of the screen as covariate; "
    "sandwich errors, subjects as clusters, t with subjects − 1 degrees of freedom"
)
STEPS = 60
SEPARATED = "no finite maximum: the answers of a reader or to a side are separated"


@dataclass(frozen=True)
class Regression:
    """``preference``: log odds of the first arm being preferred; ``side``: of the arm on the right; ``readers``: test
    that all readers have the same preference, whose statistic is F; ``thresholds``: the positive ones."""

    preference: Result
    side: Result
    readers: Result
    thresholds: tuple[float, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON: preference and side as estimates, the test of preference 0, the test of equal readers."""
        return {
            "preference": self.preference.as_estimate(),
            "test": self.preference.as_test(),
            "side": self.side.as_estimate(),
            "readers": self.readers.as_test(),
        }


def regression(
    x: NDArray[np.float64],
    reader: NDArray[np.intp],
    first_right: NDArray[np.bool_],
    cluster: NDArray[np.intp],
    *,
    level: float = 0.95,
) -> Regression:
    """logit P(answer ≤ k) = θₖ − (β + ρ_reader ± σ) with θ symmetric about 0 and Σρ = 0, by maximum likelihood.

    ``x`` is preference − 3, one row per rating without NaN. β is ``preference``, σ is ``side``, added where the first
    arm stood on the right and subtracted where on the left. Covariance: sandwich with scores summed per ``cluster``,
    times clusters/(clusters − 1). Undefined with fewer than two clusters, where every answer is 0, and where the
    answers are separated, so that no finite maximum exists.

    Source: Agresti, Appl Stat 1992;41:287–297; Smedby & Fredrikson, Br J Radiol 2010;83:767–775.
    """
    n = x.size
    reason = None
    group = cluster_codes(cluster)
    k = int(group.max(initial=-1)) + 1
    if n == 0:
        reason = "no ratings"
    elif not x.any():
        reason = "every answer is 'no difference'"
    elif k < 2:
        reason = "fewer than two subjects"
    if reason:
        return _nothing(reason, n, level)
    names, who = np.unique(reader, return_inverse=True)
    sides = np.unique(first_right).size
    values, category = np.unique(np.concatenate([x, -x]), return_inverse=True)
    category = category[:n]
    # answers with the same reader, side and category are one pattern
    code = (who * 2 + first_right) * values.size + category
    patterns, pattern = np.unique(code, return_inverse=True)
    design = _design(patterns // values.size // 2, patterns // values.size % 2, names.size, sides)
    counts = np.bincount(pattern).astype(np.float64)
    fitted = _fit(design, patterns % values.size, values.size, counts)
    if fitted is None:
        return _nothing(SEPARATED, n, level)
    parameters, scores, information = fitted
    weight = np.bincount(group * patterns.size + pattern, minlength=k * patterns.size).reshape(k, -1)
    sums = weight @ scores
    inverse = np.linalg.inv(information)
    covariance = k / (k - 1) * inverse @ (sums.T @ sums) @ inverse
    cuts = (values.size - 1) // 2
    reach = special.stdtrit(k - 1, (1 + level) / 2)

    def result(place: int) -> Result:
        value, error = parameters[place], np.sqrt(max(covariance[place, place], 0.0))
        if negligible(error, max(1.0, abs(value))):
            return Result(estimate=value, n=n, method=METHOD, reason="no interval: subjects do not differ", level=level)
        t = value / error
        p = float(2 * special.stdtr(k - 1, -abs(t)))
        ci = (value - reach * error, value + reach * error)
        return Result(estimate=value, ci=ci, statistic=t, p=p, n=n, method=METHOD, level=level)

    return Regression(
        preference=result(cuts),
        side=result(cuts + 1) if sides > 1 else undefined("the first arm stood on one side only", n=n, method=METHOD),
        readers=_equal(parameters, covariance, cuts + sides, k, n),
        thresholds=tuple(float(cut) for cut in parameters[:cuts]),
    )


def _nothing(reason: str, n: int, level: float) -> Regression:
    none = undefined(reason, n=n, method=METHOD, level=level)
    return Regression(none, none, none)


def _design(who: NDArray[np.intp], right: NDArray[np.intp], readers: int, sides: int) -> NDArray[np.float64]:
    """Columns: 1, side ± 1 where both occur, readers in sum coding."""
    columns = [np.ones(who.size)]
    if sides > 1:
        columns.append(np.where(right, 1.0, -1.0))
    columns += [(who == place) * 1.0 - (who == readers - 1) for place in range(readers - 1)]
    return np.stack(columns, axis=1)


def _cuts(categories: int, category: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper threshold of each category as ± 1 times one of the positive thresholds.

    All 0 is the threshold 0, in the middle of an even number of categories (nobody answered 0), or, below the lowest
    and above the highest category, none.
    """
    cut = np.zeros((categories + 1, (categories - 1) // 2))
    for place in range(1, categories):
        away = place - categories / 2
        if away:
            cut[place, int(np.ceil(abs(away))) - 1] = np.sign(away)
    return cut[category], cut[category + 1]


def _fit(
    design: NDArray[np.float64], category: NDArray[np.intp], categories: int, counts: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]] | None:
    """Newton's method on the concave log likelihood; estimates, scores per pattern, information. None: no maximum."""
    lower, upper = _cuts(categories, category)
    cuts = lower.shape[1]
    first, last = category == 0, category == categories - 1
    above, below = np.hstack([upper, -design]), np.hstack([lower, -design])
    parameters = np.zeros(cuts + design.shape[1])
    parameters[:cuts] = 1.0 + np.arange(cuts)

    def likelihood(
        values: NDArray[np.float64],
    ) -> tuple[float, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        high = np.where(last, np.inf, above @ values)
        low = np.where(first, -np.inf, below @ values)
        flip = high + low > 0  # the difference of two shares near 1 loses its digits
        share = np.where(flip, special.expit(-low) - special.expit(-high), special.expit(high) - special.expit(low))
        with np.errstate(divide="ignore", invalid="ignore"):
            total = float(counts @ np.log(share)) if (share > 0).all() else -np.inf
        return total, share, special.expit(high), special.expit(low)

    now = likelihood(parameters)
    for _ in range(STEPS):
        total, share, high, low = now
        slope_high, slope_low = high * (1 - high), low * (1 - low)
        scores = (above * slope_high[:, None] - below * slope_low[:, None]) / share[:, None]
        bend_high, bend_low = slope_high * (1 - 2 * high) / share, slope_low * (1 - 2 * low) / share
        information = (scores.T * counts) @ scores
        information -= (above.T * (counts * bend_high)) @ above - (below.T * (counts * bend_low)) @ below
        if not np.isfinite(information).all() or np.linalg.cond(information) > 1e10:
            return None
        step = np.linalg.solve(information, counts @ scores)
        while True:
            tried = likelihood(parameters + step)
            if tried[0] >= total - 1e-9 * abs(total):
                break
            step = step / 2
            if np.abs(step).max() < 1e-12:
                return None
        parameters, now = parameters + step, tried
        if np.abs(step).max() < 1e-9:
            return parameters, scores, information
    return None


def _equal(parameters: NDArray[np.float64], covariance: NDArray[np.float64], start: int, k: int, n: int) -> Result:
    """Wald test that the reader effects from ``start`` on are 0, F with readers − 1 and subjects − readers + 1."""
    effects = parameters[start:]
    if effects.size == 0:
        return undefined("one reader", n=n, method=METHOD)
    if k <= effects.size:
        return undefined("not more subjects than readers", n=n, method=METHOD)
    spread = covariance[start:, start:]
    if np.linalg.matrix_rank(spread) < effects.size:
        return undefined("no variance between subjects", n=n, method=METHOD)
    degrees = k - effects.size
    f = float(effects @ np.linalg.solve(spread, effects)) / effects.size * degrees / (k - 1)
    return Result(statistic=f, p=float(special.fdtrc(effects.size, degrees, f)), n=n, method=METHOD)
