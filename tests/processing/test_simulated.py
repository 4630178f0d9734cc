"""What no scanner acquired says so, from the command that made it to the series that the intake takes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pydicom
import pytest

from processing import series as any_series
from processing.__main__ import main
from processing.derived import write_like
from processing.dicom.simulated import simulated_by, simulated_in_nifti
from processing.ingest.sort import sort_files
from processing.model_identity import ModelIdentity
from processing.nifti import write_nifti
from processing.simulate.phantom import acquire, make_subject, protocol_for
from tests.processing.dicom_files import pixels, series

KEY = b"0123456789abcdef"


def taken(files: list[Path], folder: Path):
    (one,) = sort_files({f"case/{file.name}": file for file in files}, folder, key=KEY).series
    return one


def degraded(source: Path, out: Path) -> Path:
    assert main(["degrade", str(source), str(out), "--half-matrix", "linear", "--seed", "3"]) == 0
    return out


def test_a_degraded_dicom_series_says_how_and_has_no_scan_time(tmp_path: Path) -> None:
    source = series(tmp_path / "in", pixels(), AcquisitionDuration=90.0)
    real = taken(sorted(source), tmp_path / "real")
    assert (real.parameters.simulated, real.parameters.acquisition_seconds) == (None, 90.0)
    files = sorted(degraded(tmp_path / "in", tmp_path / "fast").iterdir())
    found = taken(files, tmp_path / "clean").parameters
    assert found.simulated == "degraded: half matrix linear, seed 3"
    assert (found.acquisition_seconds, found.acquisition_source) == (None, None)
    assert asdict(found)["tr"] == real.parameters.tr


def test_a_degraded_nifti_image_says_so(tmp_path: Path) -> None:
    volume = acquire(make_subject(1), protocol_for("ax-t2"), 0)
    source = write_nifti(volume, tmp_path / "soc.nii.gz")
    out = degraded(source, tmp_path / "fast.nii.gz")
    assert any_series.read(source).parameters.simulated is None
    assert str(taken([out], tmp_path / "clean").parameters.simulated).startswith("degraded: settings ")


def test_what_was_made_of_a_degraded_nifti_image_is_simulated_too(tmp_path: Path) -> None:
    source = write_nifti(acquire(make_subject(1), protocol_for("ax-t2"), 0), tmp_path / "soc.nii.gz")
    volume = any_series.read(degraded(source, tmp_path / "fast.nii.gz"))
    model = ModelIdentity("thin-slices-of-a-department", "10.1", "a" * 64, "bfloat16+int8", "")
    write_like(source, volume, tmp_path / "fast-dl.nii.gz", model=model)
    assert any_series.read(tmp_path / "fast-dl.nii.gz").parameters.simulated == "made of a simulated image"
    again = any_series.read(degraded(tmp_path / "fast.nii.gz", tmp_path / "faster.nii.gz")).parameters.simulated
    assert str(again).startswith("made of a simulated image; degraded: settings ")


def test_settings_are_passed_on_word_by_word_or_not_at_all() -> None:
    """What stands where settings do may be a name."""
    dataset, equipment = pydicom.Dataset(), pydicom.Dataset()
    equipment.ManufacturerModelName = "simulated degradation"
    dataset.ContributingEquipmentSequence = [equipment]
    for said, settings in {
        "Model x. Simulated, not acquired: gibbs 0.3, seed 0.": "degraded: gibbs 0.3, seed 0",
        "Simulated, not acquired: ghosting 0.2, ghosting phase -45.0, thick 2, seed 0. Far-off words.": "degraded: "
        "ghosting 0.2, ghosting phase -45.0, thick 2, seed 0",
        "Simulated, not acquired: half matrix kspace, half nex fraction 0.02, seed 12.": (
            "degraded: half matrix kspace, half nex fraction 0.02, seed 12"
        ),
        "Simulated, not acquired: Jane Doe, seed 0.": "degraded",
        "Simulated, not acquired: seed 12345678901234.": "degraded",
        "": "degraded",
    }.items():
        equipment.ContributionDescription = said
        assert simulated_by(dataset) == settings


@pytest.mark.parametrize("text", ["", "brain scan", "simulated degradation of John", "simulated degradation 1 float32"])
def test_another_description_is_no_simulation(text: str) -> None:
    assert simulated_in_nifti(text) is None


def test_a_phantom_is_simulated() -> None:
    dataset = pydicom.Dataset()
    dataset.Manufacturer = "Synthetic phantom"
    assert simulated_by(dataset) == "phantom"
