"""What a DICOM file is, if it is no MR image that can be used, and what to do with it: in words for who sent it."""

from __future__ import annotations

from pydicom import Dataset
from pydicom.uid import UID

from processing.dicom.identifiers import is_uid
from processing.errors import InputError

NO_PIXELS = "it holds no image pixels"
NOT_MR = "not an MR series"
ADD_MASK = "add it as a volume of interest on the page of its case"
AS_STORED = "send the series as the scanner stored it"
# Part of the name of a SOP class: what to do with such a file.
ADVICE = {
    "RT Structure Set": f"make a mask of its contours (NIfTI, NRRD or DICOM segmentation) and {ADD_MASK}",
    "Segmentation": ADD_MASK,
    "SR Storage": "leave such reports out",
    "Encapsulated": "leave such documents out",
    "Presentation State": "leave it out",
    "Secondary Capture": f"it is a picture of a screen or of paper; {AS_STORED}",
    "Media Storage Directory": "send the images that it lists",
    "Spectroscopy": "leave spectra out",
    "Color": AS_STORED,
    "Parametric Map": "send the images that it was computed from",
}
NO_META = (
    "The file has no file meta information with a transfer syntax, so nothing says how it is written; export it again "
    "as DICOM files."
)
UNCOMPRESSED = "export the series again uncompressed (Explicit VR Little Endian)"


def name_of(sop_class: UID) -> str:
    """The name of a SOP class that DICOM knows; else "Unknown class": a private one may be anything.

    Examples
    --------
    >>> name_of(UID("1.2.840.10008.5.1.4.1.1.2")), name_of(UID("1.2.3"))
    ('CT Image Storage', 'Unknown class')
    """
    return sop_class.name if sop_class.is_private is False and sop_class.name != sop_class else "Unknown class"


def holds_no_pixels(dataset: Dataset) -> bool:
    """Whether a file of another class than MR images is no image at all, such as may lie beside a series."""
    name = name_of(UID(str(dataset.get("SOPClassUID", ""))))
    return "Rows" not in dataset or "Raw" in name or str(dataset.get("Modality", "")) in ("SR", "PR", "KO", "REG")


def words(dataset: Dataset) -> str:
    """Why a file of another class than MR images cannot be used, and what to do with it."""
    name = name_of(UID(str(dataset.get("SOPClassUID", ""))))
    what = NO_PIXELS if holds_no_pixels(dataset) else NOT_MR
    advice = next((advice for part, advice in ADVICE.items() if part in name), "")
    return f"{name}: {what}{f'; {advice}' if advice else ''}."


def check_transfer_syntax(dataset: Dataset) -> None:
    """Raise InputError unless the file says how it is written, and in a way that can be read."""
    found = getattr(dataset, "file_meta", {}).get("TransferSyntaxUID")
    if not found:
        raise InputError(NO_META)
    syntax = UID(str(found))
    if not syntax.is_transfer_syntax or syntax.is_private:
        # Only a registered UID is sure to name no person.
        known = is_uid(syntax) and syntax.startswith("1.2.840.10008.")
        named = f"{syntax.name if syntax.name != syntax else 'unknown'}, {syntax}" if known else "a private one"
        raise InputError(f"The transfer syntax ({named}) cannot be read; {UNCOMPRESSED}.")
