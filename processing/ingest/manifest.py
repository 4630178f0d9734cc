"""manifest.csv of a delivery: which subject and arm the series of a folder belong to. Codes only, checked."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from processing.errors import InputError

NAME = "manifest.csv"
LARGEST_BYTES = 4 << 20
REQUIRED = ("folder", "subject", "arm")
OPTIONAL = ("region", "plane", "weighting", "site")
_LONGEST = {"subject": 20, "arm": 20, "region": 10, "plane": 10, "weighting": 20, "site": 20}
_ALSO = {"weighting": "* ", "site": " "}  # T2*, T2 water, Site 1


@dataclass
class Manifest:
    """placings: folder of the delivery → codes; lines: where each was said (name of the manifest, line)."""

    placings: dict[PurePosixPath, dict[str, str]] = field(default_factory=dict)
    lines: dict[PurePosixPath, tuple[str, int]] = field(default_factory=dict)

    def placing(self, name: str) -> dict[str, str]:
        """Codes for the file of this name: those of the deepest folder above it that is named."""
        return next((self.placings[place] for place in PurePosixPath(name).parents if place in self.placings), {})


def is_manifest(name: str) -> bool:
    """Whether a file of a delivery is one, at any depth."""
    return name.rpartition("/")[2].lower() == NAME


def read_manifests(files: Mapping[str, Path], names: Iterable[str]) -> tuple[Manifest, list[tuple[str, str]]]:
    """What the manifests among `files` say of the folders of the others, and (name, reason) of lines without effect.

    A folder is looked for beside the manifest, then from each folder above it; "." is the manifest's own. names: of
    all other files. A line with anything but codes is refused by its number; its content is not repeated.
    """
    if not files:
        return Manifest(), []
    folders = {place for name in names for place in PurePosixPath(name).parents}
    result, refused = Manifest(), []
    for name, path in files.items():
        try:
            for line, row in _rows(path):
                try:
                    place = _folder(row["folder"] or "", PurePosixPath(name).parent, folders, line)
                    if place in result.placings:
                        raise InputError(f"manifest.csv, line {line}: this folder is named twice.")
                    result.placings[place] = _codes(row, line)
                    result.lines[place] = (name, line)
                except InputError as reason:
                    refused.append((name, str(reason)))
        except InputError as reason:
            refused.append((name, str(reason)))
    return result, refused


def _rows(path: Path) -> list[tuple[int, dict[str, str | None]]]:
    if path.stat().st_size > LARGEST_BYTES:
        raise InputError("manifest.csv is larger than 4 MB; it is not read.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
        first = text.split("\n", 1)[0]
        delimiter = ";" if first.count(";") > first.count(",") else ","
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
        reader.fieldnames = [(column or "").strip().lower() for column in reader.fieldnames or []]
        rows = [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error):
        raise InputError("manifest.csv is no CSV in UTF-8; save the table as “CSV UTF-8”.") from None
    if missing := [column for column in REQUIRED if column not in reader.fieldnames]:
        raise InputError(f"manifest.csv lacks the column {', '.join(missing)}.")
    return rows


def _folder(text: str, own: PurePosixPath, folders: set[PurePosixPath], line: int) -> PurePosixPath:
    parts = [part for part in text.strip().replace("\\", "/").split("/") if part not in ("", ".")]
    for start in (own, *own.parents):
        place = start.joinpath(*parts)
        if place in folders and ".." not in parts:
            return place
    raise InputError(f"manifest.csv, line {line}: no file lies in the folder that it names.")


def _codes(row: Mapping[str, str | None], line: int) -> dict[str, str]:
    found = {}
    for column, longest in _LONGEST.items():
        value = (row.get(column) or "").strip()
        extra = _ALSO.get(column, "")
        if not re.fullmatch(rf"[A-Za-z0-9._{extra}-]{{0,{longest}}}", value):
            raise InputError(
                f"manifest.csv, line {line}: {column} must be a code of at most {longest} letters, digits, . _ or -."
            )
        if column in REQUIRED and not value:
            raise InputError(f"manifest.csv, line {line}: {column} is empty.")
        if value:
            found[column] = value
    return found
