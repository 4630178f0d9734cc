"""The synthetic spine: reproducible, physically consistent, labelled synthetic, readable as DICOM."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from processing import series
from processing.errors import InputError
from processing.noise import estimate_noise
from processing.simulate.phantom import PROTOCOLS, PulseSequence, acquire, make_study, make_subject, protocol_for
from processing.simulate.phantom.tissue import TISSUES, Tissue, signal
from processing.volume import Volume


def small(
    name: str = "sag-t2", *, region: str = "lumbar", arm: str = "SOC", noise: float | None = None
) -> PulseSequence:
    """A coarse protocol of three slices, quick to compute."""
    protocol = protocol_for(name, region=region, arm=arm)
    protocol = replace(protocol, matrix=(128, 96), slices=3)
    return protocol if noise is None else replace(protocol, noise=noise)


def at(volume: Volume, point: np.ndarray) -> float:
    """Mean intensity of the 3 × 3 pixels around a point in patient coordinates."""
    i, j, k = np.rint(np.linalg.solve(volume.affine, [*point, 1.0])[:3]).astype(int)
    return float(volume.array[k, j - 1 : j + 2, i - 1 : i + 2].mean())


def test_inversion_recovery_nulls_the_tissue_whose_t1_fits() -> None:
    assert signal(Tissue(1, 200, 80), tr=1e6, te=30, ti=200 * np.log(2)) == pytest.approx(0, abs=1e-9)
    fat, muscle = (signal(TISSUES[name], tr=4850, te=33, ti=140) for name in ("fat", "muscle"))
    assert fat < 0.3 * muscle


def test_spin_echo_follows_its_closed_form() -> None:
    expected = 0.8 * (1 - np.exp(-500 / 900)) * np.exp(-20 / 40)
    assert signal(Tissue(0.8, 900, 40), tr=500, te=20) == pytest.approx(expected)
    # With everything turned back after the train, a tissue that does not decay keeps its magnetisation.
    assert signal(Tissue(1, 900, 1e9), tr=500, te=0, train=200, restore=True) == pytest.approx(1)


def test_a_subject_and_a_scan_are_reproducible_and_differ_by_seed() -> None:
    first, again = (acquire(make_subject(4), small(), 1) for _ in range(2))
    assert first.sha256 == again.sha256
    assert first.sha256 != acquire(make_subject(4), small(), 2).sha256
    clean = [acquire(make_subject(seed), small(noise=0.0), 1).array for seed in (4, 5)]
    assert np.corrcoef(clean[0].ravel(), clean[1].ravel())[0, 1] < 0.97


def test_air_holds_rayleigh_noise_and_fewer_excitations_raise_it() -> None:
    anatomy = make_subject(4)
    found = []
    for arm in ("SOC", "FAST"):
        volume = acquire(anatomy, small(arm=arm), 1)
        air = volume.array[:, 20:60, -12:-2]
        assert (air > 0).mean() > 0.9
        assert air.mean() / air.std() == pytest.approx(1.913, rel=0.12)
        found.append(estimate_noise(volume.array).sigma)
    # One excitation instead of two; the receivers' gains differ by up to 1.08 / 0.92.
    assert found[1] / found[0] == pytest.approx(np.sqrt(2), rel=0.2)


@pytest.mark.parametrize("region", ["lumbar", "cervical"])
def test_contrast_is_that_of_the_weighting(region: str) -> None:
    anatomy = make_subject(4, region)
    level = anatomy.level("L3" if region == "lumbar" else "C5")
    fluid = level.place(0, level.b + (6.0 if region == "lumbar" else 3.2), 0)
    tips = float(anatomy.curves.at(anatomy.curves.tips, np.array(level.centre[2])))
    fat = np.array([0, tips + 5, level.centre[2]])
    images = {
        name: acquire(anatomy, small(name, region=region, noise=0.0), 1) for name in ("sag-t1", "sag-t2", "sag-stir")
    }
    marrow = {name: at(image, np.array(level.centre)) for name, image in images.items()}
    assert at(images["sag-t2"], fluid) > 1.5 * marrow["sag-t2"]
    assert at(images["sag-t1"], fluid) < marrow["sag-t1"] < at(images["sag-t1"], fat)
    assert at(images["sag-stir"], fat) < 0.4 * at(images["sag-stir"], fluid)


def test_slices_lie_where_the_protocol_says() -> None:
    sagittal = acquire(make_subject(1), small(), 1)
    axial = acquire(make_subject(1), small("ax-t2"), 1)
    assert sagittal.spacing == pytest.approx((270 / 128, 270 / 128, 4.6))
    assert axial.spacing == pytest.approx((190 / 128, 190 / 128, 5.0))
    assert abs(sagittal.normal[0]) == pytest.approx(1)
    assert axial.normal[2] > 0.85


def test_there_is_no_other_region_sequence_or_arm(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        make_subject(1, "thoracic")
    with pytest.raises(InputError):
        protocol_for("sag-pd")
    with pytest.raises(InputError):
        protocol_for("sag-t2", arm="FAST-DL")
    with pytest.raises(InputError):
        make_study(tmp_path, cases=5)


def test_a_study_is_dicom_that_says_it_is_synthetic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, protocol in PROTOCOLS.items():
        monkeypatch.setitem(PROTOCOLS, name, replace(protocol, matrix=(64, 48), slices=3))
    folders = make_study(tmp_path / "a", subjects=1, cases=2, seed=3)
    again = make_study(tmp_path / "b", subjects=1, cases=2, seed=3)
    names = ["lumbar-sag-t2", "lumbar-sag-t1"]
    expected = [tmp_path / "a" / "SYN-01" / name / arm for name in names for arm in ("SOC", "FAST")]
    assert folders == expected
    for folder, twin in zip(folders, again, strict=True):
        files = sorted(folder.iterdir())
        assert [file.name for file in files] == ["0001.dcm", "0002.dcm", "0003.dcm"]
        assert [file.read_bytes() for file in files] == [file.read_bytes() for file in sorted(twin.iterdir())]
    images = [pydicom.dcmread(file) for folder in folders for file in folder.iterdir()]
    assert len({image.SOPInstanceUID for image in images}) == len(images)
    assert len({image.SeriesInstanceUID for image in images}) == 4
    assert len({image.StudyInstanceUID for image in images}) == 1
    for image in images:
        assert image.Manufacturer == "Synthetic phantom"
        assert "SYNTHETIC" in image.ImageComments
        assert "Phantom" in str(image.PatientName)
        assert image.PatientID == "SYN-01"
    soc, quick = (series.read(folder).parameters for folder in folders[:2])
    assert (soc.weighting, soc.plane, soc.region) == ("T2", "sagittal", "lumbar")
    assert (soc.averages, quick.averages) == (2, 1)
    assert (soc.simulated, quick.acquisition_seconds) == ("phantom", None)
    assert {image.AcquisitionDuration for image in images} == {91, 36, 195, 107}
