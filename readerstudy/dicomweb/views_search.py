"""QIDO-RS: which studies, series and instances there are (PS3.18 10.6)."""

import hashlib
from collections.abc import Iterable, Iterator

from django.http import HttpResponse
from rest_framework.request import Request

from readerstudy.audit.models import Sealed
from readerstudy.audit.seals import Seal
from readerstudy.audit.services import ensure_still_sealed
from readerstudy.dicomweb import headers, negotiation
from readerstudy.dicomweb.endpoint import DicomEndpoint, asked, dicom_json, of_series, seals_of
from readerstudy.dicomweb.headers import OF_STUDY, element, tag_of
from readerstudy.dicomweb.models import Header
from readerstudy.dicomweb.search import Query, Row, chosen, fits, read_query
from readerstudy.protocol.models import ReaderStudy

TRIAL = ("ClinicalTrialProtocolID", "ClinicalTrialSiteID", "ClinicalTrialSubjectID")
TRIAL_SERIES = ("ClinicalTrialSeriesID", "ClinicalTrialSeriesDescription")
MADE = ("RetrieveURL", "InstanceAvailability")


def _tags(*keywords: str) -> frozenset[str]:
    return frozenset(map(tag_of, keywords))


STUDY = _tags(
    *OF_STUDY, *TRIAL, *MADE, "ModalitiesInStudy", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances"
)
SERIES = _tags(
    *("StudyInstanceUID", "Modality", "SeriesDescription", "SeriesInstanceUID", "SeriesNumber"),
    *("NumberOfSeriesRelatedInstances", *TRIAL_SERIES, *MADE),
)
INSTANCE = _tags(
    *("StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "SOPInstanceUID", "InstanceNumber", "Rows", "Columns"),
    *("NumberOfFrames", *MADE),
)


STUDY_UID, SERIES_UID = tag_of("StudyInstanceUID"), tag_of("SeriesInstanceUID")
KEYS = frozenset({STUDY_UID, SERIES_UID})


CHECKED = 2000  # series that one answer holds against the log with their files
# What was said of each series of a study, and which line sealed it, when the log was last asked of it.
_held: dict[int, dict[str, tuple[str, int | None]]] = {}


def ensure_none_is_left_out(study: ReaderStudy) -> None:
    """RecordError, and an alarm, if the log knows otherwise of one of the study's series, cases and subjects, which an
    answer might leave out for that. With their files those series are looked at of which something else is said than
    when this process looked last. BusyError where these are too many for one answer: each takes some of them."""
    rows = {str(row[0]): hashlib.sha256(repr(row).encode()).hexdigest() for row in study.series.values_list()}
    lines = dict(Sealed.objects.filter(study=study, section="series").values_list("unit", "number"))
    said = {unit: (rows.get(unit, ""), lines.get(unit)) for unit in {*rows, *lines}}
    held = {unit: known for unit, known in _held.get(study.pk, {}).items() if said.get(unit) == known}
    other = sorted((unit for unit in said if unit not in held), key=int)
    seals: list[Seal] = [("subjects", None), ("cases", None), ("protocol", None)]
    ensure_still_sealed(study=study, seals=[*seals, *(("series", unit) for unit in other[:CHECKED])])
    _held[study.pk] = held | {unit: said[unit] for unit in other[:CHECKED]}
    if len(other) > CHECKED:
        raise headers.BusyError("The series of this study are still held against its log. Ask again in a few seconds.")


class _Search(DicomEndpoint):
    """level: attributes that are always told. of: those that tell which series a row is of."""

    level: frozenset[str]
    of: tuple[str, ...] = (STUDY_UID, SERIES_UID)

    def get(self, request: Request, slug: str, **uids: str) -> HttpResponse:
        negotiation.ensure_json(request)
        query = read_query(asked(request))
        ensure_none_is_left_out(self.study)
        headers.ensure_as_read(self.study, headers.headers(self.study))
        series = self.found(**uids)
        found = list(self.rows(series, query))
        page = found[query.offset : query.offset + query.limit]
        self.ensure_as_told(series, page)
        more = "There are more than one answer tells: ask with offset." if len(found) > query.offset + len(page) else ""
        said = " ".join(filter(None, [query.said, more]))
        return dicom_json((chosen(row, query, self.level) for row in page), said=said)

    def ensure_as_told(self, series: Iterable[Header], page: Iterable[Row]) -> None:
        """RecordError, and an alarm, if the log knows otherwise what rows of a page tell of these series."""
        told = {tuple(row[tag]["Value"][0] for tag in self.of) for row in page}
        rows = [one for one in series if (one.study_uid, one.series_uid)[: len(self.of)] in told]
        ensure_still_sealed(study=self.study, seals=seals_of(rows))

    def rows(self, found: Iterable[Header], query: Query) -> Iterator[Row]:
        """The rows that fit the query."""
        raise NotImplementedError

    def series_rows(self, found: Iterable[Header]) -> Iterator[tuple[Header, Row]]:
        """Each series with its own attributes and those of its study."""
        known = list(of_series(found))
        modalities: dict[str, set[str]] = {}
        for header, row in known:
            said = row.get(tag_of("Modality"), {}).get("Value", [])
            modalities.setdefault(header.study_uid, set()).update(map(str, said))
        for header, row in known:
            yield header, row | dict([element("ModalitiesInStudy", *sorted(modalities[header.study_uid]))])


class SearchStudies(_Search):
    level = STUDY
    of = (STUDY_UID,)

    def rows(self, found: Iterable[Header], query: Query) -> Iterator[Row]:
        of_study: dict[str, list[tuple[Header, Row]]] = {}
        for header, row in self.series_rows(found):
            of_study.setdefault(header.study_uid, []).append((header, row))
        for uid, all_of_it in of_study.items():
            for header, row in all_of_it:
                if fits(row, query.wanted):
                    files = sum(header.files for header, _ in all_of_it)
                    yield row | dict(
                        [
                            element("NumberOfStudyRelatedSeries", len(all_of_it)),
                            element("NumberOfStudyRelatedInstances", files),
                            element("RetrieveURL", f"{self.base}studies/{uid}"),
                            element("InstanceAvailability", "ONLINE"),
                        ]
                    )
                    break


class SearchSeries(_Search):
    level = SERIES

    def get(self, request: Request, slug: str, **uids: str) -> HttpResponse:
        self.level = SERIES if uids else SERIES | STUDY
        return super().get(request, slug, **uids)

    def rows(self, found: Iterable[Header], query: Query) -> Iterator[Row]:
        for header, row in self.series_rows(found):
            if fits(row, query.wanted):
                yield row | dict(
                    [
                        element("NumberOfSeriesRelatedInstances", header.files),
                        element("RetrieveURL", self.address(header)),
                        element("InstanceAvailability", "ONLINE"),
                    ]
                )


class SearchInstances(_Search):
    level = INSTANCE

    def get(self, request: Request, slug: str, **uids: str) -> HttpResponse:
        self.level = INSTANCE | (frozenset() if "series_uid" in uids else SERIES)
        return super().get(request, slug, **uids)

    def rows(self, found: Iterable[Header], query: Query) -> Iterator[Row]:
        of_instance = {tag: value for tag, value in query.wanted.items() if tag in INSTANCE}
        of_rest = {tag: value for tag, value in query.wanted.items() if tag not in of_instance or tag in KEYS}
        for header, row in self.series_rows(found):
            if not fits(row, of_rest):
                continue
            for uid, sop_class, number, frames in headers.instances(header):
                mine = row | dict(
                    [
                        element("SOPInstanceUID", uid),
                        element("SOPClassUID", sop_class),
                        element("InstanceNumber", number),
                        element("Rows", header.series.rows),
                        element("Columns", header.series.columns),
                        element("NumberOfFrames", frames),
                        element("RetrieveURL", self.address(header, uid)),
                        element("InstanceAvailability", "ONLINE"),
                    ]
                )
                if fits(mine, of_instance):
                    yield mine
