"""Whether one image of a case fits the other better mirrored, or moved, than as it lies."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import fft

from processing.volume import Array

CELL_MM = 4.0  # images are compared in cells of about this size, so that noise does not count
BLOCK = (3, 6, 6)  # cells of one block: likeness is judged block by block, so that it has an error
FOREGROUND = 0.15  # of the 99th percentile of the cells
FARTHEST = 0.25  # of the extent: shifts that are tried
NEIGHBOURS = 6  # cells along the normal that are each tried
LEAST = 0.4  # likeness: what resembles less is no better place
MARGIN = 0.05  # of likeness: less is nothing to hold a pair back for
ERRORS = 5.0  # standard errors over blocks that the gain must be above zero
FEWEST = 12  # blocks: with less nothing is said
MOVED_MM = 12.0  # in the plane; patients move by less
CONVENTIONS = {
    "likeness": f"mean over blocks of {BLOCK[0]} × {BLOCK[1]} × {BLOCK[2]} cells of Pearson's correlation of the "
    f"square roots of cell means; cells of about {CELL_MM:g} mm, in the foreground of the first image",
    "tried": f"all mirror images, each with the shift of up to {FARTHEST:.0%} of the extent that correlates most; "
    f"the image moved by up to {NEIGHBOURS} cells along the normal",
    "held back": f"likeness from {LEAST:g}, its gain over {MARGIN:g} and over {ERRORS:g} standard errors "
    f"(at least {FEWEST} blocks); shifts by a cell along the normal, or by {MOVED_MM:g} mm in the plane",
}


@dataclass(frozen=True)
class Fit:
    """How the second image would fit the first better than it does.

    Parameters
    ----------
    mirrored : tuple of bool
        Which of the array's axes (slices, rows, columns) are mirrored.
    shift_mm : tuple of float
        Along slices, rows and columns, mm, after mirroring.
    likeness : float
        Of the image so mirrored and moved, −1 to 1.
    as_it_lies : float
        Of the image as it is, or, if it is mirrored, moved where it fits best unmirrored.
    blocks : int
        How many were compared.

    Examples
    --------
    >>> from processing.resemblance import Fit
    >>> Fit((False, False, True), (0.0, 0.0, 4.0), 0.97, 0.6, 300).is_mirrored
    True
    """

    mirrored: tuple[bool, bool, bool]
    shift_mm: tuple[float, float, float]
    likeness: float
    as_it_lies: float
    blocks: int

    @property
    def is_mirrored(self) -> bool:
        """Whether any axis is."""
        return any(self.mirrored)


def better_fit(first: Array, second: Array, spacing: tuple[float, float, float]) -> Fit | None:
    """Look for a mirror image or a shift of the second image that fits the first clearly better.

    Parameters
    ----------
    first, second : ndarray, shape (slices, rows, columns)
        Intensities on one grid, from 0; of one contrast.
    spacing : tuple of float
        Distance of neighbouring columns, rows and slices, mm.

    Returns
    -------
    Fit or None
        None where the image fits best as it lies, where nothing is clearly better, or where there is too little to
        tell.

    Notes
    -----
    ``CONVENTIONS``. Near-symmetric anatomy differs enough from its mirror image: ``benchmarks/mirrored.py`` counts what
    is found, and what is held back for nothing, on real series.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.resemblance import better_fit
    >>> image = np.random.default_rng(0).random((6, 12, 12)).repeat(2, 0).repeat(16, 1).repeat(16, 2)
    >>> better_fit(image, image, (1.0, 1.0, 4.0)) is None
    True
    >>> better_fit(image, image[:, :, ::-1], (1.0, 1.0, 4.0)).mirrored
    (False, False, True)
    """
    steps = [max(1, round(CELL_MM / size)) for size in reversed(spacing)]
    cells = np.array(steps) * spacing[::-1]
    a, b = (np.sqrt(np.maximum(_cells(image, steps), 0)) for image in (first, second))
    within = a > FOREGROUND * np.percentile(a, 99)
    as_it_lies = _Trial((False, False, False), (0, 0, 0), _likeness(a, b, within))
    trials = [_trial(a, b, within, mirrored) for mirrored in product((False, True), repeat=3)]
    reach = min(NEIGHBOURS, int(len(a) * FARTHEST))
    beside = [_trial(a, b, within, as_it_lies.mirrored, (n, 0, 0)) for n in range(-reach, reach + 1) if n]
    unmirrored = max(as_it_lies, trials[0], *beside, key=_Trial.mean)
    mirrored = max(trials[1:], key=_Trial.mean)
    if _clearly_better(mirrored, unmirrored):
        return _fit(mirrored, unmirrored, cells)
    through, *in_plane = np.abs(unmirrored.shift * cells)
    if (through > 0 or np.hypot(*in_plane) >= MOVED_MM) and _clearly_better(unmirrored, as_it_lies):
        return _fit(unmirrored, as_it_lies, cells)
    return None


@dataclass(frozen=True)
class _Trial:
    """Likeness of each block under one hypothesis; NaN where there is too little image. shift in cells."""

    mirrored: tuple[bool, ...]
    shift: tuple[int, ...]
    blocks: Array

    def mean(self) -> float:
        known = self.blocks[np.isfinite(self.blocks)]
        return float(known.mean()) if known.size else 0.0


def _trial(
    a: Array, b: Array, within: Array, mirrored: tuple[bool, ...], shift: tuple[int, ...] | None = None
) -> _Trial:
    """A mirror image, moved by the shift given, or the one that correlates most."""
    image = np.flip(b, tuple(axis for axis in range(3) if mirrored[axis]))
    shift = _best_shift(a, image) if shift is None else shift
    return _Trial(mirrored, shift, _likeness(a, _moved(image, shift), within))


def _clearly_better(one: _Trial, other: _Trial) -> bool:
    gain = one.blocks - other.blocks
    gain = gain[np.isfinite(gain)]
    if gain.size < FEWEST or gain.mean() < MARGIN or one.mean() < LEAST:
        return False
    return bool(gain.mean() > ERRORS * gain.std(ddof=1) / np.sqrt(gain.size))


def _fit(better: _Trial, worse: _Trial, cells: Array) -> Fit:
    known = np.isfinite(better.blocks) & np.isfinite(worse.blocks)
    slices, rows, columns = (bool(axis) for axis in better.mirrored)
    z, y, x = (float(mm) for mm in better.shift * cells)
    likeness, as_it_lies = (float(trial.blocks[known].mean()) for trial in (better, worse))
    return Fit((slices, rows, columns), (z, y, x), likeness, as_it_lies, int(known.sum()))


def _cells(image: Array, steps: list[int]) -> Array:
    """Means over cells of so many voxels; what is left over at the far ends is not looked at."""
    steps = [min(step, size) for step, size in zip(steps, image.shape, strict=True)]
    counts = [size // step for size, step in zip(image.shape, steps, strict=True)]
    whole = image[tuple(slice(0, count * step) for count, step in zip(counts, steps, strict=True))]
    shape = [n for count, step in zip(counts, steps, strict=True) for n in (count, step)]
    return np.asarray(whole.reshape(shape).mean(axis=(1, 3, 5), dtype=np.float64))


def _best_shift(a: Array, b: Array) -> tuple[int, ...]:
    """Cells by which b is to be moved to correlate most with a, by the Fourier transform."""
    size = [fft.next_fast_len(2 * n) for n in a.shape]
    spectra = fft.rfftn(a - a.mean(), size) * np.conj(fft.rfftn(b - b.mean(), size))
    reach = [max(1, int(n * FARTHEST)) for n in a.shape]
    near = np.ix_(*(np.arange(-most, most + 1) for most in reach))
    correlation = fft.irfftn(spectra, size)[near]
    best = np.unravel_index(int(np.argmax(correlation)), correlation.shape)
    return tuple(int(place) - most for place, most in zip(best, reach, strict=True))


def _moved(image: Array, shift: tuple[int, ...]) -> Array:
    """The image moved by whole cells; NaN comes in."""
    out = np.full_like(image, np.nan)
    there = tuple(slice(max(0, n), size - max(0, -n)) for n, size in zip(shift, image.shape, strict=True))
    here = tuple(slice(max(0, -n), size - max(0, n)) for n, size in zip(shift, image.shape, strict=True))
    out[there] = image[here]
    return out


def _likeness(a: Array, b: Array, within: Array) -> Array:
    """Pearson's correlation in each block of which the foreground fills half, else NaN; 0 where one is flat."""
    inside = within & np.isfinite(b)
    weight = inside.astype(np.float64)
    a, b = np.where(inside, a, 0.0), np.where(inside, b, 0.0)
    n, sum_a, sum_b, aa, bb, ab = (_block_sums(each) for each in (weight, a, b, a * a, b * b, a * b))
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt((aa - sum_a**2 / n) * (bb - sum_b**2 / n))
        likeness = np.where(spread > 1e-9 * np.sqrt(aa * bb), (ab - sum_a * sum_b / n) / spread, 0.0)
    return np.where(n >= 0.5 * np.prod(_block(a.shape)), likeness, np.nan).ravel()


def _block(shape: tuple[int, ...]) -> list[int]:
    return [min(most, size) for most, size in zip(BLOCK, shape, strict=True)]


def _block_sums(values: Array) -> Array:
    block = _block(values.shape)
    counts = [-(-size // step) for size, step in zip(values.shape, block, strict=True)]
    ends = [(0, count * step - size) for count, step, size in zip(counts, block, values.shape, strict=True)]
    shape = [n for count, step in zip(counts, block, strict=True) for n in (count, step)]
    return np.asarray(np.pad(values, ends).reshape(shape).sum(axis=(1, 3, 5)))
