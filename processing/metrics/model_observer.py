"""A channelised Hotelling observer: how well a small finding of known shape and place can be told from none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from processing.errors import InputError
from processing.volume import Array

RADIUS = 20  # pixels from the middle of a patch to its edge
_FREQUENCIES = (3 / 64, 3 / 32, 3 / 16, 3 / 8)  # of the channels' middles, in cycles per pixel
_ORIENTATIONS = 4
SAMPLES = 2000
_LEAST = 4  # patches for each channel, so that their covariance can be inverted with some meaning


@dataclass(frozen=True)
class Detected:
    """How well patches with a finding were told from those without.

    area: under the curve (Mann–Whitney), of patches that the observer did not learn from; detectability: √2 times the
    normal quantile of it, d_A; above: (n, n), whether the patch at place i with the finding had the higher score than
    that at place j without it (½ where equal).
    """

    area: float
    detectability: float
    above: Array


def gabor_channels(radius: int = RADIUS) -> Array:
    """Even Gabor channels of four octaves and four directions, blind to a constant.

    Parameters
    ----------
    radius : int, default 20
        Patches have 2 × radius + 1 rows and columns.

    Returns
    -------
    ndarray, shape (16, (2 × radius + 1)²)
        One channel per row, of unit length.

    Notes
    -----
    exp(−4 ln 2 (x² + y²) / w²) cos(2π f (x cos θ + y sin θ)) with f = 3/64, 3/32, 3/16, 3/8 cycles per pixel and the
    full width w = 4 ln 2 / (π b) of a band b of one octave. Findings are symmetric about the middle, so odd channels
    would see nothing of them. A constant is taken off within the window of each channel.

    References
    ----------
    Eckstein, Abbey, Bochud 2000; Wunderlich, Noo 2008.

    Examples
    --------
    >>> from processing.metrics.model_observer import gabor_channels
    >>> found = gabor_channels()
    >>> found.shape, bool(abs(found.sum(axis=1)).max() < 1e-9)
    ((16, 1681), True)
    """
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    found = []
    for frequency in _FREQUENCIES:
        width = 4 * np.log(2) / (np.pi * frequency * 2 / 3)
        window = np.exp(-4 * np.log(2) * (x**2 + y**2) / width**2)
        for angle in np.arange(_ORIENTATIONS) * np.pi / _ORIENTATIONS:
            wave = np.cos(2 * np.pi * frequency * (x * np.cos(angle) + y * np.sin(angle)))
            channel = window * (wave - (window * wave).sum() / window.sum())
            found.append(channel.ravel() / np.linalg.norm(channel))
    return np.array(found)


def hotelling_template(present: Array, absent: Array) -> Array:
    """Weights of the channels that tell patches with a finding best from those without, if responses are normal.

    Parameters
    ----------
    present, absent : ndarray, shape (n, channels)
        Responses of the channels.

    Returns
    -------
    ndarray, shape (channels,)
        The mean of both covariances, inverted, times the difference of the means.

    Raises
    ------
    InputError
        For fewer than four patches per channel.

    References
    ----------
    Barrett, Myers 2004, chapter 13; Myers, Barrett 1987.
    """
    if min(len(present), len(absent)) < _LEAST * present.shape[1]:
        raise InputError(f"The observer needs at least {_LEAST * present.shape[1]} places to learn from; add volumes.")
    covariance = np.atleast_2d((np.cov(present.T) + np.cov(absent.T)) / 2)
    return np.linalg.solve(covariance, present.mean(axis=0) - absent.mean(axis=0))


def detect(present: Array, absent: Array) -> Detected:
    """Have an observer learn from half of the places and judge the other half, and the other way round.

    Parameters
    ----------
    present, absent : ndarray, shape (n, channels)
        Responses of the channels at the same places with and without a finding; the two have noise of their own.

    Returns
    -------
    Detected
        Area under the curve, detectability, and who was above whom.

    Raises
    ------
    InputError
        For too few places.

    Notes
    -----
    Scores of the two halves are compared within a half only, as each half has a template of its own.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.metrics.model_observer import detect
    >>> rng = np.random.default_rng(0)
    >>> signal = np.array([1.5, 0, 0, 0])
    >>> found = detect(rng.normal(0, 1, (2000, 4)) + signal, rng.normal(0, 1, (2000, 4)))
    >>> round(found.detectability, 1)
    1.5
    """
    count = len(present)
    half = np.arange(count) % 2
    above = np.full((count, count), np.nan)
    for part in (0, 1):
        seen, judged = half != part, np.flatnonzero(half == part)
        template = hotelling_template(present[seen], absent[seen])
        with_it, without = present[judged] @ template, absent[judged] @ template
        difference = np.sign(with_it[:, None] - without[None])
        above[np.ix_(judged, judged)] = (difference + 1) / 2
    area = float(np.nanmean(above))
    return Detected(area, detectability(area), above)


def detectability(area: float) -> float:
    """d_A of an area under the curve: the distance of two normal distributions of equal width that would have it."""
    return float(np.sqrt(2) * ndtri(area))


def change_interval(
    before: list[Array], after: list[Array], groups: Array, *, confidence: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Interval of the mean change of areas under the curve, by samples of places with replacement within their group.

    Parameters
    ----------
    before, after : list of ndarray, shape (n, n)
        `Detected.above` of one or more findings, in the same order.
    groups : ndarray, shape (n,)
        The volume of each place.
    confidence : float, default 0.95
        Of the interval.
    seed : int, default 0
        Of the samples.

    Returns
    -------
    tuple of float
        Percentiles of 2,000 samples. What the observer learnt is held fixed.
    """
    rng = np.random.default_rng(seed)
    weights = np.zeros((SAMPLES, len(groups)))
    for group in np.unique(groups):
        mine = np.flatnonzero(groups == group)
        weights[:, mine] = rng.multinomial(len(mine), np.full(len(mine), 1 / len(mine)), size=SAMPLES)
    compared = ~np.isnan(before[0])
    pairs = np.einsum("si,ij,sj->s", weights, compared.astype(float), weights, optimize=True)
    change = sum(np.where(compared, b - a, 0) for a, b in zip(before, after, strict=True)) / len(before)
    means = np.einsum("si,ij,sj->s", weights, change, weights, optimize=True) / pairs
    low, high = np.percentile(means, [50 * (1 - confidence), 100 - 50 * (1 - confidence)])
    return float(low), float(high)
