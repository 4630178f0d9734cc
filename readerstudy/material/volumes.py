"""A stored series as a Volume."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Lock, Timer

import numpy as np

from processing.pixel_hash import WHOLE
from processing.volume import Volume
from readerstudy.archive.store import Ahead, local_files, put_files
from readerstudy.material.models import Series

SUFFIX = {"dicom": ".dcm", "nifti": ".nii.gz"}
KEPT_BYTES = 256 << 20
KEPT_SECONDS = 60.0  # then the pixels of a subject that was withdrawn have left every process
_kept: OrderedDict[tuple[int, str], Volume] = OrderedDict()
_lock = Lock()


def stored_files(series: Series):
    """Context manager: the files of a series as local paths in slice order."""
    return local_files(list(series.instances.values_list("sha256", flat=True)), SUFFIX[series.format])


def load(series: Series) -> Volume:
    """Read the pixels of a stored series."""
    from processing.series import read

    with stored_files(series) as paths:
        return read(paths)


def load_cached(series: Series) -> Volume:
    """`load`, oriented, and kept for a while in this process: for pages on which people scroll. Read-only."""
    from processing.grid import oriented

    plane = series.case.plane
    return _kept_or((series.pk, f"{series.sha256} {plane}"), lambda: oriented(load(series), plane=plane))


def load_file_cached(sha256: str, *, like: Series | None = None) -> Volume:
    """The same for a NIfTI file of the archive that is no series. like: the series in whose order it is stored; None:
    it is stored as it is looked at, and must not be turned again."""
    from processing.grid import oriented

    if like is None:
        return _kept_or((0, sha256), lambda: load_files([sha256], "nifti"))
    known, plane = like.format == "dicom", like.case.plane
    key = (0, f"{sha256} {known} {plane}")
    return _kept_or(key, lambda: oriented(replace(load_files([sha256], "nifti"), slices_known=known), plane=plane))


def slices_of(series: Series) -> int:
    """How many slices `load_cached` gives of a series; no pixels are read."""
    from processing.grid import oriented

    shape = np.zeros((series.slices, series.rows, series.columns), np.float32)
    bare = Volume(shape, np.array(series.affine, float), slices_known=series.format == "dicom")
    return oriented(bare, plane=series.case.plane).shape[0]


def _kept_or(key: tuple[int, str], read_it: Callable[[], Volume]) -> Volume:
    with _lock:  # who asks for the same pixels at the same time shall wait, not read them again
        if key not in _kept:
            _kept[key] = read_it()
            _kept[key].array.setflags(write=False)
            clock = Timer(KEPT_SECONDS, forget, [key])
            clock.daemon = True
            clock.start()
        _kept.move_to_end(key)
        while len(_kept) > 1 and sum(volume.array.nbytes for volume in _kept.values()) > KEPT_BYTES:
            _kept.popitem(last=False)
        return _kept[key]


def forget(*keys: tuple[int, str]) -> None:
    """Let this process keep no pixels, or none of these."""
    with _lock:
        for key in keys or list(_kept):
            _kept.pop(key, None)


def load_files(hashes: list[str], format: str) -> Volume:
    """Read the pixels of files of the archive that are no series yet, given in slice order."""
    from processing.series import read

    with local_files(hashes, SUFFIX[format]) as paths:
        return read(paths)


def series_fields(volume: Volume, *, pixel_hash: int = WHOLE) -> dict:
    """The fields of a Series that follow from its volume. pixel_hash: the kind that its study has."""
    slices, rows, columns = volume.shape
    return {
        "sha256": volume.hashed(pixel_hash),
        "slices": slices,
        "rows": rows,
        "columns": columns,
        "affine": volume.affine.tolist(),
        "spacing": list(volume.spacing),
        "parameters": {k: v for k, v in vars(volume.parameters).items() if v is not None},
    }


def archive_files(paths: list[Path], ahead: Ahead | None = None) -> list[tuple[str, int]]:
    """Keep the files of one or more series; returns (SHA-256, bytes) in the same order. Nobody may write to them
    any more. ahead: looked at some of them already."""
    return put_files(paths, ahead)
