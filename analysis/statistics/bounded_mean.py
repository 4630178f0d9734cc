"""Tests and limits for the mean of bounded values that are mostly the same, such as subject means of neutral answers.

A t test trusts the spread that it sees. Where few subjects differ from the rest, a sample often holds none of those who
would pull the mean to the margin, and its spread is then too small by just as much. Here the sample gets one more
subject, whom nobody asked, with the value *reach* and the weight w ≤ 1. p of "the mean is at least ``limit``" is

    P(D₁x₁ + … + Dₙxₙ + D₀·reach ≥ limit), with weights D ~ Dirichlet(1, …, 1, w),

the Bayesian bootstrap (Rubin 1981) with a subject not seen, without drawing. It is continuous in every value. With
w = 1 and the bound of the scale as reach it is the test of Gaffke (2005; Learned-Miller & Thomas 2019) for bounded
means: for values that are only 0 and the bound, the binomial tail of Clopper & Pearson (1934); for n values of 0,
(1 − limit/bound)^n.

That test is far too careful once many subjects differ and none by much, for then their values tell what a subject not
seen may say. So with k differing subjects reach goes from the bound to the largest value seen, and w from 1 to
⅓ + μ₃/(μ₂(reach − mean)), between ⅓ and 1, by the share (k/``ENOUGH``)². μ₂ and μ₃ are the central moments of the
sample: half of μ₃/μ₂ would make the limit right to second order (Hall 1988), the rest makes up for rare values that
the sample lacks. k is the smaller of two counts, d being the distance from the lower median. (Σd)²/(Σd² + ``SMALL``²):
subjects who differ alike count one each, one who differs much beside others who hardly do counts little more than one.
``TWICE``·Σ min(d/(``FAR``·bound), 1)²: a little noise hardly counts, however many subjects have it.

The constants were set by simulation: with them the larger p of this and of the t test holds 0.05 for subjects of one
population (benchmarks/equivalence_level.py). That is no proof. Where a small minority, under about one in twenty,
differs strongly from subjects who otherwise differ, and the sample holds none of it, no test that learns from the
sample can know; the level is then exceeded, up to 0.17 in those simulated. ``p_exact`` does not learn and has no
such gap: it is exact for values of 0 and the bound, and no case is known where it exceeds its level (conjecture of
Gaffke).
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

Floats = NDArray[np.float64]

ENOUGH = 12.0
SMALL = 0.15  # of one step of the scale
FAR, TWICE = 0.2, 2.0  # of the bound; for how many one counts who differs so far
LEAST_WEIGHT = 1 / 3
FLOOR = 1e-100
ROWS = 200
# of the integral: crossings to the saddle point, step and end of the path; relative error about 1e-8
BISECTIONS = 5
STEP = 0.15
FURTHEST = 9.0


def p_below(values: Floats, limit: float, *, bound: float) -> Floats:
    """p values of "the mean is at least ``limit``", one per row of ``values`` within ±bound (studies × subjects).

    Small p speaks for a mean below ``limit``; never 0. The rows of one call should share their distinct values.
    """
    rows = [_rows(values[at : at + ROWS], limit, bound) for at in range(0, len(values), ROWS)]
    return np.concatenate(rows) if rows else np.empty(0)


def p_exact(values: Floats, limit: float, *, bound: float) -> float:
    """p of the same for one study's ``values``, with w = 1 and the bound as reach whatever the sample says."""
    distinct, times = np.unique(values, return_counts=True)
    counts = times[None].astype(np.float64)
    return float(exceedance(distinct, counts, limit, np.array([bound]), np.ones(1))[0])


def upper_limit(values: Floats, *, bound: float, tail: float, least: float) -> float:
    """One-sided confidence limit of the mean of one study's ``values``: where ``p_below`` falls to ``tail``.

    ``least``, not below the mean, is given back where the limit lies below it.
    """
    distinct, times = np.unique(values, return_counts=True)
    counts = times[None].astype(np.float64)
    reach, weight = unseen(distinct, counts, bound)

    def excess(limit: float) -> float:
        p = float(exceedance(distinct, counts, limit, reach, weight)[0])
        return math.sqrt(-2 * math.log(p)) - math.sqrt(-2 * math.log(tail))  # almost a straight line

    highest = float(reach[0])
    if least >= highest or excess(least) >= 0:
        return least
    return float(optimize.brentq(excess, least, highest, xtol=1e-8))


def _rows(values: Floats, limit: float, bound: float) -> Floats:
    distinct, place = np.unique(values, return_inverse=True)
    rows, width = len(values), distinct.size
    flat = place.reshape(values.shape) + width * np.arange(rows)[:, None]
    counts = np.bincount(flat.ravel(), minlength=rows * width).reshape(rows, width).astype(np.float64)
    return exceedance(distinct, counts, limit, *unseen(distinct, counts, bound))


def unseen(distinct: Floats, counts: Floats, bound: float) -> tuple[Floats, Floats]:
    """Value and weight of the subject not seen, per row of ``counts`` of the ``distinct`` values."""
    n = counts.sum(axis=1)
    usual = distinct[(np.cumsum(counts, axis=1) >= ((n + 1) // 2)[:, None]).argmax(axis=1)]
    apart = np.abs(distinct - usual[:, None])
    alike = (counts * apart).sum(axis=1) ** 2 / ((counts * apart**2).sum(axis=1) + SMALL**2)
    far_apart = TWICE * (counts * np.minimum(apart / (FAR * bound), 1.0) ** 2).sum(axis=1)
    differing = np.minimum(alike, far_apart)
    known = np.minimum(differing / ENOUGH, 1.0) ** 2
    largest = np.where(counts > 0, np.abs(distinct), 0.0).max(axis=1)
    reach = largest + (bound - largest) * (1 - known)
    mean = counts @ distinct / n
    second, third = ((counts * (distinct - mean[:, None]) ** power).sum(axis=1) for power in (2, 3))
    far = second * (reach - mean)
    skew = np.where(far > 0, third, 0.0) / np.where(far > 0, far, 1.0)
    return reach, 1 - known * (1 - np.clip(LEAST_WEIGHT + skew, LEAST_WEIGHT, 1.0))


def exceedance(distinct: Floats, counts: Floats, limit: float, reach: Floats, weight: Floats) -> Floats:
    """P(Dirichlet mean ≥ limit) per row: ``counts`` of the ``distinct`` values and ``weight`` on ``reach``.

    The mean exceeds the limit where Q = Σ (value − limit)·E > 0 for gamma variables E with the counts as shapes. The
    inversion integral of its moment generating function runs through the saddle point: small p keep their digits.
    """
    shape = np.column_stack([counts, weight])
    slope = np.where(shape > 0, np.column_stack([np.tile(distinct - limit, (len(counts), 1)), reach - limit]), 0.0)
    above = (shape * slope).sum(axis=1) > 0
    slope[above] *= -1  # the rarer side of the two
    steepest = slope.max(axis=1)
    possible = steepest > 0
    low, high = np.zeros(len(shape)), 1 / np.where(possible, steepest, 1.0)
    for _ in range(BISECTIONS):
        at = (low + high) / 2
        falling = (shape * slope / (1 - slope * at[:, None])).sum(axis=1) < 1 / at
        low, high = np.where(falling, at, low), np.where(falling, high, at)
    at = (low + high) / 2
    height = -(shape * np.log1p(-slope * at[:, None])).sum(axis=1) - np.log(at)
    # the pole at 0 is one more gamma variable, of slope -1/at once the integral is shifted to the saddle point
    slope = np.column_stack([slope / (1 - slope * at[:, None]), -1 / at])
    shape = np.column_stack([shape, np.ones(len(shape))])
    width = 1 / np.sqrt((shape * slope**2).sum(axis=1))
    step = min(STEP, 1 / math.sqrt(shape[0].sum()))
    along = np.arange(0.0, FURTHEST, step)
    turn = slope[:, :, None] * (width[:, None] * np.sinh(along))[:, None, :]
    angle = (shape[:, None] @ np.arctan(turn))[:, 0]
    size = (shape[:, None] @ np.log1p(turn**2))[:, 0]
    weights = np.cosh(along) * step / np.pi * np.where(along == 0, 0.5, 1.0)
    rarer = width * ((np.cos(angle) * np.exp(height[:, None] - size / 2)) @ weights)
    p = np.where(possible, rarer, 0.0)
    return np.clip(np.where(above, 1 - p, p), FLOOR, 1.0)
