"""The matrix that a slice was acquired in, estimated from the slice alone; the slice in it, where noise is as it was
acquired, or in one of twice that size: what a network that was taught the half matrix works on, whatever the matrix
that a slice is shown in."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from processing.percentile import high_percentile
from processing.volume import Array

_COLUMNS = (1 / 32, 1 / 8)  # of the lines of k-space that are looked at: without what the borders of the image leave
_TISSUE, _SOFT = 0.1, 6.0  # of the slice's 99.9th percentile; pixels of its soft border
_BAND, _GAP = 0.043, 0.007  # of the sampling rate: of a band of lines, and from the end of k-space to it
_ENDS = (0.3, 0.85)  # of the lines: between them an end is looked for
_LEAST, _SURE = 1.0, 1.5  # orders of magnitude by which power falls there at least, and where noise is judged by it
_LINES = 3  # below and above an end, whose means tell where it is
_SAME = 1 / 32  # of the lines: by which an end may miss the half of them
_MULTIPLE = 4  # of rows and columns that a network takes unpadded
_SPREAD = 0.03  # of the steps between means: two estimates of the means of pairs may be apart by it


def doubled(image: Array) -> Array:
    """A slice as if zero-filled to twice the lines that were acquired in both directions.

    image: (rows, columns). Where k-space ends sharply, that of its lines is cut or continued with zeros; where pixels
    were interpolated linearly between the means of two by two, k-space is that of these means, less what taking means
    does to it. Returns another matrix or the same; the slice itself where neither is to be seen.
    """
    pairs = _pair_means(image)
    if pairs is not None:
        return _between(pairs)
    ends = _ends_of(image)
    if not all(ends):
        return image
    rows, columns = (
        n if abs(2 * end - n) <= _SAME * n else _MULTIPLE * round(2 * end / _MULTIPLE)
        for n, end in zip(image.shape, ends, strict=True)
    )
    return resized(image, (rows, columns))


def in_acquired_matrix(slices: Array) -> Array:
    """Slices without what was zero-filled, along each axis along which most of them show where k-space ends.

    slices: (slices, rows, columns). Returns them with as many or fewer rows and columns, of the same values.
    """
    found = np.sort([_ends_of(_inside(slice_), _SURE) for slice_ in slices], axis=0)[len(slices) // 2]
    rows, columns = (int(end) or n for end, n in zip(found, slices.shape[1:], strict=True))
    return np.stack([resized(slice_, (rows, columns)) for slice_ in slices])


def resized(image: Array, shape: tuple[int, ...]) -> Array:
    """A magnitude slice in another matrix of the same field of view: outer lines of k-space cut off or set to zero."""
    if shape == image.shape:
        return image
    lines = np.fft.fftshift(np.fft.fft2(image))
    for axis, size in enumerate(shape):
        missing = size - lines.shape[axis]
        before = size // 2 - lines.shape[axis] // 2  # zero frequency stays in the middle
        if missing < 0:
            lines = np.take(lines, range(-before, -before + size), axis)
        else:
            lines = np.pad(lines, [(before, missing - before) if axis == n else (0, 0) for n in (0, 1)])
    found = np.fft.ifft2(np.fft.ifftshift(lines)).real * (lines.size / image.size)
    return np.maximum(found, 0).astype(np.float32)


def powers(image: Array, *, everywhere: bool = False) -> list[Array]:
    """Mean power of k-space by distance from its middle, in lines, along rows' and columns' axis. Noise that was
    acquired ends where k-space does, which only tissue shows: in air the magnitude spreads it. Everywhere: of the whole
    slice, whose lines no soft border smears."""
    tissue: Array | float = 1.0
    if not everywhere:
        tissue = ndimage.gaussian_filter((image > _TISSUE * high_percentile(image, 99.9)).astype(float), _SOFT)
    found = []
    for axis in (0, 1):
        across = np.fft.rfft(np.moveaxis(image * tissue, axis, 0), axis=1)
        columns = across.shape[1] * 2
        chosen = across[:, int(_COLUMNS[0] * columns) : max(int(_COLUMNS[1] * columns), 1)]
        power = (np.abs(np.fft.fft(chosen, axis=0)) ** 2).sum(axis=1)
        middle = len(power) // 2
        found.append(np.concatenate([power[:1], (power[1:middle] + power[:-middle:-1]) / 2]))
    return found


def fall(power: Array, end: float) -> float:
    """By how many orders of magnitude more power falls from just below a line to just above than beside it."""
    rate = 2 * len(power)
    edges = (-_GAP - 2 * _BAND, -_GAP - _BAND, -_GAP, _GAP, _GAP + _BAND, _GAP + 2 * _BAND)
    line = [min(max(round(end + edge * rate), 0), len(power)) for edge in edges]
    parts = [power[line[n] : line[n + 1]] for n in (0, 1, 3, 4)]
    below, inside, outside, above = (np.log10(max(part.mean() if part.size else 0, 1e-30)) for part in parts)
    return float(inside - outside - (below - inside + outside - above) / 2)


def _inside(image: Array) -> Array:
    """The slice without the edge of its tissue, which a zeroed background makes sharp, whatever ends in k-space."""
    tissue = ndimage.gaussian_filter((image > _TISSUE * high_percentile(image, 99.9)).astype(float), _SOFT)
    return image * np.clip(2 * tissue - 1, 0, 1) ** 2


def _ends_of(image: Array, least: float = _LEAST) -> list[int]:
    return [
        _end(power, sharp, least) for power, sharp in zip(powers(image), powers(image, everywhere=True), strict=True)
    ]


def _end(power: Array, sharp: Array, least: float) -> int:
    """Lines of k-space that were acquired along one axis; 0 where no end is to be seen."""
    lines = range(int(_ENDS[0] * len(power)), int(_ENDS[1] * len(power)))
    falls = [fall(power, line) for line in lines]
    if not falls or max(falls) < least:
        return 0
    place, reach = lines[int(np.argmax(falls))], round(2 * _BAND * len(power))
    near = range(max(place - reach, _LINES), min(place + reach, len(power) - _LINES))
    drops = [sharp[n - _LINES : n].mean() / max(sharp[n : n + _LINES].mean(), 1e-30) for n in near]
    return 2 * near[int(np.argmax(drops))] - 1 if drops else 0


def _pair_means(image: Array) -> Array | None:
    """The means of two by two pixels between which a slice was interpolated linearly, from pixel centre to pixel
    centre; None where it was not. Two neighbours between the same two means tell both, so that each mean is told
    twice: where it was interpolated, both agree."""
    for axis in (0, 1):
        if image.shape[axis] % 2 or image.shape[axis] < 4:
            return None
        lines = np.moveaxis(image.astype(float), axis, 0)
        before, after = np.concatenate([lines[:1], lines[1:-1:2]]), np.concatenate([lines[2::2], lines[-1:]])
        one, other = (3 * lines[::2] - before) / 2, (3 * lines[1::2] - after) / 2
        if np.sqrt(np.mean((one - other) ** 2)) > _SPREAD * np.sqrt(np.mean(np.diff(one, axis=0) ** 2)):
            return None
        image = np.moveaxis((one + other) / 2, 0, axis)
    return image if np.ptp(image) > 0 else None


def _between(means: Array) -> Array:
    """A slice of twice the rows and columns with these means of two by two, of the lower half of k-space alone."""
    lines = np.fft.fft2(means)
    for axis, size in enumerate(means.shape):
        frequency = np.fft.fftfreq(size) / 2
        weight = np.exp(-1j * np.pi * frequency) / np.cos(np.pi * frequency)  # half a pixel aside, less the mean of two
        lines = lines * np.expand_dims(weight, 1 - axis)
    lines = np.fft.fftshift(lines)
    padded = np.pad(lines, [(n - n // 2, n // 2) for n in means.shape])
    return np.maximum(np.fft.ifft2(np.fft.ifftshift(padded)).real * 4, 0).astype(np.float32)
