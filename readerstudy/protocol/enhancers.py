"""Which models there are: shipped ones, and those in the folder of READERSTUDY_MODELS. Reads no weights, no torch."""

from pathlib import Path

from django.conf import settings

from processing.enhancement.networks.model_record import find_models
from processing.enhancement.networks.store import SHIPPED, read_config, read_identity
from processing.errors import InputError
from processing.model_identity import ModelIdentity


def _models_and_problems() -> tuple[dict[str, Path], list[str]]:
    return find_models([settings.MODELS_DIR] if settings.MODELS_DIR else [])


def folders() -> dict[str, Path]:
    """Name → folder; the default model first, then the other shipped ones, then one's own."""
    from processing.enhancement.enhance import DEFAULT_MODEL

    found, _ = _models_and_problems()
    order = sorted(found, key=lambda name: name != DEFAULT_MODEL)
    return {name: found[name] for name in order}


def problems() -> list[str]:
    """Why folders that look like models are not used."""
    return _models_and_problems()[1]


def is_shipped(folder: Path) -> bool:
    return folder.parent == SHIPPED


def folder(name: str) -> Path:
    """Folder of the model of this name. InputError if it is not here (any more)."""
    found = folders()
    if name not in found:
        raise InputError(f"There is no model “{name}” here; models here: {', '.join(found) or 'none'}.")
    return found[name]


def makes_thin_slices(name: str) -> bool:
    """Whether the model of this name is here and makes several slices of each."""
    from processing.enhancement.tasks import THIN_SLICES, task_of

    found = folders()
    return name in found and task_of(read_config(found[name])) == THIN_SLICES


def works_on_kspace(name: str) -> bool:
    """Whether the model of this name is one for `processing reconstruct`, not for images."""
    from processing.enhancement.tasks import RECONSTRUCT, task_of

    found = folders()
    return name in found and task_of(read_config(found[name])) == RECONSTRUCT


def own_models() -> dict[str, ModelIdentity]:
    """One's own models, by name."""
    return {name: read_identity(path) for name, path in folders().items() if not is_shipped(path)}
