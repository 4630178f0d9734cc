"""Mirror images and shifts that the check of a pair finds, and pairs that it holds back for nothing, on real series.

    python -m benchmarks.mirrored FOLDER … [--noise 0.05]

Every DICOM series (a folder of files) and NIfTI image of 3 slices or more below FOLDER is a pair with itself: with
Rician noise (of the 99th percentile), which must pass, and three times with it; then mirrored along each axis, and
moved by two slices, which must be held back. Prints one line a series and the counts; fails if a pair that lies right
is held back.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from processing.check import check_pair
from processing.errors import InputError
from processing.nifti import is_volume_file
from processing.series import read
from processing.volume import Volume


def main() -> None:
    """Check each series and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--noise", type=float, default=0.05)
    options = parser.parse_args()
    series = alarms = found = planted = shifts = shifted = 0
    for path in sources(options.folders):
        try:
            volume = read(path)
            volume.require_magnitude()
        except InputError:
            continue
        if volume.shape[0] < 3 or len(np.unique(volume.array)) < 64:  # a mask
            continue
        series += 1
        rng = np.random.default_rng(series)
        alarm = any(held(volume, noisy(volume, share, rng)) for share in (options.noise, 3 * options.noise))
        mirrored = [held(volume, noisy(flipped(volume, axis), options.noise, rng)) for axis in range(3)]
        moved = held(volume, noisy(volume.with_array(np.roll(volume.array, 2, 0)), options.noise, rng))
        thin = 2 * volume.spacing[2] < 4  # less than a cell: no wrong place
        print(
            f"{'/'.join(path.parts[-2:])}: mirrored {sum(mirrored)} of 3, moved {moved}, held back for nothing {alarm}"
        )
        alarms, found, planted = alarms + alarm, found + sum(mirrored), planted + 3
        shifts, shifted = shifts + (not thin), shifted + (moved and not thin)
    print(
        f"{series} series: held back for nothing {alarms}; mirrored {found} of {planted}; moved {shifted} of {shifts}"
    )
    sys.exit(1 if alarms or not series else 0)


def sources(folders: list[Path]) -> list[Path]:
    """Volume files, and folders that hold other files and no folder."""
    found = []
    for path in sorted(each for folder in folders for each in [folder, *folder.rglob("*")]):
        if path.is_file() and is_volume_file(path):
            found.append(path)
        elif path.is_dir():
            inside = [each for each in path.iterdir() if not each.name.startswith(".")]
            if inside and all(each.is_file() and not is_volume_file(each) for each in inside):
                found.append(path)
    return found


def held(volume: Volume, other: Volume) -> bool:
    """Whether the pair waits for a person."""
    return check_pair(volume, other).held_back


def flipped(volume: Volume, axis: int) -> Volume:
    """The image mirrored in its own box: what a file gives that names the wrong side."""
    return volume.with_array(np.ascontiguousarray(np.flip(volume.array, axis)))


def noisy(volume: Volume, share: float, rng: np.random.Generator) -> Volume:
    """Magnitude of the image with complex noise."""
    deviation = share * np.percentile(volume.array, 99)
    real, imaginary = (rng.normal(0, deviation, volume.shape).astype(np.float32) for _ in range(2))
    return volume.with_array(np.hypot(volume.array + real, imaginary))


if __name__ == "__main__":
    main()
