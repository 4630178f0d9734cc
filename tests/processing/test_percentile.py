"""High percentiles equal NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

from processing.percentile import high_percentile

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "array",
    [
        RNG.rayleigh(50, (6, 90, 100)).astype(np.float32),
        RNG.integers(0, 5, (6, 50, 60)).astype(np.int16),
        np.zeros((3, 4, 5)),
        np.arange(7.0),
        np.array([3.0]),
        np.r_[np.zeros(9000), np.ones(5)],
        np.r_[np.ones(20), np.zeros(90000)],
        np.tile(np.r_[np.full(1, 100.0), np.zeros(15)], 999),  # what is looked at first is higher than all the rest
    ],
)
@pytest.mark.parametrize("percent", [99.0, 99.9])
def test_it_equals_numpy(array: np.ndarray, percent: float) -> None:
    assert high_percentile(array, percent) == pytest.approx(np.percentile(array, percent), rel=1e-6)


def test_not_a_number_is_not_hidden() -> None:
    assert np.isnan(high_percentile(np.array([1.0, np.nan, 2.0] * 50), 99.9))
