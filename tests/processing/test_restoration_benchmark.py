"""Opponents of the networks for restoration: exact where they can be, and judged in words."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest

from benchmarks.restoration import EVEN, RESTORED, below_the_best, means_kept, unghosted
from benchmarks.train_peers import configuration
from processing.simulate.degrade import Degradation, degrade
from processing.simulate.thickness import interpolated, means
from processing.volume import Volume


@pytest.mark.parametrize("lines", ["odd", "even"])
def test_a_ghost_of_lines_in_phase_is_taken_off_whole(lines: str) -> None:
    image = np.zeros((1, 64, 48), np.float32)
    image[:, 4:28, 8:40] = np.random.default_rng(0).uniform(50, 100, (24, 32))
    ghosted = degrade(Volume(image, np.eye(4)), Degradation(ghosting=0.4, ghosting_lines=lines)).array[0]
    assert np.abs(ghosted - image[0]).max() > 15
    assert unghosted(ghosted, even=lines == "even") == pytest.approx(image[0], abs=0.01)


def test_ghosts_are_judged_with_the_phase_right_and_wrong() -> None:
    ghosts = {name: one for name, one in RESTORED.items() if one.ghosting}
    assert [one.ghosting_phase for one in ghosts.values()] == [None, 40.0, None, 40.0]
    assert {name for name, one in ghosts.items() if one.ghosting_lines == "even"} == {n for n in ghosts if EVEN in n}


def test_the_corrected_spline_has_the_means_of_the_thick_slices() -> None:
    thick = np.random.default_rng(0).uniform(0, 1, (8, 3, 3)).astype(np.float32)
    plain, kept = (np.abs(means(filter_(thick, 3), 3) - thick).max() for filter_ in (interpolated, means_kept))
    assert plain > 0.02
    assert kept < 0.1 * plain


def test_a_network_below_the_best_opponent_is_named() -> None:
    row = {"task": "restore", "case": "Gibbs", "group": "brain", "psnr": 0.0}
    rows = [
        row | {"method": method, "foreground_psnr": value}
        for method, value in (("input", 20.0), ("spline", 31.0), ("spline", 29.0), ("restore", 28.0), ("restore", 31.0))
    ]
    unharmed = {"task": "restore", "case": "truth itself", "group": "brain", "method": "restore", "change": 0.1}
    assert below_the_best([*rows, unharmed]) == ["Gibbs, brain: restore 29.50 dB, spline 30.00 dB"]
    assert below_the_best([row | {"case": "motion"} for row in rows if row["method"] != "spline"]) == []


def test_a_peer_has_as_many_steps_as_the_shipped_network() -> None:
    found = tomllib.loads(configuration("espcn", "restore", None))
    assert (found["schedule"]["steps"], found["network"]) == (8000, {"architecture": "espcn"})
    assert tomllib.loads(configuration("espcn", "restore", 40))["schedule"]["epoch"] == 10
