"""Opponents of the networks for restoration: exact where they can be, and judged in words."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from benchmarks import restoration
from benchmarks.missed_figures import CARDS, MISSED_FIGURES, table
from benchmarks.restoration import (
    EVEN,
    GIBBS,
    PHANTOM,
    RESTORED,
    Sample,
    below_the_best,
    bicubic_of_means,
    means_kept,
    reached,
    spline_of_means,
    unghosted,
    zeros_of_means,
)
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


def test_means_of_pairs_are_filled_in_as_a_smooth_slice_was() -> None:
    x = np.arange(64)
    smooth = 2 + np.outer(np.cos(2 * np.pi * 3 * x / 64), np.cos(2 * np.pi * 2 * x[:48] / 48))
    means = smooth.reshape(32, 2, 24, 2).mean(axis=(1, 3))
    linear = degrade(Volume(smooth[None].astype(np.float32), np.eye(4)), Degradation(half_matrix="linear")).array[0]
    inside = np.s_[4:-4, 4:-4]
    worst = np.abs(linear - smooth)[inside].max()
    for fill in (bicubic_of_means, spline_of_means, zeros_of_means):
        found = np.abs(fill(means) - smooth)[inside].max()
        assert found == pytest.approx(1 - np.cos(np.pi * 3 / 64) * np.cos(np.pi * 2 / 48), abs=0.004)  # of the means
        assert found < 0.6 * worst


def test_a_network_below_the_best_opponent_is_named() -> None:
    row = {"task": "restore", "case": "Gibbs", "group": "brain", "psnr": 0.0}
    rows = [
        row | {"method": method, "foreground_psnr": value}
        for method, value in (("input", 20.0), ("spline", 31.0), ("spline", 29.0), ("restore", 28.0), ("restore", 31.0))
    ]
    unharmed = {"task": "restore", "case": "truth itself", "group": "brain", "method": "restore", "change": 0.1}
    assert below_the_best([*rows, unharmed]) == ["Gibbs, brain: restore 29.50 dB, spline 30.00 dB"]
    assert below_the_best([row | {"case": "motion"} for row in rows if row["method"] != "spline"]) == []


def test_a_figure_that_is_missed_without_a_reason_is_named_and_a_reason_without_a_miss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(restoration, "GOALS", (("restore", GIBBS, "ringing", (), 0.5),))
    row = {"task": "restore", "case": GIBBS, "group": "brain", "method": "restore"}
    words = f"{GIBBS}: share of the ringing left"
    for share, listed, said in (
        (0.4, {}, []),
        (0.6, {(words, "brain"): "too few"}, []),
        (0.6, {}, [f"{words}, brain: missed, and not listed"]),
        (0.4, {(words, "brain"): "too few"}, [f"{words}, brain: listed as missed, but reached"]),
    ):
        monkeypatch.setattr(restoration, "MISSED", listed)
        assert restoration.unlisted(reached([row | {"ringing": share}])) == said


def test_ringing_is_that_of_edges_and_the_whole_error_has_texture_too() -> None:
    rng = np.random.default_rng(0)
    truth = np.zeros((1, 96, 96), np.float32)
    truth[:, 20:70, 30:80] = 100
    truth += rng.uniform(0, 6, truth.shape).astype(np.float32)
    volume = Volume(truth, np.eye(4))
    bad = degrade(volume, RESTORED[GIBBS])
    sample = Sample(PHANTOM, "box", GIBBS, volume, bad)
    as_it_was = restoration._ringing(sample, bad.array, bad.array)
    assert (as_it_was["ringing"], as_it_was["beside"], as_it_was["elsewhere"]) == (1, 1, 0)
    smooth = np.zeros_like(truth)
    smooth[:, 20:70, 30:80] = 100  # edges without ringing, and without texture
    found = restoration._ringing(sample, bad.array, smooth + 3)
    assert found["ringing"] < 0.05
    assert found["beside"] > 0.3


def test_a_peer_has_as_many_steps_as_the_shipped_network() -> None:
    found = tomllib.loads(configuration("espcn", "restore", None))
    assert (found["schedule"]["steps"], found["network"]) == (8000, {"architecture": "espcn"})
    assert tomllib.loads(configuration("espcn", "restore", 40))["schedule"]["epoch"] == 10


def test_each_figure_that_lacks_in_the_document_has_three_ways_and_what_is_needed() -> None:
    text = (Path(__file__).parents[2] / "docs" / "restoration.md").read_text()
    rows = [[c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    lacking = [row[6] for row in rows if len(row) == 7 and row[0] in ("restore", "inpaint") and row[5] != "–"]
    assert set(restoration.MISSED.values()) == set(lacking)
    assert all(len(MISSED_FIGURES[name].tried) == 3 and MISSED_FIGURES[name].needed for name in lacking)
    assert table(list(MISSED_FIGURES.values())) in text


def test_every_figure_that_is_missed_stands_on_the_card_of_its_network() -> None:
    assert sorted(name for names in CARDS.values() for name in names) == sorted(MISSED_FIGURES)
    for network, names in CARDS.items():
        card = (Path(__file__).parents[2] / "processing/enhancement/weights" / network / "card.md").read_text()
        assert table([MISSED_FIGURES[name] for name in names]) in card
