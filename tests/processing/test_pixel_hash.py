"""What pixels are known again by: equal intensities have one hash, other ones another, and the first kind stays."""

import hashlib

import numpy as np
import pytest

from processing.pixel_hash import FLOATS, WHOLE, pixels_sha256
from processing.volume import Volume

AFFINE = np.diag([0.5, -0.5, 4.0, 1.0])


def values(low: int, high: int) -> np.ndarray:
    array = np.random.default_rng(1).integers(low, high + 1, (3, 5, 4))
    array[0, 0, :2] = low, high
    return array


@pytest.mark.parametrize(
    ("low", "high", "kinds"),
    [
        (0, 255, ("u1", "u2", "i2", "i4", "f4")),
        (0, 65_535, ("u2", "i4", "f4")),
        (-32_768, 32_767, ("i2", "i4", "f4")),
        (-1, 65_535, ("i4", "f4")),
    ],
)
def test_equal_intensities_have_one_hash_however_they_are_stored(low, high, kinds):
    array = values(low, high)
    assert len({pixels_sha256(array.astype(kind), AFFINE) for kind in kinds}) == 1
    assert pixels_sha256(array.astype("f4"), AFFINE) == Volume(array, AFFINE).sha256


@pytest.mark.parametrize("kind", [FLOATS, WHOLE])
@pytest.mark.parametrize("dtype", ["u2", "i2", "f4"])
def test_whatever_is_other_has_another_hash(kind, dtype):
    array = values(0, 4000).astype(dtype)
    one, moved, padding = array.copy(), AFFINE.copy(), array > 3000
    one[2, 4, 3] += 1
    moved[0, 3] = 0.01
    alike = {"kind": kind}
    found = [
        pixels_sha256(array, AFFINE, **alike),
        pixels_sha256(one, AFFINE, **alike),
        pixels_sha256(array, moved, **alike),
        pixels_sha256(array, AFFINE, units="ms", **alike),
        pixels_sha256(array, AFFINE, padding=padding, **alike),
        pixels_sha256(array.reshape(5, 3, 4), AFFINE, **alike),
        pixels_sha256(array[::-1], AFFINE, **alike),
    ]
    if dtype == "f4":
        found += [pixels_sha256(array + np.float32(shift), AFFINE, **alike) for shift in (0.5, -5000, 70_000)]
    assert len(set(found)) == len(found)


def test_bytes_that_mean_other_numbers_are_not_taken_for_the_same():
    signed = np.full((1, 2, 2), -1, np.int16)
    assert signed.tobytes() == np.full((1, 2, 2), 65_535, np.uint16).tobytes()
    assert pixels_sha256(signed, AFFINE) != pixels_sha256(np.full((1, 2, 2), 65_535, np.uint16), AFFINE)


def test_the_first_kind_is_that_of_version_0_1_0():
    volume = Volume(values(0, 4000), AFFINE)
    digest = hashlib.sha256(repr(((3, 5, 4), "arbitrary")).encode())
    digest.update((np.round(AFFINE, 3) + 0.0).astype("<f8").tobytes())
    digest.update(volume.array.astype("<f4").tobytes())
    assert volume.hashed(FLOATS) == digest.hexdigest() != volume.sha256
