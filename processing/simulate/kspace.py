"""What a simulated scan reads of k-space, and the phase that a magnitude lacks."""

from __future__ import annotations

import numpy as np

from processing.percentile import high_percentile
from processing.volume import Array

# fastMRI (Zbontar et al. 2018): share of the lines in the middle that are always sampled.
CENTRE = {4: 0.08, 8: 0.04}
_WAVES = 4  # of the phase along each direction, the constant among them
_PHASE = 1.5  # radians; of a wave of no frequency, finer ones are weaker


def sampled_lines(rows: int, factor: int, rng: np.random.Generator) -> Array:
    """Choose lines of k-space as fastMRI does: the middle, others at random, 1 in `factor` on average.

    Parameters
    ----------
    rows : int
        Lines of the whole k-space.
    factor : {4, 8}
        Undersampling.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    ndarray of bool, shape (rows,)
        Which are read, zero frequency first.

    References
    ----------
    Zbontar et al. 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.simulate.kspace import sampled_lines
    >>> read = sampled_lines(256, 4, np.random.default_rng(0))
    >>> bool(read[:10].all() and read[-10:].all()), int(read.sum())
    (True, 63)
    """
    centre = max(round(rows * CENTRE[factor]), 1)
    chance = (rows / factor - centre) / max(rows - centre, 1)
    read = rng.random(rows) < chance
    start = (rows - centre + 1) // 2
    read[start : start + centre] = True
    return np.fft.ifftshift(read)


def zero_filled_percentile(lines: Array) -> float:
    """99.9th percentile of the magnitudes that lines give with zeros for the missing ones; 1 if it is 0.

    lines: (..., rows, columns), orthonormal Fourier transform along the rows' axis, zero frequency first, 0 where not
    sampled.
    """
    return high_percentile(np.abs(np.fft.ifft(lines, axis=-2, norm="ortho")), 99.9) or 1.0


def smooth_phase(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Draw a smooth phase, as coils and fields give.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the image.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    ndarray of complex64, shape (rows, columns)
        Numbers of length 1.

    Notes
    -----
    The phase is a sum of cosines of up to three half waves along each direction; the amplitude of a wave is normal with
    a standard deviation of 1.5 rad divided by one plus the square of its number of half waves.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.simulate.kspace import smooth_phase
    >>> turn = smooth_phase((64, 48), np.random.default_rng(0))
    >>> bool(np.allclose(np.abs(turn), 1)), bool(np.abs(np.angle(turn[1:] / turn[:-1])).max() < 0.3)
    (True, True)
    """
    waves = np.arange(_WAVES)
    amplitude = rng.normal(0, _PHASE, (_WAVES, _WAVES)) / (1 + waves[:, None] ** 2 + waves**2)
    down, across = (np.cos(np.pi * np.outer((np.arange(n) + 0.5) / n, waves)) for n in shape)
    return np.exp(1j * (down @ amplitude @ across.T)).astype(np.complex64)
