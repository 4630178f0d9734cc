"""What other programs call in `processing` is documented, and its examples hold."""

from __future__ import annotations

import pkgutil
from pathlib import Path

import pytest

from processing import command_line
from processing.__main__ import main
from tests.documented import example_of, failed_examples, faults, help_lacks, modules

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
    "processing.radiomics.extraction.extract",
    "processing.registration.register",
    "processing.noise.add_complex_noise",
    "processing.noise.estimate_noise",
    "processing.enhancement.enhance.enhance",
    "processing.simulate.degrade.Degradation",
    "processing.simulate.degrade.degrade",
    "processing.simulate.kspace.sampled_lines",
    "processing.simulate.kspace.smooth_phase",
    "processing.reconstruction.compressed_sensing.compressed_sensing",
    "processing.reconstruction.reconstruct.reconstruct",
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
    "processing.padding.settle",
    "processing.component.cautions",
    "processing.nrrd_place.nrrd_scale",
    "processing.masks.Mask",
    "processing.masks.read_mask",
    "processing.masks.by_label",
    "processing.masks.carry",
    "processing.masks.write_mask",
    "processing.radiomics.settings.read_settings",
    "processing.radiomics.images.itk_image",
    "processing.radiomics.images.itk_mask",
    "processing.radiomics.images.measured_part",
    "processing.registration.apply",
    "processing.pair.make_pair",
    "processing.grid.common_grid",
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


@pytest.mark.parametrize("command", [module.name for module in pkgutil.iter_modules(command_line.__path__)])
def test_the_help_of_a_command_says_what_goes_in_and_comes_out(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert help_lacks(shown) == []
    words = example_of(shown)
    assert words[0] == command
    monkeypatch.chdir(tmp_path)  # where its files are not; words it does not know end in SystemExit
    assert main(words) == 2
    told = capsys.readouterr().err
    assert "cannot be read" in told or any(word in told for word in words[1:]), told  # the file, not the options
