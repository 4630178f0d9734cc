"""Write synthetic series as DICOM, and whole synthetic studies."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage
from threadpoolctl import threadpool_limits

from processing.errors import InputError
from processing.simulate.phantom.acquisition import ARMS, PROTOCOLS, PulseSequence, acquire, protocol_for
from processing.simulate.phantom.anatomy import make_subject
from processing.volume import Volume

_NOTICE = "SYNTHETIC PHANTOM, NOT A PATIENT"


def make_study(
    out: Path,
    *,
    subjects: int = 6,
    cases: int = 2,
    seed: int = 1,
    arms: Sequence[str] = ARMS,
    processes: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Write out/<subject>/<case>/<arm>/NNNN.dcm and return the folders of the series.

    Two subjects in three are lumbar, one is cervical. cases: pulse sequences per subject, 1 to 4, taken in
    turn from sagittal T2, T1, STIR and axial T2. arms: of SOC and FAST. processes: subjects made at a time.
    progress: called with subjects done and in all. The same arguments give the same files, byte for byte.
    """
    if not 1 <= cases <= len(PROTOCOLS) or not set(arms) <= set(ARMS):
        raise InputError(f"The phantom has 1 to {len(PROTOCOLS)} cases per subject and the arms SOC and FAST.")
    scan = partial(_scan_subject, out, cases, seed, tuple(arms))
    folders: list[Path] = []
    with ExitStack() as stack:
        scanned: Iterable[list[Path]] = map(scan, range(subjects))
        if processes > 1:
            # Spawned, not forked: the caller may hold database connections and threads.
            pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
            scanned = stack.enter_context(pool).map(scan, range(subjects))
        for done, made in enumerate(scanned, start=1):
            folders += made
            if progress is not None:
                progress(done, subjects)
    return folders


@threadpool_limits.wrap(limits=1)  # small arrays: threads of one subject only get in each other's way
def _scan_subject(out: Path, cases: int, seed: int, arms: Sequence[str], index: int) -> list[Path]:
    names, folders = list(PROTOCOLS), []
    anatomy = make_subject(seed * 1000 + index, "cervical" if index % 3 == 2 else "lumbar")
    subject = f"SYN-{index + 1:02d}"
    for turn in range(cases):
        name = names[(index * cases + turn) % len(names)]
        for arm in arms:
            protocol = protocol_for(name, region=anatomy.region, arm=arm)
            number = 2 * names.index(name) + ARMS.index(arm)
            volume = acquire(anatomy, protocol, number)
            folder = out / subject / f"{anatomy.region}-{name}" / arm
            key = f"{seed}/{subject}"
            write_dicom(volume, folder, protocol, subject=subject, arm=arm, key=key, number=number + 1)
            folders.append(folder)
    return folders


def write_dicom(
    volume: Volume, folder: Path, protocol: PulseSequence, *, subject: str, arm: str, key: str, number: int = 1
) -> list[Path]:
    """Write classic MR images, one file per slice, that say everywhere that they are synthetic.

    volume: integers from 0 to 4095 (more is cut). subject: patient ID; the patient's name is invented, so
    that de-identification has one to remove. arm: goes into the series description. key: series of one key
    belong to one DICOM study and frame of reference; number: series number.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.clip(np.rint(volume.array), 0, 4095).astype(np.uint16)
    series = _uid(key, arm, str(number), volume.sha256)
    header = _series_header(volume, protocol, subject=subject, arm=arm, key=key, number=number)
    header.SeriesInstanceUID = series
    window = float(np.percentile(volume.array, 99.5))
    paths = []
    for k, slice_ in enumerate(pixels):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = MRImageStorage
        meta.MediaStorageSOPInstanceUID = _uid(series, str(k))
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image = FileDataset(io.BytesIO(), header, file_meta=meta, preamble=bytes(128))
        image.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        image.InstanceNumber = k + 1
        position = volume.affine[:3, 3] + k * volume.affine[:3, 2]
        image.ImagePositionPatient = [round(float(value), 4) for value in position]
        image.SliceLocation = round(float(position @ volume.normal), 4)
        image.WindowCenter, image.WindowWidth = round(window / 2), round(window)
        image.PixelData = slice_.tobytes()
        paths.append(folder / f"{k + 1:04d}.dcm")
        image.save_as(paths[-1], enforce_file_format=True)
    return paths


def _uid(*words: str) -> UID:
    """A UID that depends on the words alone (DICOM PS3.5 B.2, from 128 bits of SHA-256)."""
    return UID(f"2.25.{int.from_bytes(hashlib.sha256('/'.join(words).encode()).digest()[:16], 'big')}")


def _series_header(
    volume: Volume, protocol: PulseSequence, *, subject: str, arm: str, key: str, number: int
) -> Dataset:
    about = volume.parameters
    neck = about.region == "cervical"
    plane = "SAG" if protocol.plane == "sagittal" else "AX"
    header = Dataset()
    header.SpecificCharacterSet = "ISO_IR 192"
    header.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
    header.SOPClassUID = MRImageStorage
    header.StudyDate = header.SeriesDate = header.AcquisitionDate = header.ContentDate = "20250115"
    header.StudyTime = "090000"
    header.SeriesTime = header.AcquisitionTime = header.ContentTime = f"09{5 + number:02d}00"
    header.AccessionNumber = ""
    header.Modality = "MR"
    header.Manufacturer = about.manufacturer
    header.ManufacturerModelName = about.model
    header.SoftwareVersions = about.software
    header.ReferringPhysicianName = ""
    header.StudyDescription = f"Synthetic {about.region} spine"
    header.SeriesDescription = f"{plane} {protocol.weighting} {arm} synthetic"
    header.PatientName = f"Phantom^Synthetic {subject}"
    header.PatientID = subject
    header.PatientBirthDate = f"{2025 - int(about.age or 0)}0101"
    header.PatientSex = about.sex
    header.PatientAge = f"{int(about.age or 0):03d}Y"
    header.PatientComments = _NOTICE
    header.ImageComments = _NOTICE
    header.BodyPartExamined = "CSPINE" if neck else "LSPINE"
    header.ScanningSequence = ["SE", "IR"] if protocol.ti else "SE"
    header.SequenceVariant = "SK"
    header.ScanOptions = "SP"
    header.MRAcquisitionType = "2D"
    header.SliceThickness = protocol.thickness
    header.RepetitionTime = protocol.tr
    header.EchoTime = protocol.te
    if protocol.ti:
        header.InversionTime = protocol.ti
    header.NumberOfAverages = protocol.averages
    header.ImagingFrequency = 63.87
    header.ImagedNucleus = "1H"
    header.EchoNumbers = 1
    header.MagneticFieldStrength = about.field_strength
    header.SpacingBetweenSlices = protocol.thickness + protocol.gap
    header.NumberOfPhaseEncodingSteps = protocol.matrix[1]
    header.EchoTrainLength = protocol.echo_train_length
    header.PercentSampling = round(100 * protocol.matrix[1] / protocol.matrix[0], 2)
    header.PercentPhaseFieldOfView = 100
    header.ReceiveCoilName = "simulated array"
    # Frequency rows, frequency columns, phase rows, phase columns.
    rows_are_phase = protocol.plane == "sagittal"
    header.AcquisitionMatrix = (
        [0, protocol.matrix[0], protocol.matrix[1], 0]
        if rows_are_phase
        else [protocol.matrix[0], 0, 0, protocol.matrix[1]]
    )
    header.InPlanePhaseEncodingDirection = "COL" if rows_are_phase else "ROW"
    header.FlipAngle = about.flip_angle
    header.PatientPosition = "HFS"
    header.AcquisitionDuration = protocol.seconds
    header.StudyInstanceUID = _uid(key, "study")
    header.FrameOfReferenceUID = _uid(key, "frame of reference")
    header.PositionReferenceIndicator = ""
    header.StudyID = "1"
    header.SeriesNumber = number
    axes = volume.affine[:3, :2] / volume.spacing[:2]
    header.ImageOrientationPatient = [round(float(value), 6) for value in axes.T.ravel()]
    header.SamplesPerPixel = 1
    header.PhotometricInterpretation = "MONOCHROME2"
    header.Rows, header.Columns = volume.shape[1:]
    header.PixelSpacing = [round(volume.spacing[1], 6), round(volume.spacing[0], 6)]
    header.BitsAllocated, header.BitsStored, header.HighBit = 16, 12, 11
    header.PixelRepresentation = 0
    return header
