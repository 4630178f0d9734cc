"""Put a series through a model in ONNX, in a process of its own under limits."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from processing.enhancement.networks.store import ONNX, read_config, read_weights
from processing.enhancement.onnx.manifest import Manifest
from processing.errors import InputError
from processing.ingest.confined import DiedError, ProcessLimits, run
from processing.percentile import high_percentile
from processing.volume import Array, Volume

LARGEST_FILE = 256 << 20
SLOWEST_SLICE = 20.0  # seconds
_CHILD = "processing.enhancement.onnx.child:clean"


def clean(
    volume: Volume,
    folder: Path,
    sha256: str,
    *,
    noise_sigma: float,
    progress: Callable[[int, int], None] | None = None,
    threads: int | None = None,
    limits: ProcessLimits | None = None,
) -> Array:
    """What the model in `folder`, which has this hash, makes of a magnitude series; not below 0 where that is not.

    noise_sigma: standard deviation of the noise in image units. InputError says why a model does not fit, and where it
    takes too much time or memory. The process is given a copy of what was hashed, with nothing beside it.
    """
    model = read_weights(folder, sha256)
    if len(model) > LARGEST_FILE:
        raise InputError(f"The model has {len(model) / 2**20:.0f} MB; {LARGEST_FILE >> 20} MB are allowed.")
    manifest = Manifest(**read_config(folder).get("onnx", {}))
    whole = {"p99.9": high_percentile(volume.measured, 99.9), "max": float(volume.array.max()), "none": 1.0}
    scale = whole[manifest.scale] or 1.0
    slices = len(volume.array)
    limits = limits or ProcessLimits(wall_seconds=60 + SLOWEST_SLICE * slices)
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryDirectory() as alone:
        source, target = Path(place) / "source.npy", Path(place) / "target.npy"
        (Path(alone) / ONNX).write_bytes(model)
        np.save(source, (volume.array / scale).astype(np.float32), allow_pickle=False)
        arguments = {
            "model": str(Path(alone) / ONNX),
            "source": str(source),
            "target": str(target),
            "level": noise_sigma / scale if manifest.noise_level else None,
            "slices": manifest.slices,
            "multiple": manifest.multiple,
            "threads": threads or 1,
        }
        try:
            run(_CHILD, arguments, limits=limits, news=lambda done: progress and progress(done, slices))
        except DiedError as error:
            raise InputError(
                f"The model “{folder.name}” was stopped: over {limits.memory / 2**30:.1f} GiB of memory, over "
                f"{limits.wall_seconds:g} s for {slices} slices, or it crashed."
            ) from error
        found = np.load(target, allow_pickle=False).astype(np.float64) * scale
    if found.shape != volume.shape:
        raise InputError(f"The model “{folder.name}” gave another number of slices, rows or columns.")
    image = volume.array - found if manifest.output == "noise" else found
    return np.maximum(image, 0) if volume.array.min() >= 0 else image
