"""Settings of radiomic features that come with this package: a YAML file each, whose first line says what it is."""

from __future__ import annotations

from pathlib import Path

from processing.errors import InputError

_FILES = {path.stem: path for path in sorted(Path(__file__).parent.glob("*.yaml"))}


def presets() -> dict[str, str]:
    """Name of every preset → what it is, in one sentence."""
    return {name: path.read_text("utf-8").partition("\n")[0].lstrip("# ") for name, path in _FILES.items()}


def preset_text(name: str) -> str:
    """The file of a preset, for `settings.read_settings`. Raises InputError if there is none of this name."""
    if name not in _FILES:
        raise InputError(f"There is no preset {name}; there are {', '.join(_FILES)}.")
    return _FILES[name].read_text("utf-8")
