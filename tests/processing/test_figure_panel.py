"""Figure panels: size, resolution, words, and the arms on one grid."""

import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from processing.errors import InputError
from processing.figure_panel import Arm, Options, panel, png, svg
from processing.volume import Volume

SVG = "{http://www.w3.org/2000/svg}"
SAGITTAL = np.array([[0.0, 0.0, 4.0, -8.0], [0.5, 0.0, 0.0, -20.0], [0.0, -0.5, 0.0, 40.0], [0.0, 0.0, 0.0, 1.0]])


def arm(name: str, note: str = "", *, scale: float = 1.0, rows: int = 120) -> Arm:
    z, y, x = np.mgrid[0:5, 0:rows, 0:80].astype(np.float32)
    array = scale * (100 + 40 * np.sin(x / 7) * np.cos(y * 120 / rows / 9) + 20 * z)
    affine = SAGITTAL.copy()
    affine[:3, 1] *= 120 / rows
    return Arm(Volume(array, affine), name, note)


@pytest.fixture
def three() -> list[Arm]:
    return [arm("SOC", "2:57"), arm("FAST", "1:32", scale=3.0), arm("FAST-DL", "1:32 + 4 s")]


def texts(found) -> list[str]:
    return [node.text for node in ElementTree.fromstring(svg(found)).iter(f"{SVG}text")]


@pytest.mark.parametrize(("columns", "width"), [(1, 85), (2, 174)])
def test_a_png_has_the_width_of_the_column_at_300_dpi(three, columns, width):
    image = Image.open(io.BytesIO(png(panel(three, 2, Options(columns=columns)))))
    assert image.info["dpi"][0] == pytest.approx(300, abs=0.5)
    assert image.width == round(width * 300 / 25.4)


def test_an_svg_has_names_times_and_a_scale_bar_as_text(three):
    found = panel(three, 2)
    assert texts(found) == ["(a) SOC", "2:57", "(b) FAST", "1:32", "(c) FAST-DL", "1:32 + 4 s", "1 cm"]
    root = ElementTree.fromstring(svg(found))
    bar = root.find(f"{SVG}line")
    images = root.findall(f"{SVG}image")
    per_mm = float(images[0].get("width")) / (80 * 0.5)
    assert float(bar.get("x2")) - float(bar.get("x1")) == pytest.approx(10 * per_mm, rel=1e-3)
    assert float(images[0].get("height")) / float(images[0].get("width")) == pytest.approx(120 / 80, rel=1e-3)


def test_names_cannot_break_out_of_the_svg():
    assert texts(panel([arm('<script>"&')], 0))[0] == '(a) <script>"&'


def test_arms_share_one_grey_scale_whatever_their_units(three):
    first, second, _ = (image for image, *_ in panel(three, 2).images)
    assert np.abs(first.astype(int) - second).max() <= 1


def test_an_arm_of_a_coarser_matrix_comes_onto_the_same_grid():
    found = panel([arm("SOC"), arm("FAST", rows=60)], 2)
    assert found.images[0][0].shape == found.images[1][0].shape


def test_maps_stand_in_a_second_row_of_all_but_the_first(three):
    found = panel(three, 2, Options(maps=True))
    maps = [image for image, *_ in found.images if image.ndim == 3]
    assert len(maps) == 2
    assert maps[1].max() == 0  # FAST-DL equals SOC: black
    assert "± 20 % of its" in texts(found)


def test_a_crop_keeps_its_part(three):
    found = panel(three, 2, Options(crop=(0.25, 0.5, 0.75, 1.0)))
    assert found.images[0][0].shape == (60, 40)
    with pytest.raises(InputError, match="crop"):
        panel(three, 2, Options(crop=(0.5, 0.5, 0.5, 0.5)))


def test_a_slice_beyond_the_last_is_the_last(three):
    assert np.array_equal(panel(three, 99).images[0][0], panel(three, 4).images[0][0])


def test_too_many_arms_are_refused(three):
    with pytest.raises(InputError, match="one to 6 arms"):
        panel(three * 3, 0)
