"""Where a NIfTI image lies: read here alone, and refused where the file does not say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from processing.caution import Caution
from processing.errors import InputError
from processing.volume import Array, check_affine

if TYPE_CHECKING:
    import nibabel

LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
CODED = {  # which fields hold if a code is not 0
    "sform_code": ("srow_x", "srow_y", "srow_z"),
    "qform_code": ("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z"),
}
_LENGTHS = ("srow_x", "srow_y", "srow_z", "qoffset_x", "qoffset_y", "qoffset_z")
_CODES = (1, 2, 3, 4, 5)
_MM = 2
_UNITS = {0: ("no unit of length", 1.0), 1: ("the metre", 1000.0), _MM: ("mm", 1.0), 3: ("the micron", 0.001)}  # in mm
_PLAUSIBLE = 0.05, 20.0  # mm: voxels of MRI
_SAME_SIZE = 0.01  # of the smaller
_HALF = 0.5 + 1e-3  # voxels, and what rounding adds
NO_CODES = (
    "The NIfTI header does not say which side is left (sform_code and qform_code are 0): convert the DICOM series "
    "again, or set a code if you are sure of the orientation."
)


def place(header: nibabel.Nifti1Header) -> Array:
    """Where the image lies, by a header as it stands in the file; the header is put into mm.

    Parameters
    ----------
    header : nibabel.Nifti1Header
        Of NIfTI-1 or -2, without nibabel's repairs, which invent what is missing. What it lacks but follows from the
        rest is filled in: the sign of an axis, voxel sizes.

    Returns
    -------
    ndarray, shape (4, 4)
        Affine of (i, j, k, 1) in storage order: LPS, mm. The sform comes before the qform.

    Raises
    ------
    InputError
        If the header gives no orientation, an impossible or sheared one, two that differ, or, with a unit that is not
        mm, voxels outside 0.05 to 20 mm.

    Notes
    -----
    Without a unit (xyzt_units) plausible voxels are taken as mm. Two places differ where voxel sizes do by over 1 %, or
    a corner of the volume by over half a voxel.

    Examples
    --------
    >>> import nibabel
    >>> import numpy as np
    >>> from processing.nifti_place import place
    >>> header = nibabel.Nifti1Header()
    >>> header.set_xyzt_units("meter")
    >>> header.set_sform(np.diag([-0.002, 0.003, 0.004, 1.0]), code=1)
    >>> place(header).diagonal().round(6).tolist(), header.get_xyzt_units()
    ([2.0, -3.0, 4.0, 1.0], ('mm', 'unknown'))
    """
    for name in CODED:
        if int(header[name]) not in _CODES:
            header[name] = 0
    unit = _to_mm(header)
    sform = header.get_sform(coded=True)[0]
    qform = _qform(header) if header["qform_code"] else None
    ras = qform if sform is None else sform
    if ras is None:
        raise InputError(NO_CODES)
    sizes = np.linalg.norm(ras[:3, :3], axis=0)
    if unit != "mm" and (sizes.min() < _PLAUSIBLE[0] or sizes.max() > _PLAUSIBLE[1]):
        raise InputError(
            f"The NIfTI header names {unit} (xyzt_units), and no MRI has voxels of {by(sizes)} mm: "
            "set the true unit, or export the image again."
        )
    check_affine(ras)
    if not _sizes_given(header):
        header["pixdim"][1:4] = sizes
    elif sform is not None:
        _check_agreement(header, sform, qform)
    return np.asarray(LPS_FROM_RAS @ ras, np.float64)


def converted_unit(header: nibabel.Nifti1Header) -> tuple[Caution, ...]:
    """A caution if a header, as it stands in the file, gives lengths in another unit than mm: programs forget that."""
    unit, scale = _UNITS.get(int(header["xyzt_units"]) & 7, ("", 1.0))
    if scale == 1:
        return ()
    sizes = by(np.array(header["pixdim"][1:4], float) * scale)
    return (Caution("units", f"The NIfTI header gives lengths in {unit}: voxels were taken as {sizes} mm."),)


def by(sizes: Array) -> str:
    """Voxel sizes in words, without their unit."""
    return " × ".join(f"{size:.4g}" for size in sizes)


def _to_mm(header: nibabel.Nifti1Header) -> str:
    """Every length in mm; returns the unit that the header named."""
    code = int(header["xyzt_units"])
    if code & 7 not in _UNITS:
        raise InputError("The NIfTI header has an unknown unit of length (xyzt_units); export the image again.")
    unit, scale = _UNITS[code & 7]
    if scale != 1:
        for name in _LENGTHS:
            header[name] = header[name] * scale
        header["pixdim"][1:4] *= scale
    header["xyzt_units"] = code & ~7 | _MM
    return unit


def _sizes_given(header: nibabel.Nifti1Header) -> bool:
    sizes = header["pixdim"][1:4]
    return bool(np.isfinite(sizes).all() and (sizes > 0).all())


def _check_agreement(header: nibabel.Nifti1Header, sform: Array, qform: Array | None) -> None:
    """Raise InputError if sform and qform, or sform and pixdim, say different things."""
    sizes, others = np.linalg.norm(sform[:3, :3], axis=0), np.array(header["pixdim"][1:4], float)
    other = "pixdim" if qform is None else "qform"
    apart = 0.0
    if qform is not None:
        ends = [(-0.5, size - 0.5) for size in header["dim"][1:4]]
        corners = np.array([*np.meshgrid(*ends), np.ones((2, 2, 2))], float).reshape(4, -1)
        between = (qform - sform) @ corners
        if np.abs(np.linalg.solve(sform, between)).max() > _HALF:
            apart = float(np.linalg.norm(between[:3], axis=0).max())
    if apart or (np.abs(sizes - others) > _SAME_SIZE * np.minimum(sizes, others)).any():
        places = f" and corners up to {apart:.4g} mm apart" if apart else ""
        raise InputError(
            f"The NIfTI header says two things: voxels of {by(sizes)} mm by its sform and of {by(others)} mm by its "
            f"{other}{places}; correct the one that is wrong, or export the image again."
        )


def _qform(header: nibabel.Nifti1Header) -> Array:
    header["pixdim"][0] = -1 if header["pixdim"][0] < 0 else 1  # 0 stands for 1, by the standard
    if not _sizes_given(header):
        raise InputError("The NIfTI header has a qform without voxel sizes (pixdim); export the image again.")
    try:
        return np.asarray(header.get_qform())
    except ValueError:
        raise InputError("The qform of the NIfTI header is no rotation; export the image again.") from None
