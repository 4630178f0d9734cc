"""The colours of arms: each tells itself from every other, also for those who see two colours, on screen and paper."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from readerstudy.protocol.models import Arm, ReaderStudy
from readerstudy.protocol.services import change_parts, create_study
from readerstudy.protocol.study_templates import MOUMMAD
from tests import factories

ROOT = Path(__file__).parents[2]
SCREEN, PAGE = ROOT / "static/css/look.css", ROOT / "static/css/print.css"
RULES = ROOT / "static/css/components.css"
REPORT = ROOT / "analysis/report/report.css"
CLASSES = [f"{kind}{number or ''}" for kind, count in Arm.SHADES.items() for number in (0, *range(2, count + 1))]
APART = 12.0  # CIEDE2000
VISIBLE = 3.0  # contrast of parts of a graphic, WCAG 2.2 1.4.11
# Machado, Oliveira & Fernandes 2009, table 1, severity 1.0; on linear RGB.
SEEN = {
    "three cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def _palette(style: Path) -> dict[str, np.ndarray]:
    found = re.findall(r"--arm-(\w+): ?#([0-9a-f]{6})", style.read_text())
    return {name: np.array([int(code[at : at + 2], 16) for at in (0, 2, 4)]) / 255 for name, code in found}


def _linear(colour: np.ndarray) -> np.ndarray:
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def _lab(colour: np.ndarray, seen: object) -> np.ndarray:
    linear = np.clip(np.asarray(seen) @ _linear(colour), 0, 1)
    return rgb2lab(np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))


def _nearest(palette: dict[str, np.ndarray]) -> tuple[float, str, str, str]:
    """The least distance of two colours in any way of seeing: value, way, and both names."""
    return min(
        (float(deltaE_ciede2000(_lab(palette[a], seen), _lab(palette[b], seen))), way, a, b)
        for way, seen in SEEN.items()
        for a, b in itertools.combinations(palette, 2)
    )


@pytest.mark.parametrize("style", [SCREEN, PAGE, REPORT], ids=lambda path: path.name)
def test_no_two_arms_look_alike_whatever_the_eyes(style: Path) -> None:
    palette = _palette(style)
    assert sorted(palette) == sorted(CLASSES)
    assert _nearest(palette)[0] >= APART, _nearest(palette)
    as_before = palette | {"socdl": np.array([0x6A, 0x4F, 0xB0]) / 255, "fastdl": np.array([0x1D, 0x6A, 0xA8]) / 255}
    assert _nearest(as_before)[0] < 2  # the blue and the purple of before were one to who lacks green cones


@pytest.mark.parametrize(("style", "ground"), [(SCREEN, "#161718"), (PAGE, "#ffffff"), (REPORT, "#ffffff")])
def test_every_arm_stands_out_from_its_ground(style: Path, ground: str) -> None:
    behind = np.array([int(ground[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    for name, colour in _palette(style).items():
        light = sorted(float(_linear(one) @ [0.2126, 0.7152, 0.0722]) for one in (colour, behind))
        assert (light[1] + 0.05) / (light[0] + 0.05) >= VISIBLE, name


@pytest.mark.parametrize("style", [RULES, REPORT], ids=lambda path: path.name)
def test_each_class_colours_fills_strokes_and_names(style: Path) -> None:
    text = re.sub(r"\s+", "", style.read_text())
    for name in CLASSES:
        for rule in (f"svg.{name}{{fill:", f"svg.s-{name}{{stroke:", f".arm.{name}{{--c:"):
            assert f"{rule}var(--arm-{name})" in text, rule


@pytest.mark.django_db
def test_arms_of_one_kind_have_colours_of_their_own() -> None:
    admin = factories.make_user(staff=True)
    study = create_study(title="Lesions", user=admin, model_name="denoise", template=MOUMMAD)

    def colours(study: ReaderStudy) -> dict[str, str]:
        return {arm.code: arm.css for arm in study.arms.all()}

    assert colours(study) == {
        "SOC": "soc",
        "HALF-MATRIX": "fast",
        "RESTORED": "fastdl",
        "HALF-NEX": "fast2",
        "DENOISED": "fastdl2",
    }
    further = [Arm(study=study, code=f"FAST-{n}", acquisition="accelerated", place=9 + n) for n in range(2)]
    change_parts(study=study, actor=admin, changed=further, removed=[])
    assert list(colours(study).values())[-2:] == ["fast3", "fast"]  # a style sheet has three
    change_parts(study=study, actor=admin, changed=[], removed=[further[0]])
    assert colours(study)["FAST-1"] == "fast3"
