"""Reconstruct a series from a part of the lines of its k-space."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import fft

from processing.enhancement.enhance import fast_precision
from processing.errors import InputError
from processing.model_identity import RECONSTRUCTION, SIMULATED, ModelIdentity
from processing.reconstruction import cascade as network
from processing.reconstruction.compressed_sensing import (
    IMAGINARY_WEIGHT,
    ITERATIONS,
    VARIATION_WEIGHT,
    WAVELET_WEIGHT,
    compressed_sensing,
)
from processing.reconstruction.signal import Signal
from processing.simulate.kspace import CENTRE, sampled_lines, zero_filled_percentile
from processing.volume import Array, Volume

METHODS = ("zero-filled", "compressed-sensing", "cascade")


@dataclass(frozen=True)
class Reconstructed:
    """volume: place and units of the signal. model: what to write into derived images. lines: how many of `of` lines of
    k-space were used. seconds: wall-clock time."""

    volume: Volume
    model: ModelIdentity
    lines: int
    of: int
    seconds: float


def reconstruct(
    signal: Signal,
    *,
    method: str,
    undersample: int,
    seed: int = 0,
    model: str | Path = network.DEFAULT_MODEL,
    progress: Callable[[int, int], None] | None = None,
) -> Reconstructed:
    """Leave out lines of k-space and reconstruct what is left.

    Parameters
    ----------
    signal : Signal
        Complex images with whole k-space.
    method : {"zero-filled", "compressed-sensing", "cascade"}
        How the missing lines are filled.
    undersample : {4, 8}
        Lines at random and in the middle as in fastMRI, one in so many on average, the same in all slices.
    seed : int, default 0
        Of the choice of lines.
    model : str or Path, default "cascade"
        Of the method "cascade": name of a shipped network, or the folder of a trained one.
    progress : callable, optional
        Called with slices done and in all.

    Returns
    -------
    Reconstructed
        Magnitude; of several coils, each reconstructed alone, the root sum of squares.

    Raises
    ------
    InputError
        For another method or undersampling, or if the network is not there.

    Notes
    -----
    Phase encoding is taken to run along the rows' axis (up and down in the image). Intensities are divided by the
    99.9th percentile of the zero-filled images meanwhile. The lines are those of ``degrade --undersample`` with the
    same seed.

    References
    ----------
    Zbontar et al. 2018; Lustig et al. 2007; Huang et al. 2011; Schlemper et al. 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.reconstruction.reconstruct import reconstruct
    >>> from processing.reconstruction.signal import simulated
    >>> from processing.volume import Volume
    >>> array = np.zeros((1, 64, 64))
    >>> array[:, 16:48, 16:48] = 100
    >>> signal = simulated(Volume(array, np.eye(4)), 0)
    >>> found = [reconstruct(signal, method=name, undersample=4) for name in ("zero-filled", "compressed-sensing")]
    >>> error = [np.abs(one.volume.array - array).mean() for one in found]
    >>> found[0].lines, bool(error[1] < 0.5 * error[0])
    (19, True)
    """
    started = time.monotonic()
    if method not in METHODS:
        raise InputError(f"There is no method “{method}”; there are {', '.join(METHODS)}.")
    if undersample not in CENTRE:
        raise InputError("Undersampling is 4 or 8.")
    fill, _, precision = _filling(method, undersample, model)
    rows = signal.images.shape[2]
    sampled = sampled_lines(rows, undersample, np.random.default_rng([seed, 1]))
    lines = fft.fft(signal.images, axis=2, norm="ortho") * sampled[:, None]
    scale = zero_filled_percentile(lines)
    out = np.zeros(signal.volume.shape, np.float32)
    for index in range(len(out)):
        coils = [fill(coil[index] / scale, sampled) for coil in lines]
        out[index] = scale * np.sqrt((np.abs(coils) ** 2).sum(axis=0))
        if progress is not None:
            progress(index + 1, len(out))
    made_by = ModelIdentity(
        name=RECONSTRUCTION,
        version="1",
        sha256=settings_sha256(method=method, undersample=undersample, seed=seed, model=model),
        precision=precision,
        description=f"{SIMULATED} {method.replace('-', ' ')}, undersample {undersample}, seed {seed}. "
        f"K-space {signal.origin}.",
    )
    seconds = time.monotonic() - started
    return Reconstructed(signal.volume.with_array(out), made_by, int(sampled.sum()), rows, seconds)


def settings_sha256(*, method: str, undersample: int, seed: int = 0, model: str | Path = network.DEFAULT_MODEL) -> str:
    """SHA-256 of all that decides the images, as it is written beside them."""
    _, settings, _ = _filling(method, undersample, model)
    settings |= {"method": method, "undersample": undersample, "seed": seed}
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _filling(
    method: str, undersample: int, model: str | Path
) -> tuple[Callable[[Array, Array], Array], dict[str, Any], str]:
    """What makes an image of lines, the settings that decide it, and its arithmetic."""
    if method == "zero-filled":
        return _zero_filled, {}, "float32"
    if method == "cascade":
        identity = network.cascade_identity(model)
        return partial(network.cascade, model=model), {"network": identity.sha256}, fast_precision("cpu")
    weights: dict[str, Any] = {
        "wavelet_weight": WAVELET_WEIGHT[undersample],
        "variation_weight": VARIATION_WEIGHT[undersample],
        "imaginary_weight": IMAGINARY_WEIGHT[undersample],
        "iterations": ITERATIONS,
    }
    return partial(compressed_sensing, **weights), weights, "float32"


def _zero_filled(lines: Array, sampled: Array) -> Array:
    """Missing lines as zeros."""
    return fft.ifft(lines, axis=0, norm="ortho")
