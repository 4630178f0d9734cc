"""What plane, resolution, part of the stack and augmentation do to a short training: one table.

    python -m benchmarks.training_choices [--data DIR] [--steps N] [--device cpu|cuda] [--markdown FILE]

A small network learns to take bars out of two heads, once for each choice, the rest as in the first row, with one seed
and one thread. Each is judged on its own validation, which is cut and made coarser as its training is, and on slices of
a third head in all three planes, as scanned. --markdown writes the table between its marks in that file. Few steps, few
subjects: the table shows what the choices do and cost, not which of them is best.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from processing import series
from processing.enhancement.enhance import enhance
from processing.enhancement.training import CONFIG, train
from processing.errors import InputError
from processing.metrics.quality import compare
from processing.simulate.degrade import Degradation, degrade
from processing.volume import Volume

JUDGED = "more/brain3d/fnndsc_adi_memprage.nii.gz"
SEED = 7
SLICES = 3  # of each plane
BEGIN, END = "<!-- benchmarks.training_choices -->", "<!-- end -->"
GEOMETRIC, CONTRAST = "turned = true\nscale = [0.5, 1.2]", "gamma = [0.7, 1.4]"
ARTEFACTS = "".join(
    f"\n[[degradation.kinds]]\nweight = 0.3\n{kind}\n"
    for kind in (
        "ghosting = [0.1, 0.4]",
        "motion = [1.0, 3.0]",
        "gibbs = [0.3, 0.6]",
        "half_nex_fraction = [0.01, 0.05]",
    )
)
CHOICES: dict[str, dict[str, str]] = {
    "all planes, full resolution, all slices; turned, scaled": {},
    "plane: sagittal": {"data": 'plane = "sagittal"'},
    "plane: coronal": {"data": 'plane = "coronal"'},
    "plane: axial": {"data": 'plane = "axial"'},
    "resolution: 32": {"data": "resolution = 32"},
    "resolution: 64": {"data": "resolution = 64"},
    "resolution: 128": {"data": "resolution = 128"},
    "slices: middle half": {"data": "slice_range = [0.25, 0.75]"},
    "slices: middle tenth": {"data": "slice_range = [0.45, 0.55]"},
    "augmentation: none": {"augmentation": "turned = false\nscale = [1.0, 1.0]"},
    "augmentation: turned, scaled, contrast": {"augmentation": f"{GEOMETRIC}\n{CONTRAST}"},
    "augmentation: turned, scaled, other artefacts": {"kinds": ARTEFACTS},
}


def main() -> None:
    """Train once for each choice; print the table, and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("READERSTUDY_DATA", "../shared/data")))
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--markdown", type=Path, help="write the table between its marks in this file")
    arguments = parser.parse_args()
    judged = _judged(series.read(arguments.data / JUDGED))
    rows = []
    for name, choice in CHOICES.items():
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / CONFIG
            config.write_text(configuration(choice, arguments.steps))
            out = train(
                "inpaint",
                config=config,
                data=arguments.data,
                out=config.parent / "model",
                device=arguments.device,
                progress=lambda line: None,
            )
            rows.append(_row(name, out, judged))
        print(rows[-1], flush=True)
    table = document(rows, arguments.steps, arguments.device)
    print(table)
    if arguments.markdown:
        arguments.markdown.write_text(between_marks(arguments.markdown.read_text(), table))


def configuration(choice: dict[str, str], steps: int) -> str:
    """Of a short training: lines for the tables data and sampling, and further kinds of degradation."""
    return f"""
task = "inpaint"
seed = {SEED}

[model]
name = "short"
version = "1"
description = "Of a table that compares short trainings."
use = "None."
data = "Two heads."
licence = "None."
limits = "All."

[network]
channels = [16, 32]
blocks = [1, 1, 1]

[schedule]
steps = {steps}
epoch = {max(steps // 2, 1)}
log_every = {max(steps // 4, 1)}
rate = 2e-3
warm_up = 20
average = 0.98
precision = "float32"
threads = 1
losses = [{{ name = "psnr_40", until = 1.0 }}]

[sampling]
batch = 4
crops = 4
patch = 32
foreground = 0.3
changed = 0.03
air = 0.2
{choice.get("augmentation", GEOMETRIC)}

[degradation]
clean = 0.06
later = 0.5

[[degradation.kinds]]
patches = true
{choice.get("kinds", "")}
[validation]
slices = 3
cases = [{{ name = "one bar per slice", patches = true }}]

[data]
{choice.get("data", "")}

[[data.groups]]
name = "head"
weight = 1.0
subject = "(fnndsc|studyforrest)"
about = "two heads, T1, voxels nearly cubes"
train = ["training/brain/fnndsc*.nii.gz"]
validation = ["training/brain/studyforrest*.nii.gz"]
"""


def _judged(whole: Volume) -> list[tuple[Volume, Volume]]:
    """Truth and barred slices of a head that no training sees, in each of three planes."""
    pairs = []
    for axis in range(3):
        stack = np.moveaxis(np.maximum(whole.array, 0), axis, 0)
        chosen = stack[np.linspace(0, len(stack) - 1, SLICES + 4).round().astype(int)[2:-2]]
        rows, columns = (n - n % 8 for n in chosen.shape[1:])
        truth = replace(whole, array=np.ascontiguousarray(chosen[:, :rows, :columns]), affine=np.eye(4), padding=None)
        pairs.append((truth, degrade(truth, Degradation(patches=True, seed=SEED))))
    return pairs


def _row(name: str, out: Path, judged: Sequence[tuple[Volume, Volume]]) -> dict:
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    epochs = [line for line in log if "validation" in line]
    (own,) = epochs[-1]["validation"].values()
    gains = []
    for truth, barred in judged:
        found = enhance(barred, model=out, only_bars=False).volume
        before, after = (float(compare(truth, one).foreground["psnr"] or 0) for one in (barred, found))
        gains.append(after - before)
    return {
        "name": name,
        "own": own["output_foreground"] - own["input_foreground"],
        "patch": own["output_patch"] - own["input_patch"],
        "judged": statistics.fmean(gains),
        "least": min(gains),
        "seconds": statistics.fmean(line["seconds"] for line in epochs),
    }


def document(rows: Sequence[dict], steps: int, device: str) -> str:
    """The table and what it says of."""
    lines = [
        f"Made by `python -m benchmarks.training_choices --steps {steps} --device {device}`: a small network that "
        "takes bars out, taught on one head, validated on a second, judged on slices of a third in three planes; what "
        "is won in dB of PSNR in the foreground (beneath the bars in the third column). An epoch is half of the steps.",
        "",
        "| choice | own validation | beneath the bars | another head, as scanned | its worst plane | s per epoch |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [f"{row[key]:+.2f}" for key in ("own", "patch", "judged", "least")]
        lines.append(f"| {row['name']} | " + " | ".join(cells) + f" | {row['seconds']:.1f} |")
    return "\n".join(lines)


def between_marks(text: str, table: str) -> str:
    """The text with the table in its place. Raises InputError where that is not marked."""
    found, count = re.subn(
        f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: f"{BEGIN}\n{table}\n{END}", text, flags=re.DOTALL
    )
    if count != 1:
        raise InputError(f"The document does not mark one place for the table, between {BEGIN} and {END}.")
    return found


if __name__ == "__main__":
    main()
