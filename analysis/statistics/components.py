"""Where the variance of scores comes from: case, reader, what is asked of them, and how these go together."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.statistics import jackknife
from analysis.statistics.result import Result, undefined
from analysis.statistics.values import cluster_codes, negligible, scale_of

Floats = NDArray[np.float64]

PARTS = ("reader", "case", "reader_case", "condition_reader", "condition_case", "rest")
SPREAD = 1.96  # limits are ± 1.96 SD, as in all papers on them
METHOD = "three-way analysis of variance, readers and cases random, conditions fixed, cases that all scored throughout"
TWO_WAY = "two-way analysis of variance, readers and cases random, cases that all readers scored"
LIMIT = "1.96 SD of the difference of two scores"
IN_REST = "one comparison: it cannot be told from the rest"


@dataclass(frozen=True)
class Components:
    """Variance components by the names of PARTS, and half-widths of limits of agreement."""

    parts: dict[str, Result]
    between_readers: Result  # two readers, one condition
    between_conditions: Result  # one reader, two conditions
    between_both: Result


def components(scores: ArrayLike, *, cluster: ArrayLike | None = None, confidence: float = 0.95) -> Components:
    """Variance components of scores and limits of agreement between readers and conditions.

    Parameters
    ----------
    scores : array_like, shape (cases, readers, conditions)
        NaN for missing; cases with any are left out.
    cluster : array_like, optional
        The subject of each case, which intervals respect; without it each case is one.
    confidence : float, default 0.95
        Of the intervals, 0 to 1.

    Returns
    -------
    Components
        ``parts`` in squared units of the scores, of which one below 0 says that there is no more than chance; the
        limits are half-widths: two scores of one case differ by no more, about their mean difference, in 95 of 100.
        ``n`` counts cases. Undefined with one reader or case; what needs two conditions, with one.

    Raises
    ------
    ValueError
        If a value is infinite, or a case has no subject.

    Notes
    -----
    Moments of the analysis of variance, without a distribution; for complete data with positive estimates REML gives
    the same. Limits, of sums of parts: readers 2(reader + reader × case + condition × reader + rest), conditions
    2(condition × reader + condition × case + rest), both 2(all but case). Intervals leave out each subject, limits on
    the logarithm: they speak of these readers, and with three of them the part of readers is hardly known.

    References
    ----------
    Gallas, Bandos, Samuelson & Wagner 2009; Wen, Gallas et al., Statistics in Biopharmaceutical Research 2022 (iMRMC);
    Searle, Casella & McCulloch, Variance Components, 4.

    Examples
    --------
    Two readers, one of whom always scores one higher: all that differs is the reader.

    >>> import numpy as np
    >>> from analysis.statistics.components import components
    >>> found = components(np.array([[[1.0], [2.0]], [[3.0], [4.0]], [[2.0], [3.0]]]))
    >>> found.parts["reader"].estimate, found.parts["case"].estimate, found.parts["rest"].estimate
    (0.5, 1.0, 0.0)
    >>> round(found.between_readers.estimate, 2)
    1.96
    """
    values = np.asarray(scores, dtype=np.float64)
    if np.isinf(values).any():
        raise ValueError("a value is infinite")
    keep = np.asarray(~np.isnan(values).any(axis=(1, 2)))
    labels = cluster_codes(np.arange(len(values)) if cluster is None else cluster, keep)
    values = values[keep]
    n, readers, conditions = values.shape
    text = METHOD if conditions > 1 else TWO_WAY
    if n < 2 or readers < 2:
        why = "one reader" if readers < 2 else "fewer than two cases were scored by all"
        none = undefined(why, n=n, method=text, confidence=confidence)
        return Components(dict.fromkeys(PARTS, none), none, none, none)
    sums = _sums(values - values.mean(), jackknife.groups_of(labels))
    together = tuple(part.sum(axis=0, keepdims=True) for part in sums)
    without = tuple(jackknife.left_out(part) for part in sums)
    estimates, others = _parts(together)[0], _parts(without) if len(sums[0]) > 2 else np.empty((0, len(PARTS)))
    scale = max(1.0, scale_of(values)) ** 2
    blank = undefined(IN_REST, n=n, method=text, confidence=confidence)
    found = {
        name: _result(estimates[place], others[:, place], n=n, text=text, scale=scale, confidence=confidence)
        if conditions > 1 or name in ("reader", "case", "rest")
        else blank
        for place, name in enumerate(PARTS)
    }
    limits = []
    for names in (
        ("reader", "reader_case", "condition_reader", "rest"),
        ("condition_reader", "condition_case", "rest"),
        ("reader", "reader_case", "condition_reader", "condition_case", "rest"),
    ):
        places = [PARTS.index(name) for name in names]
        if conditions < 2 and "condition_case" in names:
            limits.append(replace(blank, reason="one comparison"))
            continue
        own, left = estimates[places].sum(), others[:, places].sum(axis=1)
        limits.append(_limit(own, left, n=n, text=text, scale=scale, confidence=confidence))
    return Components(found, *limits)


def _sums(scores: Floats, labels: NDArray[np.intp]) -> tuple[Floats, ...]:
    """Per subject: cases, sums per reader and condition, squares of scores and of sums over parts of a case."""
    of_case = (
        np.ones(len(scores)),
        scores,
        (scores**2).sum(axis=(1, 2)),
        scores.sum(axis=(1, 2)) ** 2,
        (scores.sum(axis=2) ** 2).sum(axis=1),
        (scores.sum(axis=1) ** 2).sum(axis=1),
    )
    return tuple(jackknife.sums_of(labels, values) for values in of_case)


def _parts(sums: tuple[Floats, ...]) -> Floats:
    """Components, rows × PARTS, of rows of sums; 0 for what one condition cannot tell."""
    cases, totals, squares, by_case, by_case_reader, by_case_condition = sums
    readers, conditions = totals.shape[1:]
    a, r, c = conditions - 1.0, readers - 1.0, cases - 1.0
    with np.errstate(invalid="ignore", divide="ignore"):  # without a subject there may be a case, or none
        everything = totals.sum(axis=(1, 2)) ** 2 / (cases * readers * conditions)
        reader = (totals.sum(axis=2) ** 2).sum(axis=1) / (cases * conditions) - everything
        condition = (totals.sum(axis=1) ** 2).sum(axis=1) / (cases * readers) - everything
        case = by_case / (readers * conditions) - everything
        both = (totals**2).sum(axis=(1, 2)) / cases - everything - reader - condition
        reader_case = by_case_reader / conditions - everything - reader - case
        condition_case = by_case_condition / readers - everything - condition - case
        rest = squares - everything - reader - condition - case - both - reader_case - condition_case
        if conditions == 1:
            rest = reader_case / (r * c)
            zero = np.zeros_like(rest)
            parts = ((reader / r - rest) / cases, (case / c - rest) / readers, zero, zero, zero, rest)
            return np.stack(parts, axis=1)
        reader_case, condition_case, both = reader_case / (r * c), condition_case / (a * c), both / (a * r)
        rest = rest / (a * r * c)
        parts = (
            (reader / r - reader_case - both + rest) / (cases * conditions),
            (case / c - reader_case - condition_case + rest) / (readers * conditions),
            (reader_case - rest) / conditions,
            (both - rest) / cases,
            (condition_case - rest) / readers,
            rest,
        )
    return np.stack(parts, axis=1)


def _result(own: float, without: Floats, *, n: int, text: str, scale: float, confidence: float) -> Result:
    own = 0.0 if negligible(abs(own), scale) else float(own)
    found = Result(estimate=own, n=n, method=text, confidence=confidence)
    if without.size < 3 or not np.isfinite(without).all():
        return replace(found, reason="no interval from so few subjects")
    if negligible(np.ptp(without), scale):
        return replace(found, reason=jackknife.SAME)
    there = np.ones((without.size, 1), dtype=bool)
    low, high = jackknife.bounds(np.array([own]), without[:, None], there, confidence=confidence)[:, 0]
    return replace(found, ci=(float(low), float(high)))


def _limit(own: float, without: Floats, *, n: int, text: str, scale: float, confidence: float) -> Result:
    """Half the width of the limits, from a sum of components and what it is without each subject."""
    known = _result(own, without, n=n, text=f"{LIMIT}, {text}", scale=scale, confidence=confidence)
    reach = SPREAD * np.sqrt(2 * max(own, 0.0))
    if known.ci is None or own <= 0 or not (without > 0).all():
        why = "scores hardly differ" if own <= 0 else "without one of the subjects no scores differ"
        return replace(known, estimate=reach, ci=None, reason=known.reason or f"no interval: {why}")
    logs = np.log(np.append(without, own))
    there = np.ones((without.size, 1), dtype=bool)
    low, high = np.exp(jackknife.bounds(logs[-1:], logs[:-1, None], there, confidence=confidence)[:, 0] / 2)
    half = SPREAD * np.sqrt(2)
    return replace(known, estimate=reach, ci=(half * low, half * high))
