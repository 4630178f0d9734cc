"""Pictures of slices for people who look after the material."""

import io

import numpy as np
from PIL import Image

from processing.pictures.picture import OUTLINE, middle_slice_png, outlined_png
from processing.volume import Volume


def opened(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def test_the_outline_lies_on_the_slice_that_the_mask_covers_most_and_closes_around_it() -> None:
    array = np.random.default_rng(0).normal(100, 10, (4, 200, 160))
    mask = np.zeros(array.shape, bool)
    mask[1, 90:95, 80:85] = True
    mask[3, 100:130, 20:60] = True
    picture = opened(outlined_png(Volume(array, np.diag([0.5, 0.8, 3.0, 1.0])), mask))
    drawn = (picture == OUTLINE).all(axis=-1)
    rows, columns = np.nonzero(drawn)
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert abs(height / width - 30 * 0.8 / (40 * 0.5)) < 0.05  # square pixels
    assert not drawn[rows.min() + 2 : rows.max() - 1, columns.min() + 2 : columns.max() - 1].any()
    assert max(picture.shape[:2]) == 480


def test_a_mask_at_the_border_of_a_small_slice_has_a_picture() -> None:
    array = np.arange(2 * 6 * 5, dtype=float).reshape(2, 6, 5)
    mask = np.zeros(array.shape, bool)
    mask[0, 0, 0] = True
    assert opened(outlined_png(Volume(array, np.eye(4)), mask)).shape == (480, 400, 3)


def test_the_middle_slice_has_square_pixels() -> None:
    volume = Volume(np.arange(3 * 10 * 20, dtype=float).reshape(3, 10, 20), np.diag([0.5, 2.0, 3.0, 1.0]))
    assert opened(middle_slice_png(volume)).shape == (480, 240)
