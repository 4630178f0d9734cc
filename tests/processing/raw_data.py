"""Raw data in ISMRMRD's HDF5, written from images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

_IDX = [(name, "<u2") for name in ("kspace_encode_step_1", "kspace_encode_step_2", "average", "slice", "contrast")]
_IDX += [(name, "<u2") for name in ("phase", "repetition", "set", "segment")]
HEAD = np.dtype(
    [("version", "<u2"), ("flags", "<u8"), ("number_of_samples", "<u2"), ("active_channels", "<u2")]
    + [("center_sample", "<u2"), ("trajectory_dimensions", "<u2")]
    + [(name, "<f4", (3,)) for name in ("position", "read_dir", "phase_dir", "slice_dir")]
    + [("idx", np.dtype([*_IDX, ("user", "<u2", (8,))]))]
)
ACROSS, DOWN, NORMAL = (0.0, 1.0, 0.0), (0.0, 0.0, -1.0), (-1.0, 0.0, 0.0)  # sagittal
XML = """<?xml version="1.0"?><ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><encoding>
<encodedSpace><matrixSize><x>{x}</x><y>{y}</y><z>1</z></matrixSize>
<fieldOfView_mm><x>{fov_x}</x><y>{fov_y}</y><z>4</z></fieldOfView_mm></encodedSpace>
<reconSpace><matrixSize><x>{rx}</x><y>{y}</y><z>1</z></matrixSize>
<fieldOfView_mm><x>{rfov_x}</x><y>{fov_y}</y><z>4</z></fieldOfView_mm></reconSpace>
<encodingLimits><kspace_encoding_step_1><minimum>0</minimum><maximum>{last}</maximum><center>{centre}</center>
</kspace_encoding_step_1></encodingLimits><trajectory>cartesian</trajectory></encoding></ismrmrdHeader>"""


def write_ismrmrd(path: Path, images: np.ndarray, *, skip: tuple[int, ...] = (), **head: Any) -> Path:
    """Write complex images (coils, slices, rows, columns) of 1 × 2 mm, 5 mm apart from the patient's left to the right,
    with a readout of twice the width and one noise scan; skip: rows that are left out; head: other header values."""
    coils, slices, rows, columns = images.shape
    wide = np.zeros((coils, slices, rows, 2 * columns), complex)
    wide[..., columns // 2 : columns // 2 + columns] = images
    lines = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(wide, (2, 3)), norm="ortho"), (2, 3))
    kind = np.dtype([("head", HEAD), ("traj", h5py.vlen_dtype("<f4")), ("data", h5py.vlen_dtype("<f4"))])
    records = [(0, 0, 1 << 18)] + [(n, row, 0) for n in range(slices) for row in range(rows) if row not in skip]
    data = np.zeros(len(records), kind)
    for record, (n, row, flags) in zip(data, records, strict=True):
        one = record["head"]
        one["flags"], one["number_of_samples"], one["active_channels"] = flags, 2 * columns, coils
        one["center_sample"] = columns
        one["position"] = (10.0 - 5 * n, 20.0, 30.0)
        one["read_dir"], one["phase_dir"], one["slice_dir"] = ACROSS, DOWN, NORMAL
        one["idx"]["slice"], one["idx"]["kspace_encode_step_1"] = n, row
        for name, value in head.items():
            one[name] = value
        record["traj"] = np.zeros(0, np.float32)
        record["data"] = np.ascontiguousarray(lines[:, n, row], np.complex64).view(np.float32).ravel()
    text = XML.format(
        x=2 * columns, y=rows, rx=columns, fov_x=2 * columns, rfov_x=columns, fov_y=2 * rows, last=rows - 1,
        centre=rows // 2,
    )  # fmt: skip
    with h5py.File(path, "w") as file:
        file.create_dataset("dataset/xml", data=[text], dtype=h5py.string_dtype())
        file.create_dataset("dataset/data", data=data, maxshape=(None,))
    return path
