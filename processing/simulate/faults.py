"""Examples of what is wrong rather than worse: one place of the phantom as it is, and with a fault, drawn strongly.

`python -m processing.simulate.faults FOLDER` writes the pictures that readers are shown before they begin.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from processing.simulate.phantom.acquisition import acquire, protocol_for
from processing.simulate.phantom.anatomy import Anatomy, Level, make_subject
from processing.volume import Array, Volume

SIZE = (208, 288)  # rows and columns of a picture
MM = 0.22  # of the spine per pixel of a picture
GREYS = 64  # of a picture: what an eye tells apart in so small a one
_SUBJECT = 3
_SCAN = replace(protocol_for("sag-t2"), matrix=(432, 360), slices=1, averages=12)


@dataclass(frozen=True)
class Example:
    """One kind of fault, as findings name it: the same place without and with it, 8-bit grey."""

    kind: str
    sound: Array
    fault: Array


def examples() -> Iterator[Example]:
    """One example of each kind of fault.

    Yields
    ------
    Example
        Loss, corruption, alteration, creation and exaggeration, in this order. Computed anew each time, from a fixed
        subject and fixed noise: the two pictures of an example differ in the fault alone.
    """
    subject = make_subject(_SUBJECT)
    plain = _with(_with(subject, "L2", lesion=None, schmorl=0.0), "L3", lesion=None)
    spot = _with(plain, "L2", lesion=(0.0, -2.0, 0.0, 8.0))
    small, large = (_with(subject, "L4", disc=replace(subject.level("L4").disc, hernia=mm)) for mm in (3.0, 10.0))
    body, disc = _body(subject.level("L2")), _below(subject.level("L3"))
    scans = {name: acquire(each, _SCAN, 1) for name, each in (("plain", plain), ("spot", spot))}
    yield Example("loss", _picture(scans["spot"], body), _picture(scans["plain"], body))
    torn = replace(scans["plain"], array=_torn(scans["plain"], body))
    yield Example("corruption", _picture(scans["plain"], body), _picture(torn, body))
    bent = replace(scans["plain"], array=_bent(scans["plain"], disc))
    yield Example("alteration", _picture(scans["plain"], disc), _picture(bent, disc))
    other = _body(subject.level("L1"))
    spotted = acquire(_with(plain, "L1", lesion=(0.0, -3.0, 1.0, 6.0)), _SCAN, 1)
    yield Example("creation", _picture(scans["plain"], other), _picture(spotted, other))
    rear = subject.level("L4").place(0, subject.level("L4").b, 0) - _body(subject.level("L4"))
    back = _below(subject.level("L4")) + rear
    pair = (_picture(acquire(each, _SCAN, 1), back) for each in (small, large))
    yield Example("exaggeration", *pair)


def write_examples(folder: Path) -> list[Path]:
    """Write the pictures of all examples as PNG.

    Parameters
    ----------
    folder : Path
        Where to; made if need be. The pictures are named KIND-sound.png and KIND-fault.png.

    Returns
    -------
    list of Path
        What was written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for example in examples():
        for name, picture in (("sound", example.sound), ("fault", example.fault)):
            path = folder / f"{example.kind}-{name}.png"
            Image.fromarray(picture).quantize(GREYS).save(path, optimize=True)
            written.append(path)
    return written


def _with(anatomy: Anatomy, name: str, **changes: object) -> Anatomy:
    """The same subject but for one vertebra."""
    levels = tuple(replace(one, **changes) if one.name == name else one for one in anatomy.levels)  # type: ignore[arg-type]
    return replace(anatomy, levels=levels)


def _body(level: Level) -> Array:
    return level.place(0, 0, 0)


def _below(level: Level) -> Array:
    """The middle of the disc below a vertebra."""
    return level.place(0, 0, -level.h - level.disc.height / 2)


def _pixel(volume: Volume, place: Array) -> tuple[float, float]:
    """Row and column of a place in the slice."""
    column, row, _ = np.linalg.solve(volume.affine[:3, :3], place - volume.affine[:3, 3])
    return float(row), float(column)


def _picture(volume: Volume, place: Array) -> Array:
    """What lies around a place, in the window that suits the whole slice."""
    image, (row, column) = volume.array[0], _pixel(volume, place)
    step = MM / volume.spacing[0]
    rows, columns = (centre + step * (np.arange(n) - n / 2) for centre, n in zip((row, column), SIZE, strict=True))
    cut = ndimage.map_coordinates(image, np.meshgrid(rows, columns, indexing="ij"), order=3, mode="nearest")
    upper = np.percentile(image, 97)
    return np.rint(255 * np.clip(cut / upper, 0, 1)).astype(np.uint8)


def _torn(volume: Volume, place: Array) -> Array:
    """Bands of rows around a place shifted against each other, as where lines of k-space are lost."""
    array = volume.array.copy()
    row, column = (round(value) for value in _pixel(volume, place))
    reach, band = round(13 / volume.spacing[0]), 4
    for number, start in enumerate(range(row - reach, row + reach, band)):
        part = array[0, start : start + band, column - reach : column + reach]
        part[:] = np.roll(part, (reach // 2, -reach // 3, reach)[number % 3], axis=1) * (1, 0.35, 1.3)[number % 3]
    return array


def _bent(volume: Volume, place: Array) -> Array:
    """Rows moved up and down in a wave around a place, less the farther away."""
    row, column = _pixel(volume, place)
    j, i = np.indices(volume.shape[1:]).astype(float)
    away = np.hypot((j - row) / (16 / volume.spacing[0]), (i - column) / (22 / volume.spacing[0]))
    wave = 7 / volume.spacing[0] * np.sin((i - column) * volume.spacing[0] * 2 * np.pi / 36) * np.exp(-(away**4))
    return ndimage.map_coordinates(volume.array[0], [j + wave, i], order=3, mode="nearest")[None]


if __name__ == "__main__":
    write_examples(Path(sys.argv[1]))
