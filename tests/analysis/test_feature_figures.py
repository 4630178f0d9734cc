"""Figures of features and boxes: every number is said, nothing undefined is drawn, large numbers stay short."""

import itertools
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from analysis import stability
from analysis.report import box_figures, feature_figures, stability_figures, svg

COLOURS = {"FAST": "fast", "FAST-DL": "fastdl"}


@pytest.fixture(scope="module")
def results() -> dict:
    """Twelve volumes at two places: a feature that FAST loses and DL restores, one that holds, one that is flat."""
    random, rows = np.random.default_rng(3), []
    for number in range(12):
        base, noise = random.normal(50, 10), random.normal(0, 15)
        for arm, part in (("SOC", 0), ("FAST", 1), ("FAST-DL", 0.05)):
            own = {"subject": f"S{number}", "roi": ("liver", "spleen")[number % 2], "arm": arm}
            rows += [
                own | {"feature": "glcm_Contrast", "value": base + part * noise},
                own | {"feature": "firstorder_Mean", "value": 1e9 * base + part},
                own | {"feature": "gldm_Flat", "value": 1.0},
            ]
    return {"table": pd.DataFrame(rows)} | stability.analyse(
        pd.DataFrame(rows), reference="SOC", restores=[("FAST", "FAST-DL")]
    )


def words(picture: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(picture).iter("text")]


def test_bars_stand_in_a_column_for_each_arm_and_are_hollow_below_the_threshold(results):
    picture = feature_figures.class_bars(results, arms=["FAST", "FAST-DL"], threshold=0.85, colours=COLOURS)
    bars = {bar[0].text: bar.get("class") for bar in ET.fromstring(picture).iter("rect")}
    assert [css for title, css in bars.items() if "Contrast, FAST:" in title] == ["margin s-fast"]
    assert [css for title, css in bars.items() if "Contrast, FAST-DL" in title] == ["fastdl"]
    assert "n/a: both sides are constant" in words(picture)
    assert "FAST: 1 of 3 below 0.85" in words(picture)


def test_groups_keep_the_values_of_their_place(results):
    group = next(one for one in results["groups"] if one["group"] == "liver")
    alone = stability.analyse(
        results["table"][results["table"]["roi"] == "liver"], reference="SOC", restores=[("FAST", "FAST-DL")]
    )
    for arm, own in zip(group["arms"], alone["arms"], strict=True):
        assert arm["ccc"] == {row["feature"]: row["ccc"]["estimate"] for row in own["features"]}
    assert group["dispersion"]["cv"] == {row["feature"]: row["cv"]["estimate"] for row in alone["dispersion"]}


def test_a_heat_map_says_every_number_and_what_has_none():
    rows = [{"label": "FAST", "values": [0.5, None]}]
    picture = feature_figures.heat_map(rows, columns=["glcm", "shape"], title="Median CCC")
    assert {"0.50", "n/a", "glcm"} <= set(words(picture))
    assert ET.fromstring(picture).get("aria-label") == "Median CCC. FAST: glcm 0.50, shape n/a"


def test_scatter_has_equal_axes_and_short_numbers(results):
    panels = stability.pairs(results["table"], reference="SOC", feature="firstorder_Mean")
    root = ET.fromstring(feature_figures.scatter(panels, reference="SOC", colours=COLOURS))
    dots = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in root.iter("circle")]
    assert len(dots) == 24
    first = next(line for line in root.iter("line") if line.get("class") == "zero")
    x1, y1, x2, y2 = (float(first.get(name)) for name in ("x1", "y1", "x2", "y2"))
    assert x2 - x1 == y1 - y2
    assert all(abs((x - x1) - (y1 - y)) < 0.2 for x, y in dots[:12])  # equal values lie on the line
    assert "SOC (×10⁹)" in words(ET.tostring(root, encoding="unicode"))


def test_labels_of_large_numbers_do_not_cover_each_other(results):
    panels = stability.pairs(results["table"], reference="SOC", feature="firstorder_Mean")
    said = words(stability_figures.bland_altman(panels, reference="SOC", colours=COLOURS))
    assert max(map(len, said)) <= len("mean of FAST-DL and SOC (×10⁹)")
    assert any(word.endswith("(×10⁹)") for word in said)
    assert (svg.power([0, 99_999]), svg.power([2e5]), svg.power([3e-4]), svg.power([0])) == (0, 3, -6, 0)


def test_boxes_say_quartiles_and_range_and_an_empty_one_says_so():
    rows = [{"arm": "FAST", "values": [1, 2, 3, 4, 9]}, {"arm": "FAST-DL", "values": []}]
    picture = box_figures.box_plots(rows, colours=COLOURS, unit="bits")
    label = ET.fromstring(picture).get("aria-label")
    assert label == "FAST: median 3.0 (2.0 to 4.0), 1.0 to 9.0, n = 5; FAST-DL: n/a"
    assert "n/a" in words(picture)
    assert "no defined values" in box_figures.box_plots(rows[1:], colours=COLOURS)


def test_an_axis_with_given_ends_holds_values_beyond_them():
    rows = [{"arm": "FAST", "values": [-0.6, 0.5, 3.0]}]
    picture = ET.fromstring(box_figures.box_plots(rows, colours=COLOURS, ends=(0, 1), limit=0.9))
    assert {"-1", "0", "1", "3"} <= {one.replace("−", "-") for one in words(ET.tostring(picture, encoding="unicode"))}
    places = [float(dot.get("cx")) for dot in picture.iter("circle")]
    assert (places[1] - places[0]) / (places[2] - places[0]) == pytest.approx(1.1 / 3.6, abs=1e-3)


def _touch(picture: str) -> bool:
    """Whether numbers below an axis stand closer than a gap of 4."""
    rows: dict[str, list[tuple[float, float]]] = {}
    for one in ET.fromstring(picture).iter("text"):
        if one.get("text-anchor") == "middle" and (one.text or "").replace(".", "").isdigit():
            half = 6.2 * len(one.text) / 2
            rows.setdefault(one.get("y"), []).append((float(one.get("x")) - half, float(one.get("x")) + half))
    assert rows
    ordered = [sorted(row) for row in rows.values()]
    return any(after[0] - one[1] < 4 for row in ordered for one, after in itertools.pairwise(row))


@pytest.mark.parametrize("draw", [stability_figures.bland_altman, feature_figures.scatter])
def test_numbers_below_four_narrow_panels_do_not_touch(results, draw, monkeypatch):
    pairs = stability.pairs(results["table"], reference="SOC", feature="glcm_Contrast")
    panels = [{**pairs[0], "mean": np.add(pairs[0]["mean"], 98_000).tolist(), "arm": f"ARM-{n}"} for n in range(4)]
    assert not _touch(draw(panels, reference="SOC", colours={}, width=320))
    monkeypatch.setattr(svg, "spaced_ticks", lambda low, high, *, room: svg.ticks(low, high, about=6))
    assert _touch(draw(panels, reference="SOC", colours={}, width=320))


def _opposed(results: dict) -> dict:
    """The same with a feature whose agreement lies below 0 in each arm."""
    arms = []
    for arm in results["arms"]:
        negative = {"ccc": arm["features"][0]["ccc"] | {"estimate": -0.4}}
        features = [one | negative if one["feature"] == "glcm_Contrast" else one for one in arm["features"]]
        arms.append(arm | {"features": features})
    return {**results, "arms": arms}


def test_agreement_below_zero_is_seen(results):
    opposed = _opposed(results)
    bars = feature_figures.class_bars(opposed, arms=["FAST"], threshold=0.85, colours=COLOURS)
    at = {bar[0].text: bar for bar in ET.fromstring(bars).iter("rect")}
    below, above = at["glcm_Contrast, FAST: −0.400"], at["firstorder_Mean, FAST: 1.000"]
    end = float(below.get("x")) + float(below.get("width"))
    assert end == pytest.approx(float(above.get("x")), abs=0.2)  # it ends where the others begin
    assert float(below.get("width")) == pytest.approx(0.4 * float(above.get("width")), rel=1e-2)
    assert "−0.50" in words(bars) or "−0.5" in words(bars)

    columns = stability_figures.columns(opposed, threshold=0.85, colours=COLOURS)
    tall = {bar[0].text: bar for bar in ET.fromstring(columns).iter("rect")}
    hanging, standing = tall["glcm_Contrast: −0.400"], tall["firstorder_Mean: 1.000"]
    assert float(hanging.get("y")) == pytest.approx(float(standing.get("y")) + float(standing.get("height")), abs=0.2)
    assert float(hanging.get("height")) == pytest.approx(44)

    rows = [{"label": "FAST", "values": [-0.4, 0.4]}]
    cells = feature_figures.heat_map(rows, columns=["a", "b"], title="")
    assert [cell.get("class") for cell in ET.fromstring(cells).iter("rect")] == ["margin s-neu", "margin", "neu"]


def test_a_place_is_set_in_below_its_arm():
    rows = [{"label": "FAST", "values": [0.5]}, {"label": "Liver", "values": [0.4], "part": True}]
    drawn = ET.fromstring(feature_figures.heat_map(rows, columns=["glcm"], title=""))
    at = {one.text: (one.get("x"), one.get("class")) for one in drawn.iter("text")}
    assert (at["FAST"], at["Liver"]) == (("0.0", "t"), ("12.0", None))
