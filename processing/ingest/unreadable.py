"""Files of a series that could not be used: which series they belong to, and how many they are."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from pydicom import dcmread

from processing.caution import Caution
from processing.dicom.header import CLASSIC, ENHANCED, check, open_dicom, tolerant
from processing.errors import InputError
from processing.ingest.accept import SortedSeries


@dataclass(frozen=True)
class BrokenFile:
    """A file that is not used and why. series_uid: None if the header does not say it."""

    name: str
    reason: str
    series_uid: str | None = None


def broken_file(name: str, path: Path, reason: str) -> BrokenFile | None:
    """A refused file as one that is missing from its series; None if it was refused for what it is, as a phase image
    or raw data."""
    try:
        with tolerant(), path.open("rb") as stream:
            header = dcmread(stream, stop_before_pixels=True, specific_tags=["SeriesInstanceUID"])
            uid = str(header.get("SeriesInstanceUID") or "")
    except Exception:  # pydicom raises many kinds on damaged files
        uid = ""
    if not uid:
        return BrokenFile(name, reason)
    return None if _is_whole(path) else BrokenFile(name, reason, uid)


def _is_whole(path: Path) -> bool:
    """Whether a header opens and describes something that is no magnitude MR image."""
    try:
        header = open_dicom(path, pixels=False)
        image = "Rows" in header and "BitsStored" in header
        if not image:
            return header.get("SOPClassUID") not in (CLASSIC, ENHANCED)
    except Exception:  # damaged
        return False
    try:
        with tolerant():
            check(header)
    except InputError:
        return True
    except Exception:  # a value that cannot be converted
        return False
    return False


def with_cautions(
    series: Sequence[SortedSeries], series_uids: Mapping[str, str], broken: Iterable[BrokenFile]
) -> list[SortedSeries]:
    """The series, those of which files are missing with a caution that says how many.

    series_uids: name of a usable file → its SeriesInstanceUID. A broken file belongs to the series that its header
    names; one that does not say it, to those of its folder whose files are named alike (0001.dcm and 0002.dcm).
    """
    of_series: dict[str, dict[str, str]] = defaultdict(dict)
    of_folder: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for one in broken:
        if one.series_uid is not None:
            of_series[one.series_uid][one.name] = one.reason
        else:
            of_folder[_kind(one.name)][one.name] = one.reason
    result = []
    for taken in series:
        missing: dict[str, str] = {}
        if taken.format == "dicom":
            for name in taken.names:
                missing |= of_series.get(series_uids.get(name, ""), {})
                missing |= of_folder.get(_kind(name), {})
        there = len(set(taken.names))
        missing = {name: reason for name, reason in missing.items() if name not in taken.names}
        if missing:
            reason = next(iter(missing.values()))
            text = f"{len(missing)} of {there + len(missing)} files of this series could not be used: {reason}"
            taken = replace(taken, cautions=[*taken.cautions, Caution("unreadable_files", text)])
        result.append(taken)
    return result


def _kind(name: str) -> tuple[str, str]:
    """Folder, and the name with each number, decimal or hexadecimal, as one sign."""
    path = PurePosixPath(name)
    return str(path.parent), re.sub(r"[0-9a-fA-F]*\d[0-9a-fA-F]*", "#", path.name)
