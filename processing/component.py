"""Which part of the complex signal an image shows: all that follows is made for magnitudes."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from processing.caution import Caution
from processing.volume import Array, has_negatives

_KINDS = {
    "PHASE": "phase",
    "PHASE MAP": "phase",
    "PHASE_MAP": "phase",
    "PHASE SUBTRACT": "phase",
    "P": "phase",
    "VELOCITY": "velocity",
    "VELOCITY MAP": "velocity",
    "VELOCITY_MAP": "velocity",
    "REAL": "real",
    "R": "real",
    "IMAGINARY": "imaginary",
    "I": "imaginary",
    "B0 MAP": "field map",
    "B0_MAP": "field map",
    "FIELD_MAP": "field map",
    "FIELDMAP": "field map",
}
_WITH_SEQUENCE = re.compile(r"([PRI])_(?:FFE|SE|IR|TSE|FE|PCA|GRE|EPI)")  # Philips: P_FFE
_LETTERS = 5  # beyond this value of an image type a lone letter means something else

_PART = re.compile(
    r"part[-_](phase|real|imag)|(?<![a-z])(ph|phase|phasediff|imag|imaginary|real|fieldmap(?:hz)?)(?![a-z])"
)
_NO_PART = re.compile(  # a phase of contrast enhancement, or of water against fat
    r"(?<![a-z])(?:in|out|opp|opposed|opposite|pre|art|arterial|ven|venous|portal|pv|late|early|delayed|equilibrium|transitional"
    r"|hepatobiliary|nephrographic|excretory)[-_ ]*ph(?:ase)?(?![a-z])"
)

_BINS = 8
_EVERY = 3  # rows and columns: enough for the histogram
_LEAST_IN_BIN = 0.02  # of all voxels: a magnitude has nearly none in the upper half of its range
_JUMP = 0.9  # of the range: between neighbours, this is a wrap
_LEAST_JUMPS = 0.002  # of all neighbours: air alone, where phase is random, gives 0.01
_ALIKE = 0.9  # length of the mean of 3 × 3 phases as unit vectors; 0.3 where they are random
_LEAST_ALIKE = 0.03  # of all patches


def said(kinds: Iterable[object], component: object = None) -> str | None:
    """What an ImageType or FrameType, or a ComplexImageComponent, names other than the magnitude; else None."""
    words = [str(kind).strip().upper() for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    for place, word in enumerate([str(component or "").strip().upper(), *words[2:]]):
        if len(word) == 1 and place > _LETTERS - 2:
            continue
        with_sequence = _WITH_SEQUENCE.fullmatch(word)
        found = _KINDS.get(with_sequence[1] if with_sequence else word)
        if found:
            return found
    return None


def cautions(array: Array, name: str = "") -> tuple[Caution, ...]:
    """What values, and the name of a file, let one suspect: that it shows no magnitude.

    Parameters
    ----------
    array : ndarray, shape (slices, rows, columns)
        Intensities without padding.
    name : str, default ""
        Of the file, as converters write it: t2_ph.nii.gz, sub-1_part-phase_bold.nii.gz.

    Returns
    -------
    tuple of Caution
        One with the code "phase", or none.

    Notes
    -----
    By value an image is suspect if it has negative values beyond 15 % of the largest, or if it fills its whole range,
    jumps from one end to the other between neighbours, and is smooth on the circle, as wrapped phase is.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.component import cautions
    >>> [one.code for one in cautions(np.array([[[-4000.0, 10.0, 4000.0]]]))]
    ['phase']
    >>> cautions(np.array([[[0.0, 10.0, 4000.0]]]), "t2_in-phase.nii.gz")
    ()
    """
    if by_name := named(name):
        return by_name
    if has_negatives(array):
        text = "Values go far below zero, as in a phase, real or imaginary image; a magnitude has none."
    elif _is_wrapped(array):
        text = "Values fill their whole range and wrap around, as phase does; this seems to be no magnitude."
    else:
        return ()
    return (Caution("phase", text),)


def named(name: str) -> tuple[Caution, ...]:
    """A caution if the name of a file says that it shows another part than the magnitude."""
    if not _PART.search(_NO_PART.sub("", name.lower())):
        return ()
    return (Caution("phase", "The name of the file speaks of phase, or of a real or imaginary part: no magnitude."),)


def _is_wrapped(array: Array) -> bool:
    if min(array.shape[1:]) < 3:
        return False
    middle = array[:: max(1, len(array) // 9)]
    some = middle[:, ::_EVERY, ::_EVERY]
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2:
        # Without values below zero the highest of all bins starts no lower than that of these: mostly they are enough.
        least = int(some.max()) * (_BINS - 1) // _BINS
        if np.count_nonzero(some >= least) < _LEAST_IN_BIN * some.size:
            return False
    low, high = float(array.min()), float(array.max())
    if high <= low:
        return False
    highest = np.linspace(low, high, _BINS + 1, dtype=np.float32)[-2]  # of the bins: mostly it is enough to look there
    if np.count_nonzero(some >= highest) < _LEAST_IN_BIN * some.size:
        return False
    some = some.astype(np.float32)
    if np.histogram(some, _BINS, (low, high))[0].min() < _LEAST_IN_BIN * some.size:
        return False
    middle = middle.astype(np.float32)  # whole numbers without sign have no difference below zero
    jumps = np.abs(np.diff(middle, axis=2)) > _JUMP * (high - low)
    if jumps.mean() < _LEAST_JUMPS:
        return False
    turns = np.exp(2j * np.pi * (middle - low) / (high - low))
    windows = np.lib.stride_tricks.sliding_window_view(turns, (3, 3), axis=(1, 2))
    return bool((np.abs(windows.mean(axis=(3, 4))) > _ALIKE).mean() > _LEAST_ALIKE)
