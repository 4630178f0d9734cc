"""Who made an enhanced series: model, version, hash and precision."""

from __future__ import annotations

from dataclasses import dataclass

# Names by which a file tells that no scanner acquired it.
DEGRADATION = "simulated degradation"
RECONSTRUCTION = "simulated reconstruction"  # of lines of k-space, the others of which were left out
SIMULATED = "Simulated, not acquired:"
PHANTOM = "Synthetic phantom"


@dataclass(frozen=True)
class ModelIdentity:
    """What must be written beside every output of a model.

    name: folder under processing/enhancement/weights, e.g. "denoise-spine"; version: e.g. "1.0".
    sha256: of the weights file, in ONNX of settings and file, 64 hex digits; precision: arithmetic used, e.g.
    "float32", "bfloat16". description: one sentence for derivation descriptions and reports. task: what it does, e.g.
    "inpaint"; "" where that is not stated.
    """

    name: str
    version: str
    sha256: str
    precision: str
    description: str
    task: str = ""
