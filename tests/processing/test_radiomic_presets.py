"""Presets of radiomic features, and the eleven of Moummad et al. beside the published workbook."""

from __future__ import annotations

from functools import reduce
from math import gcd
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK

from processing.errors import InputError
from processing.radiomics import bias
from processing.radiomics.extraction import extract
from processing.radiomics.image_quality import wavelet_ratios
from processing.radiomics.images import itk_image, itk_mask
from processing.radiomics.intensity import histogram_median, intensity
from processing.radiomics.presets import preset_text, presets
from processing.radiomics.settings import OWN_CLASSES, read_settings
from processing.volume import Volume

NINE = OWN_CLASSES["intensity"]


@pytest.fixture(scope="module")
def lesion() -> tuple[SimpleITK.Image, SimpleITK.Image]:
    rng = np.random.default_rng(3)
    array = rng.gamma(4, 60, (12, 40, 36)).round()
    inside = np.zeros(array.shape, bool)
    inside[3:9, 10:26, 8:25] = True
    array[inside] += 150
    affine = np.diag([0.9, 0.9, 1.0, 1.0])
    return itk_image(Volume(array, affine)), itk_mask(inside, affine)


@pytest.mark.parametrize(
    ("name", "features", "shape"), [("pyradiomics", 107, 14), ("zhong93", 93, 0), ("moummad104", 104, 0)]
)
def test_a_preset_has_the_features_that_it_says(lesion, name: str, features: int, shape: int) -> None:
    settings = read_settings(preset_text(name))
    rows = extract(*lesion, settings=settings).rows
    assert (len(rows), sum(row.feature_class == "shape" for row in rows)) == (features, shape)
    assert {row.status for row in rows} == {"ok"}
    assert read_settings(settings.as_dict()).sha256 == settings.sha256
    assert str(features) in presets()[name]


def test_there_is_no_other_preset() -> None:
    with pytest.raises(InputError, match="moummad104, pyradiomics, zhong93"):
        preset_text("../settings")


def test_the_z_score_of_zhong_does_not_collapse_into_one_bin(lesion) -> None:
    def entropy(source: str | dict) -> float:
        rows = extract(*lesion, settings=read_settings(source)).rows
        return next(row.value for row in rows if row.feature == "firstorder_Entropy")

    assert entropy(preset_text("zhong93")) > 2
    assert entropy({"setting": {"normalize": True, "binWidth": 25}}) < 1


@pytest.fixture(scope="module")
def workbook(real_data: Path) -> pd.DataFrame:
    path = real_data / "moummad/DataBase_Moummad et al.xlsx"
    return pd.read_excel(path, sheet_name="Resampling_Radiomic_Features").rename(columns=str.strip)


def by_relation(mean, g1, kurtosis, variance, n) -> dict:
    """What the nine say of pyradiomics' moments, which are over n."""
    return {
        "Mean": mean,
        "Skewness": g1 * ((n - 1) / n) ** 1.5,
        "Kurtosis": kurtosis * ((n - 1) / n) ** 2 - 3,
        "CV": np.sqrt(variance * n / (n - 1)) / mean,
    }


def test_the_published_workbook_and_we_have_the_same_moments(lesion, workbook: pd.DataFrame) -> None:
    n = np.rint(workbook["firstorder_Energy"] / workbook["firstorder_RootMeanSquared"] ** 2)
    theirs = workbook[[f"firstorder_{name}" for name in ("Mean", "Skewness", "Kurtosis", "Variance")]]
    for name, expected in by_relation(*(theirs[one] for one in theirs), n).items():
        column = "CV(%)" if name == "CV" else name
        assert np.abs(workbook[column] - expected).max() < 1e-8, name
    assert (workbook["Min"] == workbook["firstorder_Minimum"]).all()
    assert (workbook["Max"] == workbook["firstorder_Maximum"]).all()
    image, mask = lesion
    rows = {
        row.feature: row.value for row in extract(image, mask, settings=read_settings(preset_text("moummad104"))).rows
    }
    ours = (rows[f"firstorder_{name}"] for name in ("Mean", "Skewness", "Kurtosis", "Variance"))
    for name, expected in by_relation(*ours, int(SimpleITK.GetArrayViewFromImage(mask).sum())).items():
        assert rows[f"intensity_{name}"] == pytest.approx(expected, rel=1e-9), name
    assert rows["intensity_Min"] == rows["firstorder_Minimum"]
    assert rows["intensity_Max"] == rows["firstorder_Maximum"]


def test_the_published_workbook_has_100_bins(workbook: pd.DataFrame) -> None:
    width = np.sqrt(workbook["firstorder_Variance"] / workbook["gldm_GrayLevelVariance"])
    assert np.abs(workbook["firstorder_Range"] / width - 100).max() < 0.5
    assert read_settings(preset_text("moummad104")).setting["binCount"] == 100


def test_the_published_medians_are_middles_of_256_bins_of_the_image(workbook: pd.DataFrame) -> None:
    """All originals of one image fit (k + 1/2) · range / 256 of one whole range that holds its maximum."""
    for _, image in workbook[workbook["Groupe"] == "Original"].groupby("PatientName"):
        halves = (image["Median"] * 512).astype(int).tolist()
        assert (image["Median"] * 512 == halves).all()
        common = reduce(gcd, halves)
        ranges = [
            one
            for one in range(int(image["Max"].max()), common + 1)
            if common % one == 0 and all(half // one % 2 for half in halves)
        ]
        apart = (image["Median"] - image["firstorder_Median"]).abs().max()
        assert any(apart <= one / 256 for one in ranges)


def test_the_median_is_that_of_itk(lesion) -> None:
    image, mask = lesion
    itk = SimpleITK.LabelStatisticsImageFilter()
    itk.UseHistogramsOn()
    itk.Execute(image, mask)
    inside = SimpleITK.GetArrayViewFromImage(mask) == 1
    ours = intensity(image, inside, names=["Median"], ring=1.0)["Median"]
    assert ours == itk.GetMedian(1)
    assert ours != np.median(SimpleITK.GetArrayViewFromImage(image)[inside])
    assert histogram_median(np.full(5, 7.0), 7.0, 7.0) == 7.0


def test_peak_and_ring_look_around_the_volume() -> None:
    array = np.full((21, 21, 21), 10.0)
    inside = np.zeros(array.shape, bool)
    inside[9:12, 9:12, 9:12] = True
    array[inside] = 30.0
    array[0, 0, 0] = 1000.0  # too far for either
    image = SimpleITK.GetImageFromArray(array)
    found = intensity(image, inside, names=["Peak", "MaxOnMeanRing"], ring=2.0)
    z, y, x = np.mgrid[-6:7, -6:7, -6:7]
    in_sphere = int((z**2 + y**2 + x**2 <= (3000 / (4 * np.pi)) ** (2 / 3)).sum())
    assert found == pytest.approx({"Peak": 10 + 20 * 27 / in_sphere, "MaxOnMeanRing": 3.0}, rel=1e-9)
    everywhere = np.ones(array.shape, bool)
    assert np.isnan(intensity(image, everywhere, names=["MaxOnMeanRing"], ring=2.0)["MaxOnMeanRing"])


def test_image_quality_is_one_for_an_image_and_falls_with_blur(lesion, workbook: pd.DataFrame) -> None:
    one_image = workbook.groupby(["Groupe", "PatientName"])["IQwavelet_global"]
    assert (one_image.nunique() == 1).all()
    image, mask = lesion
    inside = SimpleITK.GetArrayViewFromImage(mask) == 1
    smooth = SimpleITK.SmoothingRecursiveGaussian(image, 1.5)
    asked = {"names": ["global", "local"], "wavelet": "coif1"}
    sharp, blurred = (wavelet_ratios(one, inside, **asked) for one in (image, smooth))
    assert all(0 < blurred[name] < sharp[name] / 10 for name in sharp)
    other = wavelet_ratios(image, ~inside, **asked)
    assert other["global"] == sharp["global"]
    assert other["local"] != sharp["local"]
    nothing = SimpleITK.Image(8, 8, 8, SimpleITK.sitkFloat64)
    assert np.isnan(wavelet_ratios(nothing, np.ones((8, 8, 8), bool), names=["local"], wavelet="haar")["local"])


def test_the_field_of_a_series_is_estimated_once_for_all_its_volumes(lesion, monkeypatch) -> None:
    image, mask = lesion[:2]
    calls = []
    monkeypatch.setattr(bias, "_corrected", lambda one: calls.append(one) or one)
    monkeypatch.setattr(bias, "_kept", {})
    settings = read_settings({"setting": {"n4": True}, "featureClass": {"firstorder": ["Mean"]}})
    for _ in range(3):
        extract(SimpleITK.Image(image), mask, settings=settings)
    assert len(calls) == 1
    elsewhere = SimpleITK.Image(image)
    elsewhere[0, 0, 0] = elsewhere[0, 0, 0] + 1  # another series
    extract(elsewhere, mask, settings=settings)
    assert len(calls) == 2


def test_n4_takes_a_bias_field_off(lesion) -> None:
    image, mask = lesion
    _, y, x = np.mgrid[:12, :40, :36]
    field = np.exp(0.6 * np.cos(y / 25) * np.cos(x / 25))
    array = SimpleITK.GetArrayFromImage(SimpleITK.DiscreteGaussian(image, 2.0)) * field
    biased = SimpleITK.GetImageFromArray(array)
    biased.CopyInformation(image)

    def spread(source: dict) -> float:
        rows = extract(biased, mask, settings=read_settings({**source, "featureClass": {"intensity": ["CV"]}})).rows
        return rows[0].value

    assert spread({"setting": {"n4": True}}) < spread({})


@pytest.mark.parametrize(
    "text",
    [
        "setting: {ringWidth: wide}",
        "setting: {ringWidth: 0}",
        "setting: {iqWavelet: coif99}",
        "setting: {n4: often}",
        "featureClass: {intensity: [Beauty]}",
    ],
)
def test_own_settings_that_mean_nothing_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        read_settings(text)


def test_own_settings_leave_the_hash_of_others_alone() -> None:
    assert read_settings("setting: {n4: false, ringWidth: 3, iqWavelet: haar}").sha256 == read_settings().sha256
    assert read_settings().sha256.startswith("86cb58394beee6bb")  # as stored by 0.1.0
    assert read_settings("setting: {n4: true}").sha256 != read_settings().sha256
    only = read_settings("featureClass: {IQwavelet: null}")
    assert only.classes == {"IQwavelet": ["global", "local"]}
