"""What a series, or two of one case, make a person look at before they are used: a code and a sentence."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass

CODES = (
    "no_orientation",
    "units",
    "sform_qform",
    "padding",
    "phase",
    "missing_slices",
    "gaps",
    "unreadable_files",
    "frame_of_reference",
    "drift",
    "mirrored",
    "shifted",
    "other_plane",
    "several_patients",
    "unnamed_part",
    "other_part",
    "one_sop_uid",
    "sheared",
    "duplicates",
)


@dataclass(frozen=True)
class Caution:
    """A warning that keeps a series or a pair from being certain.

    Parameters
    ----------
    code : str
        One of ``CODES``.
    text : str
        One sentence for a person, without anything that could identify a patient.

    Raises
    ------
    ValueError
        If there is no such code.

    Examples
    --------
    >>> from processing.caution import Caution
    >>> Caution("padding", "Two corners hold padding.").code
    'padding'
    """

    code: str
    text: str

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"no such caution: {self.code}")


def warn(cautions: Iterable[Caution], name: str) -> None:
    """Say the cautions of one series on standard error; name: what the person who gave it calls it."""
    for caution in cautions:
        print(f"{name}: {caution.text}", file=sys.stderr)
