"""Whether slices are missing that equal distances cannot show: every second one, or those at an end."""

from __future__ import annotations

import numpy as np

from processing.caution import Caution
from processing.dicom.geometry import Stack

_TOO_FAR = 1.5  # times the distance that the header names
_FAR_APART = 1.9  # times the thickness, where the header names no distance: gaps as wide as a slice are rare
_SAME = 0.03


def cautions(ordered: Stack, *, alone: bool = True) -> tuple[Caution, ...]:
    """What distances and numbers of the slices say of missing ones.

    Parameters
    ----------
    ordered : Stack
        Frames in slice order.
    alone : bool, default True
        Whether the series has no other volume: several share their numbers.

    Returns
    -------
    tuple of Caution
        One with the code "missing_slices", or none.

    Notes
    -----
    SpacingBetweenSlices is the distance between centres, in old files the gap between slices: a distance of thickness
    plus a gap narrower than a slice is no contradiction. Numbers that run in one constant step are taken as
    interleaved with other images if the distance agrees with the header.
    """
    text = _single(ordered) or _too_few(ordered) or _too_far(ordered) or (_numbers(ordered) if alone else "")
    return (Caution("missing_slices", text),) if text else ()


def _distance(ordered: Stack) -> float:
    return float(np.linalg.norm(ordered.affine[:3, 2]))


def _single(ordered: Stack) -> str:
    return "The series is one slice: the others of its stack may be missing." if len(ordered.frames) == 1 else ""


def _too_few(ordered: Stack) -> str:
    made, there = ordered.frames[0].made, len(ordered.frames)
    return f"The scanner made {made} slices of this stack, and {there} are here." if made and there < made else ""


def _too_far(ordered: Stack) -> str:
    first, distance = ordered.frames[0], _distance(ordered)
    between, thick = abs(first.between or 0), first.slice_thickness or 0
    if not between:
        if thick and distance >= _FAR_APART * thick:
            return (
                f"The slices are {thick:g} mm thick and lie {distance:.4g} mm apart: every second one may be missing."
            )
        return ""
    gap_was_meant = between < thick and abs(distance - thick - between) <= _SAME * distance
    if distance < _TOO_FAR * between or gap_was_meant:
        return ""
    return (
        f"The slices lie {distance:.4g} mm apart where the header says {between:g} mm: slices between them may be "
        "missing."
    )


def _numbers(ordered: Stack) -> str:
    numbers = [frame.number for frame in ordered.frames]
    known = sorted(number for number in numbers if number is not None)
    if len(known) < len(numbers) or len(set(known)) < len(known):
        return ""
    steps = set(np.diff(known).tolist())
    if len(steps) == 1 and steps != {1}:
        between = abs(ordered.frames[0].between or 0)
        if between and abs(_distance(ordered) - between) <= _SAME * between:
            return ""
        return f"The numbers of the images run in steps of {steps.pop()}: those between may be missing."
    if missing := known[-1] - known[0] + 1 - len(known):
        return (
            f"{missing} of the numbers {known[0]} to {known[-1]} of the images {'is' if missing == 1 else 'are'} not "
            "there: slices may be missing."
        )
    if 1 < known[0] <= len(known):  # as many before as there are here, or more, may be other volumes
        return f"The numbers of the images begin at {known[0]}: slices before may be missing."
    return ""
