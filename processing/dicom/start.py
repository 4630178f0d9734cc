"""What the start of a DICOM file that is still on its way says of it: enough to answer whoever sends it."""

from __future__ import annotations

import io
from typing import NamedTuple

from pydicom.filereader import read_partial
from pydicom.tag import BaseTag
from pydicom.uid import EnhancedMRImageStorage, MRImageStorage

from processing.dicom.header import tolerant
from processing.dicom.identifiers import is_uid

NEEDED = 64 << 10  # bytes; the UIDs come before anything long
_STUDY = 0x0020000D
# What can be used; all else would be refused once it is sorted.
TAKEN = (str(MRImageStorage), str(EnhancedMRImageStorage))


class Start(NamedTuple):
    """UIDs of class, instance and study; "" where the start does not say."""

    sop_class: str
    instance: str
    study: str


def read_start(head: bytes) -> Start | None:
    """Read the first bytes of a file.

    Parameters
    ----------
    head : bytes
        The first `NEEDED` bytes, or all if there are fewer.

    Returns
    -------
    Start or None
        None if it is no DICOM file with its meta information, or does not name its class and instance.

    Examples
    --------
    >>> from pathlib import Path
    >>> from pydicom import examples
    >>> read_start(Path(examples.get_path("mr")).read_bytes()[:NEEDED]).sop_class
    '1.2.840.10008.5.1.4.1.1.4'
    >>> read_start(b"a letter")
    """

    def beyond(tag: BaseTag, vr: str | None, length: int) -> bool:
        return tag > _STUDY

    if head[128:132] != b"DICM":
        return None
    try:
        with tolerant():
            found = read_partial(io.BytesIO(head), stop_when=beyond)
            words = [str(found.get(name) or "") for name in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID")]
    except Exception:  # pydicom raises many kinds on damaged files
        return None
    start = Start(*(word if is_uid(word) else "" for word in words))
    return start if start.sop_class and start.instance else None
