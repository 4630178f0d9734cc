"""A NRRD file that does not say where it lies is refused: no library's default is an answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from processing import series
from processing.errors import InputError
from processing.masks import read_mask
from processing.nrrd_place import nrrd_scale

SAID = {
    "space": "left-posterior-superior",
    "space directions": "(0.5,0,0) (0,0.7,0) (0,0,3)",
    "space origin": "(1,2,3)",
}


def nrrd(path: Path, said: Mapping[str, str] = SAID, *, more: str = "", ending: str = "\n") -> Path:
    array = np.arange(24, dtype="<i2").reshape(2, 3, 4)
    lines = ["NRRD0004", "type: short", "dimension: 3", "sizes: 4 3 2", "endian: little", "encoding: raw"]
    lines += [f"{key}: {value}" for key, value in said.items()] + ([more] if more else [])
    path.write_bytes(ending.join([*lines, "", ""]).encode() + array.tobytes())
    return path


def test_what_is_said_is_read(tmp_path: Path) -> None:
    volume = series.read(nrrd(tmp_path / "a.nrrd"))
    assert volume.spacing == pytest.approx((0.5, 0.7, 3))
    assert volume.affine[:3, 3].tolist() == [1, 2, 3]
    assert volume.array[1, 2, 3] == 23


def test_ras_is_turned(tmp_path: Path) -> None:
    volume = series.read(nrrd(tmp_path / "a.nrrd", SAID | {"space": "RAS"}))
    assert np.diag(volume.affine)[:3] == pytest.approx((-0.5, -0.7, 3))


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"spacings": "0.5 0.7 3"},
        {"space": "left-posterior-superior"},
        {"space directions": SAID["space directions"]},
        {"space dimension": "3", "space directions": SAID["space directions"]},
        SAID | {"space": "scanner-xyz"},
        SAID | {"space": "3D-right-handed"},
    ],
)
def test_without_sides_it_is_refused_as_image_and_as_mask(tmp_path: Path, said: dict[str, str]) -> None:
    path = nrrd(tmp_path / "a.nrrd", said)
    for read in (series.read, read_mask):
        with pytest.raises(InputError, match="does not say which side is left"):
            read(path)


@pytest.mark.parametrize(("unit", "scale"), [("mm", 1), ("um", 0.001), ("cm", 10), ("m", 1000)])
def test_units_become_mm(tmp_path: Path, unit: str, scale: float) -> None:
    path = nrrd(tmp_path / "a.nrrd", more=f'space units: "{unit}" "{unit}" "{unit}"')
    assert nrrd_scale(path) == scale
    for affine in (series.read(path).affine, read_mask(path)[0].affine):
        assert np.linalg.norm(affine[:3, 0]) == pytest.approx(0.5 * scale)


@pytest.mark.parametrize("units", ['"furlong" "furlong" "furlong"', '"mm" "mm" "um"'])
def test_other_units_are_refused(tmp_path: Path, units: str) -> None:
    with pytest.raises(InputError, match="unknown unit"):
        series.read(nrrd(tmp_path / "a.nrrd", more=f"space units: {units}"))


def test_lines_of_windows_are_read(tmp_path: Path) -> None:
    assert nrrd_scale(nrrd(tmp_path / "a.nrrd", ending="\r\n")) == 1


def test_complex_values_are_refused(tmp_path: Path) -> None:
    image = SimpleITK.GetImageFromArray(np.ones((2, 3, 4), np.complex64))
    SimpleITK.WriteImage(image, str(tmp_path / "a.nrrd"))
    with pytest.raises(InputError, match="not one three-dimensional grey image"):
        series.read(tmp_path / "a.nrrd")
