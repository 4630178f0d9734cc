"""STOW-RS: instances come in, sealed while they stream, and are sorted once no more come (PS3.18 10.5)."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.http import HttpRequest, JsonResponse
from rest_framework.request import Request

from processing.dicom.start import NEEDED, TAKEN, Start, read_start
from readerstudy.api.models import Scope
from readerstudy.dicomweb import negotiation, parts
from readerstudy.dicomweb.endpoint import DicomEndpoint
from readerstudy.dicomweb.headers import Element, element
from readerstudy.dicomweb.views_retrieve import Retrieve
from readerstudy.dicomweb.views_search import SearchStudies
from readerstudy.intake.deliveries import LARGEST, Delivery, gathering

DOOR = "stow"
# Failure reasons of PS3.18 I.2.2.
NO_ROOM, OTHER_STUDY, UNREADABLE, OTHER_CLASS = 0xA700, 0xA900, 0xC000, 0x0122


class _Store(DicomEndpoint):
    """Who may add material may send; the rest of the address is as the class beside it says."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method == "POST":
            self.action, self.scope = "add_material", Scope.MATERIAL  # type: ignore[misc]  # of this request alone
        super().initial(request, *args, **kwargs)

    def post(self, request: Request, slug: str, study_uid: str = "") -> JsonResponse:
        """Take what can be used: 200 if that is everything, 202 if some, 409 if nothing."""
        negotiation.ensure_json(request)
        boundary = parts.boundary_of(request.headers.get("Content-Type", ""), of=negotiation.DICOM)
        stored: list[Start] = []
        failed: list[tuple[Start | None, int]] = []
        with Delivery(gathering(door=DOOR, **self.mine)) as delivery:
            for content_type, content in parts.received(_body(request._request), boundary):
                start, reason = _take(delivery, content_type, content, study_uid)
                if reason:
                    failed.append((start, reason))
                elif start:
                    stored.append(start)
            delivery.keep()
        status = 409 if not stored else 202 if failed else 200
        return JsonResponse(_told(stored, failed), status=status, content_type=negotiation.JSON[0])


def _body(request: HttpRequest) -> parts.Source:
    """What comes in; of a length that is not told beforehand (chunked) what the web server makes of it."""
    environ = request.META
    chunked = "CONTENT_LENGTH" not in environ and environ.get("wsgi.input_terminated")
    return environ["wsgi.input"] if chunked else request


def _take(delivery: Delivery, content_type: str, content: Iterator[bytes], study_uid: str) -> tuple[Start | None, int]:
    """Seal one instance; why not, or 0."""
    head = bytearray()
    for chunk in content:
        head += chunk
        if len(head) >= NEEDED:
            break
    start = read_start(bytes(head[:NEEDED]))
    if start is None or content_type.partition(";")[0].strip().lower() not in ("", negotiation.DICOM):
        return None, UNREADABLE
    if start.sop_class not in TAKEN:
        return start, OTHER_CLASS
    if study_uid and start.study not in ("", study_uid):  # "": it does not say
        return start, OTHER_STUDY
    taken = delivery.take(f"{start.instance}.dcm", chain([bytes(head)], content), at_most=LARGEST)
    return start, 0 if taken else NO_ROOM


def _told(stored: list[Start], failed: list[tuple[Start | None, int]]) -> dict[str, Element]:
    """The answer's data set (PS3.18 I.2). What is stored gets a UID of its own, so no address is told."""
    told = dict([element("RetrieveURL")])
    if stored:
        told |= [element("ReferencedSOPSequence", *map(_reference, stored))]
    if named := [dict([*_reference(one).items(), element("FailureReason", why)]) for one, why in failed if one]:
        told |= [element("FailedSOPSequence", *named)]
    if others := [dict([element("FailureReason", why)]) for one, why in failed if one is None]:
        told |= [element("OtherFailuresSequence", *others)]
    return told


def _reference(start: Start) -> dict[str, Element]:
    return dict(
        [element("ReferencedSOPClassUID", start.sop_class), element("ReferencedSOPInstanceUID", start.instance)]
    )


class Studies(_Store, SearchStudies):
    """All studies: searched, and sent to."""


class Study(_Store, Retrieve):
    """One study: taken, and sent to."""
