"""Reconstruction by a trained deep cascade."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from processing.enhancement.enhance import fast_precision
from processing.enhancement.networks import store
from processing.enhancement.tasks import RECONSTRUCT, task_of
from processing.errors import InputError
from processing.model_identity import ModelIdentity
from processing.volume import Array

if TYPE_CHECKING:
    from processing.enhancement.networks.cascade import Cascade

DEFAULT_MODEL = "cascade"


def cascade_identity(model: str | Path) -> ModelIdentity:
    """Identity of the network of that name or folder. Raises InputError if there is none, or it is no cascade."""
    folder = store.folder_of(model)
    if task_of(store.read_config(folder)) != RECONSTRUCT:
        raise InputError(f"The model “{folder.name}” does not reconstruct from k-space.")
    return store.read_identity(folder)


def cascade(lines: Array, sampled: Array, *, model: str | Path = DEFAULT_MODEL, device: str = "cpu") -> Array:
    """Reconstruct one image: as `processing.reconstruction.compressed_sensing.compressed_sensing`, intensities about 0
    to 1; measured lines stay as they are."""
    import torch

    folder = store.folder_of(model)
    network = _load(folder, store.read_identity(folder).sha256, device)
    x = torch.view_as_real(torch.from_numpy(lines)).permute(2, 0, 1)[None].to(device)
    level = torch.from_numpy(sampled).to(device, torch.float32)[None, None, :, None]
    with (
        torch.inference_mode(),
        torch.autocast(device, torch.bfloat16, enabled=fast_precision(device) == "bfloat16"),
    ):
        real, imaginary = network(x, level)[0].cpu().numpy()
    return real + 1j * imaginary


@lru_cache(maxsize=2)
def _load(folder: Path, sha256: str, device: str) -> Cascade:
    import torch
    from safetensors.torch import load

    from processing.enhancement.networks.registry import build

    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("There is no CUDA device here; use --device cpu.")
    network = build(store.read_config(folder)["network"])
    network.load_state_dict(load(store.read_weights(folder, sha256)))
    return network.eval().to(device).to(memory_format=torch.channels_last)
