"""Derived series: same place and scale, own identity, traceable to source and model."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from processing import series
from processing.__main__ import main
from processing.derived import write_derived, write_like
from processing.enhancement.thin_slices import thinned
from processing.errors import InputError
from processing.ingest.sort import sort_files
from processing.model_identity import RECONSTRUCTION, ModelIdentity
from processing.simulate.degrade import Degradation
from processing.simulate.thickness import thicken
from processing.volume import Volume
from tests.processing import dicom_files as files

MODEL = ModelIdentity("denoise", "1.0", "ab" * 32, "bfloat16", "Denoised by a residual network.")


def halved(volume: Volume) -> Volume:
    return volume.with_array(np.rint(volume.array / 2))


def test_a_classic_series_becomes_a_classic_derived_series(tmp_path: Path) -> None:
    paths = files.series(tmp_path / "in", files.pixels(4) & 0xFFE, RescaleSlope="0.5", RescaleIntercept="3")
    volume = series.read(paths)
    result = volume.with_array(volume.array * 0.5 + 1.5)  # stored values halve
    written = write_derived(paths, result, tmp_path / "out", model=MODEL)
    assert [path.name for path in written] == ["0001.dcm", "0002.dcm", "0003.dcm", "0004.dcm"]
    back = series.read(written)
    np.testing.assert_allclose(back.array, result.array)
    np.testing.assert_array_equal(back.affine, volume.affine)
    assert back.parameters == volume.parameters
    sources = {pydicom.dcmread(path).SOPInstanceUID for path in paths}
    series_uids = set()
    for path in written:
        dataset = pydicom.dcmread(path)
        assert dataset.ImageType[0] == "DERIVED"
        assert dataset.SOPInstanceUID not in sources
        assert dataset.SourceImageSequence[0].ReferencedSOPInstanceUID in sources
        equipment = dataset.ContributingEquipmentSequence[0]
        assert (equipment.ManufacturerModelName, equipment.SoftwareVersions) == ("denoise", "1.0")
        assert MODEL.sha256 in equipment.ContributionDescription
        assert MODEL.sha256 in dataset.DerivationDescription
        assert dataset.StudyInstanceUID == "1.2.3.4"
        series_uids.add(dataset.SeriesInstanceUID)
    assert len(series_uids) == 1


def test_what_lies_beside_the_images_and_copies_of_them_do_not_count(tmp_path: Path) -> None:
    paths = files.series(tmp_path / "in", files.pixels(3))
    volume = series.read(tmp_path / "in")
    (tmp_path / "in" / "readme.txt").write_text("exported on Monday")
    shutil.copy(paths[0], tmp_path / "in" / "copy.dcm")
    written = write_like(tmp_path / "in", halved(volume), tmp_path / "out", model=MODEL)
    assert len(written) == 3
    np.testing.assert_allclose(series.read(written).array, halved(volume).array)


def test_the_model_is_named_however_long_its_description(tmp_path: Path) -> None:
    paths = files.series(tmp_path / "in", files.pixels(1))
    wordy = replace(MODEL, description="Denoised. " * 200)
    (written,) = write_derived(paths, halved(series.read(paths)), tmp_path / "out", model=wordy)
    dataset = pydicom.dcmread(written)
    for text in (dataset.DerivationDescription, dataset.ContributingEquipmentSequence[0].ContributionDescription):
        assert MODEL.sha256 in text
        assert len(text) <= 1024


@pytest.mark.parametrize(
    ("model", "code", "said"),
    [
        (replace(MODEL, task="inpaint"), "INPAINTED", "Inpainting by a named model. Model denoise 1.0"),
        (replace(MODEL, task="thin-slices"), "SUPERRESOLVED", "Through-plane super-resolution"),
        (Degradation(gibbs=0.3).identity, "DEGRADED", "Simulated degradation"),
        (replace(MODEL, name=RECONSTRUCTION), "RECONSTRUCTED", "Reconstruction from part of k-space"),
        (MODEL, "PROCESSED", "Processed by a named model"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("enhanced", [False, True], ids=["classic", "enhanced"])
def test_the_derivation_says_what_was_done(tmp_path: Path, model, code: str, said: str, enhanced: bool) -> None:
    source = files.pixels(2)
    paths = [files.save(files.enhanced(source), tmp_path / "a.dcm")] if enhanced else files.series(tmp_path, source)
    written = write_derived(paths, halved(series.read(paths)), tmp_path / "out", model=model)
    dataset = pydicom.dcmread(written[0])
    if enhanced:
        dataset = dataset.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0]
    assert dataset.DerivationDescription.startswith(said)
    assert dataset.DerivationCodeSequence[0].CodeValue == code


def test_enhanced_stays_enhanced(tmp_path: Path) -> None:
    path = files.save(files.enhanced(files.pixels(4)), tmp_path / "in" / "a.dcm")
    volume = series.read(path)
    (written,) = write_derived([path], halved(volume), tmp_path / "out", model=MODEL)
    back, dataset = series.read(written), pydicom.dcmread(written)
    np.testing.assert_allclose(back.array, halved(volume).array, atol=0.76)  # half a stored step of 1.5
    assert back.parameters == volume.parameters
    frame = dataset.PerFrameFunctionalGroupsSequence[2]
    assert frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber == 3
    assert pydicom.dcmread(path).ImageType[0] == "ORIGINAL"


def test_uids_follow_from_input_model_precision_and_pixels(tmp_path: Path) -> None:
    paths = files.series(tmp_path / "in", files.pixels(2))
    volume = series.read(paths)

    def uids(name: str, result: Volume, model: ModelIdentity = MODEL) -> list[str]:
        written = write_derived(paths, result, tmp_path / name, model=model)
        return [pydicom.dcmread(path).SOPInstanceUID for path in written]

    first = uids("a", volume)
    assert uids("b", volume) == first
    assert (tmp_path / "a" / "0001.dcm").read_bytes() == (tmp_path / "b" / "0001.dcm").read_bytes()
    other = ModelIdentity("denoise", "1.0", "ab" * 32, "float32", MODEL.description)
    assert set(uids("c", volume, other)).isdisjoint(first)
    assert set(uids("d", halved(volume))).isdisjoint(first)


def test_values_beyond_the_source_get_more_bits(tmp_path: Path) -> None:
    paths = files.series(tmp_path / "in", files.pixels(2))
    volume = series.read(paths)
    written = write_derived(paths, volume.with_array(volume.array * 3 - 10), tmp_path / "out", model=MODEL)
    np.testing.assert_array_equal(series.read(written).array, np.maximum(volume.array * 3 - 10, 0))
    assert pydicom.dcmread(written[0]).BitsStored == 16


def test_thinner_and_thicker_slices_have_their_own_places_and_names(tmp_path: Path) -> None:
    paths = files.series(tmp_path / "in", files.pixels(4))
    volume = series.read(paths)
    for name, made in (("thin", thinned(volume, 2)), ("thick", thicken(volume, 2))):
        made = made.with_array(np.rint(np.maximum(made.array, 0)))
        written = write_derived(paths, made, tmp_path / name, model=MODEL)
        back = series.read(written)
        np.testing.assert_allclose(back.affine, made.affine, atol=1e-4)
        np.testing.assert_allclose(back.array, made.array)
        assert back.spacing[2] == pytest.approx(volume.spacing[2] * (0.5 if name == "thin" else 2))
        datasets = [pydicom.dcmread(path) for path in written]
        assert len({dataset.SOPInstanceUID for dataset in datasets}) == len(made.array)
        thick = made.parameters.slice_thickness or made.spacing[2]
        assert [float(dataset.SliceThickness) for dataset in datasets] == pytest.approx([thick] * len(datasets))
        # The first of two thin slices refers to the slice that it was made from, the second too.
        sources = [dataset.SourceImageSequence[0].ReferencedSOPInstanceUID for dataset in datasets]
        assert len(set(sources)) == (4 if name == "thin" else 2)
    beyond = thinned(volume, 2)
    beyond.affine[2, 3] += 2 * volume.spacing[2]
    with pytest.raises(InputError, match="shape"):
        write_derived(paths, beyond, tmp_path / "out", model=MODEL)


def test_a_volume_from_elsewhere_is_refused(tmp_path: Path) -> None:
    paths = files.series(tmp_path / "in", files.pixels(3))
    volume = series.read(paths)
    with pytest.raises(InputError, match="shape"):
        write_derived(paths, Volume(volume.array[:2], volume.affine), tmp_path / "out", model=MODEL)
    moved = volume.affine.copy()
    moved[0, 3] += 1
    with pytest.raises(InputError, match="elsewhere"):
        write_derived(paths, Volume(volume.array, moved), tmp_path / "out", model=MODEL)


def test_nifti_stays_nifti(tmp_path: Path) -> None:
    from processing.nifti import write_nifti

    volume = Volume(np.random.default_rng(0).random((3, 4, 5)), np.diag([1.0, -2, 3, 1]))
    source = write_nifti(volume, tmp_path / "in.nii.gz")
    written = write_derived([source], volume, tmp_path / "out", model=MODEL)
    back = series.read(written)
    np.testing.assert_array_equal(back.array, volume.array)
    np.testing.assert_allclose(back.affine, volume.affine)
    assert back.sha256 == volume.sha256


def _errors(path: Path) -> set[str]:
    result = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
    lines = (result.stdout + result.stderr).splitlines()
    return {re.sub(r"\[\d+\]", "", line) for line in lines if line.startswith("Error")}


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
@pytest.mark.parametrize(
    "folder", ["siemens_prisma_sag_t1_HFS", "siemens_xa30_enhanced_t1", "philips_elition_501_T1W_TSE*"]
)
def test_no_new_conformance_errors(real_data: Path, tmp_path: Path, folder: str) -> None:
    sources = [path for path in sorted((real_data / "dicom").glob(f"{folder}/*")) if "Raw" not in path.name]
    sorted_ = sort_files({path.name: path for path in sources}, tmp_path / "clean", key=b"k" * 32)
    clean = sorted_.series[0].files
    assert _errors(clean[0]) - _errors(sources[0]) == set()
    volume = series.read(clean)
    written = write_derived(clean, volume, tmp_path / "out", model=MODEL)
    if "enhanced" not in folder and not folder.startswith("philips"):
        written += write_derived(clean, thinned(volume, 2), tmp_path / "thin", model=MODEL)[1:2]
    found = {error for file in (written[0], written[-1]) for error in _errors(file)}
    assert found - _errors(clean[0]) == set()
    if "enhanced" in folder:
        assert found == set()


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
def test_what_the_networks_write_has_no_error_that_its_source_has_not(real_data: Path, tmp_path: Path) -> None:
    sources = sorted((real_data / "dicom" / "siemens_prisma_sag_t1_HFS").glob("*"))[:4]
    sorted_ = sort_files({path.name: path for path in sources}, tmp_path / "clean", key=b"k" * 32)
    clean = tmp_path / "four"
    clean.mkdir()
    for number, path in enumerate(sorted_.series[0].files):
        shutil.copy(path, clean / f"{number}.dcm")
    before = series.read(clean)
    known = {error for path in clean.iterdir() for error in _errors(path)}
    commands = {model: ["enhance", "--model", model] for model in ("restore", "inpaint")}
    commands["thin-slices"] = ["enhance", "--model", "thin-slices", "--parts", "2"]
    commands["cascade"] = ["reconstruct", "--method", "cascade", "--undersample", "4"]
    for name, (command, *options) in commands.items():
        out = tmp_path / name
        assert main([command, str(clean), str(out), *options]) == 0
        written = sorted(out.glob("*"))
        assert {error for path in (written[0], written[-1]) for error in _errors(path)} - known == set(), name
        after, parts = series.read(out), 2 if name == "thin-slices" else 1
        assert (len(written), after.shape[0]) == (parts * len(sources),) * 2
        assert after.spacing[2] == pytest.approx(before.spacing[2] / parts, rel=1e-4), name
        places = [tuple(pydicom.dcmread(path, stop_before_pixels=True).ImagePositionPatient) for path in written]
        assert len(set(places)) == len(written)
    thick, thin = (pydicom.dcmread(next(folder.glob("*"))) for folder in (clean, tmp_path / "thin-slices"))
    assert thin.SliceThickness == pytest.approx(thick.SliceThickness / 2)
