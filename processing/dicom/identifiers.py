"""The one rule for the identifiers by which images and series are told apart."""

from __future__ import annotations

import re

from pydicom import Dataset

from processing.errors import InputError

# Numbers and dots (PS3.5, 9.1); a leading zero is forgiven, as some scanners write it.
UID = re.compile(r"(?=.{1,64}\Z)[0-9]+(?:\.[0-9]+)*")
TOLD_APART = {"SOPInstanceUID": "SOP Instance UID", "SeriesInstanceUID": "Series Instance UID"}


def is_uid(value: object) -> bool:
    """Whether this is an identifier as DICOM has it: up to 64 digits and dots.

    Examples
    --------
    >>> is_uid("1.2.840.10008.1.2.1"), is_uid("1.2.x"), is_uid("")
    (True, False, False)
    """
    return UID.fullmatch(str(value)) is not None


def check_identifiers(dataset: Dataset) -> None:
    """Raise InputError if the image, or its series, cannot be told from others: its UID is missing or malformed."""
    for keyword, name in TOLD_APART.items():
        value = str(dataset.get(keyword) or "").strip(" \0")
        if not value:
            raise InputError(f"The file has no {name}, by which it is told from others; export the series again.")
        if not is_uid(value):
            raise InputError(f"The {name} is not up to 64 digits and dots; export the series again.")
