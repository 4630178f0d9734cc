"""Figure panels: size, resolution, words, and the arms on one grid."""

import base64
import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from processing.errors import InputError
from processing.pictures.figure_panel import Options, PanelArm, panel, png, svg
from processing.volume import Volume

SVG = "{http://www.w3.org/2000/svg}"
SAGITTAL = np.array([[0.0, 0.0, 4.0, -8.0], [0.5, 0.0, 0.0, -20.0], [0.0, -0.5, 0.0, 40.0], [0.0, 0.0, 0.0, 1.0]])


def arm(name: str, note: str = "", *, scale: float = 1.0, rows: int = 120) -> PanelArm:
    z, y, x = np.mgrid[0:5, 0:rows, 0:80].astype(np.float32)
    array = scale * (100 + 40 * np.sin(x / 7) * np.cos(y * 120 / rows / 9) + 20 * z)
    affine = SAGITTAL.copy()
    affine[:3, 1] *= 120 / rows
    return PanelArm(Volume(array, affine), name, note)


@pytest.fixture
def three() -> list[PanelArm]:
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
    maps = [image for image, *_ in found.images[3:5]]
    assert maps[0].shape == maps[1].shape == (120, 80, 3)
    assert maps[0].max() > 200  # three times as bright
    assert maps[1].max() == 0  # FAST-DL equals SOC: black
    assert texts(found)[-6:] == ["Difference to", "SOC", "in % of its maximum", "-20", "0", "+20"]


def test_a_registered_arm_is_brought_back_in_its_map_alone(three):
    moved = three[0].volume.affine.copy()
    moved[1, 3] += 2.0  # four pixels to posterior
    there = Volume(three[0].volume.array, moved)
    matrix = np.eye(4)
    matrix[1, 3] = 2.0
    apart = panel([three[0], PanelArm(there, "FAST")], 2, Options(maps=True))
    together = panel([three[0], PanelArm(there, "FAST", matrix=matrix)], 2, Options(maps=True))
    assert apart.images[2][0].max() > 0
    assert together.images[2][0].max() == 0
    assert np.array_equal(apart.images[1][0], together.images[1][0])


def test_arrows_point_to_the_same_place_in_every_arm(three):
    found = panel(three, 2, Options(arrow=(0.25, 0.6)))
    tips = [corners[0] for corners in found.arrows]
    for (x, y), (_, left, top, width, height) in zip(tips, found.images, strict=True):
        assert (x - left) / width == pytest.approx(0.25)
        assert (y - top) / height == pytest.approx(0.6)
    assert svg(found).count("<polygon") == 3
    zoomed = panel(three, 2, Options(arrow=(0.25, 0.6), crop=(0.0, 0.5, 0.5, 1.0)))
    assert zoomed.arrows[0][0][0] / zoomed.images[0][3] == pytest.approx(0.5)
    assert not panel(three, 2, Options(arrow=(0.25, 0.6), crop=(0.5, 0.5, 1.0, 1.0))).arrows


def test_names_shrink_until_they_fit(three):
    long = [PanelArm(one.volume, "ACCELERATED-FAST-DL-2", "1:32 min + 4 s") for one in three * 2]
    found = panel(long, 2, Options(columns=1))
    assert max(height for *_, height, _, _, _ in found.texts[:12]) < 2.0


def test_a_figure_says_nothing_but_what_it_was_given(three):
    found = panel(three, 2, Options(maps=True, arrow=(0.5, 0.5)))
    words = "".join(ElementTree.fromstring(svg(found)).itertext()).split()
    given = "(a) (b) (c) SOC FAST FAST-DL 2:57 1:32 + 4 s"
    ours = "1 cm Difference to in % of its maximum -20 0 +20"
    assert set(words) <= {*given.split(), *ours.split()}
    assert set(Image.open(io.BytesIO(png(found))).info) == {"dpi"}
    embedded = [node.get("href").split(",")[1] for node in ElementTree.fromstring(svg(found)).iter(f"{SVG}image")]
    assert all(Image.open(io.BytesIO(base64.b64decode(one))).info == {} for one in embedded)


def test_the_window_is_that_of_the_readers(three):
    from processing import pair
    from processing.grid import common_grid

    grid = common_grid([one.volume for one in three])
    levels = pair.grey_levels(three[0].volume.array, grid)[2].astype(float) / (pair.UPPER_LEVEL * pair.LEVEL_STEP)
    shown = panel(three, 2).images[0][0]
    assert np.abs(np.clip(levels, 0, 1) * 255 - shown).max() <= 1


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
