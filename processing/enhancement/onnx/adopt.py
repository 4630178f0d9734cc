"""Take a model in ONNX: try it, and write the folder by which the site and `enhance` know it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from processing.enhancement.networks.store import ONNX, onnx_sha256, read_config, write_whole
from processing.enhancement.onnx.manifest import read_manifest
from processing.enhancement.onnx.run import clean
from processing.errors import InputError
from processing.model_identity import ModelIdentity
from processing.volume import Array, Volume

_SIDE, _SLICES = 128, 4


def adopt(model: Path, manifest: Path, out: Path) -> ModelIdentity:
    """Check a model in ONNX against its manifest, put made-up slices through it, and write its folder.

    Parameters
    ----------
    model : Path
        The ONNX file, of at most 256 MB and of standard operators alone.
    manifest : Path
        TOML with the tables [model] (name, version, description, use, licence, data, limits) and [onnx].
    out : Path
        The folder; it must not be there yet.

    Returns
    -------
    ModelIdentity
        As it is written beside every output.

    Raises
    ------
    InputError
        If the model or its manifest does not fit, in words.

    Notes
    -----
    The trial runs in a confined process: four slices of 128 × 128 of discs and a ramp, without noise. What it changes
    of them, and its time, stand in metrics.json and on the card.

    Examples
    --------
    >>> from pathlib import Path
    >>> from processing.enhancement.onnx.adopt import adopt
    >>> from processing.errors import InputError
    >>> try:
    ...     adopt(Path("none.onnx"), Path("none.toml"), Path("new"))
    ... except InputError as error:
    ...     print(error)
    The manifest none.toml cannot be read: No such file or directory.
    """
    _, words = read_manifest(manifest)
    if out.exists():
        raise InputError(f"There is a folder “{out.name}” already; name another, or remove it.")
    try:
        data = model.read_bytes()
    except OSError as error:
        raise InputError(f"The model {model.name} cannot be read: {error.strerror}.") from error
    out.mkdir(parents=True)
    try:
        write_whole(out / ONNX, data)
        write_whole(out / "config.toml", manifest.read_bytes())
        sha256 = onnx_sha256(data, read_config(out))
        identity = ModelIdentity(words["name"], words["version"], sha256, "float32", words["description"])
        trial, started = _trial(), time.monotonic()
        found = clean(trial, out, sha256, noise_sigma=0.0)
        seconds = (time.monotonic() - started) / len(found)
        change = _change(trial.array, found)
        metrics = {"clean_change_percent": round(change, 3), "trial_seconds_per_slice": round(seconds, 3)}
        write_whole(out / "metrics.json", (json.dumps(metrics, indent=1) + "\n").encode())
        write_whole(out / "card.md", _card(words, change).encode())
        write_whole(out / "identity.json", (json.dumps(asdict(identity), indent=1) + "\n").encode())
    except BaseException:
        for file in out.iterdir():
            file.unlink()
        out.rmdir()
        raise
    return identity


def _trial() -> Volume:
    rows, columns = np.indices((_SIDE, _SIDE)) / _SIDE
    slices = [
        400 * (np.hypot(rows - 0.5, columns - 0.5) < 0.4)
        + 300 * (np.hypot(rows - 0.4, columns - 0.3 - 0.1 * n) < 0.08)
        + 200 * columns
        for n in range(_SLICES)
    ]
    return Volume(np.array(slices, np.float32), np.diag([1.0, 1.0, 4.0, 1.0]))


def _change(before: Array, after: Array) -> float:
    """Root mean square of the change in percent of the 99.9th percentile."""
    return float(100 * np.sqrt(np.mean((after - before) ** 2)) / np.percentile(before, 99.9))


def _card(words: dict[str, str], change: float) -> str:
    parts = [f"# {words['name']} {words['version']}", words["description"].strip()]
    for title, name in (("Use", "use"), ("Data", "data"), ("Limits", "limits"), ("Licence", "licence")):
        parts.append(f"## {title}\n\n{words[name].strip()}")
    parts.append(
        "## Measured here\n\nThe model came as an ONNX file and was not trained with this program. Made-up slices "
        f"without noise were changed by {change:.2f} % RMS of their 99.9th percentile. What it does to real series is "
        "not measured: look at it before and after."
    )
    return "\n\n".join(parts) + "\n"
