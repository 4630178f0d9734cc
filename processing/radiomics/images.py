"""Volumes and masks as SimpleITK has them."""

from __future__ import annotations

import numpy as np
import SimpleITK

from processing.errors import InputError
from processing.volume import Array, Volume


def itk_image(volume: Volume) -> SimpleITK.Image:
    """The volume for SimpleITK, in double precision.

    Parameters
    ----------
    volume : Volume
        Any volume.

    Returns
    -------
    SimpleITK.Image
        Of float64, because bin edges are computed in the precision of the image; place in LPS, mm.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.radiomics.images import itk_image
    >>> from processing.volume import Volume
    >>> image = itk_image(Volume(np.zeros((2, 3, 4)), np.diag([0.5, 0.5, 4.0, 1.0])))
    >>> image.GetSize(), image.GetSpacing()
    ((4, 3, 2), (0.5, 0.5, 4.0))
    """
    return _itk(volume.array.astype(np.float64), volume.affine)


def measured_part(mask: Array, volume: Volume) -> Array:
    """The part of a mask where the volume has intensities.

    Parameters
    ----------
    mask : ndarray of bool, shape (slices, rows, columns)
        On the grid of the volume.
    volume : Volume
        With padding or without.

    Returns
    -------
    ndarray of bool, shape (slices, rows, columns)
        The mask without the voxels that are padding.

    Raises
    ------
    InputError
        If nothing is left.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.radiomics.images import measured_part
    >>> from processing.volume import Volume
    >>> volume = Volume([[[5, 5, 9]]], np.eye(4), padding=np.array([[[True, False, False]]]))
    >>> measured_part(np.array([[[True, True, False]]]), volume).tolist()
    [[[False, True, False]]]
    """
    if volume.padding is None:
        return mask
    left = mask & ~volume.padding
    if mask.any() and not left.any():
        raise InputError("The volume of interest lies on padding alone: there is no intensity in it.")
    return left


def itk_mask(mask: Array, affine: Array) -> SimpleITK.Image:
    """A mask for SimpleITK, as label 1.

    Parameters
    ----------
    mask : ndarray of bool, shape (slices, rows, columns)
        True inside.
    affine : ndarray, shape (4, 4)
        Its place in patient coordinates (LPS, mm).

    Returns
    -------
    SimpleITK.Image
        Of uint8.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.radiomics.images import itk_mask
    >>> itk_mask(np.ones((2, 3, 4), bool), np.eye(4)).GetSize()
    (4, 3, 2)
    """
    return _itk(mask.astype(np.uint8), affine)


def _itk(array: Array, affine: Array) -> SimpleITK.Image:
    return placed(SimpleITK.GetImageFromArray(array), affine)


def placed(image: SimpleITK.Image, affine: Array) -> SimpleITK.Image:
    """The image itself, put where the affine (of column, row, slice; LPS, mm) says."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    return image
