"""Write a processed volume as a derived series of the one it was made from, in the format of its source."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom import DataElement, Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian

from processing import nifti
from processing.deidentify.engine import IMPLEMENTATION_NAME, IMPLEMENTATION_UID, save
from processing.dicom.frames import Frame, attributes, frames_of, is_enhanced
from processing.dicom.geometry import Stack, split, stack
from processing.dicom.header import independent_copy, tolerant
from processing.dicom.mosaic import is_mosaic
from processing.dicom.parameters import free_words, weighting_of
from processing.dicom.pixels import stored_values
from processing.dicom.promote import promote
from processing.dicom.read import read_images
from processing.dicom.simulated import nifti_description
from processing.dicom.weighting import TO_CONTRAST
from processing.errors import InputError
from processing.model_identity import DEGRADATION, RECONSTRUCTION, ModelIdentity
from processing.volume import Volume

MANUFACTURER = "Reader Study"
RAW_SUFFIXES = (".h5", ".hdf5", ".mrd")  # of raw data, whose images become NIfTI
CODING_SCHEME = "99READERSTUDY"
# Code and meaning of what was done, by the task of a model, or the name of a simulation.
_DERIVATIONS = {
    "denoise": ("DENOISED", "Noise reduction by a named model"),
    "restore": ("RESTORED", "Restoration by a named model"),
    "inpaint": ("INPAINTED", "Inpainting by a named model"),
    "thin-slices": ("SUPERRESOLVED", "Through-plane super-resolution by a named model"),
    DEGRADATION: ("DEGRADED", "Simulated degradation"),
    RECONSTRUCTION: ("RECONSTRUCTED", "Reconstruction from part of k-space"),
}
_PROCESSED = ("PROCESSED", "Processed by a named model")
# What describes the pixels of the source only: extreme values, overlays and private data go too.
_SOURCE_ONLY = ("SmallestImagePixelValue", "LargestImagePixelValue")
_PADDING = ("PixelPaddingValue", "PixelPaddingRangeLimit")
# Enhanced MR allows these in original images only (PS3.3 C.8.13.4, C.8.13.7, as dciodvfy checks them).
_ORIGINAL_ONLY = (
    "BulkMotionCompensationTechnique",
    "EchoPlanarPulseSequence",
    "EchoPulseSequence",
    "GeometryOfKSpaceTraversal",
    "MRAcquisitionType",
    "MultiPlanarExcitation",
    "MultipleSpinEcho",
    "NumberOfKSpaceTrajectories",
    "OversamplingPhase",
    "PhaseContrast",
    "PulseSequenceName",
    "RectilinearPhaseEncodeReordering",
    "SaturationRecovery",
    "SegmentedKSpaceTraversal",
    "SpectrallySelectedSuppression",
    "SteadyStatePulseSequence",
    "TimeOfFlightContrast",
)
# What PS3.3 C.8.13.5.8 knows of parallel imaging.
_TECHNIQUES = ("PILS", "SENSE", "SMASH", "OTHER")
_FACTORS = (
    "ParallelReductionFactorInPlane",
    "ParallelReductionFactorOutOfPlane",
    "ParallelReductionFactorSecondInPlane",
)


def write_derived(
    source_files: Sequence[Path],
    volume: Volume,
    out: Path,
    *,
    model: ModelIdentity,
) -> list[Path]:
    """Write a volume that a model made from DICOM or NIfTI files to a folder.

    Parameters
    ----------
    source_files : sequence of Path
        The series that it was made from.
    volume : Volume
        On the slices of the source, or, for classic DICOM and NIfTI, on parallel ones over the same pixels.
    out : Path
        The folder.
    model : ModelIdentity
        What made it.

    Returns
    -------
    list of Path
        The files: 0001.dcm …, one per source image in slice order, or volume.nii.gz.

    Raises
    ------
    InputError
        If the volume does not lie on the slices of the source.

    Notes
    -----
    DICOM: classic or enhanced MR as the source; headers of the source without private attributes; intensities back to
    stored values by the source's rescale (more bits if they do not fit, cut off at 16), padding as it was. ImageType
    DERIVED, derivation description and code, references to the source, the model as contributing equipment. UIDs follow
    from source, model, precision and pixels: the same input gives the same files. Thinner or thicker slices, of classic
    DICOM only, have the header of the source's slice that lies nearest, with position, thickness and distance of their
    own.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from pydicom import dcmread, examples
    >>> from processing.derived import write_derived
    >>> from processing.series import read
    >>> from processing.simulate.degrade import Degradation, degrade
    >>> wanted, source = Degradation(gibbs=0.3), examples.get_path("mr")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = write_derived([source], degrade(read(source), wanted), Path(folder), model=wanted.identity)
    ...     [file.name for file in files], dcmread(files[0]).ImageType[0]
    (['0001.dcm'], 'DERIVED')
    """
    out.mkdir(parents=True, exist_ok=True)
    if len(source_files) == 1 and nifti.is_volume_file(source_files[0]):
        text = nifti_description(model, of_simulated=volume.parameters.simulated is not None)
        return [nifti.write_nifti(volume, out / "volume.nii.gz", description=text)]
    datasets = read_images(source_files)
    if any(is_mosaic(dataset) for dataset in datasets.values()):
        raise InputError("A Siemens mosaic cannot be written back; de-identify it first, into single slices.")
    frames = [frame for path, dataset in datasets.items() for frame in frames_of(dataset, path)]
    parts = split(frames)
    if len(parts) != 1:
        raise InputError("The source holds several volumes; sort it first.")
    ordered = stack(parts[0][1])
    some = next(iter(datasets.values()))
    resliced = _on_its_slices(volume, ordered)
    if resliced and not is_enhanced(some):
        ordered = resliced
    elif volume.shape != (len(ordered.frames), ordered.frames[0].rows, ordered.frames[0].columns):
        raise InputError(f"The processed volume has shape {volume.shape}: it does not lie on the source's slices.")
    elif np.abs(volume.affine - ordered.affine).max() > 0.01:
        raise InputError("The processed volume lies elsewhere than its source.")
    stored, bits = _to_stored(volume, ordered, some)
    if volume.padding is not None:
        for n, frame in enumerate(ordered.frames):
            there = volume.padding[n]
            stored[n][there] = stored_values(datasets[frame.path])[frame.index][there]
    digest = hashlib.sha256(stored.tobytes()).hexdigest()
    files: list[list[tuple[int, Frame]]] = [[member] for member in enumerate(ordered.frames)]
    if not resliced:
        paths = dict.fromkeys(frame.path for frame in ordered.frames)
        files = [[(n, frame) for n, frame in enumerate(ordered.frames) if frame.path == path] for path in paths]
    written = []
    for number, members in enumerate(files, 1):
        target = out / f"{number:04d}.dcm"
        with tolerant():
            derived = _derived(datasets[members[0][1].path], members, stored, bits, number, model, digest)
            if resliced:
                _place(derived, volume, number, digest)
            for keyword in _PADDING:
                if volume.padding is None and keyword in derived:
                    delattr(derived, keyword)
            save(derived, target)
        written.append(target)
    return written


def write_like(source: Path, volume: Volume, out: Path, *, model: ModelIdentity) -> list[Path]:
    """Write a volume that a model made from a series, in the format of that series.

    Parameters
    ----------
    source : Path
        DICOM folder or file, NIfTI or NRRD file, or raw data that it was made from.
    volume : Volume
        On the slices of the source.
    out : Path
        For DICOM a folder of derived DICOM; else a NIfTI file, or a folder that gets volume.nii.gz.
    model : ModelIdentity
        What made it.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InputError
        If ``out`` does not fit, or is the source itself.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from processing.derived import write_like
    >>> from processing.nifti import write_nifti
    >>> from processing.simulate.degrade import Degradation, degrade
    >>> from processing.volume import Volume
    >>> volume, wanted = Volume(np.ones((2, 16, 16)), np.eye(4)), Degradation(gibbs=0.3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     source = write_nifti(volume, Path(folder) / "fast.nii")
    ...     files = write_like(source, degrade(volume, wanted), Path(folder) / "new", model=wanted.identity)
    ...     [file.name for file in files]
    ['volume.nii.gz']
    """
    if source.resolve() == out.resolve():
        raise InputError("The output would overwrite the input; name another place.")
    is_file = nifti.is_volume_file(out)
    if source.is_file() and (nifti.is_volume_file(source) or source.suffix.lower() in RAW_SUFFIXES):
        path = out if is_file else out / "volume.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = nifti_description(model, of_simulated=volume.parameters.simulated is not None)
        return [nifti.write_nifti(volume, path, description=text)]
    if is_file or out.is_file():
        raise InputError("A DICOM series is written to a folder; name one as the output.")
    files = sorted(file for file in source.rglob("*") if file.is_file()) if source.is_dir() else [source]
    return write_derived(files, volume, out, model=model)


def _on_its_slices(volume: Volume, ordered: Stack) -> Stack | None:
    """The nearest frame of the source for each slice of a volume with thinner or thicker slices within the source's
    space; None for any other volume."""
    frame, step, moved = ordered.frames[0], ordered.affine[:3, 2], volume.affine[:3, 3] - ordered.affine[:3, 3]
    distance = float(np.linalg.norm(step))
    along = step / distance
    same_pixels = volume.shape[1:] == (frame.rows, frame.columns) and np.allclose(
        volume.affine[:3, :2], ordered.affine[:3, :2], atol=0.001
    )
    beside = [np.linalg.norm(way - along * (way @ along)) for way in (volume.affine[:3, 2], moved)]
    own = float(volume.affine[:3, 2] @ along) / distance
    places = moved @ along / distance + np.arange(len(volume.array)) * own
    inside = places.min() > -0.5 and places.max() < len(ordered.frames) - 0.5
    if not same_pixels or max(beside) > 0.01 or own <= 0 or abs(own - 1) < 0.01 or not inside:
        return None
    nearest = np.rint(places).astype(int).clip(0, len(ordered.frames) - 1)
    return Stack([ordered.frames[n] for n in nearest], volume.affine, ordered.part)


def _place(derived: Dataset, volume: Volume, number: int, digest: str) -> None:
    """Position, thickness and name of one of the slices that the source has not."""
    corner = volume.affine @ np.array([0, 0, number - 1, 1])
    derived.ImagePositionPatient = [f"{value:.10g}" for value in corner[:3]]
    distance = float(np.linalg.norm(volume.affine[:3, 2]))
    derived.SliceThickness = f"{volume.parameters.slice_thickness or distance:.6g}"
    derived.SpacingBetweenSlices = f"{distance:.6g}"
    if "SliceLocation" in derived:
        derived.SliceLocation = f"{float(corner[:3] @ volume.affine[:3, 2]) / distance:.6g}"
    derived.SOPInstanceUID = _uid(str(derived.SOPInstanceUID), str(number), digest)
    derived.file_meta.MediaStorageSOPInstanceUID = derived.SOPInstanceUID


def _to_stored(volume: Volume, ordered: Stack, dataset: Dataset) -> tuple[np.ndarray, int]:
    """Stored values (slices, rows, columns) and the bits that they need: those of the source, or 16."""
    signed = bool(dataset.get("PixelRepresentation", 0))
    slopes, intercepts = (
        np.array([getattr(frame, name) for frame in ordered.frames])[:, None, None] for name in ("slope", "intercept")
    )
    values = np.rint((volume.array.astype(np.float64) - intercepts) / slopes)

    def limits(bits: int) -> tuple[int, int]:
        return (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)

    bits = int(dataset.BitsStored)
    # Small negative values of a network are cut at zero; they need no wider pixels.
    if values.max() > limits(bits)[1] or (signed and values.min() < limits(bits)[0]):
        bits = 16 if dataset.BitsAllocated == 16 else bits
    dtype = np.dtype(f"<{'i' if signed else 'u'}{dataset.BitsAllocated // 8}")
    return np.clip(values, *limits(bits)).astype(dtype), bits


def _uid(*parts: str) -> str:
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"


def _code(value: str, scheme: str, meaning: str) -> Items:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return Items([code])


def _derived(
    source: Dataset,
    members: list[tuple[int, Frame]],
    stored: np.ndarray,
    bits: int,
    number: int,
    model: ModelIdentity,
    digest: str,
) -> Dataset:
    """The derived file of one source file; `members` are (slice index, frame) of its frames."""
    derived = independent_copy(source)
    promote(derived)
    derived.remove_private_tags()
    for tag in list(derived.keys()):
        # Command and file groups are no part of a data set; curves and overlays are drawn on the source.
        if tag.group < 8 or tag.group >> 8 in (0x50, 0x60):
            del derived[tag]
    for keyword in (*_SOURCE_ONLY, *(_ORIGINAL_ONLY if is_enhanced(source) else ())):
        if keyword in derived:
            delattr(derived, keyword)
    by_frame = sorted(members, key=lambda member: member[1].index)
    pixels = stored[[n for n, _ in by_frame]]
    derived.PixelData = pixels.tobytes()
    derived["PixelData"].VR = "OB" if pixels.dtype.itemsize == 1 else "OW"
    derived.BitsStored, derived.HighBit = bits, bits - 1
    made_by = (model.name, model.version, model.sha256, model.precision, digest)
    derived.SOPInstanceUID = _uid(str(source.SOPInstanceUID), *made_by)
    derived.SeriesInstanceUID = _uid(str(source.SeriesInstanceUID), *made_by)
    derived.SeriesDescription = f"{model.name} {model.version}"[:64]
    derived.SeriesNumber = int(source.get("SeriesNumber") or 0) % 9000 + 1000
    derived.InstanceNumber = number
    # What was done and the model first: a long description is cut off.
    _, meaning = _derivation(model)
    description = (
        f"{meaning}. Model {model.name} {model.version}, SHA-256 {model.sha256}, {model.precision}. {model.description}"
    )
    derived.ImageType = _derived_type(source.ImageType, enhanced=is_enhanced(source))
    equipment = Dataset()
    equipment.Manufacturer = MANUFACTURER
    equipment.ManufacturerModelName = model.name[:64]
    equipment.SoftwareVersions = model.version[:64]
    equipment.ContributionDescription = description[:1024]
    equipment.PurposeOfReferenceCodeSequence = _code("109102", "DCM", "Processing Equipment")
    derived.ContributingEquipmentSequence = Items([*(source.get("ContributingEquipmentSequence") or []), equipment])
    if is_enhanced(source):
        # The pulse sequence told the contrast; now only this attribute does.
        weighting = weighting_of(attributes(source, 0), free_words(source))
        if weighting in TO_CONTRAST:
            derived.AcquisitionContrast = TO_CONTRAST[weighting]
        _reference_frames(derived, source, description, model)
    else:
        derived.DerivationDescription = description[:1024]
        derived.DerivationCodeSequence = _derivation_code(model)
        derived.SourceImageSequence = Items([_reference(source)])
    meta = source.file_meta.__class__()
    meta.MediaStorageSOPClassUID = derived.SOPClassUID
    meta.MediaStorageSOPInstanceUID = derived.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = IMPLEMENTATION_NAME
    derived.file_meta = meta
    derived.preamble = b"\0" * 128
    return derived


def _derivation(model: ModelIdentity) -> tuple[str, str]:
    what = model.name if model.name in (DEGRADATION, RECONSTRUCTION) else model.task
    return _DERIVATIONS.get(what, _PROCESSED)


def _derivation_code(model: ModelIdentity) -> Items:
    value, meaning = _derivation(model)
    return _code(value, CODING_SCHEME, meaning)


def _derived_type(kinds: Sequence[str], *, enhanced: bool) -> list[str]:
    """Image or frame type of the result: DERIVED; enhanced MR has exactly four values, the last FILTERED."""
    words = ["DERIVED", *[str(kind) for kind in kinds[1:]]]
    return [*words[:3], "FILTERED"] if enhanced and len(words) == 4 else words


def _reference(source: Dataset, frame: int | None = None) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = source.SOPClassUID
    item.ReferencedSOPInstanceUID = source.SOPInstanceUID
    if frame is not None:
        item.ReferencedFrameNumber = frame
    item.PurposeOfReferenceCodeSequence = _code("121322", "DCM", "Source image for image processing operation")
    return item


def _reference_frames(derived: Dataset, source: Dataset, description: str, model: ModelIdentity) -> None:
    """Derivation and source frame in the functional groups, and the source as evidence."""
    image = Dataset()
    image.ReferencedSOPClassUID = source.SOPClassUID
    image.ReferencedSOPInstanceUID = source.SOPInstanceUID
    series = Dataset()
    series.SeriesInstanceUID = source.SeriesInstanceUID
    series.ReferencedSOPSequence = Items([image])
    study = Dataset()
    study.StudyInstanceUID = source.StudyInstanceUID
    study.ReferencedSeriesSequence = Items([series])
    derived.SourceImageEvidenceSequence = Items([study])
    groups = []
    for n, group in enumerate(source.PerFrameFunctionalGroupsSequence, 1):
        copy = _typed(group)
        derivation = Dataset()
        derivation.DerivationDescription = description[:1024]
        derivation.DerivationCodeSequence = _derivation_code(model)
        derivation.SourceImageSequence = Items([_reference(source, n)])
        copy.DerivationImageSequence = Items([derivation])
        groups.append(copy)
    derived.PerFrameFunctionalGroupsSequence = Items(groups)
    if source.get("SharedFunctionalGroupsSequence"):
        derived.SharedFunctionalGroupsSequence = Items([_typed(source.SharedFunctionalGroupsSequence[0])])


def _is_whole(modifiers: Sequence[Dataset]) -> bool:
    """Whether the MR Modifier macro says of parallel imaging what it must. Derived images need not have it, and what
    the source leaves out is not invented."""
    said = modifiers[0] if modifiers else Dataset()
    parallel = said.get("ParallelAcquisition")
    known = said.get("ParallelAcquisitionTechnique") in _TECHNIQUES and all(name in said for name in _FACTORS)
    return parallel == "NO" or (parallel == "YES" and known)


def _typed(group: Dataset) -> Dataset:
    """A functional group without private attributes whose frame type is derived; the original stays as it is."""
    copy = Dataset()
    for element in group:
        if element.tag.is_private or (element.keyword == "MRModifierSequence" and not _is_whole(element.value)):
            continue
        if element.keyword == "MRImageFrameTypeSequence" and element.value:
            item = independent_copy(element.value[0])
            item.FrameType = _derived_type(item.FrameType, enhanced=True)
            copy.add(DataElement(element.tag, "SQ", Items([item])))
        else:
            copy.add(element)
    return copy
