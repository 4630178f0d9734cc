"""The benchmark of reconstruction: draws of the series, what stands apart, the goal, and tuning."""

from __future__ import annotations

import argparse
from itertools import product

import numpy as np
import pytest

from benchmarks import reconstruction as benchmark
from processing.enhancement.networks.samples import Source
from processing.reconstruction.compressed_sensing import IMAGINARY_WEIGHT, VARIATION_WEIGHT, WAVELET_WEIGHT
from processing.simulate.kspace import CENTRE
from processing.volume import Volume

REAL, PHANTOM = next(iter(benchmark.REAL)), next(iter(benchmark.PHANTOM))


def box(slope: float) -> np.ndarray:
    array = np.zeros((1, 64, 48), np.float32)
    array[:, 12:52, 10:40] = np.linspace(1, 1 - slope, 30)
    return array


def rows(name: str, own: float, **psnr: float) -> list[benchmark.Row]:
    """Of each method at both undersamplings."""
    return [
        benchmark.Row(name, own, factor, method.replace("_", "-"), "63 of 256", value, value, 0.9, 0.9, 0.1)
        for factor, (method, value) in product(CENTRE, psnr.items())
    ]


def test_each_series_has_lines_and_a_phase_of_its_own_and_says_how_many() -> None:
    truth = Volume(box(0.7), np.eye(4))
    one, other = (list(benchmark._measured(name, 0.0, truth, "")) for name in (REAL, PHANTOM))
    assert all(row.lines.endswith(" of 64") for row in one)
    assert all(abs(row.psnr - theirs.psnr) > 1e-3 for row, theirs in zip(one, other, strict=True))


def test_real_series_and_phantoms_stand_apart_and_the_goal_is_judged_on_the_real() -> None:
    measured = rows(REAL, 0.01, zero_filled=20, compressed_sensing=24) + rows(
        PHANTOM, 0.0, zero_filled=30, compressed_sensing=40
    )
    page = benchmark._document(measured, argparse.Namespace(slices=1, model=""))
    real, phantoms = page.split("## Real series")[1].split("## Phantoms")
    assert "| 4 | compressed-sensing | 24.00 |" in real
    assert "| 4 | compressed-sensing | 40.00 |" in phantoms
    assert f"| {REAL} | 1.00 % (40.0 dB) | 4 | 63 of 256 |" in page
    assert f"| {PHANTOM} | none | 4 |" in page
    said = benchmark._goal(measured + rows(REAL, 0.01, cascade=26) + rows(PHANTOM, 0.0, cascade=0))
    assert "+6.00 dB in the mean of the real series, +6.00 dB at least" in said
    assert said.count(", reached.") == 2


def test_tuning_needs_no_trained_cascade_and_takes_the_mean_of_the_groups(monkeypatch, capsys) -> None:
    slices = [box(slope)[0] for slope in (0.1, 0.5, 0.9)]
    sources = [Source(group, group, (one[None],)) for group, one in zip("abb", slices, strict=True)]
    monkeypatch.setattr(benchmark.samples, "load", lambda *args, **settings: sources)
    monkeypatch.setattr(benchmark, "compressed_sensing", lambda lines, sampled, **weights: np.zeros_like(lines))
    monkeypatch.setattr("sys.argv", ["reconstruction", "--tune"])
    benchmark.main()
    alone = [-10 * np.log10(np.mean(one.astype(float) ** 2)) for one in slices]  # their maximum is 1
    line = capsys.readouterr().out.splitlines()[0]
    assert float(line.split(": ")[1].split(" dB")[0]) == pytest.approx(
        (alone[0] + (alone[1] + alone[2]) / 2) / 2, abs=0.01
    )


def test_the_weights_that_ship_are_among_those_tried() -> None:
    tried = (benchmark.WAVELETS, benchmark.VARIATIONS, benchmark.IMAGINARIES)
    for shipped, values in zip((WAVELET_WEIGHT, VARIATION_WEIGHT, IMAGINARY_WEIGHT), tried, strict=True):
        assert set(shipped.values()) <= set(values)
