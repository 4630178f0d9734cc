"""Any supported series to one Volume."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from processing import nifti
from processing.dicom.read import read_dicom
from processing.errors import InputError
from processing.volume import Volume


def read(source: Path | str | Sequence[Path]) -> Volume:
    """Read one series.

    Parameters
    ----------
    source : Path or str or sequence of Path
        A DICOM folder (searched through its subfolders), one or several DICOM files (classic or enhanced MR), or a
        NIfTI or NRRD file.

    Returns
    -------
    Volume
        Intensities carry rescale slope and intercept; slices are ordered along the normal.

    Raises
    ------
    InputError
        One sentence, if it is not one complete MR series.

    Examples
    --------
    >>> from pydicom import examples
    >>> from processing.series import read
    >>> volume = read(examples.get_path("mr"))
    >>> volume.shape, volume.spacing, volume.parameters.plane
    ((1, 64, 64), (0.3125, 0.3125, 0.8), 'axial')
    """
    paths = [Path(source)] if isinstance(source, (str, Path)) else [Path(path) for path in source]
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"There is no file or folder {path.name}.")
        files += sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    if not files:
        raise InputError("The folder is empty.")
    volumes = [path for path in files if nifti.is_volume_file(path)]
    if volumes and len(files) == 1:
        path = volumes[0]
        return nifti.read_nrrd(path) if path.suffix in (".nrrd", ".nhdr") else nifti.read_nifti(path)
    if volumes and len(volumes) == len(files):
        raise InputError(f"There are {len(volumes)} images; give one.")
    return read_dicom([path for path in files if path not in volumes])
