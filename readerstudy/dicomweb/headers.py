"""Headers of the series that can be taken: read once from their files, and found again by UID."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import QuerySet

from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.archive import store
from readerstudy.audit import keys
from readerstudy.audit.actions import Action
from readerstudy.audit.services import ensure_sealed, fault, record
from readerstudy.dicomweb.models import Header
from readerstudy.material.erasure import Holder
from readerstudy.material.models import Instance, Series
from readerstudy.material.volumes import SUFFIX
from readerstudy.protocol.models import ReaderStudy

if TYPE_CHECKING:
    from pydicom import Dataset

AT_ONCE = 2000  # series whose headers are read within one answer
OF_STUDY = (
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "StudyInstanceUID",
    "StudyID",
    "StudyDescription",
)
OF_SERIES = (
    "Modality",
    "SeriesDescription",
    "SeriesInstanceUID",
    "SeriesNumber",
    "ProtocolName",
    "BodyPartExamined",
    "Manufacturer",
    "ManufacturerModelName",
    "MagneticFieldStrength",
    "FrameOfReferenceUID",
)
Element = dict[str, object]


class BusyError(InputError):
    """More headers are still to be read than one answer waits for."""


def tag_of(keyword: str) -> str:
    """An attribute as DICOM JSON names it: eight hexadecimal digits."""
    from pydicom.datadict import tag_for_keyword

    return f"{tag_for_keyword(keyword):08X}"


def element(keyword: str, *values: object) -> tuple[str, Element]:
    """An attribute in DICOM JSON, without values if there are none."""
    from pydicom.datadict import dictionary_VR

    found: Element = {"vr": dictionary_VR(keyword)}
    if values:
        found["Value"] = list(values)
    return tag_of(keyword), found


def offered(study: ReaderStudy) -> QuerySet[Series]:
    """The series that can be taken as DICOM: the active ones of subjects who have not withdrawn, none in NIfTI."""
    return study.series.filter(active=True, format="dicom", case__subject__withdrawn_at=None)


def headers(study: ReaderStudy) -> QuerySet[Header]:
    """Of every series that can be taken, in the order of cases and arms. BusyError where most are still to be read."""
    here = Header.objects.filter(series__in=offered(study).order_by())
    lacking = offered(study).exclude(pk__in=here.values("series")).order_by("pk")
    _read_first([*lacking[: AT_ONCE + 1]])
    found = here.select_related("series__case__subject__site", "series__arm", "series__study")
    return found.order_by("series__case__code", "series__arm__place", "series__echo")


def _read_first(series: list[Series]) -> None:
    """Read the first file of each; what cannot be read as DICOM is not offered."""
    from processing.dicom.header import open_dicom

    first: dict[int, str] = {}
    files: dict[int, int] = Counter()
    known = Instance.objects.filter(series__in=[one.pk for one in series[:AT_ONCE]]).order_by("series", "position")
    for pk, sha256 in known.values_list("series", "sha256"):
        first.setdefault(pk, sha256)
        files[pk] += 1
    first = {pk: sha256 for pk, sha256 in first.items() if store.exists(sha256)}
    rows = []
    with store.local_files(list(first.values()), SUFFIX["dicom"]) as paths:
        for pk, path in zip(first, paths, strict=True):
            try:
                rows.append(_described(pk, files[pk], open_dicom(path, pixels=False, whole=True)))
            except (InputError, AttributeError):
                continue
    Header.objects.bulk_create(rows, ignore_conflicts=True)
    if len(series) > AT_ONCE:
        raise BusyError("The headers of this study are still being read. Ask again in a few seconds.")


def _described(series: int, files: int, dataset: Dataset) -> Header:
    from pydicom import Dataset

    wanted = Dataset()
    for keyword in (*OF_STUDY, *OF_SERIES):
        if keyword in dataset:
            wanted.add(dataset[keyword])
    header = Header(
        series_id=series,
        study_uid=str(dataset.StudyInstanceUID),
        series_uid=str(dataset.SeriesInstanceUID),
        files=files,
        attributes=wanted.to_json_dict(suppress_invalid_tags=True),
    )
    header.mac = keys.sign(*_said(header))
    return header


def _said(header: Header) -> tuple:
    """What a header is signed for; numbers as every database gives them back."""
    lists = json.dumps([header.attributes, header.instances])
    plain = json.loads(lists, parse_int=float, parse_float=lambda text: float(text) + 0.0)
    return "dicom header", header.series_id, header.study_uid, header.series_uid, header.files, plain


def ensure_as_read(study: ReaderStudy, rows: Iterable[Header]) -> None:
    """RecordError, and an alarm, if one of these is not what the site read from the files of its series."""
    for header in rows:
        if not keys.signed_with(header.mac, *_said(header)):
            raise fault(
                slug=study.slug, problem=f"what DICOMweb tells of series {header.series_id} is not from its files"
            )


@transaction.atomic
def read_anew(*, study: ReaderStudy, actor: User | None) -> int:
    """Forget what the site read from the files of the study's series, and read it again; how many series there are.

    RecordError, and an alarm, if the log knows one of the series, or one of its files, otherwise than it is kept;
    InputError if a file is not as it was kept. The log tells of it.
    """
    series = list(offered(study).order_by("pk"))
    ensure_sealed(study=study, seals=[("series", str(one.pk)) for one in series])
    files = list(Instance.objects.filter(series__in=series).values_list("sha256", flat=True).distinct())
    if altered := store.damaged(files):
        raise InputError(f"{altered} of {len(files)} files of the archive are not as they were kept.")
    Header.objects.filter(series__study=study).delete()
    for start in range(0, len(series), AT_ONCE):
        _read_first(series[start : start + AT_ONCE])
    record(study=study, action=Action.HEADERS_READ_ANEW, actor=actor, series=len(series))
    return len(series)


def of_trial(header: Header) -> dict[str, Element]:
    """What the site knows of a series and no file says, in the attributes that DICOM has for clinical trials."""
    series, case = header.series, header.series.case
    return dict(
        (
            element("ClinicalTrialProtocolID", series.study.slug),
            element("ClinicalTrialSiteID", case.subject.site.code),
            element("ClinicalTrialSubjectID", case.subject.code),
            element("ClinicalTrialSeriesID", series.arm.code),
            element("ClinicalTrialSeriesDescription", case.code),
        )
    )


def instances(header: Header) -> list[tuple[str, str, int, int]]:
    """SOP Instance UID, SOP class, number and frames of each file, in slice order.

    InputError if files are missing.
    """
    if not header.instances:
        from processing.dicom.header import open_dicom

        with store.local_files(hashes(header.series), SUFFIX["dicom"]) as paths:
            header.instances = [_instance(open_dicom(path, pixels=False)) for path in paths]
        header.mac = keys.sign(*_said(header))
        header.save(update_fields=["instances", "mac"])
    return [(uid, sop_class, number, frames) for uid, sop_class, number, frames in header.instances]


def _instance(dataset: Dataset) -> list[str | int]:
    number, frames = (int(dataset.get(name) or 1) for name in ("InstanceNumber", "NumberOfFrames"))
    return [str(dataset.SOPInstanceUID), str(dataset.SOPClassUID), number, frames]


def hashes(series: Series) -> list[str]:
    """Names in the archive of a series' files, in slice order."""
    return list(series.instances.values_list("sha256", flat=True))


def name_of_study(study: int, uid: str) -> str:
    """Whose it is, for the log of who saw what."""
    found = Header.objects.filter(series__study=study, study_uid=uid)
    return found.values_list("series__case__subject__code", flat=True).first() or ""


def name_of_series(study: int, uid: str) -> str:
    """Which case and arm it is, for the log of who saw what."""
    found = Header.objects.filter(series__study=study, series_uid=uid)
    row = found.values_list("series__case__code", "series__arm__code").first()
    return f"{row[0]} in {row[1]}" if row else ""


def _erase(subject: object, cases: Iterable) -> dict[str, int]:
    Header.objects.filter(series__case__in=cases).delete()
    return {}


HOLDER = Holder(erase=_erase)
