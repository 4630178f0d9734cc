"""The configuration of a training: read it, and refuse what cannot be trained before anything is written."""

from __future__ import annotations

import hashlib
import json
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

from processing.enhancement.tasks import DENOISE, RECONSTRUCT, task_of
from processing.errors import InputError

_NEEDED = {
    "model": ("name", "version", "description", "use", "licence", "data", "limits"),
    "network": (),
    "schedule": ("steps", "epoch", "log_every", "rate", "warm_up", "average", "precision", "threads", "losses"),
    "sampling": ("batch", "patch", "scale", "foreground", "air"),
    "validation": ("slices",),
    "data": ("groups",),
}
_OF_DENOISING: dict[str, tuple[str, ...]] = {
    "sampling": ("sigma", "zero_filled", "zero_fill_least"),
    "validation": ("sigma",),
}
_OF_THE_OTHERS: dict[str, tuple[str, ...]] = {
    "sampling": ("crops",),
    "validation": ("cases",),
    "degradation": ("clean", "kinds"),
}
_OF_RECONSTRUCTION: dict[str, tuple[str, ...]] = {"sampling": ("rows",), "degradation": ("undersample",)}
_OF_A_GROUP = ("name", "weight", "subject", "about")
_PRECISIONS = ("float32", "bfloat16")


def read_config(file: Path, task: str) -> tuple[dict[str, Any], bytes]:
    """The settings in a TOML file (docs/training.md) for a task, and its text.

    Raises InputError if it cannot be read, is of another task, lacks a setting, or a setting cannot be.
    """
    try:
        text = file.read_bytes()
        settings = tomllib.loads(text.decode())
    except OSError as error:
        raise InputError(f"The configuration {file.name} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"The configuration {file.name} is no TOML: {error}.") from error
    named = task_of(settings)
    if named != task:
        raise InputError(f"The configuration {file.name} is for the task {named}, not {task}.")
    missing = [name for name in ("seed", *_NEEDED) if name not in settings]
    own = {DENOISE: _OF_DENOISING, RECONSTRUCT: _OF_RECONSTRUCTION}.get(task, _OF_THE_OTHERS)
    for table, names in (*_NEEDED.items(), *own.items()):
        missing += [f"{table}.{name}" for name in names if name not in settings.get(table, {})]
    groups = settings.get("data", {}).get("groups", [])
    missing += [f"data.groups.{name}" for group in groups for name in _OF_A_GROUP if name not in group]
    if (
        task == DENOISE
        and settings.get("network", {}).get("slices", 1) > 1
        and "alone" not in settings.get("sampling", {})
    ):
        missing.append("sampling.alone")
    if missing:
        raise InputError(f"The configuration {file.name} lacks {', '.join(dict.fromkeys(missing))}.")
    _check(settings["schedule"])
    return settings, text


def digest(settings: dict[str, Any]) -> str:
    """SHA-256 of all that decides the weights: the configuration without the words of [model]."""
    decisive = {name: table for name, table in settings.items() if name != "model"}
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def _check(schedule: dict[str, Any]) -> None:
    if schedule["precision"] not in _PRECISIONS:
        raise InputError(f"The precision of a training is {' or '.join(_PRECISIONS)}, not {schedule['precision']}.")
    ends = [loss.get("until") for loss in schedule["losses"]]
    if None in ends or ends != sorted(set(ends)) or ends[-1:] != [1.0]:
        raise InputError("Each of the losses needs “until”, a share of the steps that rises to 1.0.")
    restarts, rates = schedule.get("restarts", []), schedule.get("restart_rates", [])
    cycles = [0, *restarts, schedule["steps"]]
    if len(restarts) != len(rates) or any(one >= next_ for one, next_ in pairwise(cycles)):
        raise InputError(
            "The schedule needs one of restart_rates for each of restarts, which rise and lie before steps."
        )
