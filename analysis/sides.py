"""Do readers favour a side of the screen, whatever stands there?"""

from typing import Any

import numpy as np
from scipy import special

from analysis.cells import Scores
from analysis.statistics import bootstrap
from analysis.statistics.proportions import binomial
from analysis.statistics.result import Result, undefined

SHIFT = (
    "threshold shift in probit units, positive to the right: minus the middle of the two thresholds around 3, averaged "
    "over both places of the first arm; patient bootstrap interval"
)


def side_bias(scores: Scores, *, drawn: np.ndarray) -> list[dict[str, Any]]:
    """Per reader: display scores left (< 3), right (> 3) and neutral, a binomial test, the threshold shift.

    ``drawn`` are bootstrap weights, resamples × subjects. The binomial test takes answers as independent.
    """
    rows = []
    for number, reader in enumerate(scores.readers):
        mine = scores.reader == number
        display = scores.display[mine]
        left, right = int((display < 3).sum()), int((display > 3).sum())
        rows.append(
            {
                "reader": reader,
                "left": left,
                "right": right,
                "neutral": int((display == 3).sum()),
                "binomial": binomial(right, left + right).as_test(),
                "threshold_shift": _shift(scores, mine, drawn).as_estimate(),
            }
        )
    return rows


def _shift(scores: Scores, mine: np.ndarray, drawn: np.ndarray) -> Result:
    """A cumulative probit model with equal and opposite preference on both sides: averaging cancels preference."""
    n = int(mine.sum())
    if n == 0:
        return undefined("no ratings", method=SHIFT)
    below = np.zeros((drawn.shape[1], 2, 2))
    total = np.zeros((drawn.shape[1], 2))
    place = scores.first_right[mine].astype(np.intp)
    subject = scores.subject[mine]
    np.add.at(below, (subject, place, 0), scores.display[mine] < 3)
    np.add.at(below, (subject, place, 1), scores.display[mine] <= 3)
    np.add.at(total, (subject, place), 1.0)
    everyone = np.ones((1, drawn.shape[1]))
    estimate = float(_middle(everyone, below, total)[0])
    if np.isnan(estimate):
        return undefined("the first arm stood on one side only", n=n, method=SHIFT)
    if not np.isfinite(estimate):
        return undefined("on one side of the screen no answer lies left, or none lies right", n=n, method=SHIFT)
    values = _middle(drawn, below, total)
    values[~np.isfinite(values)] = np.nan
    share = float(np.isnan(values).mean())
    if drawn.shape[1] < 2 or share > 0.05:
        return Result(estimate=estimate, n=n, method=SHIFT, reason="no interval: too few answers to a side")
    low, high = bootstrap.interval(values, 0.95)
    return Result(estimate=estimate, ci=(low, high), n=n, method=SHIFT)


def _middle(drawn: np.ndarray, below: np.ndarray, total: np.ndarray) -> np.ndarray:
    resamples = drawn.shape[0]
    counts = (drawn @ below.reshape(len(below), -1)).reshape(resamples, 2, 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = counts / (drawn @ total)[:, :, None]
        thresholds = special.ndtri(shares)
        return np.asarray(-thresholds.mean(axis=(1, 2)))
