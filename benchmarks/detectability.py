"""What a network does to small findings: a model observer looks for planted discs and lines before and after it.

    python -m benchmarks.detectability --model NAME|DIR [--data DIR] [--slices N] [--write]

The degradations are those that the network is for, at the strengths of benchmarks.denoising, restoration and
reconstruction, of series of subjects that training did not see, and of phantoms. --write keeps the result in the folder
of the model, from where the site's page shows it, and on its card.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import restoration
from benchmarks.denoising import PHANTOM, truths
from processing import series
from processing.enhancement.detectability import Trial, markdown, measure, write
from processing.enhancement.enhance import enhance
from processing.enhancement.networks.store import folder_of, read_config
from processing.enhancement.tasks import DENOISE, INPAINT, RECONSTRUCT, RESTORE, THIN_SLICES, task_of
from processing.reconstruction.reconstruct import reconstruct
from processing.reconstruction.signal import simulated
from processing.simulate.degrade import Degradation, degrade
from processing.simulate.phantom import acquire, make_subject, protocol_for
from processing.simulate.thickness import interpolated
from processing.volume import Volume

LEVELS = (0.03, 0.10)
RESTORED = (restoration.HALF, restoration.GIBBS, f"{restoration.GHOSTING} at 40°", "motion of 3 pixels")
PHANTOMS = ("sag-t2", "sag-t1", "sag-stir", "ax-t2")
SUBJECTS = (201, 202)
REAL = "five heads and a neck"


def main() -> None:
    """Print the section of the card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("READERSTUDY_DATA", "../shared/data")))
    parser.add_argument("--model", required=True, help="name of a shipped model, or the folder of another")
    parser.add_argument("--slices", type=int, default=9, help="per series, around its middle")
    parser.add_argument("--write", action="store_true", help="keep the result in the folder of the model")
    arguments = parser.parse_args()
    folder = folder_of(arguments.model)
    rows = []
    for name, trial in trials(folder):
        for background, volumes in backgrounds(arguments, folder).items():
            rows.append({"degradation": name, "background": background} | measure(volumes, trial))
            print(rows[-1]["degradation"], background, rows[-1]["psnr"], rows[-1]["area"], file=sys.stderr, flush=True)
    print(markdown(rows))
    if arguments.write:
        write(folder, rows)


def trials(folder: Path) -> Iterator[tuple[str, Trial]]:
    """What a model is for: a degradation in words, and how it is done and repaired."""
    task = task_of(read_config(folder))
    if task == DENOISE:
        for level in LEVELS:
            yield f"noise of {100 * level:g} %", partial(_enhanced, folder, Degradation(half_nex_fraction=level))
    elif task == RESTORE:
        for name in RESTORED:
            yield name, partial(_enhanced, folder, restoration.RESTORED[name])
    elif task == INPAINT:
        yield "one bar per slice", partial(_enhanced, folder, restoration.BARS)
    elif task == THIN_SLICES:
        for name, degradation in restoration.THICK.items():
            yield f"slices {name} as thick, before: cubic spline", partial(_thinned, folder, degradation)
    elif task == RECONSTRUCT:
        for factor in (4, 8):
            yield f"R = {factor}, before: zero filling", partial(_reconstructed, folder, factor)


def backgrounds(arguments: argparse.Namespace, folder: Path) -> dict[str, list[Volume]]:
    """Volumes that the network has not seen, real and of the phantom, sides as every task can take them."""
    if task_of(read_config(folder)) == THIN_SLICES:
        return {"heads": [volume for path in restoration.THIN.values() for volume in _thin(arguments, path)]}
    real = [volume for group, _, volume in truths(arguments.data, arguments.slices - 2) if group != PHANTOM]
    made = [
        acquire(make_subject(subject), replace(protocol_for(name), slices=arguments.slices, noise=0.0), 1)
        for subject in SUBJECTS
        for name in PHANTOMS
    ]
    found = {REAL: [_even(volume) for volume in real], "phantoms": [_even(volume) for volume in made]}
    return {name: volumes for name, volumes in found.items() if volumes}


def _thin(arguments: argparse.Namespace, path: str) -> Iterator[Volume]:
    if not (arguments.data / path).exists():
        print(f"{path}: not here, left out", file=sys.stderr)
        return
    whole = series.read(arguments.data / path)
    start = (whole.shape[0] - restoration.THIN_SLICES // 2) // 2
    yield _even(replace(whole, array=whole.array[start : start + restoration.THIN_SLICES // 2]))


def _even(volume: Volume) -> Volume:
    """Sides of a multiple of eight, no negative values, pixels of 1 mm, as strengths are in pixels."""
    rows, columns = (n - n % 8 for n in volume.shape[1:])
    return replace(volume, array=np.maximum(volume.array[:, :rows, :columns], 0), padding=None, affine=np.eye(4))


def _enhanced(folder: Path, degradation: Degradation, truth: Volume, seed: int) -> tuple[Volume, Volume]:
    before = degrade(truth, replace(degradation, seed=seed))
    return before, enhance(before, model=folder).volume


def _thinned(folder: Path, degradation: Degradation, truth: Volume, seed: int) -> tuple[Volume, Volume]:
    thick, parts = degrade(truth, replace(degradation, seed=seed)), degradation.thick or 1
    after = enhance(thick, model=folder, parts=parts).volume.array
    return truth.with_array(np.maximum(interpolated(thick.array, parts), 0)), truth.with_array(after)


def _reconstructed(folder: Path, factor: int, truth: Volume, seed: int) -> tuple[Volume, Volume]:
    signal = simulated(truth, seed)
    before = reconstruct(signal, method="zero-filled", undersample=factor, seed=seed)
    after = reconstruct(signal, method="cascade", undersample=factor, seed=seed, model=folder)
    return truth.with_array(before.volume.array), truth.with_array(after.volume.array)


if __name__ == "__main__":
    main()
