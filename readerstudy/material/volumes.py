"""A stored series as a Volume."""

from functools import lru_cache
from pathlib import Path

from processing.series import read
from processing.volume import Volume
from readerstudy.archive.store import local_files
from readerstudy.material.models import Series

SUFFIX = {"dicom": ".dcm", "nifti": ".nii.gz"}


def stored_files(series: Series):
    """Context manager: the files of a series as local paths in slice order."""
    return local_files(list(series.instances.values_list("sha256", flat=True)), SUFFIX[series.format])


def load(series: Series) -> Volume:
    """Read the pixels of a stored series."""
    with stored_files(series) as paths:
        return read(paths)


def recent(series: Series) -> Volume:
    """`load`, kept for a while in this process: for pages on which people scroll. Read-only."""
    return _recent(series.pk, series.sha256)


@lru_cache(maxsize=4)
def _recent(pk: int, sha256: str) -> Volume:
    volume = load(Series.objects.get(pk=pk))
    volume.array.setflags(write=False)
    return volume


def load_files(hashes: list[str], format: str) -> Volume:
    """Read the pixels of files of the archive that are no series yet, given in slice order."""
    with local_files(hashes, SUFFIX[format]) as paths:
        return read(paths)


def facts(volume: Volume) -> dict:
    """The fields of a Series that follow from its volume."""
    slices, rows, columns = volume.shape
    return {
        "sha256": volume.sha256, "slices": slices, "rows": rows, "columns": columns,
        "affine": volume.affine.tolist(), "spacing": list(volume.spacing),
        "parameters": {k: v for k, v in vars(volume.parameters).items() if v is not None},
    }  # fmt: skip


def archive_files(paths: list[Path]) -> list[tuple[str, int]]:
    """Keep the files of one series; returns (SHA-256, bytes) in the same order."""
    from readerstudy.archive.store import put_file

    return [put_file(path) for path in paths]
