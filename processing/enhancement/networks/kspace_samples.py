"""Training samples for reconstruction: slices and the lines of k-space that are left of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from processing.enhancement.networks.samples import FOREGROUND, Batch, Case, Picker, Source, validation_slices
from processing.percentile import high_percentile
from processing.simulate.kspace import sampled_lines, smooth_phase, zero_filled_percentile
from processing.volume import Array

_TRIES = 20  # strips looked at for one that shows tissue and has the rows


class Undersampled:
    """Batches of strips as high as the image and some columns wide: lines of k-space are missing along one direction
    only, so that each column is undersampled by itself. Batch `step` depends on the seed and the step alone.

    In a batch `noisy` are the lines (n, 2, rows, columns), real and imaginary, zero frequency first, 0 where not
    sampled; `clean` the images likewise; `sigma` (n, 1, rows, 1) says by 1 or 0 which lines are sampled.
    """

    def __init__(
        self, sources: Sequence[Source], weights: dict[str, float], settings: dict[str, Any], *, network: Any
    ) -> None:
        """weights: share of each group; settings: the configuration; network: not looked at."""
        self._picker = Picker(sources, weights)
        self._settings, self._factors = settings["sampling"], settings["degradation"]["undersample"]
        self._count, self._seed = settings["validation"]["slices"], settings["seed"]

    def batch(self, seed: int, step: int) -> Batch:
        """The batch of one step: all of as many rows, drawn from `rows` of the settings."""
        rng = np.random.default_rng([seed, step])
        rows = int(rng.choice(self._settings["rows"]))
        strips = [self._strip(rng, rows) for _ in range(self._settings["batch"])]
        truth, sampled = (np.stack(parts) for parts in zip(*strips, strict=True))
        return Batch(_channels(lines_of(truth, sampled)), _channels(truth), _as_level(sampled))

    def cases(self, sources: Sequence[Source]) -> Iterator[Case]:
        """What is measured: some slices of each volume at each undersampling; the input is zero-filled."""
        for group, volume, stack in validation_slices(sources, self._count):
            for factor in self._factors:
                rng = np.random.default_rng([self._seed, factor])
                sampled = sampled_lines(stack.shape[1], factor, rng)[None]
                turned = stack * smooth_phase(stack.shape[1:], rng)
                scale = scale_of_use(turned[0], sampled[0])
                lines = lines_of(turned * scale, sampled)
                filled = np.abs(np.fft.ifft(lines[0], axis=0, norm="ortho")).astype(np.float32)
                yield Case(
                    group, volume, f"×{factor}", _channels(lines)[0], stack[0] * scale, filled, _as_level(sampled)[0]
                )

    def _strip(self, rng: np.random.Generator, rows: int) -> tuple[Array, Array]:
        """A complex strip of another contrast and brightness, in a matrix of that many rows, and which are sampled."""
        settings, columns = self._settings, self._settings["patch"]
        wanted = settings["foreground"] if rng.random() > settings["air"] else 0.0
        for _ in range(_TRIES):
            stack = self._picker.source(rng).stack(rng)
            slice_ = stack[rng.integers(len(stack))]
            slice_ = slice_.T if rng.random() < 0.5 else slice_
            wide = max(round(slice_.shape[1] * rows / slice_.shape[0]), columns)
            fits = slice_.shape[0] >= rows
            slice_ = coarsened(slice_, rows, wide)
            start = int(rng.integers(wide - columns + 1))
            if fits and np.mean(slice_[::4, start : start + columns : 4] > FOREGROUND) >= wanted:
                break
        if "gamma" in settings:
            slice_ = slice_ ** np.float32(rng.uniform(*settings["gamma"]))
        turned = slice_[:: rng.choice((-1, 1))] * smooth_phase((rows, wide), rng)
        sampled = sampled_lines(rows, int(rng.choice(self._factors)), rng)
        scale = scale_of_use(turned, sampled) * np.float32(rng.uniform(*settings["scale"]))
        return turned[:, start : start + columns][:, :: rng.choice((-1, 1))] * scale, sampled


def scale_of_use(image: Array, sampled: Array) -> np.float32:
    """By what to multiply a complex slice (rows, columns) of a volume that was divided by its 99.9th percentile, so
    that it is as bright as `reconstruct` would have it, which knows the zero-filled images alone: the slice's
    percentile over that of the slice with zeros for missing lines."""
    filled = zero_filled_percentile(lines_of(image[None], sampled[None]))
    return np.float32(high_percentile(np.abs(image), 99.9) / filled)


def lines_of(images: Array, sampled: Array) -> Array:
    """Orthonormal Fourier transform of images (n, rows, columns) along the rows' axis, zero frequency first; 0 where
    `sampled` (n, rows) is not."""
    return (np.fft.fft(images, axis=1, norm="ortho") * sampled[:, :, None]).astype(np.complex64)


def coarsened(slice_: Array, rows: int, columns: int) -> Array:
    """A magnitude slice as a scan of that matrix would show it: the middle of k-space, or zeros around it."""
    lines = np.fft.fftshift(np.fft.fft2(slice_))
    for axis, size in enumerate((rows, columns)):
        missing = size - lines.shape[axis]
        before = size // 2 - lines.shape[axis] // 2  # zero frequency stays in the middle
        if missing < 0:
            lines = np.take(lines, range(-before, -before + size), axis)
        elif missing:
            lines = np.pad(lines, [(before, missing - before) if axis == n else (0, 0) for n in (0, 1)])
    image = np.abs(np.fft.ifft2(np.fft.ifftshift(lines)))
    return (image * (lines.size / slice_.size)).astype(np.float32)


def _channels(values: Array) -> Array:
    """Complex (n, rows, columns) as real and imaginary part (n, 2, rows, columns)."""
    return np.stack([values.real, values.imag], axis=1).astype(np.float32)


def _as_level(sampled: Array) -> Array:
    return sampled[:, None, :, None].astype(np.float32)
