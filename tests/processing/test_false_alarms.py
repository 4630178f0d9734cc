"""No caution on real series of four vendors, on real images in NIfTI and NRRD, and on the phantom."""

from __future__ import annotations

from pathlib import Path

import pytest

from processing import series
from processing.component import cautions
from processing.padding import settle
from processing.simulate.phantom import PROTOCOLS, acquire, make_subject
from tests.processing.test_phantom import small

DICOM = (
    "ge_signa_fse_pd_oblique",
    "philips_elition_201_T1W_TSE_Sno_CSno_CSAIno",
    "philips_elition_401_T1W_FFE_Sno_CS2",
    "philips_elition_501_T1W_FFE_Sno_CS4",
    "philips_elition_501_T1W_TSE_Sno_CSno_CSAI2",
    "siemens_prisma_sag_t1_HFS",
    "siemens_xa30_enhanced_t1",
    "toshiba_titan_abdomen_adc",
    "toshiba_titan_abdomen_ax_t2",
)


@pytest.mark.parametrize("name", DICOM)
def test_real_dicom_is_certain(real_data: Path, name: str) -> None:
    volume = series.read(real_data / "dicom" / name)
    assert volume.cautions == ()
    assert volume.padding is None
    assert volume.parameters.notes is None


def images(folder: Path) -> list[Path]:
    return sorted(path for ending in ("nii", "nii.gz", "nrrd") for path in folder.rglob(f"*.{ending}"))


@pytest.mark.parametrize("name", ["nifti_spine", "radiomics", "training", "more"])
def test_real_images_are_certain(real_data: Path, name: str) -> None:
    found = {path.name: series.read(path).cautions for path in images(real_data / name)}
    assert found
    assert {path: said for path, said in found.items() if said} == {}


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("region", ["lumbar", "cervical"])
def test_the_phantom_is_certain(name: str, region: str) -> None:
    array = acquire(make_subject(1, region=region), small(name, region=region), 1).array
    assert cautions(array) == ()
    assert settle(array)[1] is None
