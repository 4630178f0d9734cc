"""NIfTI and NRRD to volumes and back. Both are read in storage order: the third index is the slice."""

from __future__ import annotations

import gzip
import io
import math
import struct
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from processing import component
from processing.dicom import vocabulary
from processing.dicom.parameters import plane
from processing.dicom.simulated import simulated_in_nifti
from processing.dicom.weighting import from_tokens
from processing.errors import InputError
from processing.nifti_place import CODED, LPS_FROM_RAS, converted_unit, place
from processing.nrrd_place import nrrd_scale
from processing.padding import marked, settle
from processing.volume import Parameters, Volume

if TYPE_CHECKING:
    import nibabel  # who reads DICOM alone does without: it takes as long to be there as all of `processing`

SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr")
LARGEST_BYTES = 1 << 30  # of the values
LARGEST_HEADER = 16 << 20  # with extensions
_MORE = 1 << 20  # what may stand behind the values


def is_volume_file(path: Path) -> bool:
    """Whether the name is one of a NIfTI or NRRD file."""
    return path.name.lower().endswith(SUFFIXES)


def _image(path: Path) -> tuple[nibabel.Nifti1Image, nibabel.Nifti1Header]:
    """Parse by content, as uploaded files may have lost their name; no more is inflated than the header claims.

    Returns the image, and its header without nibabel's repairs.
    """
    import nibabel

    try:
        with path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
            stream.seek(0)
            source: Any = gzip.GzipFile(fileobj=stream) if packed else stream
            start = source.read(540)
            header = _unrepaired(start)
            claimed = _claimed_bytes(header)
            content = start + source.read(claimed + _MORE - len(start))
            if len(content) == claimed + _MORE:
                raise InputError("The NIfTI file holds far more than its header says; export it again.")
        kind = nibabel.Nifti2Image if _is_second(start) else nibabel.Nifti1Image
        return kind.from_bytes(content), header
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise InputError("The file cannot be read.") from None
    except (InputError, MemoryError):
        raise
    except Exception:  # gzip and nibabel raise many kinds on damaged files
        raise InputError("This is no NIfTI file, or it is damaged or truncated; export it again.") from None


def _is_second(start: bytes) -> bool:
    """The first number is the header's size, in either byte order."""
    return start[:4] in (b"\x1c\x02\0\0", b"\0\0\x02\x1c")


def _unrepaired(start: bytes) -> nibabel.Nifti1Header:
    import nibabel

    kind = nibabel.Nifti2Header if _is_second(start) else nibabel.Nifti1Header
    return kind.from_fileobj(io.BytesIO(start[: kind.sizeof_hdr]), check=False)


def _claimed_bytes(header: nibabel.Nifti1Header) -> int:
    """Where the values end by the header's word. Raises InputError if that is beyond measure."""
    count = int(header["dim"][0])
    sizes = [int(size) for size in header["dim"][1 : count + 1]]
    offset = float(header["vox_offset"])
    if not 1 <= count <= 7 or min(sizes) < 1 or not 0 <= offset <= LARGEST_HEADER:
        raise InputError("The NIfTI header claims impossible sizes: the file is damaged; export it again.")
    size = math.prod(sizes) * header.get_data_dtype().itemsize
    if size > LARGEST_BYTES:
        raise InputError("The image is larger than 1 GiB; send it in parts.")
    return int(offset) + size


def read_nifti(path: Path) -> Volume:
    """Read a three-dimensional NIfTI-1 or -2 image.

    Parameters
    ----------
    path : Path
        The file, packed by gzip or not: its content tells, not its name.

    Returns
    -------
    Volume
        In storage order: the third index is the slice; LPS, mm.

    Raises
    ------
    InputError
        For damaged files, colour, complex or four-dimensional images, those over 1 GiB, and those whose header does
        not say where they lie or how large they are, or has axes that are not at right angles.

    Notes
    -----
    ``scl_slope`` is applied, and what is not a number (NaN) is padding; sform comes before qform, and lengths in micron
    or metre become mm. Region and weighting are read from the names of file and folder.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from processing.nifti import read_nifti, write_nifti
    >>> from processing.volume import Volume
    >>> volume = Volume(np.arange(24).reshape(2, 3, 4), np.diag([0.5, 0.5, 4.0, 1.0]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = read_nifti(write_nifti(volume, Path(folder) / "volume.nii.gz"))
    >>> again.sha256 == volume.sha256
    True
    """
    image, header = _image(path)
    if image.get_data_dtype().kind not in "iuf":
        raise InputError("The image is in colour or complex; only real numbers can be read.")
    values = _values(image, np.float32)
    unit = converted_unit(header)  # before `place` puts the header into mm
    volume = _volume(values, place(header), path)
    simulated = simulated_in_nifti(bytes(header["descrip"]).decode("ascii", "replace"))
    parameters = replace(volume.parameters, simulated=simulated)
    return replace(volume, parameters=parameters, cautions=(*unit, *volume.cautions))


def read_complex(path: Path) -> tuple[Volume, np.ndarray] | None:
    """The magnitude of a complex three-dimensional NIfTI image, and its values, complex64 (slices, rows, columns).

    None if the file holds real numbers. Raises InputError as `read_nifti` does.
    """
    image, header = _image(path)
    if image.get_data_dtype().kind != "c":
        return None
    values = _values(image, np.complex64)
    if not np.isfinite(values).all():
        raise InputError("The image contains values that are not numbers (NaN or infinite).")
    unit = converted_unit(header)
    volume = _volume(np.abs(values), place(header), path)
    return replace(volume, cautions=(*unit, *volume.cautions)), values


def _values(image: nibabel.Nifti1Image, kind: Any) -> np.ndarray:
    """Values in the order slices, rows, columns. Raises InputError if they are not one three-dimensional image."""
    shape = tuple(size for size in image.shape[3:] if size != 1)
    if len(image.shape) < 3 or shape:
        raise InputError(f"The image has shape {image.shape}; only one three-dimensional image can be read.")
    try:
        data: np.ndarray = np.asarray(image.dataobj, dtype=kind).reshape(image.shape[:3])
    except Exception:  # truncated or corrupt compression
        raise InputError("The NIfTI file ends early or its compression is damaged; export it again.") from None
    return np.transpose(data, (2, 1, 0))


def read_nrrd(path: Path) -> Volume:
    """Read a three-dimensional NRRD image.

    Parameters
    ----------
    path : Path
        A file .nrrd or .nhdr.

    Returns
    -------
    Volume
        In storage order: the third index is the slice; ITK's coordinates are LPS already.

    Raises
    ------
    InputError
        If it cannot be read, is not one three-dimensional grey image, or does not say where it lies.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import SimpleITK
    >>> from processing.nifti import read_nrrd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     SimpleITK.WriteImage(SimpleITK.GetImageFromArray(np.ones((2, 3, 4))), f"{folder}/image.nrrd")
    ...     read_nrrd(Path(folder) / "image.nrrd").shape
    (2, 3, 4)
    """
    import SimpleITK  # heavy, and only NRRD needs it

    scale = nrrd_scale(path)
    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        image = reader.Execute()
    except RuntimeError:
        raise InputError("The NRRD file cannot be read: missing or damaged; export it again.") from None
    several = image.GetNumberOfComponentsPerPixel() != 1 or "complex" in image.GetPixelIDTypeAsString()
    if image.GetDimension() != 3 or several:
        raise InputError("The NRRD image is not one three-dimensional grey image.")
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    affine[:3] *= scale
    array = SimpleITK.GetArrayFromImage(image)
    return _volume(np.asarray(array, dtype=np.float32), affine, path)


def _volume(array: np.ndarray, affine: np.ndarray, path: Path) -> Volume:
    lacking = np.isnan(array)  # what programs write where they have no value
    if lacking.all() or np.isinf(array).any():
        raise InputError("The image contains values that are not numbers (NaN or infinite).")
    array, padding, cautions = settle(array, lacking if lacking.any() else None)
    cautions += component.cautions(array, path.name)
    return Volume(array, affine, parameters=_parameters(path, affine), padding=padding, cautions=cautions)


def _parameters(path: Path, affine: np.ndarray) -> Parameters:
    named = vocabulary.tokens(path.name, path.parent.name)
    return Parameters(region=vocabulary.region(named), plane=plane(affine), weighting=from_tokens(named))


def write_nifti(volume: Volume, path: Path, *, description: str = "") -> Path:
    """Write a float32 NIfTI-1 image in the order of the volume, in mm.

    Parameters
    ----------
    volume : Volume
        What is written; its padding as values far below all others.
    path : Path
        The file; packed if its name ends in .gz.
    description : str, default ""
        The only text in the file, at most 79 ASCII characters.

    Returns
    -------
    Path
        The same ``path``; the file is there whole or not at all.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import nibabel
    >>> import numpy as np
    >>> from processing.nifti import write_nifti
    >>> from processing.volume import Volume
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write_nifti(Volume(np.zeros((2, 3, 4)), np.eye(4)), Path(folder) / "volume.nii")
    ...     nibabel.load(written).shape
    (4, 3, 2)
    """
    import nibabel

    data = np.ascontiguousarray(np.transpose(marked(volume.array, volume.padding), (2, 1, 0)))
    image = nibabel.Nifti1Image(data, LPS_FROM_RAS @ volume.affine)
    image.set_data_dtype(np.float32)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = description.encode("ascii", "replace")[:79]
    return _save(image, path)


def clean_nifti(source: Path, target: Path) -> Path:
    """Copy an image without anything that could identify: values, type, scale and place in space, in mm, stay.

    Extensions, description, intent name, auxiliary file, database name and further free texts are gone. Raises
    InputError as `read_nifti` does for a damaged file, or one that does not say where it lies.
    """
    import nibabel

    image, said = _image(source)
    place(said)
    header = nibabel.Nifti1Header() if image.header["sizeof_hdr"] == 348 else nibabel.Nifti2Header()
    proxy: Any = image.dataobj
    stored = np.asanyarray(proxy.get_unscaled())
    clean = type(image)(stored, None, header)
    clean.set_data_dtype(image.get_data_dtype())
    clean.header.set_zooms(image.header.get_zooms())
    clean.header["pixdim"][:4] = said["pixdim"][:4]
    kept = [name for code, names in CODED.items() if said[code] for name in (code, *names)]
    for name in ("xyzt_units", "cal_min", "cal_max", *kept):
        clean.header[name] = said[name]
    return _save(clean, target, scale=(float(proxy.slope), float(proxy.inter)))


def _save(image: nibabel.Nifti1Image, path: Path, *, scale: tuple[float, float] = (1.0, 0.0)) -> Path:
    content = bytearray(image.to_bytes())
    # nibabel chooses the scale itself; slope and intercept stand at fixed places of the header.
    place, form = (112, "<2f") if image.header["sizeof_hdr"] == 348 else (176, "<2d")
    struct.pack_into(form, content, place, *scale)
    if path.name.endswith(".gz"):
        content = bytearray(gzip.compress(content, compresslevel=4, mtime=0))
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
