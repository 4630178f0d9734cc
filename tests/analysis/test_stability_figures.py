"""Figures of stability: one column per feature, hollow below the threshold, flows that add up, shared axes."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from analysis import stability
from analysis.report import stability_figures, svg

COLOURS = {"SOC": "soc", "FAST": "fast", "FAST-DL": "fastdl"}


@pytest.fixture(scope="module")
def features() -> pd.DataFrame:
    """Two volumes of each of ten subjects; one feature holds, one is lost and restored, one is constant."""
    random = np.random.default_rng(1)
    rows = []
    for subject in range(10):
        for roi in ("cord", "disc"):
            base, noise = random.normal(50, 10), random.normal(0, 12)
            for arm, part in (("SOC", 0), ("FAST", 1), ("FAST-DL", 0.05)):
                for name, value in (
                    ("firstorder_Mean", base + 0.01 * part * noise),
                    ("glcm_Contrast <b>", base + part * (15 + noise)),
                    ("gldm_Flat", 1.0),
                ):
                    rows.append({"subject": f"S{subject}", "roi": roi, "arm": arm, "feature": name, "value": value})
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def results(features) -> dict:
    return stability.analyse(features, reference="SOC", restores=[("FAST", "FAST-DL")])


def texts(svg: str) -> str:
    return " ".join(element.text or "" for element in ET.fromstring(svg).iter("text"))


def test_columns_are_hollow_below_the_threshold_and_gaps_tell_their_reason(results):
    svg = stability_figures.columns(results, threshold=0.85, colours=COLOURS)
    bars = {bar[0].text: bar.get("class") for bar in ET.fromstring(svg).iter("rect")}
    assert [css for title, css in bars.items() if "Contrast" in title] == ["margin s-fast", "fastdl"]
    assert bars["gldm_Flat: n/a, both sides are constant"] == "margin"
    label = ET.fromstring(svg).get("aria-label")
    assert label == "CCC with SOC. FAST: 1 of 3 below 0.85, 1 n/a; FAST-DL: 0 of 3 below 0.85, 1 n/a"
    for criterion in ("icc", "paired_t"):
        assert "n/a" in stability_figures.columns(results, criterion=criterion, threshold=0.05, colours=COLOURS)


def test_flows_add_up(results):
    row = next(row for row in results["restores"] if row["criterion"] == "ccc")
    assert (row["kept"], row["lost"], row["restored"], row["newly_unstable"]) == (1, 1, 1, 0)
    svg = stability_figures.restored(row, reference="SOC", colours=COLOURS)
    assert "2 in SOC" in texts(svg)
    assert "1 restored" in texts(svg)
    everything = {**row, "kept": 50, "lost": 40, "restored": 32, "newly_unstable": 4}
    words = texts(stability_figures.restored(everything, reference="SOC", colours=COLOURS))
    assert all(
        part in words for part in ("94 in SOC", "54 stable", "40 unstable", "4 newly unstable", "8 stay unstable")
    )
    none = {**row, "kept": 0, "lost": 0, "restored": 0, "newly_unstable": 0}
    assert "no feature has a verdict" in texts(stability_figures.restored(none, reference="SOC", colours=COLOURS))


def test_bland_altman_plots_share_axes_and_hold_every_volume(features):
    panels = stability.pairs(features, reference="SOC", feature="glcm_Contrast <b>")
    svg = stability_figures.bland_altman(panels, reference="SOC", colours=COLOURS)
    root = ET.fromstring(svg)
    assert [dot.get("class") for dot in root.iter("circle")] == ["fast"] * 20 + ["fastdl"] * 20
    assert root.get("aria-label").count("20 volumes") == 2
    grids = [line.get("y1") for line in root.iter("line") if line.get("class") in ("gr", "zero")]
    assert grids[: len(grids) // 2] == grids[len(grids) // 2 :]
    assert "no volume has both values" in stability_figures.bland_altman([], reference="SOC", colours=COLOURS)


def test_several_volumes_per_subject_widen_the_limits_and_are_said(results, features):
    row = next(row for row in results["arms"][0]["features"] if "Contrast" in row["feature"])
    assert "several pairs per subject" in row["bland_altman"]["bias"]["method"]
    assert row["by_subject"]["n"] == 10
    assert "20 volumes of 10 subjects" in results["conventions"]["volumes"]
    alone = stability.analyse(features.assign(roi="x", subject=features["subject"] + features["roi"]), reference="SOC")
    row = next(row for row in alone["arms"][0]["features"] if "Contrast" in row["feature"])
    assert "1999" in row["bland_altman"]["lower"]["method"]
    assert row["by_subject"] is None


def test_a_constant_feature_has_a_bias_of_zero_and_no_interval(results):
    flat = next(row for row in results["arms"][0]["features"] if row["feature"] == "gldm_Flat")["bland_altman"]
    assert (flat["bias"]["estimate"], flat["sd"], flat["lower"]["estimate"], flat["lower"]["ci"]) == (0, 0, 0, None)
    assert flat["bias"]["reason"] == "no interval: all differences are the same"


def test_figures_are_well_formed_deterministic_and_without_styles_or_scripts(results, features):
    def drawn() -> list[str]:
        return [
            stability_figures.columns(results, threshold=0.85, colours=COLOURS),
            stability_figures.restored(results["restores"][0], reference="SOC", colours=COLOURS),
            *(
                stability_figures.bland_altman(
                    stability.pairs(features, reference="SOC", feature=name), reference="SOC", colours=COLOURS
                )
                for name in features["feature"].unique()
            ),
        ]

    assert drawn() == drawn()
    for text in drawn():
        assert ET.fromstring(text).get("aria-label")
        assert not re.search(r"\sstyle=|<style|<script|\son\w+=|fill=\"|stroke=\"|href|nan|inf\"", text)


def test_ticks_of_tiny_values_stay_apart():
    for scale in (1e-30, 1e-13, 1.0, 1e20):
        marks = svg.ticks(0.1 * scale, 1.3 * scale)
        assert 3 <= len(set(marks)) == len(marks)
        assert marks[0] <= 0.1 * scale < 1.3 * scale <= marks[-1] * (1 + 1e-9)
