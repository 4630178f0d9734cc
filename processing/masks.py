"""Masks of volumes of interest: read them, carry them to another series, keep them without names."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import nibabel
import numpy as np

from processing.dicom.contours import is_structure_set, read_structures
from processing.dicom.header import open_dicom
from processing.dicom.segmentation import is_segmentation, read_segments
from processing.errors import InputError
from processing.nifti import read_nifti
from processing.nifti_place import LPS_FROM_RAS
from processing.nrrd_place import nrrd_scale
from processing.volume import Array, check_affine

MOST_LABELS = 200
NO_LABELS = "A mask has whole numbers from 0 as labels; this file has others. Is it an image?"
_WORDS = """
vertebra vertebral vertebrae body bodies disc discs disk intervertebral cord spinal canal csf thecal sac cauda
equina conus nerve root foramen facet joint ligament pedicle lamina process spinous transverse sacrum coccyx
endplate marrow epidural fat muscle psoas paraspinal multifidus erector spinae cervical thoracic lumbar sacral
spine brain grey gray white matter ventricle ventricles thalamus caudate putamen pallidum hippocampus cerebellum
brainstem pons corpus callosum cortex lesion lesions edema oedema tumor tumour necrosis core enhancing whole
haemangioma hemangioma metastasis cyst liver kidney spleen pancreas aorta prostate breast left right upper lower
middle anterior posterior superior inferior and of the roi voi segment mask background region
"""
_ANATOMY = frozenset(_WORDS.split())
_LEVEL = re.compile(r"[clts]\d{1,2}|\d{1,2}")


@dataclass(frozen=True)
class Mask:
    """One volume of interest on its own grid.

    Parameters
    ----------
    name : str
        What the file calls it, or ""; it may identify a person and stays here.
    label : int
        Its value or segment number.
    array : ndarray of bool, shape (slices, rows, columns)
        True inside.
    affine : ndarray, shape (4, 4)
        As of ``Volume`` (LPS, mm).

    Examples
    --------
    >>> import numpy as np
    >>> from processing.masks import Mask
    >>> mask = Mask("cord", 1, np.ones((2, 10, 10), bool), np.diag([1.0, 1.0, 5.0, 1.0]))
    >>> mask.voxels, round(mask.millilitres, 3)
    (200, 1.0)
    """

    name: str
    label: int
    array: Array
    affine: Array

    @property
    def voxels(self) -> int:
        return int(np.count_nonzero(self.array))

    @property
    def millilitres(self) -> float:
        return self.voxels * abs(float(np.linalg.det(self.affine[:3, :3]))) / 1000


@dataclass(frozen=True)
class Carried:
    """A mask on another grid, and what carrying it did: voxels and volume before and after; `outside` is the share
    (0–1) of the mask's voxels whose centres lie outside the grid."""

    mask: Mask
    voxels_before: int
    voxels: int
    millilitres_before: float
    millilitres: float
    outside: float


def read_mask(path: Path, grid: tuple[tuple[int, int, int], Array] | None = None) -> list[Mask]:
    """Read every volume of interest in a file.

    Parameters
    ----------
    path : Path
        NIfTI or NRRD of labels (0 is background), a DICOM segmentation or an RT structure set; the kind is told by the
        content, not by the name of the file.
    grid : tuple of shape and affine, optional
        Of the series on which it was drawn: where the contours of a structure set become voxels.

    Returns
    -------
    list of Mask
        One per label, segment or structure. Segments that Slicer named in a NRRD file keep their names, layers that
        overlap included. A voxel of a fractional segment counts from half of the largest value.

    Raises
    ------
    InputError
        If there is none, values are no labels, or the file does not say where they lie.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from processing.masks import Mask, read_mask, write_mask
    >>> mask = Mask("", 1, np.eye(4, dtype=bool)[None], np.eye(4))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = read_mask(write_mask(mask, Path(folder) / "mask.nii.gz"))
    >>> [(one.label, one.voxels) for one in found]
    [(1, 4)]
    """
    if _head(path)[:4] == b"NRRD":
        found = _from_nrrd(path)
    elif is_dicom(path):
        found = _from_dicom(path, grid)
    else:
        try:
            volume = read_nifti(path)
        except InputError as error:
            if "no NIfTI" in str(error):
                raise InputError(
                    "A mask is a NIfTI or NRRD file, a DICOM segmentation or structure set; this is none."
                ) from None
            raise
        if volume.padding is not None:
            raise InputError(NO_LABELS)
        found = by_label(volume.array, volume.affine)
    if not found:
        raise InputError("The mask is empty.")
    return found


def is_dicom(path: Path) -> bool:
    """Whether the file says that it is DICOM."""
    return _head(path)[128:] == b"DICM"


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(132)
    except OSError:
        raise InputError("The mask cannot be read.") from None


def _from_dicom(path: Path, grid: tuple[tuple[int, int, int], Array] | None) -> list[Mask]:
    header = open_dicom(path, pixels=False)
    if is_segmentation(header):
        return [Mask(name, number, array, affine) for number, name, array, affine in read_segments(path)]
    if not is_structure_set(header):
        raise InputError("This DICOM file is an image, no segmentation.")
    if grid is None:
        raise InputError("A structure set has contours, no voxels: name the series on which it was drawn.")
    shape, affine = grid
    return [Mask(name, number, array, affine) for number, name, array in read_structures(path, shape, affine)]


def by_label(array: Array, affine: Array, names: Mapping[int, str] = MappingProxyType({})) -> list[Mask]:
    """One mask per label of an array.

    Parameters
    ----------
    array : ndarray, shape (slices, rows, columns)
        Whole numbers, 0 is background.
    affine : ndarray, shape (4, 4)
        Its place in patient coordinates (LPS, mm).
    names : mapping of int to str, optional
        Names of labels.

    Returns
    -------
    list of Mask
        In the order of their labels.

    Raises
    ------
    InputError
        If its values are no labels, or there are too many.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.masks import by_label
    >>> [(one.label, one.voxels) for one in by_label(np.array([[[0, 2, 2, 5]]]), np.eye(4))]
    [(2, 2), (5, 1)]
    """
    labels = np.unique(array)
    if np.abs(labels - np.round(labels)).max() > 1e-4 or labels[0] < 0:
        raise InputError(NO_LABELS)
    labels = labels[labels > 0.5]
    if len(labels) > MOST_LABELS:
        raise InputError(f"A mask has at most {MOST_LABELS} labels; this file has {len(labels)}. Is it an image?")
    return [Mask(names.get(round(one), ""), round(one), array == one, affine) for one in labels.tolist()]


def _from_nrrd(path: Path) -> list[Mask]:
    import SimpleITK  # heavy, and only NRRD needs it

    with path.open("rb") as stream:
        header = stream.read(1 << 16).split(b"\n\n")[0].split(b"\r\n\r\n")[0].lower()
    if re.search(rb"(?m)^data ?file\s*:", header):  # another file of this machine, of the sender's choosing
        raise InputError("The NRRD file keeps its data in another file; save it as one .nrrd file.")
    scale = nrrd_scale(path)
    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO("NrrdImageIO")
    reader.SetFileName(str(path))
    try:
        image = reader.Execute()
    except RuntimeError:
        raise InputError("The NRRD file is damaged or truncated; export it again.") from None
    if image.GetDimension() != 3:
        raise InputError("The NRRD mask is not three-dimensional.")
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    affine[:3] *= scale
    check_affine(affine)
    array = SimpleITK.GetArrayFromImage(image)
    layers = [array] if array.ndim == 3 else [array[..., layer] for layer in range(array.shape[-1])]
    names: dict[tuple[int, int], str] = {}
    text = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys() if key.startswith("Segment")}
    for key, name in text.items():
        if said := re.fullmatch(r"Segment(\d+)_Name", key):
            value, layer = (text.get(f"Segment{said[1]}_{one}", "") for one in ("LabelValue", "Layer"))
            if value.isdigit():
                names[int(layer) if layer.isdigit() else 0, int(value)] = name
    found = []
    for number, layer in enumerate(layers):
        own = {value: name for (where, value), name in names.items() if where == number}
        found += by_label(layer, affine, own)
    return found


def carry(mask: Mask, shape: tuple[int, int, int], affine: Array, *, matrix: Array | None = None) -> Carried:
    """Carry a mask to another grid, by its nearest voxel in patient coordinates.

    Parameters
    ----------
    mask : Mask
        What is carried.
    shape : tuple of int
        Slices, rows and columns of the series that receives it.
    affine : ndarray, shape (4, 4)
        Of that series (LPS, mm).
    matrix : ndarray, shape (4, 4), optional
        Rigid; takes a point of the series on which the mask was drawn to the receiving series (LPS, mm). None: both
        share their coordinates.

    Returns
    -------
    Carried
        The new ``mask``, voxels and millilitres before and after, and ``outside``, the share (0 to 1) of voxels beyond
        the grid. On the same grid nothing changes.

    Raises
    ------
    InputError
        If nothing of the mask falls on the grid.

    Examples
    --------
    To pixels of half the size: four for each.

    >>> import numpy as np
    >>> from processing.masks import Mask, carry
    >>> mask = Mask("", 1, np.ones((1, 2, 2), bool), np.eye(4))
    >>> affine = np.diag([0.5, 0.5, 1.0, 1.0])
    >>> affine[:2, 3] = -0.25
    >>> found = carry(mask, (1, 4, 4), affine)
    >>> found.voxels_before, found.voxels, found.outside
    (4, 16, 0.0)
    """
    moved = np.eye(4) if matrix is None else np.asarray(matrix, float)
    to_index = np.linalg.inv(affine) @ moved @ mask.affine
    inside = np.argwhere(mask.array)[:, ::-1]  # column, row, slice
    if not len(inside):
        raise InputError("The mask is empty.")
    placed = inside @ to_index[:3, :3].T + to_index[:3, 3]
    size = np.array(shape[::-1])
    near = 1e-4  # of a voxel: rounding of stored coordinates
    outside = float(np.mean(((placed < -0.5 - near) | (placed > size - 0.5 + near)).any(axis=1)))
    result = np.zeros(shape, bool)
    if mask.array.shape == tuple(shape) and np.abs(to_index - np.eye(4)).max() < 1e-5 * max(shape):
        result[:] = mask.array
    else:
        half = 0.5 * np.abs(to_index[:3, :3]).sum(axis=1) + 1
        low = np.clip(np.floor(placed.min(axis=0) - half), 0, size).astype(int)
        high = np.clip(np.ceil(placed.max(axis=0) + half) + 1, 0, size).astype(int)
        back, limit = np.linalg.inv(to_index), np.array(mask.array.shape[::-1])
        columns, rows = np.arange(low[0], high[0]), np.arange(low[1], high[1])
        plane = np.stack(np.broadcast_arrays(columns[None, :], rows[:, None], 0), axis=-1)
        for k in range(low[2], high[2]):  # slice by slice, so that memory stays small
            source = (plane + np.array([0, 0, k])) @ back[:3, :3].T + back[:3, 3]
            nearest = np.floor(source + 0.5 + 1e-9).astype(int)
            within = ((nearest >= 0) & (nearest < limit)).all(axis=-1)
            i, j, n = (np.where(within, nearest[..., axis], 0) for axis in range(3))
            result[k, low[1] : high[1], low[0] : high[0]] = mask.array[n, j, i] & within
    carried = Mask(mask.name, mask.label, result, np.asarray(affine, float))
    if not carried.voxels:
        raise InputError("Nothing of the volume of interest lies on this series.")
    return Carried(carried, mask.voxels, carried.voxels, mask.millilitres, carried.millilitres, outside)


def anatomical_name(text: str) -> str:
    """The name, if all of its words are anatomical or levels such as L4; else "": it might name a person."""
    words = re.findall(r"[a-z]+\d*|\d+", text.lower())
    known = all(word in _ANATOMY or _LEVEL.fullmatch(word) for word in words)
    return re.sub(r"\s+", " ", text).strip()[:40] if words and known and text.isascii() else ""


def write_mask(mask: Mask, path: Path) -> Path:
    """Write a NIfTI-1 mask of zeros and ones with nothing but its place in space.

    Parameters
    ----------
    mask : Mask
        Its name and label are not written.
    path : Path
        The file; packed if its name ends in .gz.

    Returns
    -------
    Path
        The same ``path``; the same mask, the same bytes.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from processing.masks import Mask, write_mask
    >>> mask = Mask("", 7, np.ones((1, 2, 3), bool), np.eye(4))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_mask(mask, Path(folder) / "mask.nii").name
    'mask.nii'
    """
    data = np.ascontiguousarray(np.transpose(mask.array, (2, 1, 0)).astype(np.uint8))
    image = nibabel.Nifti1Image(data, LPS_FROM_RAS @ mask.affine)
    image.header.set_xyzt_units("mm")
    content = image.to_bytes()
    path.write_bytes(gzip.compress(content, compresslevel=6, mtime=0) if path.name.endswith(".gz") else content)
    return path
