"""Frames to stacks: split what shares a place, order along the normal, check that none is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from processing.dicom.frames import SPLITTERS, Frame
from processing.dicom.parts import name_of
from processing.errors import InputError

SAME_PLACE_MM = 0.01
SPACING_TOLERANCE = 0.03  # of the slice distance: old scanners round positions to 0.1 mm


@dataclass(frozen=True)
class Stack:
    """Frames of one volume in slice order, and the affine of `Volume`. `part` says what tells it apart."""

    frames: list[Frame]
    affine: np.ndarray
    part: str = ""


def split(frames: Iterable[Frame]) -> list[tuple[str, list[Frame]]]:
    """Frames of one series, split into volumes: by stack, then by echo, b-value, … while two share a place.

    Returns (what tells the part apart or "", frames), parts in ascending order.
    """
    stacks: dict[str, list[Frame]] = defaultdict(list)
    for frame in frames:
        stacks[frame.stack].append(frame)
    result = []
    for stack, members in sorted(stacks.items()):
        for part, group in _split_by_marks(members, SPLITTERS):
            result.append((part or (f"stack {stack}" if len(stacks) > 1 else ""), group))
    return result


def _split_by_marks(frames: list[Frame], keywords: Sequence[str]) -> list[tuple[str, list[Frame]]]:
    if not _share_a_place(frames):
        return [("", frames)]
    for n, keyword in enumerate(keywords):
        groups: dict[object, list[Frame]] = defaultdict(list)
        for frame in frames:
            groups[frame.marks[keyword]].append(frame)
        if len(groups) == 1:
            continue
        parts = []
        for value, members in sorted(groups.items(), key=lambda item: (item[0] is None, str(item[0]).zfill(12))):
            name = name_of(keyword, value, [other for other in groups if other != value])
            for inner, group in _split_by_marks(members, keywords[n + 1 :]):
                parts.append((", ".join(filter(None, (name, inner))), group))
        return parts
    return [("", frames)]


def _share_a_place(frames: Sequence[Frame]) -> bool:
    places = {(*np.round(frame.position, 2), *np.round(frame.orientation, 3)) for frame in frames}
    return len(places) < len(frames)


def stack(frames: Sequence[Frame], part: str = "") -> Stack:
    """Order frames along their common normal and give the affine.

    The normal is columns × rows; slice index grows along it. A single slice takes its thickness as spacing.
    Raises InputError if matrix, pixel size or orientation differ, two slices lie at one place, the slices
    are not equally spaced within 3 %, or they are shifted in their own plane.
    """
    first = frames[0]
    matrices = sorted({(frame.rows, frame.columns) for frame in frames})
    if len(matrices) > 1:
        sizes = " and ".join(f"{rows} × {columns}" for rows, columns in matrices)
        raise InputError(f"The series mixes slices of different matrix ({sizes}); send each as its own series.")
    if np.ptp([frame.spacing for frame in frames], axis=0).max() > 1e-3:
        raise InputError("The series mixes slices of different pixel size; send each as its own series.")
    if np.ptp([frame.orientation for frame in frames], axis=0).max() > 1e-3:
        count = len({tuple(np.round(frame.orientation, 2)) for frame in frames})
        raise InputError(
            f"The series mixes slices in {max(count, 2)} orientations, as a localiser does; "
            "send each orientation as its own series."
        )
    column, row = np.array(first.orientation[:3]), np.array(first.orientation[3:])
    normal = np.cross(column, row)
    positions = np.array([frame.position for frame in frames])
    along = positions @ normal
    order = np.argsort(along, kind="stable")
    ordered = [frames[n] for n in order]
    along, positions = along[order], positions[order]
    if len(frames) == 1:
        if not first.thickness or first.thickness <= 0:
            raise InputError("A single slice without slice thickness has no place in space; export it again.")
        step = normal * first.thickness
    else:
        gaps = np.diff(along)
        if gaps.min() < SAME_PLACE_MM:
            raise InputError("Two slices lie at the same place and nothing in the header tells them apart.")
        usual = float(np.median(gaps))
        worst = int(np.argmax(np.abs(gaps - usual)))
        if abs(gaps[worst] - usual) > max(SPACING_TOLERANCE * usual, 0.02):
            what = "A slice is missing" if gaps[worst] > usual else "The slices are not equally spaced"
            raise InputError(
                f"{what} between slices {worst + 1} and {worst + 2} of {len(frames)}: their distance is "
                f"{gaps[worst]:.2f} mm where {usual:.2f} mm is usual; send the whole series again."
            )
        step = (positions[-1] - positions[0]) / (len(frames) - 1)
        expected = positions[0] + np.outer(np.arange(len(frames)), step)
        if np.abs(expected - positions).max() > max(0.1, SPACING_TOLERANCE * usual):
            raise InputError("The slices are shifted against each other in their plane; they are no volume.")
    affine = np.eye(4)
    affine[:3, 0] = column * first.spacing[1]
    affine[:3, 1] = row * first.spacing[0]
    affine[:3, 2] = step
    affine[:3, 3] = positions[0]
    return Stack(ordered, affine, part)
