"""Enhance a series with a network: FAST → FAST-DL, SOC → SOC-DL."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from processing.errors import InputError
from processing.heap import keep_freed_memory
from processing.networks import store
from processing.networks.identity import ModelIdentity
from processing.networks.slices import neighbours
from processing.noise import NoiseEstimate, estimate_noise
from processing.percentile import high_percentile
from processing.volume import Array, Volume

if TYPE_CHECKING:  # torch takes seconds and 200 MB; only who enhances pays for it
    from torch import Tensor

    from processing.networks.registry import Denoiser

DEFAULT_MODEL = "denoise"
MIXED = "bfloat16+int8"  # the slice in bfloat16, its mirror image in int8
PRECISIONS = ("float32", "bfloat16", MIXED, "int8")
_LEAST_SIDE = 8  # pixels; narrower images come out wrong of oneDNN's convolutions in bfloat16 and int8
_LARGEST_LEVEL = 0.10  # of the normalised range: the most noise the networks are trained on


@dataclass(frozen=True)
class Enhanced:
    """What a model made of a series.

    volume: same shape, place and intensity scale as the input. noise_sigma: standard deviation of the
    noise that was found, in image units, and noise_method: how. model: with the precision that was used; what is in
    int8 may hold single slices in bfloat16 (processing.networks.int8).
    seconds: wall-clock time.
    """

    volume: Volume
    noise_sigma: float
    noise_method: str
    model: ModelIdentity
    seconds: float


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
) -> Enhanced:
    """Denoise a magnitude series slice by slice.

    model: name of a shipped model, or the folder of a trained one. progress: called with slices done and
    slices in all. precision: "float32", "bfloat16", "int8" or, for mirrored ones, "bfloat16+int8" (network only,
    the residual is added in float32); by default the fastest that processor, model and noise allow. threads: of torch
    in this process; unchanged if None.
    noise_sigma: standard deviation of the noise in image units, where it is known; else it is estimated.
    mirrored: clean the mirror image too and take the mean of both, which is nearer to the truth and takes twice as
    long (geometric self-ensemble, Timofte et al. 2016).
    The series is divided by its 99.9th percentile, or by ten times its noise if that is larger, so that it
    looks as in training. Rows and columns are padded by reflection to what the network needs; a neighbour that
    a network wants beyond the first or the last slice is that slice itself. A series without noise, and slices of
    one value, come back as they are. Memory: a few slices besides input and output.
    Raises InputError for a series that is no magnitude, an unknown model, damaged weights, or a device or precision
    that is not there.
    """
    started = time.monotonic()
    volume.require_magnitude()
    folder = store.folder_of(model)
    if precision not in (None, *PRECISIONS):
        raise InputError(f"There is no precision “{precision}”; there are {', '.join(PRECISIONS)}.")
    if threads is not None:
        _set_threads(threads)
    noise = estimate_noise(volume.array) if noise_sigma is None else NoiseEstimate(noise_sigma, "given")
    scale = max(high_percentile(volume.array, 99.9), noise.sigma / _LARGEST_LEVEL)
    precision = precision or _fastest(folder, device, noise.sigma / scale if scale else 0.0, mirrored)
    passes = _passes(folder, device, precision, mirrored)
    out = np.empty_like(volume.array)
    for index, slice_ in enumerate(volume.array):
        if noise.sigma > 0 and np.ptp(slice_) > 0:
            around = volume.array[neighbours(index, len(out), passes[0].slices // 2)]
            out[index] = _denoise(passes, around, scale, noise.sigma, device, precision)
        else:
            out[index] = slice_
        if progress is not None:
            progress(index + 1, len(out))
    if volume.array.min() >= 0:
        np.maximum(out, 0, out=out)  # a magnitude cannot be negative
    identity = store.read_identity(folder, precision=precision)
    return Enhanced(volume.with_array(out), noise.sigma, noise.method, identity, time.monotonic() - started)


def _fastest(folder: Path, device: str, noise: float, mirrored: bool) -> str:
    """The precision that costs nothing beside noise of that share of the range and takes least time."""
    from processing.networks.int8 import LEAST_NOISE, LEAST_NOISE_OF_MEAN, can_use_int8

    if device == "cpu" and can_use_int8(*_read(folder)):
        if noise > LEAST_NOISE:
            return "int8"
        if mirrored and noise > LEAST_NOISE_OF_MEAN:
            return MIXED
    return fast_precision(device)


def _passes(folder: Path, device: str, precision: str, mirrored: bool) -> list[Denoiser]:
    """What cleans a slice and, if there is a second one, what cleans its mirror image."""
    if precision != MIXED:
        return [_load(folder, device, precision)] * (2 if mirrored else 1)
    if not mirrored:
        raise InputError(f"There is only one pass to compute, so {MIXED} cannot be had; use bfloat16 or int8.")
    return [_load(folder, device, kind) for kind in MIXED.split("+")]


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
            out = (out + passes[1](x.flip(-1), level).float().flip(-1)) / 2
        return (out[0, 0, :rows, :columns] * scale).cpu().numpy()


@lru_cache(maxsize=4)
def _read(folder: Path) -> tuple[Any, dict[str, Tensor]]:
    """The network in float32, not to be changed, and the ranges that int8 needs, where they are there."""
    from safetensors.torch import load

    from processing.networks.int8 import PREFIX
    from processing.networks.registry import build

    network = build(store.read_config(folder)["network"])
    tensors = load(store.read_weights(folder))
    ranges = {name.removeprefix(PREFIX): tensors.pop(name) for name in list(tensors) if name.startswith(PREFIX)}
    network.load_state_dict(tensors)
    return network.eval(), ranges


@lru_cache(maxsize=4)
def _load(folder: Path, device: str, precision: str) -> Denoiser:
    import torch

    from processing.networks.fused import FusedResidualUNet, can_fuse
    from processing.networks.int8 import Int8ResidualUNet, can_use_int8

    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("There is no CUDA device here; use --device cpu.")
    keep_freed_memory()
    network, ranges = _read(folder)
    if precision == "int8":
        if device != "cpu" or not can_use_int8(network, ranges):
            raise InputError("This model, or this processor, does not compute in int8; use float32 or bfloat16.")
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


def _set_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
