"""Studies, their log, how far readers are."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from readerstudy.accounts.models import Membership, Role
from readerstudy.api import serializers as out
from readerstudy.api.endpoint import LIMITS, Endpoint, StudyEndpoint, page
from readerstudy.api.models import Token
from readerstudy.reading import selectors as reading


def said_of(member: Membership) -> dict:
    """A study as this member may know it."""
    study = member.study
    title = study.reader_title if member.role == Role.READER else study.title
    return {"slug": study.slug, "title": title, "state": study.state, "role": member.role}


class Studies(Endpoint):
    @extend_schema(responses=out.StudyOut(many=True), operation_id="studies")
    def get(self, request: Request) -> Response:
        """The studies of this person; with a token the one that it is of."""
        mine = self.user.memberships.select_related("study").order_by("study__created_at")
        if isinstance(request.auth, Token):
            mine = mine.filter(study=request.auth.study_id)
        return Response(out.StudyOut([said_of(member) for member in mine], many=True).data)


class Study(StudyEndpoint):
    action = "know_study"

    @extend_schema(responses=out.StudyOut, operation_id="study")
    def get(self, request: Request, slug: str) -> Response:
        """One study."""
        return Response(out.StudyOut(said_of(self.member)).data)


class Log(StudyEndpoint):
    action = "see_log"

    @extend_schema(
        responses=page(out.EventOut),
        parameters=[
            *LIMITS,
            OpenApiParameter("after", int, description="number of a line"),
            OpenApiParameter("action", str, description="what was done, as in the lines"),
            OpenApiParameter("actor", str, description="user name"),
            OpenApiParameter("since", OpenApiTypes.DATETIME),
            OpenApiParameter("until", OpenApiTypes.DATETIME, description="before it"),
        ],
        operation_id="log",
    )
    def get(self, request: Request, slug: str) -> Response:
        """Lines of the log, the first first."""
        found = self.study.events.order_by("number")
        if (after := self.number("after")) is not None:
            found = found.filter(number__gt=after)
        for name, field in (("action", "action"), ("actor", "actor_name")):
            if value := self.query(name):
                found = found.filter(**{field: value})
        for name, lookup in (("since", "at__gte"), ("until", "at__lt")):
            if when := self.time(name):
                found = found.filter(**{lookup: when})
        return self.page_of(found, out.EventOut)


class Progress(StudyEndpoint):
    action = "see_progress"

    @extend_schema(responses=out.ProgressOut(many=True), operation_id="progress")
    def get(self, request: Request, slug: str) -> Response:
        """How far each reader is."""
        rows = reading.reading_progress(self.study)
        return Response([_progress(row["member"], row, row["last"]) for row in rows])


class OwnProgress(StudyEndpoint):
    action = "read"

    @extend_schema(responses=out.ProgressOut, operation_id="own_progress")
    def get(self, request: Request, slug: str) -> Response:
        """How far the reader is whose token this is."""
        last = reading.own_list(self.member).order_by("-confirmed_at").exclude(confirmed_at=None).first()
        return Response(_progress(self.member, reading.progress(self.member), last.confirmed_at if last else None))


def _progress(member: Membership, counts: dict, last: object) -> dict:
    said = {"reader": member.code, "last": last, **{name: counts[name] for name in ("confirmed", "total")}}
    return out.ProgressOut(said).data
