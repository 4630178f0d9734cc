"""Curves of a training: what the axes and the words say."""

import re
from xml.etree import ElementTree

import pytest

from analysis.report import training_figures

SVG = "{http://www.w3.org/2000/svg}"


def parsed(figure: str) -> ElementTree.Element:
    return ElementTree.fromstring(figure.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def points(figure: str) -> list[list[tuple[float, float]]]:
    lines = parsed(figure).iter(f"{SVG}polyline")
    return [[tuple(map(float, pair.split(","))) for pair in line.get("points").split()] for line in lines]


def test_a_decade_of_loss_is_as_high_wherever_it_lies():
    (line,) = points(training_figures.loss([(0, 1.0), (50, 0.1), (100, 0.01)]))
    (x0, y0), (x1, y1), (x2, y2) = line
    assert y1 - y0 == pytest.approx(y2 - y1, abs=0.11)
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.11)
    assert y0 < y2  # less is lower


def test_a_loss_in_decibels_has_an_even_axis():
    figure = training_figures.loss([(0, -15.0), (50, -25.0), (100, -35.0)])
    ((_, y0), (_, y1), (_, y2)) = points(figure)[0]
    assert y1 - y0 == pytest.approx(y2 - y1, abs=0.11)
    assert y0 < y1
    assert "−20" in figure.replace("-", "−")


def test_panels_share_their_axes_and_say_their_last_values():
    figure = training_figures.psnr(
        {"a": [(10, 20.0, 25.0), (20, 20.0, 30.0)], "b": [(10, 20.0, 20.0), (20, 20.0, 19.0)]}
    )
    before_a, after_a, before_b, after_b = points(figure)
    assert [y for _, y in before_a] == [y for _, y in before_b]
    assert after_a[-1][1] < before_a[-1][1] < after_b[-1][1]
    assert "a: input 20.00, output 30.00 dB at step 20; b: input 20.00, output 19.00 dB" in figure


def test_another_training_lies_in_the_same_panel_and_stretches_its_axes():
    figure = training_figures.psnr(
        {"a": [(10, 20.0, 25.0), (20, 20.0, 30.0)]}, others={"a": [(5, 20, 21), (40, 20, 35)], "b": []}, unit="minutes"
    )
    other, _, mine = points(figure)
    assert other[-1][0] > mine[-1][0]
    assert other[-1][1] < mine[-1][1]
    assert "output 30.00 dB after 20 minutes; the other: output 35.00 dB" in figure


def test_the_change_of_each_epoch_is_a_bar_up_or_down():
    figure = training_figures.change([[(10, 25.0), (20, 27.0), (30, 26.0)], [(10, 20.0), (20, 20.5)]])
    assert [title.text for title in parsed(figure).iter(f"{SVG}title")] == [
        "+2.000 dB in the epoch to 20 steps",
        "-1.000 dB in the epoch to 30 steps",
        "+0.500 dB in the epoch to 20 steps",
    ]
    up, down, _ = ({k: float(rect.get(k)) for k in ("y", "height")} for rect in parsed(figure).iter(f"{SVG}rect"))
    assert up["y"] + up["height"] == pytest.approx(down["y"], abs=0.11)
    assert up["height"] == pytest.approx(2 * down["height"], abs=0.2)
    assert "n/a" in training_figures.change([[(10, 25.0)]])


@pytest.mark.parametrize(
    "found", [training_figures.loss([]), training_figures.loss([(1, 0.0)]), training_figures.psnr({})]
)
def test_nothing_logged_is_said(found):
    assert "n/a" in found


@pytest.mark.parametrize("found", [[(5, 0.3)], [(5, 0.3), (10, 0.3)]])
def test_one_point_or_a_flat_line_is_drawn(found):
    figure = training_figures.loss(found)
    assert re.search("<circle|<polyline", figure)
    assert "nan" not in figure


def test_names_of_groups_are_escaped():
    assert "<b>" not in training_figures.psnr({"<b>": [(1, 2.0, 3.0)]})


@pytest.mark.parametrize("last", [60, 66_000, 100_000, 114_000])
def test_the_last_step_is_written_within_its_panel(last: int):
    groups = {name: [(0, 20.0, 21.0), (last, 20.0, 30.0)] for name in ("a", "b", "c")}
    labels = [text for text in parsed(training_figures.psnr(groups)).iter(f"{SVG}text") if "steps" in text.text]
    assert len(labels) == 3
    for number, label in enumerate(labels):
        end = float(label.get("x")) + len(label.text) * 6.5 * (0.5 if label.get("text-anchor") == "middle" else 0)
        assert end <= 300 * (number + 1)
