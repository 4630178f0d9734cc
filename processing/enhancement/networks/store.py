"""A model as a folder: weights, identity, configuration, card and metrics."""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from processing.errors import InputError
from processing.model_identity import ModelIdentity

LOG = "log.jsonl"  # of the training, if the folder keeps it
DETECTION = "detection.json"  # what a model observer found of small findings
FIGURES = "figures.json"  # what a benchmark measured of the model as it ships
ANOMALIES = "anomalies.json"  # what its maps of anomalies find of planted lesions, and where there are none
ONNX = "model.onnx"  # in the place of weights of ours
SHIPPED = Path(__file__).resolve().parent.parent / "weights"


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is there whole or not at all, even after a power cut."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def folder_of(model: str | Path) -> Path:
    """Folder of a shipped model by name, or of any trained model by path.

    Raises InputError if there is none.
    """
    for folder in (SHIPPED / str(model), Path(model)):
        if (folder / "identity.json").is_file():
            return folder
    known = ", ".join(identity.name for identity in shipped_models()) or "none"
    raise InputError(f"There is no model “{Path(model).name}”; models here: {known}.")


def read_identity(folder: Path) -> ModelIdentity:
    """Identity of the model in `folder`; its precision is that of the weights."""
    return ModelIdentity(**json.loads((folder / "identity.json").read_text()))


def read_config(folder: Path) -> dict[str, Any]:
    """Configuration that the model in `folder` was trained with."""
    return tomllib.loads((folder / "config.toml").read_text())


def shipped_models() -> list[ModelIdentity]:
    """Identities of the models that come with the program, by name."""
    return [read_identity(file.parent) for file in sorted(SHIPPED.glob("*/identity.json"))]


def seal_figures(folder: Path, name: str, figures: dict[str, Any]) -> None:
    """Write what was measured of the model in `folder` to its file `name`, with the weights and version it is of."""
    identity = read_identity(folder)
    found = {"sha256": identity.sha256, "version": identity.version} | figures
    write_whole(folder / name, (json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode())


def put_section(card: Path, section: str) -> None:
    """Put a section, which begins with its heading "## …", in the place of the one of that heading.

    On a card without it: before the limits, or at the end.
    """
    text, heading = card.read_text(encoding="utf-8"), section.partition("\n")[0]
    before, found, rest = text.partition(heading + "\n")
    after = rest.partition("\n## ")[2]
    if not found:
        before, limits, rest = text.partition("\n## Limits\n")
        before, after = before.rstrip() + "\n\n", limits and "Limits\n" + rest
    write_whole(card, (before + section + (after and "\n## " + after)).encode())


def read_weights(folder: Path, sha256: str) -> bytes:
    """The weights file, or that in ONNX, after its SHA-256 is found to be `sha256`, the one in identity.json.

    Raises InputError if it is not. In ONNX the hash is that of `onnx_sha256`.
    """
    exported = folder / ONNX
    if exported.is_file():
        data = exported.read_bytes()
        found, changed = onnx_sha256(data, read_config(folder)), ", or its settings in config.toml,"
    else:
        data = (folder / "model.safetensors").read_bytes()
        found, changed = hashlib.sha256(data).hexdigest(), ""
    if found != sha256:
        raise InputError(f"The weights of “{folder.name}”{changed} do not match their recorded SHA-256; restore them.")
    return data


def onnx_sha256(data: bytes, settings: dict[str, Any]) -> str:
    """Of the manifest without its words, [model], as JSON with sorted keys, a zero byte, and the file in ONNX."""
    told = {name: value for name, value in settings.items() if name != "model"}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode() + b"\0")
    digest.update(data)
    return digest.hexdigest()


def write_model(
    folder: Path,
    *,
    weights: bytes,
    name: str,
    version: str,
    description: str,
    metrics: dict[str, Any],
    card: str,
) -> ModelIdentity:
    """Write the files of a model; the identity last, so that it never names weights that are not there."""
    folder.mkdir(parents=True, exist_ok=True)
    identity = ModelIdentity(name, version, hashlib.sha256(weights).hexdigest(), "float32", description)
    write_whole(folder / "model.safetensors", weights)
    write_whole(folder / "metrics.json", (json.dumps(metrics, indent=1) + "\n").encode())
    write_whole(folder / "card.md", card.encode())
    write_whole(folder / "identity.json", (json.dumps(asdict(identity), indent=1) + "\n").encode())
    return identity
