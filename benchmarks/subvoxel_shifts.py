"""Gibbs ringing taken off by local subvoxel-shifts, which needs no training (Kellner et al. 2016)."""

from __future__ import annotations

import numpy as np

_STEPS = 20  # shifts of a pixel
_REACH = 3  # pixels on either side over which variation counts


def unringed(image: np.ndarray, acquired: float = 1.0) -> np.ndarray:
    """A slice in which each pixel is interpolated from the shifted grid that rings least around it.

    image: (rows, columns), real. acquired: share of k-space in both directions; where zeros follow, the shifts are of
    pixels of the matrix that was acquired, between those that are shown. Both directions are worked on by themselves
    and joined by the weights of the paper.

    Kellner, Dhital, Kiselev, Reisert: Gibbs-ringing artifact removal based on local subvoxel-shifts. Magn Reson Med
    2016, 76:1574–1581.
    """
    lines = np.fft.fft2(image)
    waves = [1 + np.cos(2 * np.pi * np.clip(np.fft.fftfreq(n) / acquired, -0.5, 0.5)) for n in image.shape]
    rows, columns = waves[0][:, None], waves[1][None]
    both = np.maximum(rows + columns, 1e-9)
    parts = [np.fft.ifft2(lines * weight / both).real for weight in (columns, rows)]
    return _along(parts[0].T, 1 / acquired).T + _along(parts[1], 1 / acquired)


def _along(image: np.ndarray, pixel: float) -> np.ndarray:
    """The same along the last axis; `pixel`: width of an acquired pixel in shown ones."""
    size = image.shape[-1]
    lines, frequency = np.fft.rfft(image), np.fft.rfftfreq(size)
    reach = _STEPS // 2 + _REACH * _STEPS
    shifted = {
        n: np.fft.irfft(lines * np.exp(2j * np.pi * frequency * pixel * n / _STEPS), size)
        for n in range(-reach, reach + 1)
    }
    least, found = np.full(image.shape, np.inf), image.copy()
    for n in range(-_STEPS // 2, _STEPS // 2 + 1):
        left, right = (
            np.sum(
                [np.abs(shifted[n + side * k * _STEPS] - shifted[n + side * (k + 1) * _STEPS]) for k in range(_REACH)],
                axis=0,
            )
            for side in (-1, 1)
        )
        variation = np.minimum(left, right)
        share = abs(n) / _STEPS
        here = (1 - share) * shifted[n] + share * shifted[n - (1 if n > 0 else -1) * _STEPS]
        better = variation < least
        least, found = np.where(better, variation, least), np.where(better, here, found)
    return found
