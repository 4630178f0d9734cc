"""Volume: the type that everything in `processing` passes around."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from processing.errors import InputError

Array = np.ndarray


@dataclass(frozen=True)
class Parameters:
    """How a series was acquired and made; None where the header does not say.

    Times in ms (tr, te, ti) and s (acquisition_seconds), angles in degrees, field strength in tesla,
    slice thickness in mm. No field identifies a patient.
    """

    region: str | None = None  # cervical, thoracic, lumbar, brain, abdomen, ...
    plane: str | None = None  # sagittal, axial, coronal, oblique
    weighting: str | None = None  # T1, T2, STIR, PD, FLAIR, T2*, ADC, ...
    manufacturer: str | None = None
    model: str | None = None
    software: str | None = None
    field_strength: float | None = None
    tr: float | None = None
    te: float | None = None
    ti: float | None = None
    flip_angle: float | None = None
    echo_train_length: int | None = None
    averages: float | None = None
    slice_thickness: float | None = None
    acquisition_seconds: float | None = None
    age: float | None = None  # years; 90 stands for 90 and more
    sex: str | None = None  # F, M, O


@dataclass(frozen=True)
class Volume:
    """A stack of parallel slices in patient coordinates.

    array: float32, shape (slices, rows, columns), in `units`, any range.
    affine: float64, shape (4, 4); maps voxel (column i, row j, slice k, 1) to patient coordinates
        in mm, DICOM's LPS (x to the left, y to posterior, z to the head).
    units: what an intensity is; "arbitrary" for magnitude MR, rescale slope and intercept applied.
    Raises InputError if the array is not three-dimensional, not finite, or the affine is singular.
    """

    array: Array
    affine: Array
    units: str = "arbitrary"
    parameters: Parameters = field(default_factory=Parameters)

    def __post_init__(self) -> None:
        array = np.ascontiguousarray(self.array, dtype=np.float32)
        affine = np.asarray(self.affine, dtype=np.float64)
        if array.ndim != 3 or 0 in array.shape:
            raise InputError(f"A volume needs slices, rows and columns; this one has shape {array.shape}.")
        if not np.isfinite(array).all():
            raise InputError("The image contains values that are not numbers (NaN or infinite).")
        if affine.shape != (4, 4) or not np.isfinite(affine).all() or abs(np.linalg.det(affine)) < 1e-9:
            raise InputError("The image has no usable position and orientation in space.")
        object.__setattr__(self, "array", array)
        object.__setattr__(self, "affine", affine)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows, columns."""
        slices, rows, columns = self.array.shape
        return slices, rows, columns

    @cached_property
    def spacing(self) -> tuple[float, float, float]:
        """Distance in mm between neighbouring columns, rows and slices (i, j, k)."""
        i, j, k = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(i), float(j), float(k)

    @cached_property
    def normal(self) -> Array:
        """Unit vector along increasing slice index, LPS."""
        return self.affine[:3, 2] / np.linalg.norm(self.affine[:3, 2])

    @cached_property
    def sha256(self) -> str:
        """Hash of the pixels and their place in space (affine rounded to 1 µm)."""
        digest = hashlib.sha256(repr((self.array.shape, self.units)).encode())
        digest.update((np.round(self.affine, 3) + 0.0).astype("<f8").tobytes())  # + 0.0: no negative zeros
        digest.update(self.array.astype("<f4").tobytes())
        return digest.hexdigest()

    def require_magnitude(self) -> None:
        """Raise InputError if values are negative beyond 15 % of the largest: a phase image, say, or a map.

        A magnitude has none, but a scanner's gradient correction leaves small ones.
        """
        if self.array.min() < -0.15 * max(float(self.array.max()), 0.0):
            raise InputError("The series has negative values; only magnitude images can be processed.")

    def with_array(self, array: Array) -> Volume:
        """The same place in space with other intensities; `array` keeps the shape."""
        if array.shape != self.array.shape:
            raise InputError(f"Expected shape {self.array.shape}, got {array.shape}.")
        return replace(self, array=array)
