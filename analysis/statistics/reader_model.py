"""How far each reader lies from the others, and how steadily: bias and inconsistency of ITU-T P.910 and P.913."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.statistics import jackknife
from analysis.statistics.result import Result, undefined
from analysis.statistics.values import cluster_codes, matrix

STEPS, SETTLED, EPSILON = 1_000, 1e-8, 1e-8  # of the recommendation
STEADY = 0.05  # of the largest inconsistency: below, the fit has made one reader the truth
METHOD = (
    "score = unit + bias of the reader + inconsistency of the reader × chance (ITU-T P.910, alternating projection)"
)
FEWEST = 3


@dataclass(frozen=True)
class ReaderModel:
    """Per reader bias and inconsistency; per unit the recovered score."""

    bias: tuple[Result, ...]
    inconsistency: tuple[Result, ...]
    scores: NDArray[np.float64]


def reader_model(ratings: ArrayLike, *, cluster: ArrayLike | None = None, confidence: float = 0.95) -> ReaderModel:
    """Bias and inconsistency of every reader by alternating projection.

    Parameters
    ----------
    ratings : array_like, shape (units, readers)
        NaN for missing; units that nobody scored are left out.
    cluster : array_like, optional
        The subject of each unit, which intervals respect; without it each unit is one.
    confidence : float, default 0.95
        Of the intervals, 0 to 1.

    Returns
    -------
    ReaderModel
        ``bias`` sums to 0 over readers, in units of the scores; ``inconsistency`` is a standard deviation. Undefined
        with fewer than three readers, a reader without a score, or where the fit takes one reader for the truth.

    Raises
    ------
    ValueError
        If a value is infinite, or a unit has no subject.

    Notes
    -----
    The steps, weights and end of the recommendation's clause: a unit is the mean of its scores less the bias of each
    reader, weighted by 1/inconsistency². Its own intervals take units as independent; these leave out each subject,
    units held fixed. With few readers the likelihood has no maximum (one reader can always be the truth): then n/a.

    References
    ----------
    ITU-T P.910 (10/2023), appendix VI; ITU-T P.913 (06/2021), 12.6; Li, Bampis et al. 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from analysis.statistics.reader_model import reader_model
    >>> unit = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 3.0])
    >>> chance = np.array([[1, -1, 0], [-1, 0, 1], [0, 1, -1], [1, 0, -1], [-1, 1, 0], [0, -1, 1]]) / 10
    >>> found = reader_model(unit[:, None] + [0.5, 0.0, -0.5] + chance)
    >>> [round(one.estimate, 2) for one in found.bias]
    [0.5, -0.0, -0.5]
    """
    table = matrix(ratings)
    keep = np.asarray(~np.isnan(table).all(axis=1))
    labels = cluster_codes(np.arange(len(table)) if cluster is None else cluster, keep)
    table = table[keep]
    there = ~np.isnan(table)
    counts = there.sum(axis=0)
    readers = table.shape[1]
    if readers < FEWEST or not counts.all():
        why = f"fewer than {FEWEST} readers" if readers < FEWEST else "a reader has no score"
        none = (undefined(why, n=len(table), method=METHOD, level=confidence),) * readers
        return ReaderModel(none, none, np.full(len(table), np.nan))
    units, bias, spread = _projected(np.where(there, table, 0.0), there, counts)
    if spread.min() <= STEADY * spread.max():
        why = (
            "the fit takes one reader for the truth: too few readers, or two who agree wherever they differ from others"
        )
        none = tuple(undefined(why, n=int(n), method=METHOD, level=confidence) for n in counts)
        return ReaderModel(none, none, units)
    away = np.where(there, table - units[:, None], 0.0)
    groups = jackknife.groups_of(labels)
    each = _of_subjects(there.astype(np.float64), groups)
    ends = jackknife.ratio_bounds(_of_subjects(away, groups), each, level=confidence)
    squares = _of_subjects(np.where(there, (away - bias) ** 2, 0.0), groups)
    spreads = np.sqrt(np.maximum(jackknife.ratio_bounds(squares, each, level=confidence), 0.0))
    middle = float(bias.mean())
    return ReaderModel(
        tuple(_result(bias[at] - middle, ends[:, at] - middle, counts[at], confidence) for at in range(readers)),
        tuple(_result(spread[at], spreads[:, at], counts[at], confidence) for at in range(readers)),
        units + middle,
    )


def _projected(
    table: NDArray[np.float64], there: NDArray[np.bool_], counts: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Units, biases and inconsistencies; 0 in ``table`` where nothing is ``there``."""
    units = table.sum(axis=1) / there.sum(axis=1)
    bias = (table - units[:, None] * there).sum(axis=0) / counts
    spread = np.zeros_like(bias)
    for _ in range(STEPS):
        left = (table - units[:, None] - bias) * there
        spread = np.sqrt(np.maximum((left**2).sum(axis=0) / counts - (left.sum(axis=0) / counts) ** 2, 0.0))
        weights = there / (spread**2 + EPSILON)
        before = units
        units = ((table - bias) * weights).sum(axis=1) / weights.sum(axis=1)
        bias = (table - units[:, None] * there).sum(axis=0) / counts
        if np.linalg.norm(units - before) < SETTLED:
            break
    return units, bias, spread


def _of_subjects(values: NDArray[np.float64], labels: NDArray[np.intp]) -> NDArray[np.float64]:
    total = np.zeros((int(labels.max()) + 1, values.shape[1]))
    np.add.at(total, labels, values)
    return total


def _result(estimate: float, ends: NDArray[np.float64], n: int, confidence: float) -> Result:
    found = Result(estimate=float(estimate), n=int(n), method=METHOD, level=confidence)
    if np.isnan(ends).any():
        return replace(found, reason=jackknife.SAME)
    return replace(found, ci=(float(ends[0]), float(ends[1])))
