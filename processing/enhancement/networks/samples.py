"""Training samples for denoising: which volumes belong to which part, and the batch of a given step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from processing import series
from processing.dicom.parameters import plane
from processing.enhancement.networks.slices import neighbours
from processing.errors import InputError
from processing.noise import add_complex_noise
from processing.simulate.phantom import PROTOCOLS, acquire, make_subject, protocol_for
from processing.volume import Array, Volume

MARGIN = 16  # pixels around a patch that absorb the wrap-around of the discrete Fourier transform
FOREGROUND = 0.05  # of the normalised range: above it a pixel counts as tissue


@dataclass(frozen=True)
class Source:
    """One volume with its intensities divided by their 99.9th percentile.

    stacks: one array (slices, rows, columns) per direction in which it is cut into slices, and per matrix. cubic:
    whether the voxels are nearly cubes.
    """

    group: str
    name: str
    stacks: tuple[Array, ...]
    cubic: bool = False

    def stack(self, rng: np.random.Generator) -> Array:
        """One of the stacks."""
        return self.stacks[rng.integers(len(self.stacks))]


@dataclass(frozen=True)
class Batch:
    """noisy: float32 (n, slices, rows, columns); clean: (n, 1, rows, columns), the middle slices without noise;
    sigma: (n, 1, 1, 1), what the network is told of the noise; all on the same scale."""

    noisy: Array
    clean: Array
    sigma: Array


@dataclass(frozen=True)
class Case:
    """A slice to be measured on: what the network sees of it (channels, rows, columns) and is told of the noise (of
    k-space: which lines are there), truth and input (rows, columns), and what was done to it, in words."""

    group: str
    volume: str
    degradation: str
    seen: Array
    truth: Array
    input: Array
    sigma: np.float32 | Array


def normalise(array: Array) -> Array:
    """Divide by the 99.9th percentile of the volume, so that tissue lies in about 0..1."""
    scale = float(np.percentile(array, 99.9))
    return np.asarray(array / scale if scale > 0 else array, dtype=np.float32)


def _cubic(spacing: Sequence[float]) -> bool:
    return max(spacing) < 1.5 * min(spacing)


def _cuts(volume: Volume, data: dict[str, Any], *, cubic: bool, coarser: Sequence[float]) -> list[Array]:
    """Slices along k, along all three axes where the voxels are cubes, of the plane, in the resolution and from the
    part of the stack that the configuration names; each also in `coarser` matrices."""
    array, wanted = normalise(volume.array), data.get("plane")
    low, high = data.get("slice_range", (0.0, 1.0))
    stacks = []
    for axis in (0, 1, 2) if cubic else (0,):
        # The affine's columns are those of the array's axes in reverse.
        turned = np.roll(volume.affine[:3, :3], axis, axis=1)
        if wanted is not None and plane(turned) != wanted:
            continue
        stack = np.moveaxis(array, axis, 0)
        stack = stack[int(low * len(stack)) : max(round(high * len(stack)), 1)]
        share = min(data.get("resolution", np.inf) / max(stack.shape[1:]), 1.0)
        stacks.append(_coarse(stack, share) if share < 1 else stack)
    return stacks + [_coarse(stack, share) for share in coarser for stack in stacks]


def _coarse(stack: Array, share: float) -> Array:
    """Each slice as a scan with that share of rows and columns would show it: the centre of k-space. Its noise is
    less by the same share."""
    kept = [np.fft.fftfreq(n, 1 / n) for n in stack.shape[1:]]
    rows, columns = (np.abs(k + 0.5) < round(n * share / 2) for n, k in zip(stack.shape[1:], kept, strict=True))
    centres = (np.fft.fft2(slice_)[np.ix_(rows, columns)] for slice_ in stack)
    return np.stack([np.abs(np.fft.ifft2(c)) * (c.size / stack[0].size) for c in centres]).astype(np.float32)


def _files(root: Path, patterns: Sequence[str]) -> list[Path]:
    files = sorted({file for pattern in patterns for file in root.glob(pattern)})
    if patterns and not files:
        raise InputError(f"No training file matches {', '.join(patterns)}; check --data and the configuration.")
    return files


PARTS = ("train", "validation", "test")


def check_split(root: Path, data: dict[str, Any], seed: int) -> None:
    """Raise InputError if a subject is named in two of the parts train, validation, test.

    The subject of a file is what the first group of its data group's `subject` pattern matches in the path
    below `root`; synthetic subjects are named by their seeds.
    """
    owner: dict[tuple[str, str], str] = {}
    for part in PARTS:
        for group in data["groups"]:
            names = [_subject(root, file, group) for file in _part(root, group, part, seed)]
            names += [str(number) for number in group.get("phantom", {}).get(part, [])]
            for name in names:
                if owner.setdefault((group["name"], name), part) != part:
                    raise InputError(f"Subject {name} of group “{group['name']}” is in two parts.")


def _subject(root: Path, file: Path, group: dict[str, Any]) -> str:
    path = file.relative_to(root).as_posix()
    match = re.search(group["subject"], path)
    if match is None:
        raise InputError(f"The subject pattern of group “{group['name']}” does not match {path}.")
    return match.group(1)


def _part(root: Path, group: dict[str, Any], part: str, seed: int) -> list[Path]:
    """Files (or DICOM folders) of a part: as listed under its name, or by lot, subject by subject, where the group
    has `files` and the `split` shares of the three parts."""
    if "files" not in group:
        return _files(root, group.get(part, []))
    files = _files(root, group["files"])
    of = {file: _subject(root, file, group) for file in files}
    names = np.random.default_rng(seed).permutation(sorted(set(of.values())))
    shares = np.cumsum(group["split"]) / np.sum(group["split"])
    first, last = (round(len(names) * share) for share in (0.0, *shares)[PARTS.index(part) : PARTS.index(part) + 2])
    return [file for file in files if of[file] in names[first:last]]


def load(root: Path, data: dict[str, Any], part: str, *, smallest: int, seed: int) -> list[Source]:
    """Read the volumes that the configuration gives to `part`, "train", "validation" or "test".

    smallest: least rows and columns of a slice that can be used. seed: of a split by lot. Nothing is resampled or
    filtered, unless the configuration names a resolution. Raises InputError if there is none to train or validate with.
    """
    sources = []
    for group in data["groups"]:
        for file in _part(root, group, part, seed):
            volume = series.read(file)
            cubic = _cubic(volume.spacing)
            coarser = data.get("coarser", ()) if part == "train" else ()
            cuts = _cuts(volume, data, cubic=cubic, coarser=coarser)
            stacks = tuple(stack for stack in cuts if min(stack.shape[1:]) >= smallest)
            if stacks:
                sources.append(Source(group["name"], file.relative_to(root).as_posix(), stacks, cubic))
        for number in group.get("phantom", {}).get(part, []):
            sources += _synthetic(group["name"], number)
    if not sources and part != "test":
        raise InputError(f"The configuration names no usable volume for {part}.")
    return sources


def _synthetic(group: str, seed: int) -> list[Source]:
    """All sequences of a synthetic subject in both regions, without noise."""
    sources = []
    for region in ("lumbar", "cervical"):
        anatomy = make_subject(seed, region)
        for name in PROTOCOLS:
            volume = acquire(anatomy, replace(protocol_for(name, region=region), noise=0.0), seed)
            sources.append(Source(group, f"phantom {seed} {region} {name}", (normalise(volume.array),)))
    return sources


class Picker:
    """Volumes by lot: a group by its weight, then one of the group."""

    def __init__(self, sources: Sequence[Source], weights: dict[str, float]) -> None:
        groups = sorted({source.group for source in sources})
        self._groups = [[source for source in sources if source.group == group] for group in groups]
        share = np.array([weights[group] for group in groups])
        self._share = share / share.sum()

    def source(self, rng: np.random.Generator) -> Source:
        """One of the volumes."""
        group = self._groups[rng.choice(len(self._groups), p=self._share)]
        return group[rng.integers(len(group))]


class Sampler:
    """Batches of noisy and clean patches; batch `step` depends on the seed and the step alone."""

    def __init__(
        self, sources: Sequence[Source], weights: dict[str, float], settings: dict[str, Any], *, network: Any
    ) -> None:
        """weights: share of each group; settings: the configuration; network: for how many slices it sees."""
        self._picker = Picker(sources, weights)
        self._settings, self._validation = settings["sampling"], settings["validation"]
        self._seed, self._slices = settings["seed"], network.slices

    def cases(self, sources: Sequence[Source]) -> Iterator[Case]:
        """What is measured: some slices of each volume at each noise level."""
        rng = np.random.default_rng(self._seed)
        middle = self._slices // 2
        for group, volume, stack in validation_slices(sources, self._validation["slices"], slices=self._slices):
            for sigma in self._validation["sigma"]:
                noisy = np.stack([add_complex_noise(slice_, sigma, rng)[0] for slice_ in stack])
                name = f"at {100 * sigma:g} %"
                yield Case(group, volume, name, noisy, stack[middle], noisy[middle], np.float32(sigma))

    def batch(self, seed: int, step: int) -> Batch:
        """The batch of one step."""
        rng = np.random.default_rng([seed, step])
        pairs = [self._sample(rng) for _ in range(self._settings["batch"])]
        noisy, clean, sigma = (np.stack(parts) for parts in zip(*pairs, strict=True))
        return Batch(noisy, clean[:, None], sigma[:, None, None, None])

    def _sample(self, rng: np.random.Generator) -> tuple[Array, Array, np.float32]:
        settings = self._settings
        clean, absent = self._patch(rng)
        if "gamma" in settings:
            clean = np.maximum(clean, 0) ** np.float32(rng.uniform(*settings["gamma"]))  # interpolated ones undershoot
        clean = clean * np.float32(rng.uniform(*settings["scale"]))
        clean = turned(clean, rng, settings)
        if rng.random() < 0.5:
            clean, absent = clean[::-1], absent[::-1]
        sigma = rng.uniform(*settings["sigma"])
        inner = (slice(None), slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
        if rng.random() < settings["zero_filled"]:
            low = settings["zero_fill_least"]
            keep = (rng.uniform(low, 1), rng.uniform(low, 1))
            pairs = [add_complex_noise(slice_, sigma, rng, keep=keep) for slice_ in clean]
            noisy, clean = (np.stack(parts)[inner] for parts in zip(*pairs, strict=True))
        else:
            clean = clean[inner]
            noisy = np.stack([add_complex_noise(slice_, sigma, rng)[0] for slice_ in clean])
        middle = self._slices // 2
        noisy[absent] = noisy[middle]
        wrong = settings.get("sigma_error", 0.0)  # estimates are: the network must bear it
        return noisy, clean[middle], np.float32(sigma * rng.uniform(1 - wrong, 1 + wrong))

    def _patch(self, rng: np.random.Generator) -> tuple[Array, Array]:
        """Slices around one, cut out, and which of them only stand in for an absent neighbour (bool)."""
        size = self._settings["patch"] + 2 * MARGIN
        source = self._picker.source(rng)
        stack = source.stack(rng)
        # Nearly cubic voxels come in several directions; their neighbours are then taken up to four apart.
        step = int(rng.integers(1, 5)) if self._slices > 1 and source.cubic else 1
        wanted = self._settings["foreground"] if rng.random() > self._settings["air"] else 0.0
        middle = self._slices // 2
        for _ in range(20):
            index = rng.integers(len(stack))
            row, column = (rng.integers(n - size + 1) for n in stack.shape[1:])
            patch = stack[:, row : row + size, column : column + size]
            if np.mean(patch[index, ::4, ::4] > FOREGROUND) >= wanted:
                break
        around = np.array(neighbours(int(index), len(stack), middle, step=step))
        side = np.sign(np.arange(self._slices) - middle)
        if self._slices > 1 and rng.random() < self._settings["alone"]:  # as at the first and the last slice
            around[side == rng.choice((-1, 1))] = index
        return patch[around], (around == index) & (side != 0)


def turned(slices: Array, rng: np.random.Generator, sampling: dict[str, Any]) -> Array:
    """In one of the eight directions that a square has, unless [sampling] says `turned = false`."""
    if not sampling.get("turned", True):
        return slices
    slices = np.rot90(slices, int(rng.integers(4)), axes=(1, 2))
    return slices[:, ::-1] if rng.random() < 0.5 else slices


def validation_slices(sources: Sequence[Source], count: int, *, slices: int = 1) -> Iterator[tuple[str, str, Array]]:
    """(group, volume, slices around one) for `count` slices per volume, spread over the part of it that shows tissue.

    The array is float32 (slices, rows, columns), sides cut to multiples of 8.
    """
    for source in sources:
        stack = source.stacks[0]
        tissue = np.flatnonzero((stack[:, ::4, ::4] > FOREGROUND).mean(axis=(1, 2)) > 0.1)
        chosen = tissue[np.linspace(0, len(tissue) - 1, count + 2).round().astype(int)[1:-1]]
        reach = slices // 2
        for index in np.unique(np.clip(chosen, reach, len(stack) - 1 - reach)):
            rows, columns = (n - n % 8 for n in stack.shape[1:])
            around = neighbours(int(index), len(stack), reach)
            yield source.group, source.name, np.ascontiguousarray(stack[around, :rows, :columns])
