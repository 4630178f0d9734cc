"""Did readers know which arm stood where? Blinding indices from their guesses after the end of the list.

Bang H, Ni L, Davis CE (2004), Control Clin Trials 25:143, per true side of the comparison's first arm; James KE et al.
(1996), Stat Med 15:1421, over both sides.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from analysis.statistics.result import Result, undefined

SIDES = ("left", "right")
NO_GUESSES = "readers were not asked which arm they thought they saw"
BANG = (
    "Bang: (correct − wrong) / all guesses, “cannot tell” among all; 0 is what chance gives, 1 all correct, −1 all "
    "wrong; normal interval, guesses taken as independent"
)
JAMES = (
    "James: 1 all cannot tell, 0.5 chance, 0 all correct; weights 0 correct, 0.5 wrong, 1 cannot tell; normal interval"
)
CAVEAT = (
    "an index above 0 need not be a leak: who sees which image is the better one may guess its arm from the pixels "
    "that are to be judged"
)


def bang(correct: int, wrong: int, unknown: int, *, confidence: float = 0.95) -> Result:
    """Bang's index of one arm, or of one true side, with its normal interval."""
    n = correct + wrong + unknown
    if n == 0:
        return undefined("nobody guessed", method=BANG, confidence=confidence)
    right, mistaken = correct / n, wrong / n
    variance = (right * (1 - right) + mistaken * (1 - mistaken) + 2 * right * mistaken) / n
    if variance <= 0:
        return Result(
            estimate=right - mistaken, n=n, method=BANG, confidence=confidence, reason="no interval: all answers alike"
        )
    reach = -float(special.ndtri((1 - confidence) / 2)) * variance**0.5
    return Result(
        estimate=right - mistaken,
        ci=(right - mistaken - reach, right - mistaken + reach),
        n=n,
        method=BANG,
        confidence=confidence,
    )


def james(counts: NDArray[np.int64], *, confidence: float = 0.95) -> Result:
    """James' index over two arms, or two true sides, with its normal interval.

    ``counts``: 3 × 2, guesses (first arm, second arm, cannot tell) by truth (first arm, second arm).
    """
    n = int(counts.sum())
    if n == 0:
        return undefined("nobody guessed", method=JAMES, confidence=confidence)
    shares = counts / n
    unknown = float(shares[2].sum())
    if unknown == 1:
        return Result(estimate=1.0, n=n, method=JAMES, confidence=confidence, reason="no interval: all answers alike")
    weights = np.array([[0.0, 0.5], [0.5, 0.0]])
    guessed = shares[:2]
    rows, columns = guessed.sum(axis=1), guessed.sum(axis=0)
    observed = float((weights * guessed).sum()) / (1 - unknown)
    expected = float((weights * np.outer(rows, columns)).sum()) / (1 - unknown) ** 2
    if expected == 0:
        return undefined("all guesses and all truths are of one kind", n=n, method=JAMES, confidence=confidence)
    kappa = (observed - expected) / expected
    estimate = (1 + unknown + (1 - unknown) * kappa) / 2
    extra = (weights.T @ rows)[None, :] + (weights @ columns)[:, None]
    first = (guessed * (1 - unknown) ** 2 * ((1 - unknown) * weights - (1 + kappa) * extra) ** 2).sum()
    first /= 4 * float((weights * np.outer(rows, columns)).sum()) ** 2
    second = unknown * (1 - unknown) - (1 - unknown) * (1 + kappa) * (unknown + (1 - unknown) * (1 + kappa) / 4)
    variance = (first + second) / n
    if variance <= 0:
        return Result(
            estimate=estimate, n=n, method=JAMES, confidence=confidence, reason="no interval: all answers alike"
        )
    reach = -float(special.ndtri((1 - confidence) / 2)) * variance**0.5
    return Result(estimate=estimate, ci=(estimate - reach, estimate + reach), n=n, method=JAMES, confidence=confidence)


def blinding(guesses: pd.DataFrame | None) -> dict[str, Any]:
    """Indices over all guesses, per comparison and per reader, as JSON-able data; ``reason`` where there are none.

    ``guesses``: the table of that name: reader, comparison, guessed (left, right, unknown: where the first arm was
    thought to be), first_side (left, right: where it was).
    """
    if guesses is None or guesses.empty:
        return {"reason": NO_GUESSES}
    return {
        "reason": None,
        "conventions": {"bang": BANG, "james": JAMES, "caution": CAVEAT},
        "overall": _indices(guesses),
        "comparisons": [{"comparison": name, **_indices(rows)} for name, rows in _groups(guesses, "comparison")],
        "readers": [{"reader": name, **_indices(rows)} for name, rows in _groups(guesses, "reader")],
    }


def _groups(guesses: pd.DataFrame, column: str) -> list[tuple[str, pd.DataFrame]]:
    named = guesses[column].astype(str)
    return [(name, guesses[named == name]) for name in sorted(named.unique())]


def _indices(guesses: pd.DataFrame) -> dict[str, Any]:
    guessed, truth = guesses["guessed"].astype(str), guesses["first_side"].astype(str)
    counts = np.array(
        [[int(((guessed == said) & (truth == side)).sum()) for side in SIDES] for said in (*SIDES, "unknown")]
    )
    of = {side: (int(counts[n, n]), int(counts[1 - n, n]), int(counts[2, n])) for n, side in enumerate(SIDES)}
    total = [sum(values) for values in zip(*of.values(), strict=True)]
    return {
        "correct": total[0],
        "wrong": total[1],
        "unknown": total[2],
        "bang": bang(*total).as_estimate(),
        "james": james(counts).as_estimate(),
        "sides": [
            {
                "first_side": side,
                "correct": of[side][0],
                "wrong": of[side][1],
                "unknown": of[side][2],
                "bang": bang(*of[side]).as_estimate(),
            }
            for side in SIDES
        ],
    }
