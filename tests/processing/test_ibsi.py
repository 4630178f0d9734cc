"""IBSI 1: the digital phantom's reference values, by the table that converts conventions."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import SimpleITK

from processing.radiomics import ibsi
from processing.radiomics.extraction import extract
from processing.radiomics.settings import CLASSES, OWN_CLASSES, read_settings

# What pyradiomics and Moummad et al. have and IBSI 1 does not: its MCC, total energy, diameters within planes …
NOT_IBSI = {
    "shape_Maximum2DDiameterColumn",
    "shape_Maximum2DDiameterRow",
    "shape_Maximum2DDiameterSlice",
    "firstorder_TotalEnergy",
    "glcm_MCC",
    "intensity_Median",
    "intensity_MaxOnMeanRing",
    "IQwavelet_global",
    "IQwavelet_local",
}


def allowed(one: ibsi.Counterpart) -> float:
    """The tolerance of the reference, at least half a unit of its third digit: it is printed with three."""
    return max(one.tolerance, 0.5 * 10 ** (math.floor(math.log10(abs(one.digital_phantom))) - 2))


@pytest.fixture(scope="module")
def phantom(real_data: Path) -> tuple[dict[str, float], int]:
    folder = real_data / "radiomics/ibsi_1_digital_phantom/nifti"
    settings = read_settings({"setting": {"binWidth": 1}, "featureClass": dict.fromkeys((*CLASSES, *OWN_CLASSES))})
    found = extract(
        SimpleITK.ReadImage(str(folder / "image/phantom.nii.gz")),
        SimpleITK.ReadImage(str(folder / "mask/mask.nii.gz")),
        settings=settings,
    )
    return {row.feature: row.value for row in found.rows if row.value is not None}, found.voxels


@pytest.mark.parametrize("one", ibsi.counterparts(), ids=lambda one: one.feature)
@pytest.mark.reference("IBSI", "Image Biomarker Standardisation Initiative", version="2020")
def test_the_digital_phantom_has_its_reference_value(phantom, one: ibsi.Counterpart) -> None:
    values, voxels = phantom
    assert one.converted(values[one.feature], voxels) == pytest.approx(one.digital_phantom, rel=0, abs=allowed(one))


def test_every_feature_is_in_the_table_or_has_no_counterpart(phantom) -> None:
    named = {one.feature for one in ibsi.counterparts()}
    of_3d = {name for name in phantom[0] if not name.startswith("shape2D")}
    assert of_3d - named == NOT_IBSI & of_3d
    assert named <= of_3d


@pytest.mark.parametrize(
    "feature", ["firstorder_Kurtosis", "shape_MinorAxisLength", "intensity_Skewness", "intensity_CV"]
)
def test_without_its_conversion_a_value_would_miss(phantom, feature: str) -> None:
    one = next(one for one in ibsi.counterparts() if one.feature == feature)
    assert abs(phantom[0][feature] - one.digital_phantom) > allowed(one)
