"""What all addresses of DICOMweb share: who asks, which series are meant, answers in DICOM JSON."""

import fcntl
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, JsonResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from readerstudy.accounts.authentication import SessionAuthentication
from readerstudy.api import problems
from readerstudy.api.authentication import BearerAuthentication
from readerstudy.api.endpoint import Rate, StudyEndpoint
from readerstudy.api.models import Scope
from readerstudy.archive import store
from readerstudy.audit.seals import Seal
from readerstudy.audit.services import ensure_still_sealed, fault
from readerstudy.dicomweb import headers, negotiation
from readerstudy.dicomweb.authentication import BasicAuthentication
from readerstudy.dicomweb.models import Header
from readerstudy.intake.deliveries import TooLateError

RETRY_SECONDS = 5


class PictureRate(Rate):
    """Slices come one by one, as fast as somebody scrolls. Requests of one person are counted one after the other, by
    all web processes of a machine."""

    scope, rate = "pictures", f"{settings.PICTURES_A_SECOND}/s"

    def allow_request(self, request: Request, view: APIView) -> bool:
        settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
        with (settings.VAR_DIR / f".{self.scope}-{request.user.pk}").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # what was counted is read and then written
            return super().allow_request(request, view)


class DicomEndpoint(StudyEndpoint):
    """An address under /dicomweb/studies/<slug>/."""

    authentication_classes = (BearerAuthentication, BasicAuthentication, SessionAuthentication)
    content_negotiation_class = negotiation.AnyForm
    throttle_classes = (PictureRate,)
    action = "see_material"
    scope = Scope.IMAGES

    def get_exception_handler(self) -> Any:
        return _answer

    def found(self, **uids: str) -> QuerySet[Header]:
        """Headers of the series that these UIDs name; Http404 if there is none."""
        rows = headers.headers(self.study).filter(**uids)
        if uids and not rows:
            raise Http404
        return rows

    def sealed(self, **uids: str) -> list[Header]:
        """The same, for what leaves; RecordError if the log, or their files, know one of the series otherwise."""
        rows = list(self.found(**uids))
        # Of a whole study none may be missing as another name was written into its row.
        headers.ensure_as_read(self.study, rows if "series_uid" in uids else headers.headers(self.study))
        ensure_still_sealed(study=self.study, seals=seals_of(rows))
        return rows

    def instance(self, study_uid: str, series_uid: str, instance_uid: str) -> tuple[Header, int]:
        """The header of the series of an instance, and its place in it; Http404 if there is none.

        RecordError if the log knows the series otherwise.
        """
        for header in self.sealed(study_uid=study_uid, series_uid=series_uid):
            for place, (uid, *_) in enumerate(headers.instances(header)):
                if uid == instance_uid:
                    return header, place
        raise Http404

    def ensure_whole(self, hashes: list[str]) -> None:
        """RecordError, and an alarm, if a file is not as it was kept. InputError if one is not there."""
        if altered := store.damaged(hashes):
            raise fault(
                slug=self.study.slug,
                problem=f"{altered} of {len(hashes)} files of the archive are not as they were kept",
            )

    def address(self, header: Header, instance_uid: str = "") -> str:
        """Where a series, or an instance of it, is taken."""
        way = f"studies/{header.study_uid}/series/{header.series_uid}"
        return self.base + way + (f"/instances/{instance_uid}" if instance_uid else "")

    @property
    def base(self) -> str:
        return self.request.build_absolute_uri(f"/dicomweb/studies/{self.study.slug}/")


def seals_of(rows: Iterable[Header]) -> list[Seal]:
    """How the log seals these series."""
    return [("series", str(row.series_id)) for row in rows]


def _answer(error: Exception, context: dict[str, Any]) -> Response | None:
    if isinstance(error, headers.BusyError | TooLateError):
        return problems.made(503, {"detail": str(error)}, context, {"Retry-After": str(RETRY_SECONDS)})
    return problems.answer(error, context)


def dicom_json(rows: Iterable[dict], *, said: str = "") -> HttpResponse:
    """Rows in DICOM JSON; said: what the answer leaves out."""
    made = JsonResponse(list(rows), safe=False, content_type=negotiation.JSON[0])
    if said:
        made["Warning"] = f'299 readerstudy "{said}"'
    return made


def asked(request: Request) -> dict[str, list[str]]:
    """The parameters of a query, by name."""
    return {name: [str(value) for value in values] for name, values in request.query_params.lists() if name != "accept"}


def of_series(rows: Iterable[Header]) -> Iterator[tuple[Header, dict]]:
    """Each series with all that can be searched and told of it."""
    for header in rows:
        yield header, header.attributes | headers.of_trial(header)
