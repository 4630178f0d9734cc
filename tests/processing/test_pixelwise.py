"""SNR, EPI, CoC, coefficient of variation and entropy against SciPy, SimpleITK, pyradiomics and by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from radiomics.firstorder import RadiomicsFirstOrder
from scipy import ndimage, stats

from processing.__main__ import main
from processing.errors import InputError
from processing.metrics import quality
from processing.metrics.dispersion import coefficient_of_variation, entropy
from processing.nifti import write_nifti
from processing.volume import Volume
from tests.processing.test_structural_similarity import pair

AFFINE = np.diag([1.0, 1.0, 3.0, 1.0])
KERNEL = np.array([[[0, 1, 0], [1, -4, 1], [0, 1, 0]]], float)


def test_snr_is_the_power_of_the_reference_over_that_of_the_difference() -> None:
    x = np.array([[[3.0, 4.0]]])
    assert quality.snr(x, x + np.array([[[0.3, -0.4]]])) == pytest.approx(20)
    x, y = pair()
    assert quality.snr(x, y) == pytest.approx(-20 * np.log10(quality.nrmse(x, y)))


def test_coc_is_pearsons_correlation() -> None:
    x, y = pair()
    assert quality.coc(x, y) == pytest.approx(stats.pearsonr(x.ravel().astype(float), y.ravel())[0], abs=1e-9)
    assert quality.coc(x, 3 * x + 7) == pytest.approx(1)
    assert quality.coc(x, -x) == pytest.approx(-1)


def test_epi_is_the_correlation_of_high_passed_slices() -> None:
    """Sattar et al. 1997 with the Laplacian of scipy.ndimage, and with SimpleITK's."""
    x, y = pair()
    high = [ndimage.correlate(image.astype(float), KERNEL)[:, 1:-1, 1:-1].ravel() for image in (x, y)]
    assert quality.epi(x, y) == pytest.approx(stats.pearsonr(*high)[0], abs=1e-9)
    flat = [SimpleITK.GetImageFromArray(image[0].astype(float)) for image in (x, y)]
    high = [SimpleITK.GetArrayFromImage(SimpleITK.Laplacian(one))[1:-1, 1:-1].ravel() for one in flat]
    assert quality.epi(x[0], y[0]) == pytest.approx(stats.pearsonr(*high)[0], abs=1e-6)


def test_epi_falls_with_blur_and_ignores_gain_and_offset() -> None:
    x, _ = pair()
    values = [quality.epi(x, ndimage.gaussian_filter(x, (0, s, s))) for s in (0.4, 0.8, 1.6)]
    assert values == sorted(values, reverse=True)
    assert quality.epi(x, 2 * x + 100) == pytest.approx(1, abs=1e-9)


def test_a_comparison_has_the_same_numbers_over_volume_foreground_and_slices() -> None:
    x, y = pair()
    mask = x > 300
    found = quality.compare(Volume(x, AFFINE), Volume(y, AFFINE), mask=mask, voi=mask)
    for name in ("snr", "epi", "coc"):
        one = getattr(quality, name)
        assert found.volume[name] == pytest.approx(one(x, y), abs=1e-9)
        assert found.slices[2][name] == pytest.approx(one(x[2], y[2]), abs=1e-9)
    assert found.foreground["coc"] == pytest.approx(quality.coc(x[mask], y[mask]), abs=1e-9)
    assert found.foreground["epi"] == pytest.approx(quality.epi(x, y, region=mask), abs=1e-9)
    assert {name: found.voi[name] for name in quality.METRICS} == found.foreground
    assert found.voi["cv_test"] == pytest.approx(coefficient_of_variation(y[mask]))


def test_undefined_values_have_reasons() -> None:
    x, _ = pair()
    flat, zero = np.full_like(x, 0.1), np.zeros_like(x)
    same = quality.compare(Volume(x, AFFINE), Volume(x, AFFINE))
    assert same.volume["snr"] is None
    assert "identical" in same.reasons["volume.snr"]
    constant = quality.compare(Volume(x, AFFINE), Volume(flat, AFFINE))
    assert (constant.volume["epi"], constant.volume["coc"]) == (None, None)
    assert "constant" in constant.reasons["volume.coc"]
    assert "no edge" in constant.reasons["volume.epi"]
    dark = quality.compare(Volume(zero, AFFINE), Volume(x, AFFINE), voi=x < 0)
    assert dark.volume["snr"] is None
    assert "zero everywhere" in dark.reasons["volume.snr"]
    assert set(dark.voi.values()) == {None}
    assert set(dark.reasons) >= {f"voi.{name}" for name in dark.voi}


@pytest.mark.parametrize("bins", [{}, {"bin_width": 7.5}, {"bin_count": 100}, {"bin_count": 1}])
@pytest.mark.parametrize("low", [0.0, -350.0, 13.7])
def test_entropy_equals_pyradiomics(bins: dict, low: float) -> None:
    array = np.random.default_rng(0).gamma(3, 80, (4, 20, 20)) + low
    mask = np.random.default_rng(1).random(array.shape) < 0.4
    names = {"bin_width": "binWidth", "bin_count": "binCount"}
    first_order = RadiomicsFirstOrder(
        SimpleITK.GetImageFromArray(array),
        SimpleITK.GetImageFromArray(mask.astype(np.uint8)),
        **{names[name]: value for name, value in bins.items()},
    )
    first_order.enableFeatureByName("Entropy")
    assert entropy(array[mask], **bins) == pytest.approx(float(first_order.execute()["Entropy"]), abs=1e-9)


def test_dispersion_by_hand_and_undefined() -> None:
    assert coefficient_of_variation(np.array([8.0, 12.0])) == pytest.approx(8**0.5 / 10)
    assert coefficient_of_variation(np.array([-1.0, 1.0])) is None
    assert coefficient_of_variation(np.array([5.0])) is None
    assert entropy(np.array([10.0, 30.0, 60.0, 80.0])) == pytest.approx(2)
    assert entropy(np.full(9, 3.0)) == 0
    assert entropy(np.array([])) is None
    with pytest.raises(InputError):
        entropy(np.ones(3), bin_width=0)


def test_the_command_compares_inside_a_volume_of_interest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x, y = pair()
    volumes = Volume(x, AFFINE), Volume(y, AFFINE), Volume((x > 300).astype(np.float32), AFFINE)
    paths = [str(write_nifti(volume, tmp_path / f"{n}.nii.gz")) for n, volume in enumerate(volumes)]
    assert main(["compare", *paths[:2], "--voi", paths[2], "--range", "65536"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result["voi"]) == [*quality.METRICS, *quality.IN_VOI]
    assert result["voi"]["cv_reference"] == pytest.approx(coefficient_of_variation(x[x > 300]), rel=1e-6)
    assert result["conventions"]["data_range"] == 65536
