"""A model observer: what a tireless reader would measure in a pair. For simulated readers, never for analysis."""

from __future__ import annotations

import numpy as np

from processing.volume import Array


def noise_level(image: Array) -> float:
    """Noise standard deviation of one slice, in image units: Immerkær's fast estimator with a median, so that
    edges count little.

    image: (rows, columns), any numeric type. Source: J. Immerkær, Comput. Vis. Image Underst. 64 (1996) 300-302.
    """
    x = np.asarray(image, dtype=np.float64)
    response = (
        4 * x[1:-1, 1:-1]
        - 2 * (x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:])
        + (x[:-2, :-2] + x[:-2, 2:] + x[2:, :-2] + x[2:, 2:])
    )
    tissue = x[1:-1, 1:-1] > 0.15 * np.percentile(x, 99)
    if tissue.sum() < 100:
        tissue = np.ones_like(tissue)
    return float(np.median(np.abs(response[tissue])) / 0.6745 / 6)


def sharpness(image: Array) -> float:
    """How steep the steepest edges of one slice are: 99th percentile of the gradient magnitude, in image units."""
    rows, columns = np.gradient(np.asarray(image, dtype=np.float64))
    return float(np.percentile(np.hypot(rows, columns), 99))


def evidence(left: Array, right: Array) -> tuple[float, float]:
    """How much speaks for the right image: log ratio of noise (left / right) and of sharpness (right / left)."""
    tiny = 1e-6
    noise = np.log((noise_level(left) + tiny) / (noise_level(right) + tiny))
    edges = np.log((sharpness(right) + tiny) / (sharpness(left) + tiny))
    return float(noise), float(edges)
