"""What the start of a DICOM file that is still on its way says of it: enough to answer whoever sends it."""

from __future__ import annotations

import io
import zlib
from typing import NamedTuple

from pydicom import Dataset
from pydicom.filereader import read_dataset, read_partial
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian, EnhancedMRImageStorage, MRImageStorage

from processing.dicom.header import tolerant
from processing.dicom.identifiers import is_uid

NEEDED = 64 << 10  # bytes; the UIDs come before anything long
_STUDY = 0x0020000D
# What can be used; all else would be refused once it is sorted.
TAKEN = (str(MRImageStorage), str(EnhancedMRImageStorage))


class Start(NamedTuple):
    """UIDs of class, instance and study; "" where the start does not say, as behind long private groups."""

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

    if head[128:132] != b"DICM":
        return None
    try:
        with tolerant():
            found = _found(head)
            words = [str(found.get(name) or "") for name in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID")]
    except Exception:  # pydicom raises many kinds on damaged files
        return None
    start = Start(*(word if is_uid(word) else "" for word in words))
    return start if start.sop_class and start.instance else None


def _found(head: bytes) -> Dataset:
    def beyond(tag: BaseTag, vr: str | None, length: int) -> bool:
        return tag > _STUDY

    def behind_meta(tag: BaseTag, vr: str | None, length: int) -> bool:
        return tag.group != 2

    stream = io.BytesIO(head)
    stream.seek(132)
    meta = read_dataset(stream, is_implicit_VR=False, is_little_endian=True, stop_when=behind_meta)
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return read_partial(io.BytesIO(head), stop_when=beyond)
    # pydicom inflates whole data sets alone.
    start = zlib.decompressobj(-zlib.MAX_WBITS).decompress(stream.read(), NEEDED)
    return read_dataset(io.BytesIO(start), is_implicit_VR=False, is_little_endian=True, stop_when=beyond)
