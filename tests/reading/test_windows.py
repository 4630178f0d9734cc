"""The windows that a key chooses never black out or burn out a spine."""

from dataclasses import replace

import numpy as np
import pytest

from processing.grid import common_grid
from processing.pair import LEVEL_STEP, UPPER_LEVEL, grey_levels
from processing.simulate.phantom import acquire, make_subject, protocol_for
from processing.simulate.phantom.spine import sac_tables
from readerstudy.accounts.keys import DEFAULTS
from readerstudy.reading.windows import WINDOWS


def outside(windows: list[dict], tissues: dict[str, float]) -> list[tuple[str, str, float]]:
    """Windows in which a tissue is nearly black or white, whatever the slice makes of where they end.

    tissues: percent of the common range.
    """
    greys = [
        (window["name"], tissue, 100 * (value - window["lower"]) / (upper - window["lower"]))
        for window in windows
        for upper in window["upper"]
        for tissue, value in tissues.items()
    ]
    return [each for each in greys if not 5 < each[2] < 95]


@pytest.fixture(scope="module", params=["sag-t2", "sag-t1", "sag-stir"])
def tissues(request) -> dict[str, float]:
    """Percent of the common range in the middle of each vertebra of a neck, and of the cord behind it."""
    anatomy = make_subject(1, "cervical")
    protocol = replace(protocol_for(request.param, region="cervical"), slices=3, matrix=(192, 144))
    volume = acquire(anatomy, protocol, 1)
    percent = grey_levels(volume.array, common_grid([volume, volume])) / (UPPER_LEVEL * LEVEL_STEP) * 100
    _, depth, centre, _ = sac_tables(anatomy)

    def at(*place: float) -> float:
        i, j, k = np.rint(np.linalg.solve(volume.affine, [*place, 1.0])[:3]).astype(int)
        return float(percent[k, j - 1 : j + 2, i - 1 : i + 2].mean())

    found, curves = {}, anatomy.curves
    for name in ("C3", "C4", "C5", "C6", "C7"):
        level = anatomy.level(name)
        z = np.array(level.centre[2])
        found[name] = at(*level.centre)
        behind = float(curves.at(centre, z) - 0.1 * curves.at(depth, z))  # the cord lies in front of the sac's middle
        found[f"cord at {name}"] = at(float(curves.at(curves.x, z)), behind, float(z))
    return found


def test_each_key_for_a_window_has_one():
    assert len(WINDOWS) == len([action for action in DEFAULTS if action.startswith("window_")])


def test_cord_and_vertebrae_stay_grey_in_every_window(tissues):
    assert outside(WINDOWS, tissues) == []


def test_a_window_for_bright_tissue_alone_would_be_found(tissues):
    bright = {"name": "bright", "lower": 50, "upper": [130, 130]}
    narrow = {"name": "narrow", "lower": 0, "upper": [20, 20]}
    assert {name for name, *_ in outside([bright, narrow], tissues)} == {"bright", "narrow"}
