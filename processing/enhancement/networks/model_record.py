"""What a model folder tells about its model besides the weights: card, settings, metrics, training curves."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from processing.enhancement.networks import store
from processing.errors import InputError
from processing.model_identity import ModelIdentity

Row = dict[str, float]
KINDS = ("input", "output", "input_foreground", "output_foreground")


@dataclass(frozen=True)
class TrainingCurves:
    """The course of a training. loss: (step, mean loss since the entry before). validation: group → (step, PSNR in
    dB by KINDS, those that were logged)."""

    loss: list[tuple[int, float]]
    validation: dict[str, list[tuple[int, Row]]]


@dataclass(frozen=True)
class ModelRecord:
    """A model as people look at it; what its folder does not hold is empty.

    card: Markdown. settings: of config.toml. metrics: of metrics.json. curves: None if no log was kept.
    anomalies: what its maps find of planted lesions and of none, as benchmarks.anomalies keeps it, of these weights.
    detection: what a model observer found of this version, as processing.enhancement.detectability.write keeps it.
    figures: what a benchmark measured of this version as it ships, as processing.enhancement.figures.write keeps it.
    """

    identity: ModelIdentity
    folder: Path
    card: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    curves: TrainingCurves | None = None
    detection: dict[str, Any] = field(default_factory=dict)
    anomalies: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)

    def _words(self, name: str) -> str:
        """A text of the table [model]; empty if it is not there."""
        return str(_table(self.settings, "model").get(name, "")).strip()

    @property
    def use(self) -> str:
        """What it is meant for."""
        return self._words("use")

    @property
    def licence(self) -> str:
        """Of the weights."""
        return self._words("licence")

    @property
    def limits(self) -> str:
        """Where it is known to fail."""
        return self._words("limits")

    @property
    def architecture(self) -> str:
        """As the registry of architectures calls it; "ONNX" for a model that came as such a file."""
        if (self.folder / store.ONNX).is_file():
            return "ONNX"
        return str(_table(self.settings, "network").get("architecture", "residual_unet"))

    @property
    def task(self) -> str:
        """What it is trained to do; those that say nothing denoise."""
        return str(self.settings.get("task", "denoise"))

    @property
    def groups(self) -> list[str]:
        """Names of the groups of data that it was trained on."""
        groups = _table(self.settings, "data").get("groups", [])
        return [str(group.get("name", "")) for group in groups if group.get("weight", 1)]

    def measured(self, part: str) -> list[dict[str, Any]]:
        """PSNR in dB: name and KINDS, None where not measured.

        part: "shipped", of the model as it ships; "validation" groups or "test" volumes of the training, which are of
        the network alone, and say nothing where the model is another version since or was measured as it ships.
        """
        if part == "shipped":
            return [{kind: row.get(kind) for kind in ("name", *KINDS)} for row in self.figures.get("rows", [])]
        other = self.metrics.get("version", self.identity.version) != self.identity.version
        return [] if other or self.figures else _measured(self.metrics, part)

    @property
    def _gained(self) -> Iterator[tuple[str, str, float]]:
        """Name, "whole" or "foreground", and dB of output over input, of all that was measured."""
        return gains([row for part in ("shipped", "validation", "test") for row in self.measured(part)])

    @property
    def parameters(self) -> int | None:
        """How many; None where it is not stated."""
        return self.metrics.get("parameters")

    @property
    def steps(self) -> int | None:
        """Of the training; None where they were not kept."""
        return self.metrics.get("steps")

    @property
    def minutes_per_step(self) -> float | None:
        """Of the whole training, evenly; None where its time was not kept."""
        seconds = self.metrics.get("training_seconds")
        return seconds / self.steps / 60 if seconds and self.steps else None

    @property
    def clean_change_percent(self) -> float | None:
        """How much a clean input is changed, as `processing adopt` measures it; None where nobody did."""
        return self.metrics.get("clean_change_percent")

    @property
    def mean_gain(self) -> float | None:
        """Mean of all gains in the foreground in dB; None where nothing was measured."""
        found = [gain for _, place, gain in self._gained if place == "foreground"]
        return sum(found) / len(found) if found else None

    @property
    def losses(self) -> list[str]:
        """Where the output was measured to be worse than the input, foreground or whole."""
        return list(dict.fromkeys(name for name, _, gain in self._gained if gain < 0))


def gains(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str, float]]:
    """Name, "whole" or "foreground", and dB of output over input, of rows of a name and KINDS."""
    for row in rows:
        for place, end in (("whole", ""), ("foreground", "_foreground")):
            before, after = row[f"input{end}"], row[f"output{end}"]
            if before is not None and after is not None:
                yield row["name"], place, after - before


def rows_of(metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """All groups and volumes of metrics.json: name and KINDS."""
    return [*_measured(metrics, "validation"), *_measured(metrics, "test")]


def _measured(metrics: dict[str, Any], part: str) -> list[dict[str, Any]]:
    table = _table(metrics, f"{part}_psnr_db")
    return [{"name": name, **{kind: row.get(kind) for kind in KINDS}} for name, row in table.items()]


def _table(of: dict[str, Any], name: str) -> dict[str, Any]:
    found = of.get(name, {})
    return found if isinstance(found, dict) else {}


def find_models(roots: Sequence[Path] = ()) -> tuple[dict[str, Path], list[str]]:
    """Folders of the shipped models and of those directly below `roots`, by name; and why others cannot be used.

    A name goes to the first that has it, a shipped model before all others. Reads identities only.
    """
    found: dict[str, Path] = {}
    problems = []
    for root in (store.SHIPPED, *roots):
        for file in sorted(root.glob("*/identity.json")):
            try:
                name = store.read_identity(file.parent).name
            except (OSError, ValueError, TypeError):
                problems.append(f"The folder “{file.parent.name}” has an identity.json that cannot be read.")
                continue
            if name in found:
                problems.append(
                    f"The folder “{file.parent.name}” holds another model “{name}”; give it a name of its own."
                )
            elif not name or "/" in name or len(name) > 60:
                problems.append(f"The folder “{file.parent.name}” names its model in more than 60 letters or with a /.")
            else:
                found[name] = file.parent
    return found, problems


def read_record(model: str | Path) -> ModelRecord:
    """All that the folder of a model tells; reads no weights.

    model: name of a shipped model, or a folder. Raises InputError if there is none, or a file of it is damaged.
    """
    folder = store.folder_of(model)
    try:
        identity = store.read_identity(folder)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"The identity of the model “{folder.name}” cannot be read; restore identity.json.") from error
    try:
        settings = tomllib.loads(_text(folder, "config.toml"))
        metrics = json.loads(_text(folder, "metrics.json") or "{}")
        card, log = _text(folder, "card.md"), _text(folder, store.LOG)
        detection, figures = (
            _measured_of(folder, file, sha256=identity.sha256, version=identity.version)
            for file in (store.DETECTION, store.FIGURES)
        )
        anomalies = _measured_of(folder, store.ANOMALIES, sha256=identity.sha256)  # they ask the network alone
    except (OSError, ValueError) as error:
        raise InputError(f"The record of the model “{identity.name}” is damaged; restore its folder.") from error
    metrics = metrics if isinstance(metrics, dict) else {}
    return ModelRecord(identity, folder, card, settings, metrics, _curves(log), detection, anomalies, figures)


def weights_problem(model: str | Path) -> str:
    """Why the weights cannot be used, as a sentence; empty if they are as recorded. Reads the whole file."""
    folder = store.folder_of(model)
    try:
        store.read_weights(folder, store.read_identity(folder).sha256)
    except FileNotFoundError as error:
        return f"{Path(error.filename).name} is not there; restore it."
    except InputError as error:
        return str(error)
    return ""


def _measured_of(folder: Path, name: str, **model: str) -> dict[str, Any]:
    """What a file says of this model; empty if it is not there, or of another."""
    found = json.loads(_text(folder, name) or "{}")
    return found if isinstance(found, dict) and all(found.get(key) == value for key, value in model.items()) else {}


def _text(folder: Path, name: str) -> str:
    file = folder / name
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _curves(log: str) -> TrainingCurves | None:
    """None without an entry. What is no JSON object is passed over: the last line may be half written."""
    curves = TrainingCurves([], {})
    for entry in _entries(log):
        step = entry.get("step")
        if not isinstance(step, int):
            continue
        if isinstance(loss := entry.get("loss"), int | float):
            curves.loss.append((step, float(loss)))
        for group, row in _table(entry, "validation").items():
            numbers = {kind: float(row[kind]) for kind in KINDS if isinstance(row.get(kind), int | float)}
            curves.validation.setdefault(group, []).append((step, numbers))
    return curves if curves.loss or curves.validation else None


def _entries(log: str) -> Iterator[dict[str, Any]]:
    for line in log.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield entry
