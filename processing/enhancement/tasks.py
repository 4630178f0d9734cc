"""What a network can be trained for, and which samples teach it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from processing.enhancement.networks.degraded import Degraded, Thickened
from processing.enhancement.networks.kspace_samples import Undersampled
from processing.enhancement.networks.samples import Batch, Case, Sampler, Source
from processing.errors import InputError

DENOISE, RESTORE, INPAINT, THIN_SLICES, RECONSTRUCT = "denoise", "restore", "inpaint", "thin-slices", "reconstruct"
_SAMPLES: dict[str, type[Sampler | Degraded | Undersampled]] = {
    DENOISE: Sampler,
    RESTORE: Degraded,
    INPAINT: Degraded,
    THIN_SLICES: Thickened,
    RECONSTRUCT: Undersampled,
}
TASKS = tuple(_SAMPLES)


class Samples(Protocol):
    """What teaches a task: batches by seed and step, and the cases that it is measured on."""

    def batch(self, seed: int, step: int) -> Batch:
        """The batch of a step, which depends on seed and step alone."""
        ...

    def cases(self, sources: Sequence[Source]) -> Iterator[Case]:
        """Slices to be measured on."""
        ...


def task_of(settings: dict[str, Any]) -> str:
    """The task of a configuration; those that name none are of denoising."""
    return str(settings.get("task", DENOISE))


def check_task(task: str) -> None:
    """Raise InputError if there is no such task."""
    if task not in _SAMPLES:
        raise InputError(f"There is no task “{task}”; choose {', '.join(TASKS[:-1])} or {TASKS[-1]}.")


def samples_for(task: str, sources: Sequence[Source], settings: dict[str, Any], network: Any) -> Samples:
    """What teaches this task from these volumes."""
    weights = {group["name"]: group["weight"] for group in settings["data"]["groups"]}
    return _SAMPLES[task](sources, weights, settings, network=network)
