"""Difference maps: the formula on planted values, and nothing where it is undefined."""

import io

import numpy as np
import pytest
from PIL import Image

from processing.pictures import difference_map
from processing.pictures.difference_map import coloured, difference, largest_slice, picture, slice_pair
from processing.volume import Volume

AXIAL = np.diag([0.8, 0.8, 4.0, 1.0])


def volume(array, affine=AXIAL) -> Volume:
    return Volume(np.asarray(array, np.float32), affine)


@pytest.fixture
def reference() -> Volume:
    array = np.full((3, 20, 30), 200.0)
    array[1, 5, 7], array[1, 0, 0], array[2, 19, 29] = 0.0, 400.0, 1000.0
    return volume(array)


def test_percent_is_of_the_reference_pixel_and_undefined_at_zero(reference):
    test = volume(reference.array + 50)
    found = difference(slice_pair(reference, test, 1), "percent")
    assert found[1, 1] == pytest.approx(25)  # 50 of 200
    assert found[0, 0] == pytest.approx(12.5)  # 50 of 400
    assert np.argwhere(np.isnan(found)).tolist() == [[5, 7]]


def test_signed_is_of_the_maximum_of_the_whole_reference(reference):
    found = difference(slice_pair(reference, volume(reference.array - 50), 1), "signed")
    assert np.allclose(found, -5)  # 50 of 1000, which lies on another slice


def test_a_shifted_test_is_brought_back_by_its_matrix(reference):
    moved = AXIAL.copy()
    moved[0, 3] += 1.6
    test = volume(reference.array * 1.1, moved)
    matrix = np.eye(4)
    matrix[0, 3] = 1.6
    pair = slice_pair(reference, test, 1, matrix=matrix)
    assert pair.inside.all()
    assert np.allclose(pair.test, pair.reference * 1.1, rtol=1e-4)
    assert not slice_pair(reference, test, 1).inside.all()


def test_colours_run_from_dark_to_light_and_grey_where_undefined():
    colours = coloured(np.array([[0.0, 50.0, 100.0, 300.0, np.nan]], np.float32), "percent")[0].astype(int)
    brightness = colours[:4].sum(1)
    assert (np.diff(brightness[:3]) > 0).all()
    assert (colours[2] == colours[3]).all()
    assert np.ptp(colours[4]) < 8
    signed = coloured(np.array([[-20.0, 0.0, 20.0]], np.float32), "signed")[0].astype(int)
    assert signed[1].tolist() == [0, 0, 0]
    assert signed[0, 2] > signed[0, 0]
    assert signed[2, 0] > signed[2, 2]


@pytest.mark.parametrize("kind", ["percent", "signed"])
def test_the_picture_holds_three_images_and_a_scale(reference, kind):
    image = Image.open(io.BytesIO(picture(slice_pair(reference, reference, 99), kind, longest=300)))
    assert image.size == (3 * (300 + difference_map._GAP) + difference_map._BAR, 200)


def test_another_kind_is_refused(reference):
    with pytest.raises(difference_map.InputError, match="percent or signed"):
        difference(slice_pair(reference, reference, 0), "hot")  # type: ignore[arg-type]


def test_inside_a_volume_of_interest_only_its_box_is_shown_and_only_it_is_coloured(reference):
    voi = np.zeros(reference.shape, bool)
    voi[1, 4:8, 20:24], voi[2, 5, 21] = True, True
    assert largest_slice(voi, reference) == 1
    pair = slice_pair(reference, volume(reference.array + 50), 1, voi=voi)
    assert pair.reference.shape == (16, 18)  # 8 pixels around it, as far as there are some
    found = difference(pair, "percent")
    assert np.isfinite(found).sum() == 16
    assert found[np.isfinite(found)] == pytest.approx(25)
    shown = np.asarray(Image.open(io.BytesIO(picture(pair, "percent", longest=180))))
    assert (shown[:, :160] == 255).all(axis=-1).any()
