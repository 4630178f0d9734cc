"""Do readers favour a side of the screen, whatever stands there?"""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from analysis.cells import ONE_SIDE, Scores
from analysis.statistics import jackknife
from analysis.statistics.proportions import binomial
from analysis.statistics.result import Result, undefined

SHIFT = (
    "threshold shift in probit units, positive to the right: minus the middle of the two thresholds around 3, averaged "
    "over both places of the first arm; interval by leaving out each subject"
)


def unknown_sides(main: pd.DataFrame) -> list[str]:
    """A warning where the first arm stands on one side in all main rows: so are tables written without known sides."""
    sides = main["first_side"].astype(str).unique()
    if sides.size > 1:
        return []
    return [
        f"Sides unknown: the first arm stands on the {sides[0]} in every main row, as in a table that does not say "
        "where arms stood. Nothing is said of readers' bias to a side, nor can it be told from preference."
    ]


def side_bias(scores: Scores) -> list[dict[str, Any]]:
    """Per reader: display scores left (< 3), right (> 3) and neutral, a binomial test, the threshold shift.

    The binomial test takes answers as independent. Without a test where the first arm never changed its side
    for the reader.
    """
    rows = []
    for number, reader in enumerate(scores.readers):
        mine = scores.reader == number
        display, changed = scores.display[mine], np.unique(scores.first_right[mine]).size > 1
        left, right = int((display < 3).sum()), int((display > 3).sum())
        rows.append(
            {
                "reader": reader,
                "left": left,
                "right": right,
                "neutral": int((display == 3).sum()),
                "binomial": (
                    binomial(right, left + right) if changed else undefined(ONE_SIDE, n=left + right)
                ).as_test(),
                "threshold_shift": _shift(scores, mine).as_estimate(),
            }
        )
    return rows


def _shift(scores: Scores, mine: np.ndarray) -> Result:
    """A cumulative probit model with equal and opposite preference on both sides: averaging cancels preference."""
    n = int(mine.sum())
    if n == 0:
        return undefined("no ratings", method=SHIFT)
    below = np.zeros((scores.n_subjects, 2, 2))
    total = np.zeros((scores.n_subjects, 2))
    place = scores.first_right[mine].astype(np.intp)
    subject = scores.subject[mine]
    np.add.at(below, (subject, place, 0), scores.display[mine] < 3)
    np.add.at(below, (subject, place, 1), scores.display[mine] <= 3)
    np.add.at(total, (subject, place), 1.0)
    estimate = float(_middle(below.sum(axis=0, keepdims=True), total.sum(axis=0, keepdims=True))[0])
    if np.isnan(estimate):
        return undefined("the first arm stood on one side only", n=n, method=SHIFT)
    if not np.isfinite(estimate):
        return undefined("on one side of the screen no answer lies left, or none lies right", n=n, method=SHIFT)
    without = _middle(jackknife.left_out(below), jackknife.left_out(total))
    there = total.sum(axis=1) > 0
    found = Result(estimate=estimate, n=n, method=SHIFT)
    if there.sum() < 2 or not np.isfinite(without[there]).all():
        return replace(found, reason="no interval: without one of the subjects too few answers are left to a side")
    low, high = jackknife.bounds(np.array([estimate]), without[:, None], there[:, None], confidence=found.confidence)[
        :, 0
    ]
    return replace(found, ci=(low, high)) if low < high else replace(found, reason=jackknife.SAME)


def _middle(below: np.ndarray, total: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(-special.ndtri(below / total[:, :, None]).mean(axis=(1, 2)))
