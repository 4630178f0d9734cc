"""What a physicist needs stays, and images still point to each other, in both engines."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import MRImageStorage

from processing.dicom import quick
from processing.ingest.sort import sort_files
from tests.processing import dicom_files as files

KEY = b"0123456789abcdef0123456789abcdef"
PHYSICS: dict[str, Any] = {
    "ScanningSequence": "SE",
    "SequenceVariant": ["SK", "SP"],
    "ScanOptions": "PFP",
    "MRAcquisitionType": "2D",
    "SequenceName": "*tse2d1_15",
    "RepetitionTime": "3500",
    "EchoTime": "101.5",
    "InversionTime": "2500",
    "EchoTrainLength": "15",
    "EchoNumbers": "1",
    "FlipAngle": "150",
    "VariableFlipAngleFlag": "N",
    "NumberOfAverages": "2",
    "ImagingFrequency": "123.254",
    "ImagedNucleus": "1H",
    "MagneticFieldStrength": "3",
    "NumberOfPhaseEncodingSteps": "358",
    "PercentSampling": "70",
    "PercentPhaseFieldOfView": "87.5",
    "PixelBandwidth": "250",
    "AcquisitionMatrix": [0, 320, 224, 0],
    "InPlanePhaseEncodingDirection": "ROW",
    "SAR": "0.81",
    "dBdt": "12.5",
    "B1rms": 2.5,
    "ReceiveCoilName": "HeadNeck_64",
    "TransmitCoilName": "Body",
    "SliceThickness": "4",
    "SpacingBetweenSlices": "4.4",
    "TriggerTime": "12.5",
    "AcquisitionDuration": 252.0,
    "ParallelAcquisition": "YES",
    "ParallelAcquisitionTechnique": "GRAPPA",
    "ParallelReductionFactorInPlane": 2.0,
    "ParallelReductionFactorOutOfPlane": 1.0,
    "ParallelReductionFactorSecondInPlane": 1.0,
    "PartialFourier": "YES",
    "ReconstructionDiameter": "220",
    "DiffusionBValue": 0.0,
    "PixelPaddingValue": 0,
    "RescaleSlope": "1.5",
    "RescaleIntercept": "0",
    "WindowCenter": "900",
    "WindowWidth": "1800",
}
ENGINES = ("bytes", "pydicom")


def pointer(uid: str, purpose: str = "121311", meaning: str = "Localizer") -> Dataset:
    """A reference to another image, and what for."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = purpose, "DCM", meaning
    one = Dataset()
    one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = MRImageStorage, uid
    one.PurposeOfReferenceCodeSequence = Items([code])
    return one


def cleaned(folder: Path, out: Path) -> list[Dataset]:
    """All clean files of a folder, in slice order within each series."""
    sent = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*.dcm"))}
    found = sort_files(sent, out, key=KEY)
    assert found.refused == []
    return [pydicom.dcmread(path) for one in found.series for path in one.files]


@pytest.mark.parametrize("engine", ENGINES)
def test_physics_stays_as_it_was(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(quick.ENGINE, engine)
    images = files.pixels(4)
    files.series(tmp_path / "in", images, **PHYSICS)
    before = pydicom.dcmread(next((tmp_path / "in").glob("*_3.dcm")))
    after = cleaned(tmp_path / "in", tmp_path / "out")[3]
    lost = [keyword for keyword in PHYSICS if after.get(keyword) != before.get(keyword)]
    assert lost == []
    np.testing.assert_array_equal(after.pixel_array, images[3])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_coil_of_no_known_name_becomes_unknown(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(quick.ENGINE, engine)
    files.series(tmp_path / "in", files.pixels(3), ReceiveCoilName="Dr Muster 3", TransmitCoilName="47110815")
    for one in cleaned(tmp_path / "in", tmp_path / "out"):
        assert (one.ReceiveCoilName, one.TransmitCoilName) == ("UNKNOWN", "UNKNOWN")


@pytest.mark.parametrize("engine", ENGINES)
def test_references_lead_to_the_de_identified_images(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(quick.ENGINE, engine)
    localizer = "1.2.3.4.77"
    own = Items([pointer(f"{localizer}.1"), pointer(f"{localizer}.2")])
    derived = Items([pointer(f"{files.SERIES}.2", "121322", "Source image for image processing operation")])
    files.series(tmp_path / "in" / "a", files.pixels(3), ReferencedImageSequence=own, SourceImageSequence=derived)
    for n, image in enumerate(files.pixels(2, seed=1)):
        one = files.classic(n, image, SOPInstanceUID=f"{localizer}.{n + 1}", SeriesInstanceUID=localizer)
        files.save(one, tmp_path / "in" / "b" / f"{n}.dcm")
    found = {one.SOPInstanceUID: one for one in cleaned(tmp_path / "in", tmp_path / "out")}
    shown = [one for one in found.values() if "ReferencedImageSequence" in one]
    assert len(shown) == 3
    for one in shown:
        for place, item in enumerate(one.ReferencedImageSequence):
            assert found[item.ReferencedSOPInstanceUID].InstanceNumber == place + 1
            assert "ReferencedImageSequence" not in found[item.ReferencedSOPInstanceUID]
            assert item.PurposeOfReferenceCodeSequence[0].CodeValue == "121311"
        (source,) = one.SourceImageSequence
        assert found[source.ReferencedSOPInstanceUID].SeriesInstanceUID == one.SeriesInstanceUID
        assert source.PurposeOfReferenceCodeSequence[0].CodeMeaning == "Source image for image processing operation"


def faults(path: Path) -> set[str]:
    """What dciodvfy finds wrong with a file."""
    found = subprocess.run(["dciodvfy", str(path)], capture_output=True, check=False)
    return {line for line in found.stderr.decode("latin-1").splitlines() if line.startswith("Error")}


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not installed")
def test_a_standard_validator_finds_no_new_error(tmp_path: Path) -> None:
    own = Items([pointer(f"{files.SERIES}.1")])
    paths = files.series(tmp_path / "in", files.pixels(3), ReferencedImageSequence=own, **PHYSICS)
    cleaned(tmp_path / "in", tmp_path / "out")
    before = set[str]().union(*(faults(path) for path in paths))
    after = set[str]().union(*(faults(path) for path in (tmp_path / "out").rglob("*.dcm")))
    assert after - before == set()
