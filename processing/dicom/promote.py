"""All that private tags or unusual units say, made standard in place before the private tags go."""

from __future__ import annotations

from pydicom import Dataset

from processing.dicom.frames import attributes, is_enhanced, number
from processing.dicom.private import tell_apart
from processing.dicom.recall import recalled
from processing.dicom.scan_time import scan_time, tesla

_READ = ("AcquisitionDuration", "RepetitionTime", "MagneticFieldStrength")


def promote(dataset: Dataset) -> None:
    """Write what tells images apart, AcquisitionDuration in seconds and MagneticFieldStrength in tesla.

    An impossible one of the two is removed: it may be a number of a person. A second time nothing happens, for units
    would be converted again.
    """
    if getattr(dataset, "promoted", False):
        return
    dataset.promoted = True  # an attribute of the object, not of the file
    tell_apart(dataset)
    for keyword, value in _in_standard_units(dataset):
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)


@recalled
def _in_standard_units(dataset: Dataset) -> list[tuple[str, float | None]]:
    """What has to be changed; None where it is to be removed."""
    # Reading all attributes of a classic file would cost as much as the rest of its de-identification.
    found = attributes(dataset, 0) if is_enhanced(dataset) else {word: dataset.get(word) for word in _READ}
    seconds = scan_time(dataset, found).seconds
    field, _ = tesla(number(found.get("MagneticFieldStrength")))
    return [
        (keyword, value)
        for keyword, value in (("AcquisitionDuration", seconds), ("MagneticFieldStrength", field))
        if (keyword in dataset if value is None else number(dataset.get(keyword)) != value)
    ]
