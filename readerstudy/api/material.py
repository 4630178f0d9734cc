"""Send series, see what became of them, place them."""

from django.db.models import Count, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from readerstudy.api import asked as takes
from readerstudy.api import serializers as out
from readerstudy.api.endpoint import LIMITS, StudyEndpoint, page
from readerstudy.api.models import Scope
from readerstudy.intake import receiving, selectors, services
from readerstudy.intake.certainty import settle
from readerstudy.intake.models import Candidate, Upload
from readerstudy.protocol.models import ReaderStudy


class Uploads(StudyEndpoint):
    action = "add_material"
    scope = Scope.MATERIAL

    @extend_schema(responses=page(out.UploadOut), parameters=LIMITS, operation_id="uploads")
    def get(self, request: Request, slug: str) -> Response:
        """Uploads, the last first."""
        return self.page_of(_counted(self.study), out.UploadOut)

    @extend_schema(request=takes.UploadIn, responses={201: out.StartedOut}, operation_id="begin_upload")
    def post(self, request: Request, slug: str) -> Response:
        """Begin an upload, or go on with the one that broke off."""
        asked = self.asked(takes.UploadIn)
        upload = receiving.begin(**self.mine, files=asked["files"], size=asked["bytes"])
        return Response({"upload": upload.pk}, status=status.HTTP_201_CREATED)


class _OneUpload(StudyEndpoint):
    action = "add_material"
    scope = Scope.MATERIAL

    def open(self, number: int) -> Upload:
        return receiving.open_upload(**self.mine, number=number)


class OneUpload(_OneUpload):
    @extend_schema(responses=out.UploadOut, operation_id="upload")
    def get(self, request: Request, slug: str, upload: int) -> Response:
        """What became of it."""
        return Response(out.UploadOut(get_object_or_404(_counted(self.study), pk=upload)).data)

    @extend_schema(responses={204: None}, operation_id="discard_upload")
    def delete(self, request: Request, slug: str, upload: int) -> Response:
        """Give it up: what was received is erased."""
        receiving.discard(upload=self.open(upload))
        return Response(status=status.HTTP_204_NO_CONTENT)


class MissingPieces(_OneUpload):
    @extend_schema(request=takes.KeysIn, responses=out.MissingOut, operation_id="missing_pieces")
    def post(self, request: Request, slug: str, upload: int) -> Response:
        """Which of these pieces are to be sent."""
        found = self.open(upload)
        return Response(receiving.missing(upload=found, keys=self.asked(takes.KeysIn)["keys"]))


class Unread(BaseParser):
    """Bytes that are read while they come, not before."""

    media_type = "application/octet-stream"

    def parse(self, *_: object, **__: object) -> dict:
        return {}


class Pieces(_OneUpload):
    parser_classes = (Unread,)

    @extend_schema(
        request={"application/octet-stream": OpenApiTypes.BINARY}, responses=out.ReceivedOut, operation_id="send_pieces"
    )
    def post(self, request: Request, slug: str, upload: int) -> Response:
        """Send pieces: of each the lengths of head and bytes (4 and 8 bytes, big-endian), head, bytes. A head is path,
        part, of how many, with NUL between."""
        return Response({"new": receiving.receive_batch(upload=self.open(upload), stream=request._request)})


class FinishUpload(_OneUpload):
    @extend_schema(request=takes.FinishIn, responses=out.LackingOut, operation_id="finish_upload")
    def post(self, request: Request, slug: str, upload: int) -> Response:
        """All was sent: have it sorted and de-identified."""
        found, asked = self.open(upload), self.asked(takes.FinishIn)
        return Response({"missing": receiving.finish(upload=found, actor=self.user, **asked)})


class Candidates(StudyEndpoint):
    action = "see_material"

    @extend_schema(
        responses=page(out.CandidateOut),
        parameters=[*LIMITS, OpenApiParameter("upload", int)],
        operation_id="candidates",
    )
    def get(self, request: Request, slug: str) -> Response:
        """Series that wait to be placed, certain ones first."""
        found = selectors.to_confirm(self.study)
        if (upload := self.number("upload")) is not None:
            found = found.filter(upload=upload)
        return self.page_of(found, out.CandidateOut)


class PlaceCandidate(StudyEndpoint):
    action = "add_material"
    scope = Scope.MATERIAL

    @extend_schema(request=takes.PlaceIn, responses=out.SeriesOut, operation_id="place_candidate")
    def post(self, request: Request, slug: str, candidate: int) -> Response:
        """Place a series, as proposed but for what is said here."""
        found = get_object_or_404(self.study.candidates.select_related("arm", "site"), pk=candidate)
        asked = self.asked(takes.PlaceIn)
        placing = {
            "subject_code": asked.get("subject", found.subject_code),
            **{name: asked.get(name, getattr(found, name)) for name in ("region", "plane", "weighting")},
            "arm": self.named("arms", asked["arm"]) if "arm" in asked else found.arm,
            "site": self.named("sites", asked["site"]) if "site" in asked else found.site,
        }
        ways = {name: asked[name] for name in ("replace", "incomplete")}
        series = services.confirm(candidate=found, actor=self.user, **ways, **placing)
        settle(self.study)
        return Response(out.SeriesOut(series).data)


class PutAside(StudyEndpoint):
    action = "add_material"
    scope = Scope.MATERIAL

    @extend_schema(request=None, responses={204: None}, operation_id="put_aside")
    def post(self, request: Request, slug: str, candidate: int) -> Response:
        """Put a series aside that is not to be used."""
        found = get_object_or_404(self.study.candidates, pk=candidate, state=Candidate.State.PROPOSED)
        services.dismiss(candidate=found, actor=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _counted(study: ReaderStudy) -> QuerySet[Upload]:
    """Uploads, the last first, each with its refusals and how many series it brought."""
    return study.uploads.annotate(series=Count("candidates")).prefetch_related("refusals").order_by("-pk")
