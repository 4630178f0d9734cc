"""Names of images as the Brain Imaging Data Structure (BIDS 1.10.0) has them, and what describes a data set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

VERSION = "1.10.0"
DERIVATIVES = "derivatives/readerstudy"
# Suffixes of anatomical images, by weighting.
SUFFIXES = {"T1": "T1w", "T2": "T2w", "PD": "PDw", "FLAIR": "FLAIR", "T2*": "T2starw", "TOF": "angio"}


def labels(codes: Iterable[str], *, reserved: Iterable[str] = ()) -> dict[str, str]:
    """A label of letters and digits for each code, no two alike on any file system.

    Parameters
    ----------
    codes : iterable of str
        Of subjects, arms or weightings.
    reserved : iterable of str, optional
        What no label may be.

    Returns
    -------
    dict of str to str
        Label by code. Where two codes would have one label, the later one in alphabetical order gets a number, as does
        one whose label is reserved.

    Examples
    --------
    >>> from processing.bids import labels
    >>> labels(["FAST-DL", "FASTDL", "SOC"])
    {'FAST-DL': 'FASTDL', 'FASTDL': 'FASTDLx2', 'SOC': 'SOC'}
    """
    found: dict[str, str] = {}
    taken = {label.lower() for label in reserved}
    for code in sorted(set(codes)):
        plain = re.sub(r"[^A-Za-z0-9]", "", code) or "x"
        label, number = plain, 2
        while label.lower() in taken:
            label, number = f"{plain}x{number}", number + 1
        taken.add(label.lower())
        found[code] = label
    return found


def suffixes(weightings: Iterable[str]) -> dict[str, str]:
    """The suffix of images of each weighting, no two alike on any file system.

    Parameters
    ----------
    weightings : iterable of str
        As in `processing.volume.Parameters`: any text.

    Returns
    -------
    dict of str to str
        By weighting: that of BIDS, else a label that BIDS has for none.

    Examples
    --------
    >>> from processing.bids import suffixes
    >>> suffixes(["T2", "T2w", "STIR"])
    {'T2': 'T2w', 'STIR': 'STIR', 'T2w': 'T2wx2'}
    """
    wanted = set(weightings)
    known = {weighting: suffix for weighting, suffix in SUFFIXES.items() if weighting in wanted}
    return known | labels(wanted - known.keys(), reserved=SUFFIXES.values())


def image_name(*, subject: str, acquisition: str, suffix: str, description: str = "", echo: int = 1) -> str:
    """Path and name of an image without its ending.

    Parameters
    ----------
    subject, acquisition : str
        Labels.
    suffix : str
        Of the weighting, of `suffixes`.
    description : str, default ""
        Label of what was made of another image, which then lies among the derivatives.
    echo : int, default 1
        Number of the echo.

    Returns
    -------
    str
        Below the root of the data set.

    Examples
    --------
    >>> from processing.bids import image_name
    >>> image_name(subject="S01", acquisition="lumbarsagittalFAST", suffix="T2w")
    'sub-S01/anat/sub-S01_acq-lumbarsagittalFAST_T2w'
    """
    parts = [f"sub-{subject}", f"acq-{acquisition}"]
    parts += [f"echo-{echo}"] if echo > 1 else []
    parts += [f"desc-{description}"] if description else []
    name = "_".join([*parts, suffix])
    return f"{f'{DERIVATIVES}/' if description else ''}sub-{subject}/anat/{name}"


def dataset_description(title: str, *, made_by: Iterable[tuple[str, str]] | None = None) -> dict[str, Any]:
    """What dataset_description.json says.

    Parameters
    ----------
    title : str
        Of the study.
    made_by : iterable of (str, str), optional
        Name and version of each program that made images; None for what scanners acquired.

    Returns
    -------
    dict
        To be written as JSON.

    Examples
    --------
    >>> from processing.bids import dataset_description
    >>> dataset_description("Spine", made_by=[("restore", "2.0")])["DatasetType"]
    'derivative'
    """
    said: dict[str, Any] = {"Name": title, "BIDSVersion": VERSION}
    said["DatasetType"] = "raw" if made_by is None else "derivative"
    if made_by is not None:
        said["DatasetLinks"] = {"raw": "../.."}
        said["GeneratedBy"] = [{"Name": name} | ({"Version": version} if version else {}) for name, version in made_by]
    return said


def participants(rows: Iterable[Mapping[str, Any]]) -> str:
    """participants.tsv.

    Parameters
    ----------
    rows : iterable of mappings
        With participant_id (without sub-), age in years, sex, site; None for what is not known.

    Returns
    -------
    str
        Tab-separated, one line a subject, n/a where nothing is known.

    Examples
    --------
    >>> from processing.bids import participants
    >>> participants([{"participant_id": "S01", "age": 44.0, "sex": None, "site": "Site 1"}]).splitlines()[1]
    'sub-S01\\t44\\tn/a\\tSite 1'
    """
    lines = ["\t".join(PARTICIPANTS)]
    for row in rows:
        age = "n/a" if row["age"] is None else f"{row['age']:g}"
        said = [f"sub-{row['participant_id']}", age, row["sex"] or "n/a", re.sub(r"\s", " ", row["site"])]
        lines.append("\t".join(said))
    return "\n".join(lines) + "\n"


PARTICIPANTS = {
    "participant_id": {"Description": "pseudonym"},
    "age": {"Description": "age at the scan; 90 stands for 90 and more", "Units": "year"},
    "sex": {"Description": "as the header says", "Levels": {"F": "female", "M": "male", "O": "other"}},
    "site": {"Description": "where the subject was scanned"},
}
