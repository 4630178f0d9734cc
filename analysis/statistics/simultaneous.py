"""Intervals of several estimates that hold all together: what each must promise so that the whole family does.

The estimates come from the same subjects, so they err together; Bonferroni, who ignores that, makes their intervals
wider than they need be. Here the largest of correlated t values decides (Hothorn, Bretz & Westfall 2008), its
distribution integrated numerically over fixed points: nothing is drawn.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.statistics import jackknife
from analysis.statistics.values import RELATIVE

Floats = NDArray[np.float64]

POINTS = 20_000
LEAST = 1e-9  # of an eigenvalue of a correlation that counts as a dimension of its own


def confidence_each(correlation: Floats, *, degrees: float, confidence: float = 0.95) -> float:
    """The confidence of each two-sided t interval at which all of them together have ``confidence``.

    Parameters
    ----------
    correlation : ndarray of float64, shape (m, m)
        Of the errors of the m estimates.
    degrees : float
        Degrees of freedom that the t values share.
    confidence : float, default 0.95
        That all m intervals hold what they say, 0 to 1.

    Returns
    -------
    float
        Between ``confidence`` (all errors are one) and 1 − (1 − ``confidence``)/m (Bonferroni).

    Notes
    -----
    P(max |T| ≤ c) of a multivariate t, from points of a Richtmyer lattice (fractions of multiples of roots of primes),
    folded; the error of the critical value c is about 0.005.

    References
    ----------
    Hothorn, Bretz & Westfall 2008; Genz & Bretz 2009.

    Examples
    --------
    Two estimates that always err alike need no more than one.

    >>> import numpy as np
    >>> from analysis.statistics.simultaneous import confidence_each
    >>> round(confidence_each(np.ones((2, 2)), degrees=20), 3)
    0.95
    >>> round(confidence_each(np.eye(10), degrees=1e6), 3)
    0.995
    """
    m = len(correlation)
    values, vectors = np.linalg.eigh(correlation)
    some = values > LEAST * m
    factor = vectors[:, some] * np.sqrt(values[some])
    points = _lattice(1 + factor.shape[1])
    scale = np.sqrt(special.chdtri(degrees, points[:, :1]) / degrees)
    largest = np.abs(special.ndtri(points[:, 1:]) @ factor.T / scale).max(axis=1)
    reach = np.quantile(largest, confidence)
    each = 1 - 2 * special.stdtr(degrees, -reach)
    return float(np.clip(each, confidence, 1 - (1 - confidence) / m))


def ratio_bounds(above: Floats, below: Floats, *, confidence: float = 0.95) -> tuple[Floats, float]:
    """Bounds of Σ ``above`` / Σ ``below`` of every column that hold all together, and the confidence of each.

    Parameters
    ----------
    above, below : ndarray of float64, shape (subjects, cells)
        Sums per subject; ``below`` is 0 or more.
    confidence : float, default 0.95
        That all intervals hold what they say, 0 to 1.

    Returns
    -------
    tuple
        Bounds as ``jackknife.ratio_bounds`` gives them, NaN where a column has none (it is no part of the family
        then), and the confidence that each has alone.

    Examples
    --------
    >>> import numpy as np
    >>> from analysis.statistics.simultaneous import ratio_bounds
    >>> x = np.array([[1.0, -1.0], [0.0, 1.0], [1.0, 1.0], [0.0, -1.0]])
    >>> bounds, each = ratio_bounds(x, np.ones((4, 2)))
    >>> bounds.shape, each > 0.95
    ((2, 2), True)
    """
    alone = jackknife.ratio_bounds(above, below, confidence=confidence)
    some = ~np.isnan(alone[0])
    if some.sum() < 2:
        return alone, confidence
    a, b = above[:, some], below[:, some]
    away = (a - b * (a.sum(axis=0) / b.sum(axis=0))) / b.sum(axis=0)
    away /= np.sqrt((away**2).sum(axis=0))
    degrees = max(int((b > 0).any(axis=1).sum()) - 1, 1)
    each = confidence_each(away.T @ away, degrees=degrees, confidence=confidence)
    return jackknife.ratio_bounds(above, below, confidence=each), each


def _lattice(dimensions: int) -> Floats:
    """POINTS × dimensions in the open unit cube, the same every time."""
    steps = np.sqrt(_primes(dimensions)) * np.arange(1, POINTS + 1)[:, None]
    return np.clip(np.abs(2 * np.modf(steps)[0] - 1), RELATIVE, 1 - RELATIVE)


def _primes(count: int) -> Floats:
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % prime for prime in found):
            found.append(number)
        number += 1
    return np.array(found, dtype=np.float64)
