"""Training samples of degraded slices: what the table [degradation] of a configuration draws, processing.simulate does.

A number or a word in it holds as it stands, a list of two decimals is a range to draw from, any other list a choice.
Kinds that say `later = true`, and samples that stay clean, come only after the share `later` of the steps: as long as a
network has learnt nothing, samples that need no change teach it to change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from processing.enhancement.networks.estimates import with_estimates
from processing.enhancement.networks.samples import (
    FOREGROUND,
    MARGIN,
    Batch,
    Case,
    Picker,
    Source,
    turned,
    validation_slices,
)
from processing.enhancement.networks.slices import neighbours
from processing.errors import InputError
from processing.simulate.degrade import Degradation, degrade
from processing.simulate.thickness import interpolated
from processing.volume import Array, Volume

_TRIES = 20  # places looked at for a patch that shows what is wanted
_SEEN = 0.02  # of the range: a smaller change is no change
_LENGTH = 24  # thin slices of a block, a multiple of every thickness that is trained
_NO_NOISE = np.float32(0)  # these networks are told nothing of it


def degradation_of(kind: dict[str, Any], rng: np.random.Generator) -> Degradation:
    """A degradation of one of the kinds, its ranges and choices drawn."""
    return _degradation({name: _drawn(value, rng) for name, value in kind.items()}, int(rng.integers(2**31)))


def _degradation(values: dict[str, Any], seed: int) -> Degradation:
    try:
        return Degradation(**values, seed=seed)
    except TypeError as error:
        raise InputError(f"The table [degradation] names what processing.simulate does not know: {error}.") from error


def _drawn(value: Any, rng: np.random.Generator) -> Any:
    if not isinstance(value, list):
        return value
    if len(value) == 2 and all(isinstance(end, float) for end in value):
        return float(rng.uniform(*value))
    return value[rng.integers(len(value))]


class Degraded:
    """Batches of degraded and undegraded patches; batch `step` depends on the seed and the step alone.

    Slices are degraded whole, as a scan is, and cut afterwards.
    """

    def __init__(
        self, sources: Sequence[Source], weights: dict[str, float], settings: dict[str, Any], *, network: Any
    ) -> None:
        """weights: share of each group; settings: the configuration; network: for how much it sees at once."""
        self._picker = Picker(sources, weights)
        self._settings, self._degradation = settings["sampling"], settings["degradation"]
        self._cases, self._count = settings["validation"]["cases"], settings["validation"]["slices"]
        self._seed = settings["seed"]
        self._share = np.array([kind.get("weight", 1.0) for kind in self._degradation["kinds"]])
        later = self._degradation.get("later", 0.0)
        self._later = later and later * settings["schedule"]["steps"]
        self._first = np.array([not kind.get("later", False) for kind in self._degradation["kinds"]])
        self._kinds = [
            {k: v for k, v in kind.items() if k not in ("weight", "later")} for kind in self._degradation["kinds"]
        ]
        self._slices, self._estimates = network.slices, network.estimates

    def batch(self, seed: int, step: int) -> Batch:
        """The batch of one step."""
        rng = np.random.default_rng([seed, step])
        pairs: list[tuple[Array, Array]] = []
        early = step <= self._later
        share = self._share * self._first if early else self._share
        clean = 0.0 if early else self._degradation["clean"]
        while len(pairs) < self._settings["batch"]:
            pairs += self._pairs(rng, share / share.sum(), clean)
        inputs, truths = (np.stack(parts) for parts in zip(*pairs[: self._settings["batch"]], strict=True))
        return Batch(inputs, truths[:, None], np.zeros((len(inputs), 1, 1, 1), np.float32))

    def cases(self, sources: Sequence[Source]) -> Iterator[Case]:
        """What is measured: some slices of each volume, degraded as each of [[validation.cases]] says."""
        for group, volume, stack in validation_slices(sources, self._count, slices=self._slices):
            for case in self._cases:
                wanted = _degradation({k: v for k, v in case.items() if k != "name"}, self._seed)
                bad = degrade(Volume(stack, np.eye(4)), wanted).array
                middle = self._slices // 2
                yield Case(group, volume, str(case["name"]), self._seen(bad), stack[middle], bad[middle], _NO_NOISE)

    def _seen(self, slices: Array) -> Array:
        return with_estimates(slices, self._slices // 2) if self._estimates else slices

    def _pairs(self, rng: np.random.Generator, share: Array, unharmed: float) -> list[tuple[Array, Array]]:
        stack = self._picker.source(rng).stack(rng)
        index = _with_tissue(stack, rng)
        clean = self._augmented(stack[neighbours(index, len(stack), self._slices // 2)], rng)
        bad = clean
        if rng.random() >= unharmed:
            kind = self._kinds[rng.choice(len(self._kinds), p=share)]
            bad = degrade(Volume(clean, np.eye(4)), degradation_of(kind, rng)).array
        seen, truth = self._seen(bad), clean[self._slices // 2]
        change = np.abs(bad[self._slices // 2] - truth) > _SEEN
        places = (self._place(truth, change, rng) for _ in range(self._settings["crops"]))
        return [(seen[:, rows, columns], truth[rows, columns]) for rows, columns in places]

    def _augmented(self, clean: Array, rng: np.random.Generator) -> Array:
        """Another contrast, brightness and direction."""
        settings = self._settings
        if "gamma" in settings:
            clean = np.maximum(clean, 0) ** np.float32(rng.uniform(*settings["gamma"]))
        clean = np.maximum(clean, 0) * np.float32(rng.uniform(*settings["scale"]))
        return np.ascontiguousarray(turned(clean, rng, settings))

    def _place(self, truth: Array, change: Array, rng: np.random.Generator) -> tuple[slice, slice]:
        settings, size = self._settings, self._settings["patch"]
        air = rng.random() <= settings["air"]
        wanted, changed = (0.0, 0.0) if air else (settings["foreground"], settings.get("changed", 0.0))
        place = (slice(0), slice(0))
        for _ in range(_TRIES):
            starts = [int(rng.integers(n - size + 1)) for n in truth.shape]
            place = (slice(starts[0], starts[0] + size), slice(starts[1], starts[1] + size))
            sparse = truth[place][::4, ::4] > FOREGROUND
            if sparse.mean() >= wanted and (not change.any() or change[place][::4, ::4].mean() >= changed):
                break
        return place


class Thickened(Degraded):
    """The same for thick slices: a plane across the slices, where a spline between their middles is the input."""

    def __init__(
        self, sources: Sequence[Source], weights: dict[str, float], settings: dict[str, Any], *, network: Any
    ) -> None:
        """As Degraded; directions of a volume with fewer slices than a patch needs are left out."""
        least = settings["sampling"]["patch"] + 2 * MARGIN
        enough = [replace(one, stacks=tuple(s for s in one.stacks if len(s) >= least)) for one in sources]
        enough = [one for one in enough if one.stacks]
        if not enough:
            raise InputError(f"For thin slices a volume needs {least} slices; the configuration names none.")
        super().__init__(enough, weights, settings, network=network)

    def cases(self, sources: Sequence[Source]) -> Iterator[Case]:
        """Some planes across the slices of each volume."""
        for source in sources:
            stack = source.stacks[0]
            count, columns = len(stack) - len(stack) % _LENGTH, stack.shape[2] - stack.shape[2] % 8
            tissue = np.flatnonzero((stack[::4, :, ::4] > FOREGROUND).mean(axis=(0, 2)) > 0.1)
            chosen = tissue[np.linspace(0, len(tissue) - 1, self._count + 2).round().astype(int)[1:-1]]
            for row in np.unique(chosen):
                around = neighbours(int(row), stack.shape[1], self._slices // 2)
                clean = stack[:count, around, :columns]
                for case in self._cases:
                    bad = _thick_and_back(clean, case["thick"]).swapaxes(0, 1)
                    middle = self._slices // 2
                    yield Case(
                        source.group, source.name, str(case["name"]), bad, clean[:, middle], bad[middle], _NO_NOISE
                    )

    def _pairs(self, rng: np.random.Generator, share: Array, unharmed: float) -> list[tuple[Array, Array]]:
        stack = self._picker.source(rng).stack(rng)
        factor = int(_drawn(self._kinds[rng.choice(len(self._kinds), p=share)]["thick"], rng))
        size = self._settings["patch"]
        length = min(size + 2 * MARGIN, len(stack))
        length -= length % (4 * factor)
        pairs = []
        for _ in range(self._settings["crops"]):
            for _ in range(_TRIES):
                start = int(rng.integers(len(stack) - length + 1))
                row = int(rng.integers(stack.shape[1]))
                left = int(rng.integers(stack.shape[2] - size + 1))
                around = neighbours(row, stack.shape[1], self._slices // 2)
                clean = stack[start : start + length, around, left : left + size]
                if (clean[::4, self._slices // 2, ::4] > FOREGROUND).mean() >= self._settings["foreground"]:
                    break
            clean = clean * np.float32(rng.uniform(*self._settings["scale"]))
            for axis in range(3):
                if rng.random() < 0.5:
                    clean = np.flip(clean, axis)
            bad = clean if rng.random() < unharmed else _thick_and_back(clean, factor)
            begin = int(rng.integers(length - size + 1)) if length > size else 0
            inner = slice(begin, begin + size)
            pairs.append((bad[inner].swapaxes(0, 1), clean[inner, self._slices // 2]))
        return pairs


def _thick_and_back(clean: Array, factor: int) -> Array:
    thick = degrade(Volume(np.maximum(clean, 0), np.eye(4)), Degradation(thick=factor)).array
    return interpolated(thick, factor)


def _with_tissue(stack: Array, rng: np.random.Generator) -> int:
    index = 0
    for _ in range(_TRIES):
        index = int(rng.integers(len(stack)))
        if np.mean(stack[index, ::8, ::8] > FOREGROUND) > 0.1:
            break
    return index
