"""What a training leaves for people to look at: a log by line, TensorBoard's event files, sample pictures."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tensorboardX import SummaryWriter

from processing.enhancement.networks.store import LOG, write_whole
from processing.volume import Array

PICTURES, EVENTS = "samples", "tensorboard"
DIFFERENCE = 0.1  # of the range: black and white of a difference
GAP = 4  # pixels


class TrainingLog:
    """The log of the training in a folder, continued from a step.

    log.jsonl: one JSON object per line, the same again for the same configuration but for the seconds of an epoch.
    tensorboard: the same numbers as event files. samples: one picture per epoch.
    """

    def __init__(self, folder: Path, step: int) -> None:
        """Keep what was logged up to `step`; what came later, or was being written at a crash, is dropped."""
        self._folder = folder
        kept = []
        for line in (folder / LOG).read_text().splitlines(keepends=True) if step else []:
            try:
                later = json.loads(line)["step"] > step
            except json.JSONDecodeError:  # the line that was being written
                break
            if later:
                break
            kept.append(line)
        write_whole(folder / LOG, "".join(kept).encode())
        self._events = SummaryWriter(str(folder / EVENTS), purge_step=step + 1)

    def update(self, step: int, *, loss: float, rate: float) -> None:
        """Mean loss since the last line, and the learning rate."""
        self._line({"step": step, "loss": loss, "rate": rate})
        self._events.add_scalar("loss", loss, step)
        self._events.add_scalar("rate", rate, step)

    def epoch(self, step: int, metrics: dict[str, dict[str, float]], seconds: float) -> None:
        """Validation: per group and noise level the PSNR in dB of input and output; seconds: of this epoch."""
        self._line({"step": step, "seconds": round(seconds, 1), "validation": metrics})
        for group, row in metrics.items():
            for kind, value in row.items():
                self._events.add_scalar(f"{kind}/{_tag(group)}", value, step)
        self._events.add_scalar("seconds_per_epoch", seconds, step)
        self._events.flush()

    def pictures(self, step: int, rows: Sequence[tuple[Array, Array, Array]]) -> None:
        """One row per (input, output, truth), and output − truth in the fourth column, grey where they are equal."""
        if not rows:
            return
        sheet = contact_sheet(rows)
        target = self._folder / PICTURES
        target.mkdir(exist_ok=True)
        Image.fromarray(sheet).save(target / f"step-{step:07d}.png")
        self._events.add_image("input_output_truth_difference", sheet[None], step)

    def _line(self, line: dict[str, Any]) -> None:
        with (self._folder / LOG).open("a") as file:
            file.write(json.dumps(line) + "\n")


def _tag(words: str) -> str:
    """TensorBoard takes letters, digits and _-./ in names."""
    return re.sub(r"[^\w./-]+", "_", words.replace("%", "percent"))


def contact_sheet(rows: Sequence[tuple[Array, Array, Array]]) -> Array:
    """uint8 (height, width): intensities 0..1 as black to white, a difference of ± DIFFERENCE likewise."""
    height, width = (max(truth.shape[axis] for _, _, truth in rows) + GAP for axis in (0, 1))
    sheet = np.zeros((height * len(rows), width * 4), np.uint8)
    for row, (noisy, output, truth) in enumerate(rows):
        difference = 0.5 + (output - truth) / (2 * DIFFERENCE)
        for column, image in enumerate((noisy, output, truth, difference)):
            place = np.s_[row * height :, column * width :]
            sheet[place][: image.shape[0], : image.shape[1]] = (np.clip(image, 0, 1) * 255).round()
    return sheet
