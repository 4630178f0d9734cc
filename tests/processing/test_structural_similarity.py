"""SSIM against scikit-image, in float32 and where float32 does not do; MS-SSIM of a volume."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from processing.errors import InputError
from processing.metrics.structural_similarity import Bench, _compiled, ms_ssim, over_slices, ssim, ssim_map
from processing.simulate.phantom import PROTOCOLS, acquire, make_subject


def pair(slices: int = 4, rows: int = 97, columns: int = 130, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    clean = 800 * (x**2 + y**2 < 0.7) * (1 + 0.3 * np.cos(11 * x) * np.sin(7 * y))
    clean = np.stack([clean * (1 + 0.1 * n) for n in range(slices)])
    noisy = np.hypot(clean + rng.normal(0, 40, clean.shape), rng.normal(0, 40, clean.shape))
    return clean.astype(np.float32), noisy.astype(np.float32)


def theirs(x: np.ndarray, y: np.ndarray, data_range: float) -> tuple[float, np.ndarray]:
    return structural_similarity(
        x.astype(float),
        y.astype(float),
        data_range=data_range,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )


@pytest.mark.parametrize("shape", [(97, 130), (11, 11), (12, 300), (161, 13), (64, 64), (75, 74), (150, 26)])
@pytest.mark.parametrize("data_range", [None, 2.0**16, 4095.0, 30.0])
@pytest.mark.reference("SSIM", "scikit-image", package="scikit-image")
def test_ssim_equals_scikit_image_to_one_in_a_million(shape: tuple[int, int], data_range: float | None) -> None:
    x, y = pair(3, *shape)
    peak = data_range or float(x.max())
    expected = np.mean([theirs(a, b, peak)[0] for a, b in zip(x, y, strict=True)])
    assert ssim(x, y, data_range=peak) == pytest.approx(expected, abs=1e-6)
    assert ssim(x[0], y[0], data_range=peak) == pytest.approx(theirs(x[0], y[0], peak)[0], abs=1e-6)


@pytest.mark.parametrize("shape", [(97, 130), (11, 11), (7, 9), (30, 5)])
def test_the_map_equals_scikit_image_up_to_the_edges(shape: tuple[int, int]) -> None:
    x, y = pair(1, *shape)
    found = ssim_map(x[0], y[0], data_range=900.0)
    if min(shape) >= 11:  # smaller images scikit-image refuses
        np.testing.assert_allclose(found, theirs(x[0], y[0], 900.0)[1], atol=1e-9)
    assert found.shape == shape


def test_each_pixel_in_float32_is_close() -> None:
    """Of single pixels float32 keeps four digits; errors are of either sign and leave the mean alone."""
    x, y = pair(1, 256, 256)
    difference = Bench().map(x[0], y[0], float(x.max())) - theirs(x[0], y[0], float(x.max()))[1][5:-5, 5:-5]
    assert np.abs(difference).max() < 1e-3
    assert abs(difference.mean()) < 5e-7


@pytest.mark.parametrize("kind", ["offset", "outlier", "enormous", "negative", "flat"])
@pytest.mark.reference("SSIM", "scikit-image", package="scikit-image")
def test_difficult_intensities_keep_to_scikit_image(kind: str) -> None:
    x, y = (image.astype(np.float64) for image in pair(2, 80, 90))
    peak = float(x.max())
    if kind == "offset":
        x, y = x + 1e6, y + 1e6
    elif kind == "outlier":
        y[:, 40, 40] = -1e7
    elif kind == "enormous":
        x, y, peak = x * 1e25, y * 1e25, peak * 1e23
    elif kind == "negative":
        x, y = -x, -y
    else:
        x[:], y[:] = 700, 701
    x, y = x.astype(np.float32), y.astype(np.float32)
    expected = np.mean([theirs(a, b, peak)[0] for a, b in zip(x, y, strict=True)])
    assert ssim(x, y, data_range=peak) == pytest.approx(expected, abs=1e-6)


def test_a_noisy_anatomy() -> None:
    volume = acquire(make_subject(3), next(iter(PROTOCOLS.values())), 1).array[:4]
    x = volume.astype(np.float32)
    y = np.abs(x + np.random.default_rng(0).normal(0, 0.05 * x.max(), x.shape)).astype(np.float32)
    peak = float(x.max())
    expected = np.mean([theirs(a, b, peak)[0] for a, b in zip(x, y, strict=True)])
    assert ssim(x, y, data_range=peak) == pytest.approx(expected, abs=1e-6)


def test_the_number_of_threads_changes_nothing() -> None:
    x, y = pair(7)
    one = ssim(x, y, data_range=1000.0, threads=1)
    assert [ssim(x, y, data_range=1000.0, threads=n) for n in (2, 3, 16)] == [one] * 3
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: ssim(x, y, data_range=1000.0), range(8))) == [one] * 8


def _in_a_child(results: multiprocessing.Queue) -> None:
    x, y = pair()
    results.put(ssim(x, y, data_range=1000.0))


def test_a_forked_child_of_a_process_that_used_it_computes_the_same() -> None:
    """Celery's workers are forked from a process that has imported, and perhaps run, all of this."""
    x, y = pair()
    here = ssim(x, y, data_range=1000.0)
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    child = context.Process(target=_in_a_child, args=(results,))
    child.start()
    assert results.get(timeout=30) == here
    child.join(10)


def test_results_come_in_order_and_errors_come_out() -> None:
    assert over_slices(lambda: lambda n: n * n, 50, threads=3) == [n * n for n in range(50)]
    with pytest.raises(ZeroDivisionError):
        over_slices(lambda: lambda n: 1 // (n - 5), 10, threads=2)


def test_undefined_and_impossible() -> None:
    x, y = pair(2, 10, 40)
    assert ssim(x, y, data_range=100.0) is None
    assert ssim(*pair(), data_range=0.0) is None
    assert np.isnan(ssim_map(x[0], y[0], data_range=0.0)).all()
    with pytest.raises(InputError, match="same shape"):
        ssim(x, y[:1], data_range=100.0)
    with pytest.raises(InputError, match="same shape"):
        ssim_map(x[0], y[0, :, :30], data_range=100.0)
    with pytest.raises(InputError, match="over 10 pixels"):
        Bench().mean(x[0], y[0], 100.0)


def test_ms_ssim_needs_a_window_at_the_coarsest_scale() -> None:
    x, y = pair(1, 176, 191)
    assert ms_ssim(x[0], x[0], data_range=1000.0) == pytest.approx(1)
    assert ms_ssim(x[0, :175], y[0, :175], data_range=1000.0) is None
    assert Bench().both(x[0, :175], y[0, :175], 1000.0)[2] is None


def test_what_is_not_a_number_stays_where_it_is() -> None:
    x, y = pair(1)
    y[0, 40, 50] = np.nan
    found = Bench().map(x[0], y[0], 1000.0)
    expected = np.zeros(found.shape, bool)
    expected[30:41, 40:51] = True
    np.testing.assert_array_equal(np.isnan(found), expected)


def test_slices_of_any_layout_are_read_and_none_is_written() -> None:
    x, y = pair(1)
    x.flags.writeable = False
    expected = Bench().mean(x[0], y[0], 1000.0)
    assert Bench().mean(np.asfortranarray(x[0]), np.repeat(y[0], 2, axis=1)[:, ::2], 1000.0) == expected


def test_numba_is_imported_only_when_an_ssim_is_asked_for() -> None:
    """It takes half a second, which neither the site's start nor a loss should cost."""
    code = "import sys, processing.metrics.quality; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_a_folder_to_keep_it_in_it_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("numba.core.caching.CacheImpl._locator_classes", [])
    x, y = (image[0].astype(float) for image in pair(1))
    number = np.dtype(np.float64)
    _compiled.cache_clear()
    try:
        assert Bench(number).mean(x, y, 1000.0) == pytest.approx(theirs(x, y, 1000.0)[0], abs=1e-9)
        assert _compiled(number).stats.cache_path is None
    finally:
        _compiled.cache_clear()
