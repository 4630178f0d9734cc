"""Enhance a series with a network: FAST → FAST-DL, SOC → SOC-DL; less noise, fewer artefacts, or thinner slices."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from processing.acquired import doubled, resized
from processing.enhancement.bars import find_bar, without
from processing.enhancement.heap import keep_freed_memory
from processing.enhancement.networks import store
from processing.enhancement.networks.estimates import with_estimates
from processing.enhancement.networks.slices import neighbours
from processing.enhancement.onnx import run as onnx
from processing.enhancement.onnx.manifest import is_onnx
from processing.enhancement.tasks import DENOISE, INPAINT, RECONSTRUCT, THIN_SLICES, task_of
from processing.enhancement.thin_slices import parts_for, thinned
from processing.errors import InputError
from processing.model_identity import ModelIdentity
from processing.noise import NoiseEstimate, estimate_noise
from processing.percentile import high_percentile
from processing.volume import Array, Volume

if TYPE_CHECKING:  # torch takes seconds and 200 MB; only who enhances pays for it
    from torch import Tensor

    from processing.enhancement.networks.registry import Denoiser

DEFAULT_MODEL = "denoise"
MIXED = "bfloat16+int8"  # the slice in bfloat16, its mirror image in int8: the mean halves the error of rounding
PRECISIONS = ("float32", "bfloat16", MIXED)
_LEAST_SIDE = 8  # pixels; narrower images come out wrong of oneDNN's convolutions in bfloat16 and int8
_MOST_APART = 0.4  # of the noise: in no block are two passes over brains and spines more than 0.36 apart
_BLOCK = 8  # pixels
_LARGEST_LEVEL = 0.10  # of the normalised range: the most noise the networks are trained on
_LITTLE = 0.003  # of the normalised range: what may be taken off a series of little noise, root mean square
_PLAIN = 0.026  # of the normalised range: the noise from which on all of it is taken off
_SLOWER = 0.5  # power of the noise by which what a network leaves of it grows at least
_TISSUE = 0.1  # of the normalised range: what is brighter is looked at for what a network leaves


@dataclass(frozen=True)
class Enhanced:
    """What a model made of a series.

    volume: same shape, place and intensity scale as the input; of thin slices there are more. noise_sigma: standard
    deviation of the noise that was found, in image units, and noise_method: how; None and "not needed" for a network
    that is not told. model: with the precision that was used; where
    that is "bfloat16+int8", single slices may be in bfloat16 alone; its description ends in noise and share.
    seconds: wall-clock time. share: of the change that the network found, how much was made; 1 but for little noise.
    """

    volume: Volume
    noise_sigma: float | None
    noise_method: str
    model: ModelIdentity
    seconds: float
    share: float = 1.0


def models() -> list[ModelIdentity]:
    """Models that come with the program, by name; reads no weights."""
    return store.shipped_models()


def enhance(
    volume: Volume,
    *,
    model: str | Path = DEFAULT_MODEL,
    progress: Callable[[int, int], None] | None = None,
    device: str = "cpu",
    precision: str | None = None,
    threads: int | None = None,
    noise_sigma: float | None = None,
    mirrored: bool = True,
    parts: int | None = None,
    only_bars: bool = True,
) -> Enhanced:
    """Have a network work on a magnitude series slice by slice.

    Parameters
    ----------
    volume : Volume
        A magnitude series.
    model : str or Path, default "denoise"
        Name of a shipped model, or the folder of a trained one.
    progress : callable, optional
        Called with slices done and slices in all.
    device : {"cpu", "cuda"}, default "cpu"
        Where the network computes; one in ONNX on the CPU, in float32 and without its mirror image.
    precision : {"float32", "bfloat16", "bfloat16+int8"}, optional
        Of the network only, the residual is added in float32; "bfloat16+int8" for mirrored ones. By default the fastest
        that processor, model and noise allow.
    threads : int, optional
        Of torch in this process; unchanged if None.
    noise_sigma : float, optional
        Standard deviation of the noise in image units, where it is known; else it is estimated.
    mirrored : bool, default True
        Clean the mirror image too and take the mean of both, which is nearer to the truth and takes twice as long
        (geometric self-ensemble). For thin slices: work on the planes across the slices in both directions.
    parts : {2, 3, 4}, optional
        How many thin slices each slice becomes, for a model of that task; by default as many as bring the distance of
        slices nearest to that of pixels.
    only_bars : bool, default True
        Where a network for inpainting changes what a bar explains, subtract that bar (`processing.enhancement.bars`),
        at most one in a slice, and keep nothing else of the change; else keep all.

    Returns
    -------
    Enhanced
        ``volume`` of the same shape, place and scale (with thin slices: as many times the slices), ``noise_sigma`` and
        ``noise_method``, ``model`` and ``seconds``.

    Raises
    ------
    InputError
        For a series that is no magnitude, an unknown model, damaged weights, a device or precision that is not there,
        ``parts`` of a model that makes no thin slices, or what a model in ONNX cannot do.

    Notes
    -----
    As many slices as there are threads are cleaned side by side; what is left over gets all threads, one by one. The
    series is divided by its 99.9th percentile, or by ten times its noise if that is larger, so that it looks as in
    training. Rows and columns are padded by reflection to what the network needs; a neighbour that a network wants
    beyond the first or the last slice is that slice itself. A series without noise, and slices of one value, come back
    as they are. Where noise is estimated at less than 2.6 % of the 99.9th percentile, what is taken is kept to 0.3 %
    (root mean square), but no more is left in tissue than would be at 2.6 % (`taken_off`). Who states the noise gets
    all of it taken off, and so does a series whose noise is known by a bound only. Memory: a few slices for each
    thread, besides input and output.

    References
    ----------
    Timofte et al. 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.enhancement.enhance import enhance
    >>> from processing.noise import add_complex_noise
    >>> from processing.volume import Volume
    >>> noisy, clean = add_complex_noise(np.full((64, 64), 100.0), 5.0, np.random.default_rng(0))
    >>> found = enhance(Volume(noisy[None], np.eye(4)), noise_sigma=5.0, precision="float32")
    >>> error = [float(np.std(image - clean)) for image in (noisy, found.volume.array[0])]
    >>> round(error[0]), error[1] < 0.5 * error[0]
    (5, True)
    """
    started = time.monotonic()
    volume.require_magnitude()
    folder = store.folder_of(model)
    task = task_of(store.read_config(folder))
    identity = replace(store.read_identity(folder), task=task)
    if task == RECONSTRUCT:
        raise InputError(f"The model “{folder.name}” works on k-space; use it with reconstruct --method cascade.")
    key = folder, identity.sha256
    if precision not in (None, *PRECISIONS):
        raise InputError(f"There is no precision “{precision}”; there are {', '.join(PRECISIONS)}.")
    if noise_sigma is not None and not 0 <= noise_sigma < float("inf"):
        raise InputError(f"The standard deviation of the noise cannot be {noise_sigma:g}.")
    if is_onnx(folder):
        if device != "cpu" or precision not in (None, "float32") or parts is not None:
            raise InputError(
                f"The model “{identity.name}” is in ONNX: it computes on the CPU in float32 and makes no thin slices; "
                "leave out device, precision and parts."
            )
        noise = _noise(volume, noise_sigma)
        made = onnx.clean(volume, folder, identity.sha256, noise_sigma=noise.sigma, progress=progress, threads=threads)
        return Enhanced(volume.with_array(made), noise.sigma, noise.method, identity, time.monotonic() - started)
    if threads is not None:
        _set_threads(threads)
    noise = _noise(volume, noise_sigma) if task == DENOISE else NoiseEstimate(0.0, "not needed")
    scale = max(high_percentile(volume.measured, 99.9), noise.sigma / _LARGEST_LEVEL)
    is_magnitude = volume.array.min() >= 0
    if task == THIN_SLICES:
        volume = thinned(volume, parts or parts_for(volume))
    elif parts is not None:
        raise InputError(f"The model “{identity.name}” makes no thin slices; leave their number out.")
    precision = precision or _fastest(key, device, noise.sigma / scale if scale else 0.0, mirrored)
    passes = _passes(key, device, precision, mirrored and task != THIN_SLICES)
    # What the network sees as slices: for thin ones the planes across them, rows and then columns.
    across = (1, 2)[: 1 + mirrored] if task == THIN_SLICES else (0,)
    found = [volume.array.copy() for _ in across]

    def clean(place: tuple[int, int]) -> None:
        direction, index = place
        seen, out = (np.moveaxis(a, across[direction], 0) for a in (volume.array, found[direction]))
        if (noise.sigma > 0 or task != DENOISE) and np.ptp(out[index]) > 0:
            around = seen[neighbours(index, len(out), passes[0].slices // 2)]
            if passes[0].estimates:
                made = _restored(passes, around, scale, device, precision)
            else:
                made = _denoise(passes, around, scale, noise.sigma, device, precision)
            if task == INPAINT and only_bars:
                made = _on_a_bar(seen[index], made)
            out[index] = made

    places = [(direction, index) for direction, axis in enumerate(across) for index in range(volume.shape[axis])]
    side_by_side = _threads() if device == "cpu" else 1
    together = len(places) - len(places) % side_by_side if side_by_side > 1 else 0
    pool = ThreadPoolExecutor(side_by_side, initializer=_set_threads, initargs=(1,))
    try:
        cleaned = chain(pool.map(clean, places[:together]), map(clean, places[together:]))
        for done, _ in enumerate(cleaned, 1):
            if progress is not None:
                progress(done, len(places))
    finally:
        pool.shutdown(cancel_futures=True)
    out = found[0] if len(found) == 1 else (found[0] + found[1]) / 2
    if is_magnitude:
        np.maximum(out, 0, out=out)  # a magnitude cannot be negative
    share = 1.0
    if task == DENOISE and noise_sigma is None and not noise.is_bound and noise.sigma < _PLAIN * scale:
        share = taken_off(volume.array / scale, out / scale, noise.sigma / scale)
        if share < 1:
            out = volume.array + share * (out - volume.array)
    made_by = replace(identity, precision=precision)
    if task != DENOISE:
        return Enhanced(volume.with_array(out), None, noise.method, made_by, time.monotonic() - started)
    said = f"Noise {noise.sigma:.4g} ({noise.method}), {100 * share:.0f} % of the change made."
    made_by = replace(made_by, description=f"{made_by.description} {said}")
    method = noise.method if share == 1 else f"{noise.method}; little, {100 * share:.0f} % of the change made"
    return Enhanced(volume.with_array(out), noise.sigma, method, made_by, time.monotonic() - started, share)


def taken_off(before: Array, after: Array, level: float) -> float:
    """Share of the change that is made of a series of little noise.

    before, after: of the network for denoising, in units of the normalised range. level: of the noise that was
    estimated, in these units, less than 2.6 %. Returns the share whose root mean square is 0.3 %, but at least that
    which leaves no more noise in tissue than the network would of 2.6 %: else a series with more noise came out with
    less. Of noise of s whose estimate changes a series by d, a network that is right leaves √(s² - d²) (mean of the
    posterior), and of more noise more, at least by the root of it; a share a leaves √(s² - d² + (1 - a)² d²).
    """
    change = after - before
    most = float(np.sqrt(np.mean(change**2)))
    if most <= _LITTLE:
        return 1.0
    changes = change[before > _TISSUE]
    tissue = float(np.sqrt(np.mean(changes**2))) if changes.size else most
    left = np.sqrt(max(level**2 - tissue**2, 0.0))
    missing = left / max(tissue, 1e-30) * np.sqrt(max((_PLAIN / level) ** (2 * _SLOWER) - 1, 0.0))
    return float(min(max(_LITTLE / most, 1 - missing), 1.0))


def _on_a_bar(before: Array, after: Array) -> Array:
    """The slice as it was, but for the bar that was taken out of it."""
    bar = find_bar(before, np.maximum(before - after, 0))
    return before if bar is None else without(before, bar, after)


def _noise(volume: Volume, sigma: float | None) -> NoiseEstimate:
    return estimate_noise(volume.array) if sigma is None else NoiseEstimate(sigma, "given")


_Key = tuple[Path, str]  # folder of a model and SHA-256 of its weights, which a new training changes


def _fastest(key: _Key, device: str, noise: float, mirrored: bool) -> str:
    """The precision that takes least time and costs little beside noise of that share of the range."""
    from processing.enhancement.networks.int8 import LEAST_NOISE, can_use_int8

    if mirrored and device == "cpu" and noise > LEAST_NOISE and can_use_int8(*_read(*key)):
        return MIXED
    return fast_precision(device)


def _passes(key: _Key, device: str, precision: str, mirrored: bool) -> list[Denoiser]:
    """What cleans a slice and, if that is wanted, what cleans its mirror image."""
    if precision != MIXED:
        return [_load(key, device, precision)] * (2 if mirrored else 1)
    if not mirrored:
        raise InputError(f"Without the mirror image there is only one pass; {MIXED} needs two. Use bfloat16.")
    return [_load(key, device, kind) for kind in MIXED.split("+")]


def _restored(passes: Sequence[Denoiser], around: Array, scale: float, device: str, precision: str) -> Array:
    """The middle one of `around`, in twice the matrix that it was acquired in, restored there and brought back."""
    middle = passes[0].slices // 2
    shown = np.stack([doubled(image) for image in around / scale]) if len(around) == 1 else around / scale
    # The maps among the estimates have no unit: _denoise divides them by the scale again.
    found = _denoise(passes, with_estimates(shown, middle) * scale, scale, 0.0, device, precision)
    return resized(found, around.shape[1:])


def _denoise(
    passes: Sequence[Denoiser], around: Array, scale: float, sigma: float, device: str, precision: str
) -> Array:
    """The middle one of `around` (slices, rows, columns), in image units like sigma."""
    import torch

    rows, columns = around.shape[1:]
    missing = [max(_LEAST_SIDE, n + -n % passes[0].stride) - n for n in (rows, columns)]
    if any(missing):
        around = np.pad(around, ((0, 0), (0, missing[0]), (0, missing[1])), mode="reflect")
    with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16"):
        x = torch.from_numpy(around.astype(np.float32, copy=False))[None].to(device) / scale
        level = torch.full((1, 1, 1, 1), sigma / scale, device=device)
        out = passes[0](x, level).float()
        if len(passes) == 2:
            other = passes[1](x.flip(-1), level).float().flip(-1)
            if passes[1] is not passes[0] and _largest_difference(out, other) > _MOST_APART * sigma / scale:
                other = passes[0](x.flip(-1), level).float().flip(-1)  # integers do not hold what this slice shows
            out = (out + other) / 2
        return (out[0, 0, :rows, :columns] * scale).cpu().numpy()


def _largest_difference(one: Tensor, other: Tensor) -> float:
    """Root mean square of the difference, in the block where it is largest."""
    from torch.nn.functional import avg_pool2d

    return float(avg_pool2d((one - other) ** 2, _BLOCK).amax().sqrt())


@lru_cache(maxsize=4)
def _read(folder: Path, sha256: str) -> tuple[Any, dict[str, Tensor]]:
    """The network in float32, not to be changed, and the ranges that int8 needs, where they are there."""
    from safetensors.torch import load

    from processing.enhancement.networks.int8 import PREFIX
    from processing.enhancement.networks.registry import build

    network = build(store.read_config(folder)["network"])
    tensors = load(store.read_weights(folder, sha256))
    ranges = {name.removeprefix(PREFIX): tensors.pop(name) for name in list(tensors) if name.startswith(PREFIX)}
    network.load_state_dict(tensors)
    return network.eval(), ranges


@lru_cache(maxsize=4)
def _load(key: _Key, device: str, precision: str) -> Denoiser:
    """precision: of one pass, so "int8" too."""
    import torch

    from processing.enhancement.networks.fused import FusedResidualUNet, can_fuse
    from processing.enhancement.networks.int8 import Int8ResidualUNet, can_use_int8

    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("There is no CUDA device here; use --device cpu.")
    keep_freed_memory()
    network, ranges = _read(*key)
    if precision == "int8":
        if device != "cpu" or not can_use_int8(network, ranges):
            raise InputError("This model, or this processor, does not compute in integers; use float32 or bfloat16.")
        return Int8ResidualUNet(network, ranges)
    if device == "cpu" and precision == "bfloat16" and can_fuse(network):
        return FusedResidualUNet(network)
    # Channels last is 1.6 times faster on CPUs with AVX-512.
    return copy.deepcopy(network).to(device).to(memory_format=torch.channels_last)


def fast_precision(device: str) -> str:
    """ "bfloat16" where the device computes in it, else "float32"."""
    import torch

    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    able = torch.cpu.get_capabilities()
    return "bfloat16" if able.get("amx_bf16") or able.get("avx512_bf16") else "float32"


def _threads() -> int:
    import torch

    return torch.get_num_threads()


def _set_threads(threads: int) -> None:
    """Of torch, for what this thread of Python computes."""
    import torch

    torch.set_num_threads(threads)
