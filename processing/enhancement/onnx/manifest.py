"""The manifest of a model in ONNX: what it is for, and what its graph takes and gives."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from processing.enhancement.networks.store import ONNX
from processing.errors import InputError

SCALES = ("p99.9", "max", "none")
OUTPUTS = ("image", "noise")
_WORDS = ("name", "version", "description", "use", "licence", "data", "limits")


@dataclass(frozen=True)
class Manifest:
    """The table [onnx].

    slices: how many neighbouring slices are the channels of the input, an odd number. scale: by what a series is
    divided before, and multiplied after. multiple: rows and columns are padded by reflection to a multiple of it.
    noise_level: the second input is the standard deviation of the noise in the scaled range. output: the image, or the
    noise that is to be taken off.
    """

    slices: int = 1
    scale: str = "p99.9"
    multiple: int = 8
    noise_level: bool = False
    output: str = "image"

    def __post_init__(self) -> None:
        if type(self.slices) is not int or self.slices not in (1, 3, 5, 7):
            raise InputError("slices in [onnx] is 1, 3, 5 or 7.")
        if type(self.multiple) is not int or not 1 <= self.multiple <= 256:
            raise InputError("multiple in [onnx] is a whole number from 1 to 256.")
        if self.scale not in SCALES or self.output not in OUTPUTS or type(self.noise_level) is not bool:
            raise InputError(
                f"In [onnx] scale is one of {', '.join(SCALES)}, output one of {', '.join(OUTPUTS)}, noise_level true "
                "or false."
            )


def is_onnx(folder: Path) -> bool:
    """Whether a model folder holds an ONNX file."""
    return (folder / ONNX).is_file()


def read_manifest(file: Path) -> tuple[Manifest, dict[str, Any]]:
    """The tables [onnx] and [model] of a TOML file. InputError says what is missing or cannot be."""
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"The manifest {file.name} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"The manifest {file.name} is no TOML: {error}.") from error
    words, table = settings.get("model"), settings.get("onnx", {})
    words = words if isinstance(words, dict) else {}
    if missing := [name for name in _WORDS if not isinstance(words.get(name), str) or not words[name].strip()]:
        raise InputError(f"The table [model] of {file.name} lacks {', '.join(missing)}.")
    known = Manifest.__dataclass_fields__
    if not isinstance(table, dict) or (unknown := sorted(set(table) - set(known))):
        raise InputError(f"The table [onnx] of {file.name} knows {', '.join(known)}, not {', '.join(unknown)}.")
    return Manifest(**table), words
