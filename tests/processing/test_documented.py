"""What other programs call in `processing` is documented, and its examples hold."""

from __future__ import annotations

import pytest

from tests.documented import failed_examples, faults, modules

# What the checks themselves find is planted in tests/analysis/test_documented.py.
STATISTICS = [
    "processing.metrics.structural_similarity.ssim",
    "processing.metrics.structural_similarity.ssim_map",
    "processing.metrics.structural_similarity.ms_ssim",
    "processing.metrics.pixelwise.mse",
    "processing.metrics.pixelwise.l1",
    "processing.metrics.pixelwise.nrmse",
    "processing.metrics.pixelwise.psnr",
    "processing.metrics.pixelwise.snr",
    "processing.metrics.pixelwise.coc",
    "processing.metrics.pixelwise.epi",
    "processing.metrics.pixelwise.laplacian",
    "processing.metrics.pixelwise.percent_difference",
    "processing.metrics.pixelwise.difference_percent",
    "processing.metrics.quality.compare",
    "processing.metrics.quality.foreground",
    "processing.metrics.dispersion.coefficient_of_variation",
    "processing.metrics.dispersion.entropy",
    "processing.metrics.overlap.overlap",
    "processing.radiomics.extract",
    "processing.registration.register",
    "processing.noise.add_complex_noise",
    "processing.noise.estimate_noise",
    "processing.enhancement.enhance.enhance",
    "processing.simulate.degrade.Degradation",
    "processing.simulate.degrade.degrade",
]
OTHERS = [
    "processing.volume.Parameters",
    "processing.volume.Volume",
    "processing.series.read",
    "processing.dicom.read.read_dicom",
    "processing.nifti.read_nifti",
    "processing.nifti.read_nrrd",
    "processing.nifti.write_nifti",
    "processing.derived.write_derived",
    "processing.derived.write_like",
    "processing.deidentify.engine.deidentify",
    "processing.enhancement.training.train",
    "processing.masks.Mask",
    "processing.masks.read_mask",
    "processing.masks.by_label",
    "processing.masks.carry",
    "processing.masks.write_mask",
    "processing.radiomics.read_settings",
    "processing.radiomics.itk_image",
    "processing.radiomics.itk_mask",
    "processing.registration.apply",
    "processing.pair.make_pair",
    "processing.pair.common_grid",
    "processing.pair.check_same_place",
]


@pytest.mark.parametrize("name", STATISTICS)
def test_what_computes_says_its_parameters_results_and_convention(name: str) -> None:
    assert faults(name, statistic=True) == []


@pytest.mark.parametrize("name", OTHERS)
def test_what_belongs_to_it_says_its_parameters_and_results(name: str) -> None:
    assert faults(name) == []


@pytest.mark.parametrize("module", modules(STATISTICS + OTHERS))
def test_the_examples_give_what_they_show(module: str) -> None:
    assert failed_examples(module) == ""
