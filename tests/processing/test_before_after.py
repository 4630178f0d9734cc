"""Pictures before and after: one window for both, changes in percent of the input's maximum."""

import io

import numpy as np
import pytest
from PIL import Image

from processing.errors import InputError
from processing.pictures.before_after import change_png, slice_png
from processing.volume import Volume


def opened(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content))).astype(int)


def ramp(scale: float = 1.0, spacing: float = 1.0) -> Volume:
    array = np.tile(np.linspace(0, 1000, 64, dtype=np.float32), (3, 64, 1))
    return Volume(scale * array, np.diag([spacing, 1.0, 4.0, 1.0]))


def test_both_are_shown_in_the_window_of_the_input():
    before, after = ramp(), ramp(0.5)
    first, second = (opened(slice_png(before, shown, 1, longest=64)) for shown in (before, after))
    low, high = np.percentile(before.array[1], (1, 99.5))
    for shown, volume in ((first, before), (second, after)):
        expected = np.clip((volume.array[1] - low) / (high - low), 0, 1) * 255
        assert np.abs(shown - expected).max() <= 0.5


def test_pixels_are_square_and_a_slice_beyond_the_last_is_the_last():
    assert opened(slice_png(ramp(spacing=2.0), ramp(spacing=2.0), 99, longest=128)).shape == (64, 128)


def test_colours_end_at_five_percent_of_the_maximum_and_no_change_is_black():
    before = ramp()
    shifted = [
        opened(change_png(before, Volume(before.array + by, before.affine), 0, longest=64))[32, 32]
        for by in (0, 50, 80, -50)
    ]
    assert shifted[0].tolist() == [0, 0, 0]
    assert shifted[1].tolist() == shifted[2].tolist()
    assert shifted[1][0] > shifted[1][2]  # orange: brighter
    assert shifted[3][2] > shifted[3][0]  # blue: darker


def test_volumes_of_two_shapes_are_refused():
    small = Volume(np.ones((3, 8, 8), np.float32), np.eye(4))
    with pytest.raises(InputError, match="differ in shape"):
        slice_png(ramp(), small, 0)
