"""Figures are well-formed SVG with classes only, the same text for the same numbers, and labels that hold them."""

import re
import xml.etree.ElementTree as ET

import pytest

from analysis import reading
from analysis.report import figures, forest
from tests.analysis.test_reading import PROTOCOL

COLOURS = {"SOC": "soc", "FAST": "fast", "FAST-DL": "fastdl"}


@pytest.fixture(scope="module")
def results(study) -> dict:
    return reading.analyse(study.assign(score=study["score"].where(study["criterion"] != "disc", 3)), protocol=PROTOCOL)


def drawn(results) -> list[str]:
    cells = [c for c in results["comparisons"] if (c["first"], c["second"]) == ("FAST-DL", "SOC")]
    agreement = [
        (c["criterion"], [p["spearman"] for p in c["pairs"]] + [c["krippendorff_alpha"], c["gwet_ac2"]])
        for c in results["agreement"]["cells"]
    ]
    rows = [
        {"label": "SOC vs FAST <1>", "arm": "FAST", "values": [0.95, 0.97, 0.975, 0.99]},
        {"label": "other", "arm": "unknown", "values": [0.98]},
        {"label": "none", "arm": "SOC", "values": []},
    ]
    return [
        figures.likert(cells[0]["counts"], first="FAST-DL", second="SOC", colours=COLOURS),
        forest.net_preference(cells, colours=COLOURS, names={"snr": "SNR & more"}),
        figures.agreement_map(agreement, ["1 · 2", "1 · 3", "2 · 3", "α", "AC2"]),
        figures.distribution(rows, colours=COLOURS, digits=3, top_value=1),
        figures.distribution([], colours=COLOURS, digits=3),
    ]


def test_figures_are_well_formed_deterministic_and_without_styles_or_scripts(results):
    once = drawn(results)
    assert once == drawn(results)
    for text in once:
        root = ET.fromstring(text)
        assert root.get("role") == "img"
        assert root.get("aria-label")
        assert not re.search(r"\sstyle=|<style|<script|\son\w+=|fill=\"|stroke=\"|href|nan|inf\"", text)


def test_likert_bar_says_its_counts_and_colours_the_better_arm():
    svg = figures.likert([1, 2, 30, 14, 3], first="SOC", second="FAST", colours=COLOURS)
    root = ET.fromstring(svg)
    assert root.get("aria-label") == (
        "FAST markedly better 1, FAST slightly better 2, no difference 30, SOC slightly better 14, "
        "SOC markedly better 3, of 50"
    )
    bars = [element for element in root if element.tag == "rect"]
    assert sorted(bar.get("class") for bar in bars) == ["fast", "fast half", "neu", "soc", "soc half"]
    places = {bar.get("class"): float(bar.get("x")) for bar in bars}
    assert places["fast"] < places["fast half"] < places["neu"] < places["soc half"] < places["soc"]
    assert "60 %" in svg


def test_neutral_answers_are_centred_and_lengths_are_proportional():
    root = ET.fromstring(figures.likert([0, 0, 50, 50, 0], first="A", second="B", colours={"A": "soc"}, width=200))
    bars = {bar.get("class"): bar for bar in root if bar.tag == "rect"}
    assert float(bars["neu"].get("x")) + float(bars["neu"].get("width")) / 2 == pytest.approx(100, abs=0.1)
    assert float(bars["soc half"].get("width")) == pytest.approx(50, abs=1)


def test_a_bar_without_ratings_says_so():
    assert "no ratings" in figures.likert([0] * 5, first="A", second="B", colours={})


def test_shared_scale_just_fits_the_longest_bar():
    assert figures.shared_scale([[0, 0, 0, 0, 10], [0, 5, 5, 0, 0]]) == 1
    assert figures.shared_scale([[0, 0, 80, 20, 0]]) == pytest.approx(0.6)
    assert figures.shared_scale([]) == 0.25


def test_undefined_agreement_is_hatched_with_its_reason(results):
    svg = drawn(results)[2]
    assert "a reader gave the same score to every pair" in svg
    assert "n/a" in svg
    assert "undefined" in ET.fromstring(svg).get("aria-label")


def test_histogram_holds_every_case():
    values = [0.1 * k for k in range(40)]
    svg = figures.distribution([{"label": "x", "arm": "SOC", "values": values}], colours=COLOURS, digits=1)
    counts = [int(t) for t in re.findall(r"<title>(\d+) from", svg)]
    assert sum(counts) == 40
    assert "1.9 ± 1.2" in svg
