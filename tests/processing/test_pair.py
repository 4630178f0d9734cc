"""Blinding of a pair: swapping the sides changes pixels and padding only."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import processing.grid
from processing import pair, series
from processing.errors import InputError
from processing.grid import common_grid, laid, on_grid, oriented
from processing.pair import make_pair
from processing.volume import Volume

AXIAL = np.array([[0.8, 0, 0, -60], [0, 0.8, 0, -50], [0, 0, 4, 10], [0, 0, 0, 1.0]])


def head(*, noise: float = 0.0, seed: int = 0, size: int = 128, slices: int = 6, affine: np.ndarray = AXIAL) -> Volume:
    """An ellipse of three tissues with Rician noise of the given standard deviation."""
    rows, columns = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    image = 600.0 * (rows**2 / 0.7 + columns**2 / 0.5 < 1)
    image[(rows**2 + columns**2) < 0.15] = 350
    image[(rows - 0.3) ** 2 + columns**2 < 0.03] = 1000
    array = np.stack([image * (1 + 0.05 * n) for n in range(slices)])
    rng = np.random.default_rng(seed)
    if noise:
        array = np.hypot(array + rng.normal(0, noise, array.shape), rng.normal(0, noise, array.shape))
    return Volume(array.astype(np.float32), affine)


def window(result: pair.Pair) -> int:
    return result.geometry["window"]["upper"]


def test_swapping_the_sides_changes_pixels_only() -> None:
    smooth, noisy = head(), head(noise=40)
    one, other = make_pair(smooth, noisy), make_pair(noisy, smooth)
    assert one.geometry == other.geometry
    assert one.order == other.order
    assert one.flags == other.flags
    assert one.frames["first_left"] == other.frames["second_left"]
    for left, right in zip(one.frames["first_left"], one.frames["second_left"], strict=True):
        assert len(left) == len(right)
        assert len(left) % 1024 == 0
        assert left != right


def test_a_frame_is_plain_gzip_of_sorted_prediction_errors() -> None:
    """Decoded with the standard library alone, as a browser does it."""
    smooth, noisy = head(size=40), head(noise=40, size=40)
    result = make_pair(smooth, noisy)
    content = gzip.decompress(result.frames["first_left"][2])
    counts, planes = np.frombuffer(content[:128], "<u4"), content[128:]
    assert len(planes) == 2 * counts.sum() == 2 * 2 * 40 * 40
    left, right = undone(counts, planes, 40)
    np.testing.assert_allclose(
        left / window(result), smooth.array[2] / smooth.array[2].max() * left.max() / window(result), atol=1e-3
    )
    np.testing.assert_array_equal(pair.decode(result.frames["first_left"][2], result.geometry), [left, right])


def undone(counts: np.ndarray, planes: bytes, size: int) -> np.ndarray:
    """The median edge detector as its authors describe it and the sorting as `encode` does, pixel by pixel."""
    taken = np.cumsum(counts) - counts
    found, errors = np.zeros((2, size, size), int), np.zeros((2, size + 1, size + 2), int)
    for side, row, column in np.ndindex(found.shape):
        around = int(errors[side, row, column : column + 3].sum())  # of the row above, as both have a margin
        group = 2 * around.bit_length() + side
        coded = planes[taken[group]] + 256 * planes[counts.sum() + taken[group]]
        taken[group] += 1
        errors[side, row + 1, column + 1] = coded
        image = found[side]
        west = image[row, column - 1] if column else image[row - 1, column] if row else 0
        north = image[row - 1, column] if row else west
        corner = image[row - 1, column - 1] if row and column else north if row else west
        if corner >= max(west, north):
            expected = min(west, north)
        elif corner <= min(west, north):
            expected = max(west, north)
        else:
            expected = west + north - corner
        image[row, column] = expected + (-(coded + 1) // 2 if coded % 2 else coded // 2)
    return 16 * found


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (7, 4)])
def test_every_level_comes_back_whatever_its_neighbours(shape: tuple[int, int]) -> None:
    chance = np.random.default_rng(sum(shape))
    geometry = {"rows": shape[0], "columns": shape[1], "coding": pair.SORTED_BY_ERRORS_ABOVE}
    for levels in (2, 41, 4096, np.array([0, 4095])):
        sides = [chance.choice(levels, shape).astype(np.uint16) * 16 for _ in range(2)]
        for made, given in zip(pair.decode(pair.encode(*sides), geometry), sides, strict=True):
            np.testing.assert_array_equal(made, given)


# One frame by each coding there ever was; `tests/frontend/frames.test.js` has the browser unpack the same bytes.
CODED = json.loads(Path(__file__).with_name("coded_frames.json").read_text())


@pytest.mark.parametrize("coding", [None, *CODED["frames"]])
def test_frames_that_were_prepared_by_an_earlier_coding_still_show(coding: str | None) -> None:
    # Before codings had numbers there was the first.
    geometry = CODED if coding is None else {**CODED, "coding": int(coding)}
    left, right = pair.decode(base64.b64decode(CODED["frames"][coding or "1"]), geometry)
    np.testing.assert_array_equal(left.ravel(), CODED["left"])
    np.testing.assert_array_equal(right.ravel(), CODED["right"])


def test_the_coding_under_its_number_does_not_change() -> None:
    sides = (np.array(CODED[name], np.uint16).reshape(CODED["rows"], CODED["columns"]) for name in ("left", "right"))
    coded = base64.b64decode(CODED["frames"][str(pair.SORTED_BY_ERRORS_ABOVE)])
    assert gzip.decompress(pair.encode(*sides)) == gzip.decompress(coded)


def test_the_middle_comes_first() -> None:
    assert pair.middle_first(5) == [2, 1, 3, 0, 4]
    assert pair.middle_first(4) == [2, 1, 3, 0]
    assert pair.middle_first(1) == [0]


def test_volumes_on_one_grid_are_not_resampled() -> None:
    volumes = [head(noise=10), head(noise=30, seed=1)]
    grid = common_grid(volumes)
    assert not grid.resampled
    assert grid.flags == ()
    for volume in volumes:
        np.testing.assert_array_equal(on_grid(volume, grid), volume.array)


@pytest.mark.parametrize("scale", [1.0, 7.3])
def test_noise_and_scale_do_not_change_tissue_brightness(scale: float) -> None:
    """Design rule: one percentile rule, visibly equal sides."""
    quiet, loud = head(noise=5), head(noise=60, seed=1)
    grid = common_grid([quiet, loud])
    one = pair.grey_levels(quiet.array, grid)
    other = pair.grey_levels(loud.array * np.float32(scale), grid)
    tissue = head().array > 500
    assert np.median(other[tissue]) == pytest.approx(np.median(one[tissue]), rel=0.03)


def test_the_window_ends_at_the_bright_tissue() -> None:
    result = pair.grey_levels(head().array, common_grid([head()]))
    assert result.max() <= 65520
    assert 0.7 < np.percentile(result[result > 0], 99) / (2730 * 16) < 1.3
    assert result[0, 0, 0] == 0
    assert (result % 16 == 0).all()


def test_slices_without_a_partner_are_dropped_on_both_sides() -> None:
    whole = head(slices=8)
    shifted = Volume(whole.array[3:] + 1, AXIAL @ _translation(0, 0, 3))
    result = make_pair(whole, shifted)
    assert result.geometry["slices"] == 5
    assert result.flags == ["3 slices without a partner left out."]
    left, right = pair.decode(result.frames["first_left"][0], result.geometry)
    assert np.median(np.abs(left.astype(int) - right)) < 200


def _translation(i: float, j: float, k: float) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, 3] = i, j, k
    return matrix


def _turn(degrees: float) -> np.ndarray:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[1, 0, 0, 0], [0, cosine, -sine, 0], [0, sine, cosine, 0], [0, 0, 0, 1]])


def test_a_half_matrix_puts_every_arm_through_the_kernel_and_is_flagged() -> None:
    ramp = np.add.outer(np.arange(128.0), 3 * np.arange(128.0)) + 50
    fine = Volume(np.stack([ramp + n for n in range(6)]), AXIAL)
    means = fine.array.reshape(6, 64, 2, 64, 2).mean(axis=(2, 4))
    coarse = Volume(means, AXIAL @ np.diag([2, 2, 1, 1]) @ _translation(0.25, 0.25, 0))
    grid = common_grid([coarse, fine])
    assert grid.resampled
    assert grid.shape == (6, 128, 128)
    assert "Pixel sizes differ" in grid.flags[0]
    # The spline goes through its samples, and a ramp has the same values on both grids.
    np.testing.assert_allclose(on_grid(fine, grid), fine.array, atol=1e-3)
    inside = (slice(None), slice(20, -20), slice(20, -20))
    np.testing.assert_allclose(on_grid(coarse, grid)[inside], fine.array[inside], atol=1e-3)


def test_the_kernel_is_scipys_cubic_spline() -> None:
    from scipy import ndimage

    arm = head(noise=20)
    shifted = Volume(head(noise=20, seed=1).array, AXIAL @ _translation(0.4, -0.3, 0))
    grid = common_grid([arm, shifted])
    assert grid.resampled
    matrix = np.linalg.inv(shifted.affine) @ grid.affine
    expected = ndimage.affine_transform(
        shifted.array[0].astype(float), [1, 1], matrix[[1, 0], 3], grid.shape[1:], order=3, mode="mirror"
    )
    np.testing.assert_allclose(on_grid(shifted, grid)[0], expected, atol=0.01)


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_arms_that_lie_on_the_grid_already_give_the_same_pair_and_are_not_resampled(shift, monkeypatch) -> None:
    one, other = head(noise=20), head(noise=20, seed=1)
    hidden = np.zeros(other.shape, bool)
    hidden[:, :9] = True
    moved = Volume(other.array, AXIAL @ _translation(shift, -shift, 0), padding=hidden, frame_of_reference="1.2")
    grid = common_grid([one, moved], plane="axial")
    there, same = laid({"SOC": one, "FAST": moved}, grid)
    expected = pair.make_pair(one, moved, grid=grid)
    monkeypatch.setattr(processing.grid, "_resample", None)
    assert pair.make_pair(there["SOC"], there["FAST"], grid=same) == expected
    assert there["FAST"].frame_of_reference == "1.2"


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_one_slice_alone_is_that_of_the_stack(shift: float) -> None:
    moved = Volume(head(noise=20, slices=8).array, AXIAL @ _translation(shift, 0, -1))
    grid = common_grid([head(), moved])
    whole = on_grid(moved, grid)
    for place in range(grid.shape[0]):
        np.testing.assert_array_equal(on_grid(moved, grid, only=place), whole[place : place + 1])


def test_other_storage_order_gives_the_same_pair() -> None:
    """NIfTI turned upside down, mirrored and with slices along the first index shows the same frames."""
    volume = head(noise=10)
    array, affine = volume.array[::-1, ::-1, :], AXIAL.copy()
    affine = affine @ _translation(0, 127, 5) @ np.diag([1, -1, -1, 1])
    turned = Volume(np.transpose(array, (2, 1, 0)), affine[:, [2, 1, 0, 3]])
    np.testing.assert_array_equal(oriented(turned).array, volume.array)
    np.testing.assert_allclose(oriented(turned).affine, AXIAL, atol=1e-9)
    assert make_pair(volume, turned).frames == make_pair(volume, volume).frames


@pytest.mark.parametrize(
    ("columns", "letters"),
    [
        ([[0.8, 0, 0], [0, 0.8, 0], [0, 0, 4]], {"w": "R", "e": "L", "n": "A", "s": "P"}),
        ([[0, 0.8, 0], [0, 0, -0.8], [-4, 0, 0]], {"w": "A", "e": "P", "n": "H", "s": "F"}),
        ([[0.8, 0, 0], [0, 0, -0.8], [0, 4, 0]], {"w": "R", "e": "L", "n": "H", "s": "F"}),
    ],
)
def test_letters_name_the_patient_side_at_each_edge(columns: list, letters: dict) -> None:
    affine = np.eye(4)
    affine[:3, :3] = np.array(columns, dtype=float).T
    result = make_pair(head(affine=affine), head(affine=affine))
    assert result.geometry["letters"] == letters


@pytest.mark.parametrize(
    ("affine", "reason"),
    [
        (AXIAL @ _translation(0, 0, 40), "no slice in common"),
        (AXIAL @ _translation(125, 0, 0), "under 16 pixels"),
        (AXIAL @ np.diag([1, 1, 1.25, 1]), "4.00 mm apart in one series and 5.00 mm"),
        (_turn(20) @ AXIAL, "tilted by 20.0"),
    ],
)
def test_what_cannot_be_paired_is_refused(affine: np.ndarray, reason: str) -> None:
    other = replace(head(), affine=affine)
    with pytest.raises(InputError, match=reason):
        make_pair(head(), other)


def test_an_empty_image_is_refused() -> None:
    with pytest.raises(InputError, match="no contrast"):
        make_pair(head(), replace(head(), array=np.zeros((6, 128, 128), np.float32)))


def test_a_real_vendor_pair(real_data: Path) -> None:
    first, second = (
        series.read(real_data / "dicom" / name)
        for name in ("philips_elition_201_T1W_TSE_Sno_CSno_CSAIno", "philips_elition_501_T1W_TSE_Sno_CSno_CSAI2")
    )
    result = make_pair(first, second)
    assert result.flags == []
    assert [len(f) for f in result.frames["first_left"]] == [len(f) for f in result.frames["second_left"]]
    left, right = pair.decode(result.frames["first_left"][6], result.geometry)
    bright = left > 0.3 * window(result)
    assert np.median(right[bright]) == pytest.approx(np.median(left[bright]), rel=0.02)


def cube(column: int, row: int, through: int, *, size: int = 24, step: float = 2.5) -> Volume:
    """One scene, isotropic and centred; which axis of LPS (1 to 3) each index follows, negative against it."""
    affine = np.eye(4)
    for index, axis in enumerate((column, row, through)):
        affine[:3, index] = np.sign(axis) * step * np.eye(3)[abs(axis) - 1]
    affine[:3, 3] = -affine[:3, :3] @ np.full(3, (size - 1) / 2)
    k, j, i = np.indices((size, size, size))
    x, y, z = np.tensordot(affine[:3, :3], np.stack([i, j, k]), 1) + affine[:3, 3, None, None, None]
    inside = (x / 20) ** 2 + (y / 25) ** 2 + (z / 28) ** 2 < 1
    return Volume(inside * (400 + 5 * x + 3 * y + 2 * z), affine)


@pytest.mark.parametrize("other", [(-1, -2, 3), (1, 2, 3), (1, -3, 2), (-3, 2, -1)])
def test_isotropic_volumes_pair_in_any_order_of_storage(other: tuple[int, int, int]) -> None:
    sagittal = cube(2, -3, 1)
    result = make_pair(sagittal, cube(*other))
    assert (result.geometry["plane"], result.geometry["slices"], result.flags) == ("sagittal", 24, [])
    for frame in result.frames["first_left"]:
        left, right = pair.decode(frame, result.geometry)
        np.testing.assert_array_equal(left, right)


def test_volumes_with_slices_keep_their_plane() -> None:
    thick = cube(2, -3, 1)
    stretched = thick.affine @ np.diag([1, 1, 1.1, 1])
    with pytest.raises(InputError, match="tilted by 90"):
        make_pair(thick, Volume(cube(1, 2, 3).array, cube(1, 2, 3).affine @ np.diag([1, 1, 1.1, 1])))
    assert oriented(Volume(thick.array, stretched), np.array([0.0, 0, 1])).normal.tolist() == [1, 0, 0]
