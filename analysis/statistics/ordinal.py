"""Visual grading regression of preferences: a cumulative logit model, the sensitivity analysis of the rank tests.

Why this one: it respects the ordinal scale, takes readers as fixed effects and the side of the screen into account, and
needs no assumption on how the answers of a subject hang together (as the GEE form of visual grading regression: Smedby
& Fredrikson 2010; Saffari et al. 2015). Its thresholds are symmetric about "no difference", as Agresti (1992) has it
for ordinal paired comparisons, so that the location is the preference itself. Estimates are Firth's, which are finite
where answers are separated; their errors come from leaving out each subject whole. What it cannot do: it takes the
effect to be the same at every threshold, tells the effect in the population and not in a single subject (for which a
mixed model is needed), and does not generalise to other readers.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.statistics import jackknife, penalised
from analysis.statistics.result import Result, undefined
from analysis.statistics.values import cluster_codes, negligible

Floats = NDArray[np.float64]

METHOD = (
    "cumulative logit with symmetric thresholds, readers fixed (each counts alike), side of the screen as covariate; "
    "Firth's penalised likelihood; errors by leaving out each subject, t with subjects − 1 degrees of freedom"
)
SEPARATED = (
    "separated: the answers of a reader, or to a side, have no finite maximum without the penalty; the error is at "
    "least that of independent answers"
)
CONFOUNDED = "readers and sides cannot be told apart: a reader saw the first arm on one side only"
LOST = "no interval: without one of the subjects there is no estimate"
MOST_LEFT_OUT = 200  # of more subjects, some are left out together
MOST_WORK = 10**8  # classes of answers × parameters² × subjects left out
FEWEST_LEFT_OUT = 25


@dataclass(frozen=True)
class Regression:
    """``preference``: log odds of the first arm being preferred; ``side``: of the arm on the right; ``readers``: test
    that all readers have the same preference, whose statistic is F; ``thresholds``: the positive ones; ``separated``:
    whether maximum likelihood without a penalty has no finite estimate."""

    preference: Result
    side: Result
    readers: Result
    thresholds: tuple[float, ...] = ()
    separated: bool = False

    def as_dict(self) -> dict[str, Any]:
        """JSON: preference and side as estimates, the test of preference 0, the test of equal readers."""
        caution = {"caution": SEPARATED if self.separated else None}
        return {
            "preference": self.preference.as_estimate() | caution,
            "test": self.preference.as_test(),
            "side": self.side.as_estimate() | caution,
            "readers": self.readers.as_test(),
        }


def regression(
    x: NDArray[np.float64],
    reader: NDArray[np.intp],
    first_right: NDArray[np.bool_],
    cluster: NDArray[np.intp],
    *,
    confidence: float = 0.95,
) -> Regression:
    """logit P(answer ≤ k) = θₖ − (β + ρ_reader ± σ) with θ symmetric about 0 and Σρ = 0, by penalised likelihood.

    ``x`` is preference − 3, one row per rating without NaN. β is ``preference``, σ is ``side``, added where the first
    arm stood on the right and subtracted where on the left. Covariance: that of leaving out each ``cluster``; where
    answers are separated, in no direction less than that of independent answers. t with clusters − 1 degrees of
    freedom keeps its level (benchmarks/type_one_error.py); those of ``jackknife`` would make it conservative.
    Undefined with fewer than two clusters and where every answer is 0.

    Source: Agresti, Appl Stat 1992;41:287–297; Smedby & Fredrikson, Br J Radiol 2010;83:767–775; Heinze & Schemper,
    Stat Med 2002;21:2409–2419; Lipsitz et al., Biometrics 1994;50:842–846.
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
        return _nothing(reason, n, confidence)
    names, who = np.unique(reader, return_inverse=True)
    sides = np.unique(first_right).size
    values, category = np.unique(np.concatenate([x, -x]), return_inverse=True)
    cuts = (values.size - 1) // 2
    # answers with the same reader and side are one class
    classes, own_class = np.unique(who * 2 + first_right, return_inverse=True)
    design = _design(classes // 2, classes % 2, names.size, sides)
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return _nothing(CONFOUNDED, n, confidence)
    logits = _logits(design, values.size)
    most = np.clip(MOST_WORK // (classes.size * logits.shape[2] ** 2), FEWEST_LEFT_OUT, MOST_LEFT_OUT)
    group, k = group % most, min(k, int(most))
    place = (group * classes.size + own_class) * values.size + category[:n]
    shape = (k, classes.size, values.size)
    counts = np.bincount(place, minlength=np.prod(shape)).reshape(shape).astype(np.float64)
    start = np.zeros(logits.shape[2])
    start[:cuts] = 1.0 + np.arange(cuts)
    full = penalised.fit(logits, counts.sum(axis=0, keepdims=True), start)
    parameters = full.parameters[0]
    if np.isnan(parameters).any():
        return _nothing("no maximum of the penalised likelihood was found", n, confidence)
    plain = penalised.fit(logits, counts.sum(axis=0, keepdims=True), start, penalty=0.0)
    separated = bool(np.isnan(plain.parameters).any())
    without = penalised.fit(logits, jackknife.left_out(counts), parameters).parameters
    covariance = _covariance(without, np.linalg.inv(full.information[0]) if separated else None)
    reach = special.stdtrit(k - 1, (1 + confidence) / 2)

    def result(place: int) -> Result:
        value, error = parameters[place], np.sqrt(covariance[place, place])
        known = Result(estimate=value, n=n, method=METHOD, confidence=confidence)
        if np.isnan(error):
            return replace(known, reason=LOST)
        if negligible(error, max(1.0, abs(value))):
            return replace(known, reason=jackknife.SAME)
        t = value / error
        p = float(2 * special.stdtr(k - 1, -abs(t)))
        return replace(known, ci=(value - reach * error, value + reach * error), statistic=t, p=p)

    return Regression(
        preference=result(cuts),
        side=result(cuts + 1) if sides > 1 else undefined("the first arm stood on one side only", n=n, method=METHOD),
        readers=_equal(parameters, covariance, cuts + sides, k, n),
        thresholds=tuple(float(cut) for cut in parameters[:cuts]),
        separated=separated,
    )


def _nothing(reason: str, n: int, confidence: float) -> Regression:
    none = undefined(reason, n=n, method=METHOD, confidence=confidence)
    return Regression(none, none, none)


def _design(who: NDArray[np.intp], right: NDArray[np.intp], readers: int, sides: int) -> Floats:
    """Columns: 1, side ± 1 where both occur, readers in sum coding."""
    columns = [np.ones(who.size)]
    if sides > 1:
        columns.append(np.where(right, 1.0, -1.0))
    columns += [(who == place) * 1.0 - (who == readers - 1) for place in range(readers - 1)]
    return np.stack(columns, axis=1)


def _logits(design: Floats, categories: int) -> Floats:
    """Classes × cuts × parameters: each cut is ± 1 times one of the positive thresholds, less what the class prefers.

    The cut in the middle of an even number of categories (nobody answered 0) is 0.
    """
    away = np.arange(1, categories) - categories / 2
    cuts = np.zeros((away.size, (categories - 1) // 2))
    for place, distance in enumerate(away):
        if distance:
            cuts[place, int(np.ceil(abs(distance))) - 1] = np.sign(distance)
    each = np.broadcast_to(cuts, (len(design), *cuts.shape))
    return np.concatenate([each, np.broadcast_to(-design[:, None], (*each.shape[:2], design.shape[1]))], axis=2)


def _covariance(without: Floats, least: Floats | None) -> Floats:
    """What leaving out each subject tells, NaN where that leaves no estimate; in no direction less than ``least``."""
    k = len(without)
    away = without - without.mean(axis=0)
    found = (k - 1) / k * away.T @ away
    if least is None or np.isnan(found).any():
        return np.asarray(found)
    root = np.linalg.cholesky(least)
    inverse = np.linalg.inv(root)
    size, direction = np.linalg.eigh(inverse @ found @ inverse.T)
    turned = root @ direction
    return np.asarray(turned * np.maximum(size, 1.0) @ turned.T)


def _equal(parameters: Floats, covariance: Floats, start: int, k: int, n: int) -> Result:
    """Wald test that the reader effects from ``start`` on are 0, F with readers − 1 and subjects − readers + 1."""
    effects = parameters[start:]
    if effects.size == 0:
        return undefined("one reader", n=n, method=METHOD)
    if k <= effects.size:
        return undefined("not more subjects than readers", n=n, method=METHOD)
    spread = covariance[start:, start:]
    if np.isnan(spread).any():
        return undefined(LOST, n=n, method=METHOD)
    if np.linalg.matrix_rank(spread) < effects.size:
        return undefined("no variance between subjects", n=n, method=METHOD)
    degrees = k - effects.size
    f = float(effects @ np.linalg.solve(spread, effects)) / effects.size * degrees / (k - 1)
    return Result(statistic=f, p=float(special.fdtrc(effects.size, degrees, f)), n=n, method=METHOD)
