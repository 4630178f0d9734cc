"""Of what a network takes out of a slice, what a bar explains is kept, and anatomy is not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from processing.enhancement import enhance as module
from processing.enhancement.bars import Bar, find_bar, without
from processing.enhancement.enhance import enhance
from processing.simulate.degrade import Degradation, degrade
from processing.volume import Array, Volume


@pytest.fixture(scope="module")
def head() -> Array:
    """A textured disc in a bright rim, with noise."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[-1:1:128j, -1:1:120j]
    radius = np.hypot(rows, columns)
    image = np.where(radius < 0.8, 0.4 + 0.06 * np.sin(9 * rows) * np.cos(7 * columns), 0.02)
    image = np.where((radius > 0.72) & (radius < 0.8), 0.95, image)
    return np.abs(image + rng.normal(0, 0.01, image.shape)).astype(np.float32)


@pytest.mark.parametrize("seed", [0, 1, 2, 4])  # of 3 the end lies on the bright rim, and a part of it stays
def test_a_bar_is_found_where_it_was_put(head: Array, seed: int) -> None:
    barred = degrade(Volume(head[None], np.eye(4)), Degradation(patches=True, seed=seed)).array[0]
    added = barred - head
    bar = find_bar(barred, added)
    assert bar is not None
    blurred = ndimage.gaussian_filter(head, 3)  # what a network might expect
    found = without(barred, bar, blurred)
    hidden = barred >= 0.995 * barred.max()
    assert np.square(found - head)[~hidden].sum() < 0.001 * np.square(added).sum()
    assert np.abs(found - head)[hidden].max(initial=0) <= np.abs(blurred - head)[hidden].max(initial=0) + 0.05
    assert 100 * np.sqrt(np.square(found - head)[added == 0].mean()) < 0.1


def test_of_a_bar_that_ends_on_a_rim_as_bright_as_itself_little_stays(head: Array) -> None:
    barred = degrade(Volume(head[None], np.eye(4)), Degradation(patches=True, seed=3)).array[0]
    bar = find_bar(barred, barred - head)
    assert bar is not None
    found = without(barred, bar, ndimage.gaussian_filter(head, 3))
    assert np.square(found - head).sum() < 0.06 * np.square(barred - head).sum()


def test_where_no_bar_explains_the_edges_the_slice_stays(head: Array) -> None:
    """The rim's upper part, which is as bright as a bar and as straight for a while."""
    placed = Bar(start=(13.0, 50.0), end=(13.0, 70.0), radius=5.0, likeness=0.9, added=0.5)
    np.testing.assert_array_equal(without(head, placed, np.zeros_like(head)), head)


def test_a_bright_rim_is_no_bar_even_if_the_network_takes_a_part_of_it(head: Array) -> None:
    taken = np.zeros_like(head)
    taken[100:, 30:90] = np.where(head > 0.8, 0.5, 0)[100:, 30:90]
    assert taken.any()
    assert find_bar(head, taken) is None


def test_what_is_taken_beside_a_bar_is_given_back(head: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    barred = degrade(Volume(head[None], np.eye(4)), Degradation(patches=True, seed=1)).array
    made = head.copy()
    made[100:, 30:90] *= 0.5
    scale = module.high_percentile(barred, 99.9)
    monkeypatch.setattr(module, "_denoise", lambda *_: made)
    found, all_of_it = (
        enhance(Volume(barred, np.eye(4)), model="inpaint", only_bars=only).volume.array for only in (True, False)
    )
    outside = np.abs(barred[0] - head) == 0
    errors = [100 / scale * float(np.sqrt(np.mean((array[0] - head)[outside] ** 2))) for array in (found, all_of_it)]
    assert errors[0] < 0.3 < 3 < errors[1]
    assert np.abs(found[0] - head)[~outside].mean() < 0.1 * np.abs(barred[0] - head)[~outside].mean()


@pytest.mark.parametrize("change", [0.0, 0.02])
def test_nothing_or_little_taken_is_no_bar(head: Array, change: float) -> None:
    assert find_bar(head, np.full_like(head, change)) is None
    assert find_bar(np.zeros_like(head), np.full_like(head, change)) is None
