"""Check whether series may stand side by side as one case, as the intake and the reading room do.

In: SERIES, one or more: DICOM folders, files or archives, NIfTI. Each is read as an upload is: sorted, de-identified
    and checked in a temporary folder.
Out: one JSON object on stdout. series: what each is and what to look at (warnings); pairs: each with those of the
     others, slices shown side by side and how far they lie apart at most (mm). Not accepted: the reason says why.
Example: python -m processing check soc fast
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from processing import series
from processing.caution import Caution
from processing.check import check_pair
from processing.dicom.parameters import plane
from processing.errors import InputError
from processing.grid import oriented
from processing.ingest.accept import SortedSeries
from processing.ingest.delivery import sort_delivery
from processing.volume import Volume


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """SERIES …"""
    parser.add_argument("series", type=Path, nargs="+", metavar="SERIES")


def run(arguments: argparse.Namespace) -> None:
    """Print one JSON object."""
    files, arguments_of = _files(arguments.series)
    with TemporaryDirectory() as folder:
        delivery = sort_delivery(files, Path(folder), key=secrets.token_bytes(16))
        found = delivery.sorted

        def argument(name: str) -> int:
            return arguments_of[delivery.sent_as.get(name, name)]

        taken = [_Taken(argument(one.names[0]), one, series.read(one.files)) for one in found.series]
        taken.sort(key=lambda each: each.argument)
        entries = [_accepted(arguments.series[one.argument], one) for one in taken]
        refused: dict[int, list[str]] = {}
        for one in found.refused:
            refused.setdefault(argument(one.name), []).append(one.reason)
        there = {one.argument for one in taken}
        for number, reasons in refused.items():
            if number not in there:
                entries.append(_refused(arguments.series[number], reasons[0]))
        several = len(arguments.series) > 1
        pairs = [
            _pair(arguments.series, one, other)
            for one, other in combinations(taken, 2)
            if not several or one.argument != other.argument
        ]
    print(json.dumps({"series": entries, "pairs": pairs}, indent=1, ensure_ascii=False))


def _files(paths: Sequence[Path]) -> tuple[dict[str, Path], dict[str, int]]:
    """All files by the names that an upload of the folder around them gives; and the argument of each."""
    base = Path(os.path.commonpath([path.resolve().parent for path in paths]))
    files, arguments = dict[str, Path](), dict[str, int]()
    for number, path in enumerate(paths):
        if not path.exists():
            raise InputError(f"There is no file or folder {path.name}.")
        inside = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        if not inside:
            raise InputError(f"The folder {path.name} is empty.")
        for file in inside:
            name = str(Path(base.name, file.resolve().relative_to(base)))
            files[name], arguments[name] = file, number
    return files, arguments


def _warnings(cautions: list[Caution] | tuple[Caution, ...]) -> list[dict[str, str]]:
    return [{"code": one.code, "text": one.text} for one in cautions]


@dataclass(frozen=True)
class _Taken:
    """A series that was taken, and the number of the argument that it came with."""

    argument: int
    series: SortedSeries
    volume: Volume


def _accepted(path: Path, one: _Taken) -> dict[str, Any]:
    shown = oriented(one.volume)
    return {
        "path": str(path),
        "part": one.series.part,
        "accepted": True,
        "reason": "",
        "plane": plane(shown.affine),
        "slices": shown.shape[0],
        "spacing_mm": [round(size, 4) for size in shown.spacing],
        "warnings": _warnings(one.series.cautions),
    }


def _refused(path: Path, reason: str) -> dict[str, Any]:
    nothing: dict[str, Any] = {"plane": None, "slices": None, "spacing_mm": None, "warnings": []}
    return {"path": str(path), "part": "", "accepted": False, "reason": reason, **nothing}


def _pair(paths: list[Path], one: _Taken, other: _Taken) -> dict[str, Any]:
    found = check_pair(one.volume, other.volume)
    parts = {one.series.part, other.series.part} - {""}
    differ = (
        [Caution("other_part", f"One series is {' and the other '.join(sorted(parts))}.")] if len(parts) > 1 else []
    )
    return {
        "a": str(paths[one.argument]),
        "part_a": one.series.part,
        "b": str(paths[other.argument]),
        "part_b": other.series.part,
        "accepted": found.accepted,
        "reason": found.reason,
        "warnings": _warnings([*differ, *found.cautions]),
        "slices": found.slices,
        "largest_offset_mm": None if found.largest_offset is None else round(found.largest_offset, 3),
    }
