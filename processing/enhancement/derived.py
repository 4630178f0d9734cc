"""Write a processed series in the format of its source, for the command line."""

from __future__ import annotations

from pathlib import Path

from processing import nifti
from processing.dicom.write import write_derived
from processing.enhancement.networks.identity import ModelIdentity
from processing.errors import InputError
from processing.volume import Volume


def write_like(source: Path, volume: Volume, out: Path, *, model: ModelIdentity) -> list[Path]:
    """Write `volume`, made by `model` from the series at `source`; return the files.

    source: DICOM folder or file: then `out` is a folder of derived DICOM; or a NIfTI or NRRD file: then `out`
    is a NIfTI file, or a folder that gets volume.nii.gz. Raises InputError if `out` does not fit that, or is
    the source itself.
    """
    if source.resolve() == out.resolve():
        raise InputError("The output would overwrite the input; name another place.")
    is_file = nifti.is_volume_file(out)
    if source.is_file() and nifti.is_volume_file(source):
        path = out if is_file else out / "volume.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = f"{model.name} {model.version} {model.precision} sha256 {model.sha256[:16]}"
        return [nifti.write_nifti(volume, path, description=text)]
    if is_file or out.is_file():
        raise InputError("A DICOM series is written to a folder; name one as the output.")
    files = sorted(file for file in source.rglob("*") if file.is_file()) if source.is_dir() else [source]
    return write_derived(files, volume, out, model=model)
