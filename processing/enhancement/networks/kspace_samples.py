"""Training samples for reconstruction: strips of slices with their undersampled k-space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from processing.enhancement.networks.samples import FOREGROUND, Source
from processing.simulate.kspace import sampled_lines, smooth_phase
from processing.volume import Array


@dataclass(frozen=True)
class KspaceBatch:
    """lines: complex64 (n, rows, columns), orthonormal Fourier transform of the truth along the rows' axis, zero
    frequency first, 0 where not sampled; sampled: bool (n, rows); truth: complex64 like lines."""

    lines: Array
    sampled: Array
    truth: Array


class KspaceSampler:
    """Batches of strips as high as the image and some columns wide: lines of k-space are missing along one direction
    only, so that each column is undersampled by itself. Batch `step` depends on the seed and the step alone."""

    def __init__(self, sources: Sequence[Source], weights: dict[str, float], sampling: dict[str, Any]) -> None:
        """weights: share of each group; sampling: the table [sampling] of the configuration."""
        groups = sorted({source.group for source in sources})
        self._groups = [[source for source in sources if source.group == group] for group in groups]
        share = np.array([weights[group] for group in groups])
        self._share = share / share.sum()
        self._settings = sampling

    def batch(self, seed: int, step: int) -> KspaceBatch:
        """The batch of one step: all of as many rows, drawn from `rows` of the settings."""
        rng = np.random.default_rng([seed, step])
        rows = int(rng.choice(self._settings["rows"]))
        columns = self._settings["pixels"] // rows
        truth = np.stack([self._strip(rng, rows, columns) for _ in range(self._settings["batch"])])
        factors = rng.choice(self._settings["undersample"], len(truth))
        sampled = np.stack([sampled_lines(rows, int(factor), rng) for factor in factors])
        return KspaceBatch(undersampled(truth, sampled), sampled, truth)

    def _strip(self, rng: np.random.Generator, rows: int, columns: int) -> Array:
        settings = self._settings
        group = self._groups[rng.choice(len(self._groups), p=self._share)]
        source = group[rng.integers(len(group))]
        stack = source.stacks[rng.integers(len(source.stacks))]
        for _ in range(20):
            slice_ = stack[rng.integers(len(stack))]
            slice_ = slice_.T if rng.random() < 0.5 else slice_
            share = min(rows / slice_.shape[0], 1.0)
            start = int(rng.integers(max(slice_.shape[1] * share - columns, 0) + 1))
            slice_ = coarsened(slice_, rows, max(round(slice_.shape[1] * share), columns))
            strip = slice_[:, start : start + columns]
            if np.mean(strip[::4, ::4] > FOREGROUND) >= settings["foreground"]:
                break
        turn = smooth_phase(slice_.shape, rng)[:, start : start + columns]
        strip = strip ** np.float32(rng.uniform(*settings["gamma"])) * np.float32(rng.uniform(*settings["scale"]))
        strip = strip[:: rng.choice((-1, 1)), :: rng.choice((-1, 1))]
        return strip * turn


def undersampled(images: Array, sampled: Array) -> Array:
    """Lines of complex images (n, rows, columns), 0 where `sampled` (n, rows) is not."""
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
