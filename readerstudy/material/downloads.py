"""Images as they leave for admins and analysts: as they are kept, or as NIfTI with JSON sidecars in BIDS."""

import json
import re
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from processing import bids
from processing.dicom.simulated import nifti_mark
from processing.errors import InputError
from processing.nifti import write_nifti
from processing.sidecar import sidecar_of
from readerstudy.archive import store
from readerstudy.archive.downloads import csv_lines, stream_zip, zip_pieces
from readerstudy.audit.services import ensure_sections_sealed
from readerstudy.material import volumes
from readerstudy.material.models import Instance, Series
from readerstudy.protocol.models import Arm, ReaderStudy

AS_KEPT, AS_NIFTI = "kept", "nifti"
FORMS = {AS_KEPT: "as they are kept, DICOM or NIfTI", AS_NIFTI: "NIfTI with JSON, named as in BIDS"}
COLUMNS = (
    *("file", "subject", "case", "arm", "version", "sha256", "format", "slices", "simulated", "made_from"),
    *("model_name", "model_version", "model_sha256", "reason"),
)
AT_ONCE = 500  # hashes of a question to the archive


def named(
    study: ReaderStudy, *, series: int | None = None, case: int | None = None, arm: int | None = None
) -> tuple[QuerySet[Series], str]:
    """The active series of a study, or of one of its cases or arms, or one series in whatever version; and what a file
    of them is called. None of a subject that was withdrawn. LookupError if there is no such case, arm or series.
    """
    name = study.slug
    narrowed: dict[str, Any] = {}
    for rows, number in ((study.cases, case), (study.arms, arm), (study.series, series)):
        if number is not None:
            one = rows.filter(pk=number).first()
            if one is None:
                raise LookupError(number)
            narrowed = {"pk": number} if isinstance(one, Series) else {type(one).__name__.lower(): one}
            name += f"-{_safe(str(one))}"
    found = study.series.filter(case__subject__withdrawn_at=None, **narrowed)
    if series is None:
        found = found.filter(active=True)
    elif not found:
        raise LookupError(series)
    wanted = ("case__subject__site", "arm__made_from", "made_from__arm", "made_from__case__subject")
    ordered = found.select_related(*wanted)
    return ordered.order_by("case__subject__code", "case__code", "arm__place", "echo", "version"), name


def stream(study: ReaderStudy, found: QuerySet[Series], *, form: str, name: str) -> StreamingHttpResponse:
    """These series as one zip that is written while it is sent; `name` of the file, without its ending.

    InputError if there is none, `form` is none of FORMS, or a file is not in the archive. RecordError if a series is
    not as the log said last.
    """
    if form not in FORMS:
        raise InputError(f"Images come in these forms: {', '.join(FORMS)}.")
    if not found.exists():
        raise InputError("There is no series to take.")
    ensure_sections_sealed(study, "series")
    _ensure_there(found)
    members = _as_nifti(study, found) if form == AS_NIFTI else _as_kept(found)
    return stream_zip(zip_pieces(members, _last(study, found)), f"{name}{'-nifti' * (form == AS_NIFTI)}.zip")


def _last(study: ReaderStudy, found: QuerySet[Series]) -> datetime:
    return max((one.created_at for one in found), default=study.created_at)


def _ensure_there(found: QuerySet[Series]) -> None:
    hashes = list(Instance.objects.filter(series__in=found.order_by()).values_list("sha256", flat=True))
    for start in range(0, len(hashes), AT_ONCE):
        if gone := store.lacking(hashes[start : start + AT_ONCE]):
            raise InputError(f"{gone} of the files are not in the archive. Restore them from a backup.")


def _safe(code: str) -> str:
    return re.sub(r"[^A-Za-z0-9.+-]", "_", code).lstrip(".") or "_"


def _row(series: Series, file: str, reason: str = "") -> dict[str, object]:
    return {
        "file": file,
        "subject": series.case.subject.code,
        "case": series.case.code,
        "arm": series.arm.code,
        "made_from": series.made_from.arm.code if series.made_from else None,
        "reason": reason or None,
        **{name: getattr(series, name) for name in COLUMNS if name in ("version", "sha256", "format", "slices")},
        **{name: getattr(series, name) or None for name in COLUMNS if name.startswith("model_") or name == "simulated"},
    }


def _table(rows: list[dict[str, object]]) -> tuple[str, bytes]:
    return "series.csv", "".join(csv_lines(list(COLUMNS), rows)).encode()


def _as_kept(found: QuerySet[Series]) -> Iterator[tuple[str, bytes]]:
    """Every file as it is kept, below case and arm, and last series.csv, which says what each series is."""
    rows = []
    for series in found:
        # Codes may differ in what is no letter alone: the number tells the folders apart.
        folder = f"{_safe(series.case.subject.code)}/{_safe(series.case.code)}/{_safe(series.arm.code)}-{series.pk}"
        suffix = volumes.SUFFIX[series.format]
        for position, sha256 in enumerate(series.instances.values_list("sha256", flat=True), 1):
            yield f"{folder}/{position:04d}{suffix}", store.read(sha256)
        rows.append(_row(series, folder))
    yield _table(rows)


class _Names:
    """Of every series of a study, whichever of them are taken."""

    def __init__(self, study: ReaderStudy) -> None:
        self.arms = {arm.pk: arm for arm in study.arms.all()}
        self.of_arm = bids.labels(arm.code for arm in self.arms.values())
        self.of_subject = bids.labels(study.subjects.values_list("code", flat=True))
        self.of_weighting = bids.suffixes(study.cases.values_list("weighting", flat=True))

    def acquired(self, arm: Arm) -> Arm:
        """The arm whose scanner's images this one comes from."""
        while arm.made_from_id:
            arm = self.arms[arm.made_from_id]
        return arm

    def of(self, series: Series) -> str:
        """Path without ending."""
        case, made = series.case, series.made_from_id is not None
        arm = self.acquired(series.arm) if made else series.arm
        version = f"v{series.version}" if not series.active else ""
        return bids.image_name(
            subject=self.of_subject[case.subject.code],
            acquisition=f"{case.region}{case.plane}{self.of_arm[arm.code]}{version * (not made)}",
            suffix=self.of_weighting[case.weighting],
            description=f"{self.of_arm[series.arm.code]}{version}" if made else "",
            echo=series.echo,
        )


def _json(said: object) -> bytes:
    return json.dumps(said, indent=2, ensure_ascii=False).encode() + b"\n"


def _as_nifti(study: ReaderStudy, found: QuerySet[Series]) -> Iterator[tuple[str, bytes]]:
    """A data set in BIDS: what scanners acquired as raw data, what models and recipes made as derivatives."""
    names, series = _Names(study), list(found)
    yield "dataset_description.json", _json(bids.dataset_description(study.title))
    yield "README", _readme(study)
    unnamed = sorted({names.of_weighting[w] for one in series if (w := one.case.weighting) not in bids.SUFFIXES})
    yield ".bidsignore", "".join(f"{line}\n" for line in ["series.csv", *(f"*_{one}.*" for one in unnamed)]).encode()
    yield (
        "participants.json",
        _json({name: about for name, about in bids.PARTICIPANTS.items() if name != "participant_id"}),
    )
    yield "participants.tsv", bids.participants(_participants(series, names)).encode()
    if made := sorted({(one.model_name, one.model_version) for one in series if one.made_from_id}):
        yield f"{bids.DERIVATIVES}/dataset_description.json", _json(bids.dataset_description(study.title, made_by=made))
    rows = []
    for one in series:
        name, reason = names.of(one), ""
        try:
            content = _nifti(one)
        except InputError as error:
            reason = str(error)
        else:
            yield f"{name}.nii.gz", content
            yield f"{name}.json", _json(_sidecar(one, names))
        rows.append(_row(one, "" if reason else f"{name}.nii.gz", reason))
    yield _table(rows)


def _readme(study: ReaderStudy) -> bytes:
    return (
        f"{study.title}\n\nImages of reader study {study.slug}, de-identified. acq- names region, plane and the arm "
        "that was acquired; desc- in derivatives/ the arm that a model or a recipe made of it. series.csv says "
        "what each file is, and which could not be written.\n"
    ).encode()


def _participants(series: list[Series], names: _Names) -> Iterator[dict[str, Any]]:
    for subject in {one.case.subject_id: one.case.subject for one in series}.values():
        label = names.of_subject[subject.code]
        yield {"participant_id": label, "age": subject.age, "sex": subject.sex, "site": subject.site.code}


def _nifti(series: Series) -> bytes:
    """The image as NIfTI, gzipped: as it is kept, or of its DICOM files."""
    if series.format == "nifti":
        return b"".join(store.read(sha256) for sha256 in series.instances.values_list("sha256", flat=True))
    volume = volumes.load(series)
    with tempfile.TemporaryDirectory() as folder:
        return write_nifti(volume, Path(folder, "x.nii.gz"), description=nifti_mark(series.simulated)).read_bytes()


def _sidecar(series: Series, names: _Names) -> dict[str, Any]:
    said = sidecar_of({**series.parameters, "region": series.case.region})
    if series.made_from:
        made = {
            "ModelName": series.model_name,
            "ModelVersion": series.model_version,
            "ModelSHA256": series.model_sha256,
        }
        said |= {"Sources": [_uri(series.made_from, names)], **{key: value for key, value in made.items() if value}}
    return said


def _uri(series: Series, names: _Names) -> str:
    path = f"{names.of(series)}.nii.gz"
    own = path.removeprefix(f"{bids.DERIVATIVES}/")
    return f"bids::{own}" if own != path else f"bids:raw:{path}"
