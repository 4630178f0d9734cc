"""Image quality against scikit-image and by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.metrics import (
    mean_squared_error,
    normalized_root_mse,
    peak_signal_noise_ratio,
    structural_similarity,
)

from processing.__main__ import main
from processing.errors import InputError
from processing.metrics import quality
from processing.nifti import write_nifti
from processing.volume import Volume


def pair_of_volumes(slices: int = 3, size: int = 48, seed: int = 0) -> tuple[Volume, Volume]:
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    image = 800.0 * (rows**2 + columns**2 < 0.6) + 200 * np.cos(9 * rows) * (rows**2 + columns**2 < 0.4)
    array = np.stack([image * (1 + 0.3 * n) for n in range(slices)])
    noisy = np.hypot(array + rng.normal(0, 40, array.shape), rng.normal(0, 40, array.shape))
    affine = np.diag([1.0, 1.0, 3.0, 1.0])
    return Volume(array, affine), Volume(noisy, affine)


def moved(volume: Volume, millimetres: float) -> Volume:
    affine = volume.affine.copy()
    affine[:3, 3] += millimetres
    return Volume(volume.array, affine)


def skimage_ssim(x: np.ndarray, y: np.ndarray, data_range: float) -> float:
    return structural_similarity(
        x.astype(float),
        y.astype(float),
        data_range=data_range,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )


@pytest.mark.parametrize("rule", ["volume", "slice", 4095.0])
@pytest.mark.reference("metrics", "scikit-image", package="scikit-image")
def test_metrics_equal_scikit_image(rule: quality.Range) -> None:
    reference, test = pair_of_volumes()
    result = quality.compare(reference, test, data_range=rule)
    peaks = [float(x.max()) if rule == "slice" else float(reference.array.max()) for x in reference.array]
    if isinstance(rule, float):
        peaks = [rule] * 3
    expected = [skimage_ssim(x, y, peak) for x, y, peak in zip(reference.array, test.array, peaks, strict=True)]
    assert [one["ssim"] for one in result.slices] == pytest.approx(expected, abs=1e-6)
    assert result.volume["ssim"] == pytest.approx(np.mean(expected), abs=1e-6)
    x, y = reference.array.astype(float), test.array.astype(float)
    assert result.volume["mse"] == pytest.approx(mean_squared_error(x, y))
    assert result.volume["nrmse"] == pytest.approx(normalized_root_mse(x, y))
    assert result.volume["psnr"] == pytest.approx(peak_signal_noise_ratio(x, y, data_range=max(peaks)))
    assert result.volume["l1"] == pytest.approx(np.abs(x - y).mean())
    assert result.conventions["data_range"] == max(peaks)


def test_foreground_is_the_patient() -> None:
    reference, test = pair_of_volumes()
    disc = reference.array > 0
    found = quality.foreground(reference.array)
    assert (found == disc).mean() > 0.95
    result = quality.compare(reference, test)
    inside = quality.compare(reference, test, mask=found)
    assert result.foreground == inside.foreground
    assert result.foreground["mse"] == pytest.approx(
        float(((test.array - reference.array)[found] ** 2).mean()), rel=1e-5
    )
    assert result.foreground["ssim"] != result.volume["ssim"]


def test_ms_ssim_matches_a_direct_computation() -> None:
    """Wang et al. 2003 written out with scikit-image's maps instead of ours."""
    rng = np.random.default_rng(0)
    x = np.cumsum(rng.normal(size=(192, 176)), axis=1) + 20
    y = x + rng.normal(0, 2, x.shape)
    peak, product = float(x.max()), 1.0
    a, b = x, y
    c1 = (0.01 * peak) ** 2
    for n, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        full = structural_similarity(
            a, b, data_range=peak, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
        )[1]
        mean_a, mean_b = (gaussian_filter(v, 1.5, truncate=3.5) for v in (a, b))
        luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
        term = full if n == 4 else full / luminance
        product *= term[5:-5, 5:-5].mean() ** weight
        if n < 4:
            a, b = ((v[::2, ::2] + v[1::2, ::2] + v[::2, 1::2] + v[1::2, 1::2]) / 4 for v in (a, b))
    assert quality.ms_ssim(x, y, data_range=peak) == pytest.approx(product, abs=1e-9)


def test_undefined_is_null_with_its_reason() -> None:
    reference, _ = pair_of_volumes()
    result = quality.compare(reference, reference)
    assert result.volume["ssim"] == pytest.approx(1)
    assert result.volume["psnr"] is None
    assert "identical" in result.reasons["volume.psnr"]
    assert result.volume["ms_ssim"] is None
    assert "176 rows" in result.reasons["volume.ms_ssim"]
    empty = quality.compare(reference, reference, mask=np.zeros(reference.shape, bool))
    assert set(empty.foreground.values()) == {None}
    assert "empty" in empty.reasons["foreground.mse"]
    dark = Volume(np.zeros((2, 32, 32)), np.eye(4))
    assert quality.compare(dark, dark).volume["ssim"] is None


def test_volumes_that_do_not_match_are_refused() -> None:
    reference, test = pair_of_volumes()
    with pytest.raises(InputError, match="shape"):
        quality.compare(reference, Volume(test.array[:2], test.affine))
    with pytest.raises(InputError, match="register"):
        quality.compare(reference, moved(test, 2))


def test_difference_map_in_percent_of_the_maximum() -> None:
    reference = np.array([[[0.0, 50, 200]]], np.float32)
    np.testing.assert_allclose(quality.difference_percent(reference, reference + 4), [[[2, 2, 2]]])


def test_the_command_prints_the_contract(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reference, test = pair_of_volumes()
    paths = [str(write_nifti(v, tmp_path / f"{n}.nii.gz")) for n, v in enumerate((reference, test))]
    assert main(["compare", *paths]) == 0
    result = json.loads(capsys.readouterr().out)
    assert set(result) >= {"conventions", "volume", "foreground", "slices"}
    assert list(result["volume"]) == ["ssim", "ms_ssim", "psnr", "mse", "nrmse", "l1", "snr", "epi", "coc"]
    assert [one["index"] for one in result["slices"]] == [0, 1, 2]
    assert result["volume"]["ssim"] == pytest.approx(quality.compare(reference, test).volume["ssim"], abs=1e-9)
    assert main(["compare", *paths, "--range", "wide"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


ORDERS = [((0, 1, 2), (True, True, False)), ((2, 0, 1), (False, True, True)), ((1, 2, 0), (False, False, False))]


def stored(volume: Volume, axes: tuple[int, ...], mirrored: tuple[bool, ...]) -> Volume:
    """The same place in another order of columns, rows and slices, index by index."""
    shape = [volume.shape[2 - axis] for axis in axes]
    to_old = np.zeros((4, 4))
    to_old[3, 3] = 1
    for new, (old, turn) in enumerate(zip(axes, mirrored, strict=True)):
        to_old[old, new] = -1 if turn else 1
        to_old[old, 3] = shape[new] - 1 if turn else 0
    index = np.indices(shape).reshape(3, -1)
    i, j, k = (to_old @ [*index, np.ones(index.shape[1])])[:3].astype(int)
    return Volume(volume.array[k, j, i].reshape(shape).T, volume.affine @ to_old)


@pytest.mark.parametrize(("axes", "mirrored"), ORDERS)
def test_the_order_of_storage_changes_no_number(
    axes: tuple[int, ...], mirrored: tuple[bool, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reference, test = pair_of_volumes(slices=4)
    rows, columns = np.indices((48, 48))
    mask = reference.with_array(np.broadcast_to((rows > 20) & (columns < 30), reference.shape).astype(np.float32))
    found = []
    for number, change in enumerate([lambda one: one, lambda one: stored(one, axes, mirrored)]):
        volumes = {"reference": reference, "test": change(test), "mask": change(mask), "voi": change(mask)}
        paths = {name: str(write_nifti(one, tmp_path / f"{name}{number}.nii")) for name, one in volumes.items()}
        words = [paths["reference"], paths["test"], "--mask", paths["mask"], "--voi", paths["voi"]]
        assert main(["compare", *words]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0] == found[1]


def test_a_mask_that_lies_elsewhere_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reference, test = pair_of_volumes()
    volumes = reference, test, moved(reference, 5)
    paths = [str(write_nifti(v, tmp_path / f"{n}.nii")) for n, v in enumerate(volumes)]
    assert main(["compare", *paths[:2], "--mask", paths[2]]) == 2
    assert "The mask 2.nii does not lie on the grid of REFERENCE" in capsys.readouterr().err


def test_outside_the_overlap_nothing_counts():
    rng = np.random.default_rng(3)
    reference = rng.uniform(10, 100, (3, 60, 60)).astype(np.float32)
    test = reference + rng.normal(0, 5, reference.shape).astype(np.float32)
    affine, within = np.diag([1.0, 1.0, 4.0, 1.0]), np.zeros(reference.shape, bool)
    within[:2, :, 20:] = True
    broken = np.where(within, test, -1e6)
    found = quality.compare(Volume(reference, affine), Volume(broken, affine), within=within, mask=within)
    cut = quality.compare(
        Volume(reference[:2, :, 20:], affine), Volume(test[:2, :, 20:], affine), data_range=float(reference.max())
    )
    for metric in ("ssim", "psnr", "mse", "nrmse", "l1"):
        assert found.volume[metric] == pytest.approx(cut.volume[metric], rel=1e-6), metric
    assert [row["index"] for row in found.slices] == [0, 1]
    assert found.volume["ms_ssim"] is None


def test_percent_difference_is_undefined_where_the_reference_is_zero():
    reference = np.array([[0.0, 50.0, 200.0]])
    found = quality.percent_difference(reference, np.array([[3.0, 60.0, 150.0]]))
    assert np.isnan(found[0, 0])
    np.testing.assert_allclose(found[0, 1:], [20, 25])
