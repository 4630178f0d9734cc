"""Remove what identifies from MR files, by the deny-by-default rules.

In: IN, DICOM (folder or file) or NIfTI.
Out: OUT/<series>/NNNN.dcm or volume.nii.gz, or OUT itself for one file; pixel values stay. A refused file is one line
     on stderr; refusing all is bad input.
Example: python -m processing deidentify delivery clean --report report.json
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections import Counter
from pathlib import Path

from processing import nifti
from processing.deidentify.engine import deidentify, reject_short_key, save
from processing.deidentify.report import Report
from processing.dicom.header import open_dicom
from processing.dicom.mosaic import is_mosaic, unfold
from processing.dicom.pixels import stored_values
from processing.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """IN OUT [--report FILE.json] [--key FILE]."""
    parser.add_argument("source", type=Path, metavar="IN", help="DICOM folder or file, or NIfTI")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder, or file if IN is a file")
    parser.add_argument("--report", type=Path, metavar="FILE.json", help="what was kept and removed, tags and counts")
    parser.add_argument("--key", type=Path, metavar="FILE", help="secret of ≥ 16 bytes; the same gives the same UIDs")


def run(arguments: argparse.Namespace) -> None:
    """Write OUT/<series>/NNNN.dcm (or OUT itself for one file); one line per refused file on stderr.

    Raises InputError if nothing could be de-identified.
    """
    key = arguments.key.read_bytes() if arguments.key else secrets.token_bytes(32)
    reject_short_key(key)
    source, out = arguments.source, arguments.out
    if not source.exists():
        raise InputError(f"There is no file or folder {source.name}.")
    single = source.is_file()
    files = [source] if single else sorted(path for path in source.rglob("*") if path.is_file())
    if not files:
        raise InputError("The folder is empty.")
    report, refused, taken = Report(), [], 0
    series: Counter[str] = Counter()
    for path in files:
        try:
            one = _deidentify_file(path, out, key, series, single=single)
        except InputError as reason:
            if single:
                raise
            refused.append({"name": path.relative_to(source).as_posix(), "reason": str(reason)})
            print(f"{path.relative_to(source)}: {reason}", file=sys.stderr)
            continue
        taken += 1
        report.add(one)
    if arguments.report:
        arguments.report.write_text(json.dumps({**report.as_dict(), "refused": refused}, indent=1) + "\n")
    if not taken:
        raise InputError("No file could be de-identified.")


def _deidentify_file(path: Path, out: Path, key: bytes, series: Counter[str], *, single: bool) -> Report:
    if nifti.is_volume_file(path):
        if path.suffix in (".nrrd", ".nhdr"):
            raise InputError("NRRD cannot be de-identified; convert it to NIfTI.")
        folder = _folder(f"volume {path}", series, out)
        target = out if single and nifti.is_volume_file(out) else folder / "volume.nii.gz"
        target.parent.mkdir(parents=True, exist_ok=True)
        nifti.clean_nifti(path, target)
        return Report(files=1, notes={"NIfTI: only values, type, scale and place in space kept."})
    dataset, report = open_dicom(path), Report()
    images = list(unfold(dataset, stored_values(dataset))) if is_mosaic(dataset) else [(dataset, None)]
    for image, pixels in images:
        clean, one = deidentify(image, key=key, pixels=pixels)
        report.add(one)
        uid = str(clean.SeriesInstanceUID)
        folder = _folder(uid, series, out)
        series[uid] += 1
        to_file = single and len(images) == 1 and not out.is_dir() and out.suffix
        target = out if to_file else folder / f"{series[uid]:04d}.dcm"
        target.parent.mkdir(parents=True, exist_ok=True)
        save(clean, target)
    return report


def _folder(uid: str, series: Counter[str], out: Path) -> Path:
    series[uid] += 0
    return out / str(list(series).index(uid) + 1)
