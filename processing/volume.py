"""Volume: the type that everything in `processing` passes around."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from processing.caution import Caution
from processing.errors import InputError
from processing.pixel_hash import WHOLE, pixels_sha256

Array = np.ndarray
MOST_SHEAR = 0.5  # degrees


@dataclass(frozen=True)
class Parameters:
    """How a series was acquired and made; None where the header does not say.

    Parameters
    ----------
    region : str, optional
        Region of the body: cervical, thoracic, lumbar, brain, abdomen and others.
    plane : str, optional
        One of sagittal, axial, coronal, oblique.
    weighting : str, optional
        Contrast: T1, T2, STIR, PD, FLAIR, T2*, ADC and others.
    manufacturer : str, optional
        Of the scanner.
    model : str, optional
        Of the scanner.
    software : str, optional
        Of the scanner.
    field_strength : float, optional
        In tesla.
    tr : float, optional
        Repetition time, ms.
    te : float, optional
        Echo time, ms.
    ti : float, optional
        Inversion time, ms.
    flip_angle : float, optional
        In degrees.
    echo_train_length : int, optional
        Echoes per excitation.
    averages : float, optional
        Number of averages (NEX).
    slice_thickness : float, optional
        In mm.
    acquisition_seconds : float, optional
        In s.
    acquisition_source : str, optional
        Where that stands: "attribute", "private", or "typed" by a person.
    age : float, optional
        In years; 90 stands for 90 and more.
    sex : str, optional
        One of F, M, O.
    simulated : str, optional
        How, if no scanner acquired it: a phantom, a degradation and its settings.
    notes : tuple of str, optional
        What was converted or left out because it is impossible; a sentence each.

    Notes
    -----
    No field identifies a patient.

    Examples
    --------
    >>> from processing.volume import Parameters
    >>> found = Parameters(weighting="T2", te=101.0)
    >>> found.te, found.tr is None
    (101.0, True)
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
    acquisition_source: str | None = None  # attribute, private, typed
    age: float | None = None  # years; 90 stands for 90 and more
    sex: str | None = None  # F, M, O
    simulated: str | None = None  # how: phantom, degraded
    notes: tuple[str, ...] | None = None


def check_affine(affine: Array) -> None:
    """Raise InputError if an affine (4 × 4) is singular, or its axes are over 0.5° from right angles.

    Real series are within 0.03°.
    """
    if affine.shape != (4, 4) or not np.isfinite(affine).all() or abs(np.linalg.det(affine)) < 1e-9:
        raise InputError("The image has no usable position and orientation in space.")
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    cosines = (directions.T @ directions)[np.triu_indices(3, 1)]
    worst = float(np.degrees(np.arccos(cosines[np.argmax(np.abs(cosines))])))
    if abs(worst - 90) > MOST_SHEAR:
        raise InputError(
            f"The axes of the image are not at right angles ({worst:.1f}° between two of them): export it "
            "again, or resample it to a rectangular grid."
        )


def check_finite(array: Array) -> None:
    """Raise InputError if an intensity is not a number; whole numbers are."""
    if array.dtype.kind not in "biu" and not np.isfinite(array).all():
        raise InputError("The image contains values that are not numbers (NaN or infinite).")


def spacing_of(affine: Array) -> tuple[float, float, float]:
    """Distance in mm between neighbouring columns, rows and slices (i, j, k)."""
    i, j, k = np.linalg.norm(affine[:3, :3], axis=0)
    return float(i), float(j), float(k)


def has_negatives(array: Array) -> bool:
    """Whether values are negative beyond 15 % of the largest: a scanner's gradient correction leaves small ones."""
    if array.dtype.kind == "u":
        return False
    return bool(array.min() < -0.15 * max(float(array.max()), 0.0))


@dataclass(frozen=True)
class Volume:
    """A stack of parallel slices in patient coordinates.

    Parameters
    ----------
    array : ndarray, shape (slices, rows, columns)
        Intensities in ``units``, any range; kept as float32.
    affine : ndarray, shape (4, 4)
        Maps voxel (column i, row j, slice k, 1) to patient coordinates in mm, DICOM's LPS (x to the left, y to
        posterior, z to the head); kept as float64.
    units : str, default "arbitrary"
        What an intensity is; "arbitrary" for magnitude MR, rescale slope and intercept applied.
    parameters : Parameters, optional
        How the series was acquired.
    padding : ndarray of bool, shape (slices, rows, columns), optional
        Voxels that hold no intensity (DICOM's PixelPaddingValue); None where all do.
    slices_known : bool, default False
        Whether the third index is known to be the slice, as in DICOM; else its spacing decides.
    cautions : tuple of Caution, default ()
        What whoever uses the series should know.
    frame_of_reference : str, optional
        DICOM's UID of the coordinates that the series shares with others; keyed in de-identified files. None where the
        file does not say, as in NIfTI.

    Raises
    ------
    InputError
        If the array is not three-dimensional or not finite, or the affine is singular or sheared.

    Examples
    --------
    Two slices 4 mm apart, pixels of 0.5 mm.

    >>> import numpy as np
    >>> from processing.volume import Volume
    >>> volume = Volume(np.zeros((2, 3, 5)), np.diag([0.5, 0.5, 4.0, 1.0]))
    >>> volume.shape, volume.spacing, volume.normal.tolist()
    ((2, 3, 5), (0.5, 0.5, 4.0), [0.0, 0.0, 1.0])
    """

    array: Array
    affine: Array
    units: str = "arbitrary"
    parameters: Parameters = field(default_factory=Parameters)
    padding: Array | None = None
    slices_known: bool = False
    cautions: tuple[Caution, ...] = ()
    frame_of_reference: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        given = np.asarray(self.array)
        array = np.ascontiguousarray(given, dtype=np.float32)
        affine = np.asarray(self.affine, dtype=np.float64)
        if array.ndim != 3 or 0 in array.shape:
            raise InputError(f"A volume needs slices, rows and columns; this one has shape {array.shape}.")
        check_finite(given if given.dtype.kind in "biu" else array)
        check_affine(affine)
        if self.padding is not None and (self.padding.shape != array.shape or self.padding.dtype != bool):
            raise InputError("The mask of the padding does not lie on the image.")
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
        return spacing_of(self.affine)

    @cached_property
    def normal(self) -> Array:
        """Unit vector along increasing slice index, LPS."""
        return self.affine[:3, 2] / np.linalg.norm(self.affine[:3, 2])

    @cached_property
    def sha256(self) -> str:
        """Hash of the pixels, their padding and their place in space."""
        return self.hashed(WHOLE)

    def hashed(self, kind: int) -> str:
        """The same of a kind of `pixel_hash`: studies from before there were several go on with the first."""
        return pixels_sha256(self.array, self.affine, units=self.units, padding=self.padding, kind=kind)

    def same_place(self, other: Volume) -> bool:
        """Whether both have one shape and their voxels one place, up to 5 % of the smallest spacing."""
        near = np.abs(self.affine - other.affine).max() <= 0.05 * min(other.spacing)
        return self.shape == other.shape and bool(near)

    def in_order_of(self, other: Volume) -> Volume:
        """The same voxels at the same places, stored in the order of `other`: axes exchanged and mirrored only."""
        cosines = (other.affine[:3, :3] / other.spacing).T @ (self.affine[:3, :3] / self.spacing)
        axes = [int(axis) for axis in np.abs(cosines).argmax(axis=1)]
        if sorted(axes) != [0, 1, 2]:  # turned by about 45°
            return self
        return self.exchanged(axes, [cosines[row, axis] < 0 for row, axis in enumerate(axes)])

    def exchanged(self, axes: Sequence[int], mirrored: Sequence[bool]) -> Volume:
        """The same voxels with other indices: `axes` become columns, rows and slices, each mirrored or not."""
        # Array axes are (slice, row, column) = voxel indices (2, 1, 0).
        array = np.transpose(self.array, [2 - axis for axis in reversed(axes)])
        order = [2 - axis for axis in reversed(axes)]
        flipped = tuple(2 - n for n, turn in enumerate(mirrored) if turn)

        def in_new_order(values: Array) -> Array:
            return np.flip(np.transpose(values, order), flipped)

        array, affine = in_new_order(self.array), self.affine.copy()
        affine[:3, :3] = self.affine[:3, axes]
        for index, turn in enumerate(mirrored):
            if turn:
                affine[:3, 3] += affine[:3, index] * (array.shape[2 - index] - 1)
                affine[:3, index] *= -1
        padding = None if self.padding is None else in_new_order(self.padding)
        known = self.slices_known and axes[2] == 2
        return replace(self, array=array, affine=affine, padding=padding, slices_known=known)

    def require_magnitude(self) -> None:
        """Raise InputError if the volume seems to show phase, a real or imaginary part, or a signed map."""
        if has_negatives(self.array):
            raise InputError("The series has negative values; only magnitude images can be processed.")
        for caution in self.cautions:
            if caution.code == "phase":
                raise InputError(f"Only magnitude images can be processed. {caution.text}")

    @property
    def measured(self) -> Array:
        """The intensities without padding; the array itself where there is none."""
        return self.array if self.padding is None else self.array[~self.padding]

    def with_array(self, array: Array) -> Volume:
        """The same place in space with other intensities; `array` keeps the shape, padding stays what it is."""
        if array.shape != self.array.shape:
            raise InputError(f"Expected shape {self.array.shape}, got {array.shape}.")
        return replace(self, array=array if self.padding is None else np.where(self.padding, self.array, array))
