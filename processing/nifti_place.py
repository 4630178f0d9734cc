"""Where a NIfTI image lies: read here alone, and refused where the file does not say it."""

from __future__ import annotations

import nibabel
import numpy as np

from processing.errors import InputError
from processing.volume import Array

LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
CODED = {  # which fields hold if a code is not 0
    "sform_code": ("srow_x", "srow_y", "srow_z"),
    "qform_code": ("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z"),
}
_CODES = (1, 2, 3, 4, 5)
NO_CODES = (
    "The NIfTI header does not say which side is left (sform_code and qform_code are 0): convert the DICOM series "
    "again, or set a code if you are sure of the orientation."
)


def place(header: nibabel.Nifti1Header) -> Array:
    """Where the image lies, by a header as it stands in the file.

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
        If the header gives no orientation, or an impossible one.

    Examples
    --------
    >>> import nibabel
    >>> import numpy as np
    >>> from processing.nifti_place import place
    >>> header = nibabel.Nifti1Header()
    >>> header.set_sform(np.diag([-2.0, 3.0, 4.0, 1.0]), code=1)
    >>> place(header).diagonal().tolist()
    [2.0, -3.0, 4.0, 1.0]
    """
    for name in CODED:
        if int(header[name]) not in _CODES:
            header[name] = 0
    sform = header.get_sform(coded=True)[0]
    qform = _qform(header) if header["qform_code"] else None
    ras = qform if sform is None else sform
    if ras is None:
        raise InputError(NO_CODES)
    sizes = np.linalg.norm(ras[:3, :3], axis=0)
    if not _sizes_given(header):
        header["pixdim"][1:4] = sizes
    return np.asarray(LPS_FROM_RAS @ ras, np.float64)


def _sizes_given(header: nibabel.Nifti1Header) -> bool:
    sizes = header["pixdim"][1:4]
    return bool(np.isfinite(sizes).all() and (sizes > 0).all())


def _qform(header: nibabel.Nifti1Header) -> Array:
    header["pixdim"][0] = -1 if header["pixdim"][0] < 0 else 1  # 0 stands for 1, by the standard
    if not _sizes_given(header):
        raise InputError("The NIfTI header has a qform without voxel sizes (pixdim); export the image again.")
    try:
        return np.asarray(header.get_qform())
    except ValueError:
        raise InputError("The qform of the NIfTI header is no rotation; export the image again.") from None
