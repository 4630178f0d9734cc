"""Whether two series of one case may stand side by side: at both ends of the stack, unmirrored, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from processing.caution import Caution
from processing.errors import InputError
from processing.grid import Grid, common_grid, on_grid
from processing.resemblance import Fit, better_fit
from processing.volume import Volume

HELD_BACK = ("mirrored", "shifted")  # what a person must look at before a reader may see the pair


@dataclass(frozen=True)
class PairCheck:
    """What stands for and against two series side by side.

    Parameters
    ----------
    accepted : bool
        Whether they may be shown at all.
    reason : str
        Why not, in one sentence; else "".
    cautions : tuple of Caution
        What a person should look at; those of ``HELD_BACK`` before a reader does.
    slices : int
        How many are shown, 0 if not accepted.
    largest_offset : float or None
        How far paired slices lie from the common grid at most, mm.
    fit : Fit or None
        How the second series would fit the first better.

    Examples
    --------
    >>> from processing.check import PairCheck
    >>> PairCheck(True, "", (), 30, 0.2).held_back
    False
    """

    accepted: bool
    reason: str
    cautions: tuple[Caution, ...] = ()
    slices: int = 0
    largest_offset: float | None = None
    fit: Fit | None = None

    @property
    def held_back(self) -> bool:
        """Whether a person must look first."""
        return any(caution.code in HELD_BACK for caution in self.cautions)


def placed(
    affine: Sequence, shape: tuple[int, int, int], *, slices_known: bool, frame_of_reference: str | None = None
) -> Volume:
    """A series of which only the place is known, for a check of places.

    Parameters
    ----------
    affine : sequence
        4 × 4, LPS mm.
    shape : tuple of int
        Slices, rows, columns.
    slices_known : bool
        Whether the third index is the slice, as in DICOM.
    frame_of_reference : str, optional
        DICOM's FrameOfReferenceUID.

    Returns
    -------
    Volume
        All zero.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.check import placed
    >>> placed(np.eye(4), (2, 16, 16), slices_known=True).shape
    (2, 16, 16)
    """
    array = np.zeros(shape, np.float32)
    return Volume(array, np.array(affine), slices_known=slices_known, frame_of_reference=frame_of_reference)


def check_pair(
    first: Volume, second: Volume, *, plane: str | None = None, grid: Grid | None = None, pixels: bool = True
) -> PairCheck:
    """Check two series of one case against each other.

    Parameters
    ----------
    first, second : Volume
        The series.
    plane : str, optional
        Of the case.
    grid : Grid, optional
        ``common_grid`` of all arms of the case; by default of these two.
    pixels : bool, default True
        Whether images are compared too, and not only where they lie.

    Returns
    -------
    PairCheck
        Never raises for what two readable series are: what is against them is its ``reason``.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.check import check_pair
    >>> from processing.volume import Volume
    >>> image = np.random.default_rng(0).random((6, 12, 12)).repeat(2, 0).repeat(16, 1).repeat(16, 2)
    >>> place = np.diag([1.0, 1.0, 4.0, 1.0])
    >>> check_pair(Volume(image, place), Volume(image, place)).cautions
    ()
    >>> print(check_pair(Volume(image, place), Volume(image[:, :, ::-1], place)).cautions[0].text)
    One series fits the other better mirrored left to right (likeness 1.00 against 0.12 as it lies).
    """
    try:
        grid = grid or common_grid([first, second], plane=plane)
        fit = _better_fit(first, second, grid) if pixels else None
    except InputError as error:
        return PairCheck(False, str(error))
    found = [*grid.cautions, *_frames_of_reference(first, second)]
    if fit:
        found.append(Caution("mirrored" if fit.is_mirrored else "shifted", _fits_better(fit, grid)))
    return PairCheck(True, "", tuple(found), grid.shape[0], grid.largest_offset, fit)


def _better_fit(first: Volume, second: Volume, grid: Grid) -> Fit | None:
    column, row, through = np.linalg.norm(grid.affine[:3, :3], axis=0)
    spacing = float(column), float(row), float(through)
    return better_fit(on_grid(first, grid), on_grid(second, grid), spacing)


def _frames_of_reference(first: Volume, second: Volume) -> list[Caution]:
    frames = {volume.frame_of_reference for volume in (first, second)} - {None}
    if len(frames) < 2:
        return []
    text = (
        "The two series have different frames of reference: their coordinates need not mean the same place, as after "
        "the patient was moved. Look whether they show the same slices."
    )
    return [Caution("frame_of_reference", text)]


def _fits_better(fit: Fit, grid: Grid) -> str:
    against = f"(likeness {fit.likeness:.2f} against {max(fit.as_it_lies, 0):.2f} as it lies)"
    if fit.is_mirrored:
        ways = [_direction(grid, axis) for axis in range(3) if fit.mirrored[axis]]
        how = f"mirrored {ways[0]}" if len(ways) == 1 else f"turned round: {' and '.join(ways)}"
        return f"One series fits the other better {how} {against}."
    moved = [
        f"{abs(mm):.0f} mm {word}"
        for mm, word in zip(fit.shift_mm, ("along the slices", "down or up", "to one side"), strict=True)
        if mm
    ]
    return f"One series fits the other better moved by {' and '.join(moved)} {against}."


def _direction(grid: Grid, axis: int) -> str:
    """Of an axis of the array (slices, rows, columns), in words."""
    toward = grid.affine[:3, 2 - axis]
    return ("left to right", "front to back", "head to foot")[int(np.argmax(np.abs(toward)))]
