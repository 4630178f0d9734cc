"""Where intervals of few subjects do not hold what they promise, and what to say of it.

Subjects of whom every answer is "no difference" tell little of the spread. The others count as many as would be there
if all had the same number of ratings (Σn)²/Σn² (Kish 1965).
"""

import numpy as np
from numpy.typing import NDArray

from analysis.cells import Scores

ENOUGH = 20  # from here on intervals cover 93.5 to 96.5 % (benchmarks/coverage.py)
FEW = 15
LARGE_SHARE = 0.2


def differing_subjects(count: NDArray[np.float64], differing: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many subjects of one size each group is worth: numbers of ratings and of those other than "no difference",
    subjects × groups."""
    own = np.where(differing > 0, count, 0.0)
    squares = (own**2).sum(axis=0)
    return np.asarray(own.sum(axis=0) ** 2 / np.maximum(squares, 1.0))


def few_subjects(count: NDArray[np.float64], differing: NDArray[np.float64]) -> list[str | None]:
    """Per group what to say of its interval, or None."""
    return [
        None
        if worth >= ENOUGH
        else f"few subjects: those with an answer other than 3 are worth {worth:.1f} of one size; from {ENOUGH} on the "
        "interval covers what it says"
        for worth in differing_subjects(count, differing)
    ]


def sparse(data: Scores) -> list[str]:
    """Warnings: fewer than 15 subjects who ever differ, or one who holds over a fifth of the ratings."""
    if not data.x.size:
        return []
    share = np.bincount(data.subject, minlength=data.n_subjects) / data.x.size
    differing = int(np.unique(data.subject[data.x != 0]).size)
    said = []
    if differing < FEW:
        said.append(f"Only {differing} subjects have an answer other than 3: intervals and tests of so few are rough.")
    if data.n_subjects > 1 and share.max() > LARGE_SHARE:
        said.append(f"One subject holds {share.max():.0%} of all ratings: intervals and tests lean on it.")
    return said
