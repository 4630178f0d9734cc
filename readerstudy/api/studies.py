"""Studies, and what their pages say of protocol, people, subjects, cases, series, log."""

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from readerstudy.accounts.models import Membership, Role
from readerstudy.api import serializers as out
from readerstudy.api.endpoint import Endpoint, StudyEndpoint, page
from readerstudy.api.models import Token
from readerstudy.material.models import Case, Series
from readerstudy.protocol.selectors import protocol_document
from readerstudy.reading import selectors as reading

LIMITS = [
    OpenApiParameter("limit", OpenApiTypes.INT, description="rows of a page, 1000 at most"),
    OpenApiParameter("offset", OpenApiTypes.INT, description="of the first row of the page"),
]


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


class Protocol(StudyEndpoint):
    action = "see_protocol"

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.OBJECT}, operation_id="protocol")
    def get(self, request: Request, slug: str) -> Response:
        """The protocol, as in the file protocol.json of the exports."""
        return Response(protocol_document(self.study))


class People(StudyEndpoint):
    action = "manage_members"

    @extend_schema(responses=page(out.PersonOut), parameters=LIMITS, operation_id="people")
    def get(self, request: Request, slug: str) -> Response:
        """Who has which role."""
        return self.page_of(self.study.memberships.select_related("user"), out.PersonOut)


class Sites(StudyEndpoint):
    action = "see_material"

    @extend_schema(responses=page(out.SiteOut), parameters=LIMITS, operation_id="sites")
    def get(self, request: Request, slug: str) -> Response:
        """Where subjects were scanned."""
        return self.page_of(self.study.sites.all(), out.SiteOut)


class Subjects(StudyEndpoint):
    action = "see_material"

    @extend_schema(responses=page(out.SubjectOut), parameters=LIMITS, operation_id="subjects")
    def get(self, request: Request, slug: str) -> Response:
        """Subjects by their pseudonyms."""
        return self.page_of(self.study.subjects.select_related("site"), out.SubjectOut)


class Cases(StudyEndpoint):
    action = "see_material"

    @extend_schema(
        responses=page(out.CaseOut), parameters=[*LIMITS, OpenApiParameter("subject", str)], operation_id="cases"
    )
    def get(self, request: Request, slug: str) -> Response:
        """Cases: region, plane and weighting of a subject."""
        found: QuerySet[Case] = self.study.cases.select_related("subject").order_by("code")
        if subject := request.query_params.get("subject"):
            found = found.filter(subject__code=subject)
        return self.page_of(found, out.CaseOut)


class SeriesList(StudyEndpoint):
    action = "see_material"

    @extend_schema(
        responses=page(out.SeriesOut),
        parameters=[
            *LIMITS,
            OpenApiParameter("case", str),
            OpenApiParameter("arm", str),
            OpenApiParameter("all", bool, description="earlier versions too"),
        ],
        operation_id="series",
    )
    def get(self, request: Request, slug: str) -> Response:
        """Series, each the pixels of one case in one arm."""
        asked = request.query_params
        found: QuerySet[Series] = self.study.series.select_related("case", "arm").order_by("pk")
        if asked.get("all", "").lower() not in ("1", "true"):
            found = found.filter(active=True)
        for name, field in (("case", "case__code"), ("arm", "arm__code")):
            if asked.get(name):
                found = found.filter(**{field: asked[name]})
        return self.page_of(found, out.SeriesOut)


class Log(StudyEndpoint):
    action = "see_log"

    @extend_schema(
        responses=page(out.EventOut),
        parameters=[*LIMITS, OpenApiParameter("after", int, description="number of a line")],
        operation_id="log",
    )
    def get(self, request: Request, slug: str) -> Response:
        """Lines of the log, the first first."""
        after = request.query_params.get("after", "")
        found = self.study.events.order_by("number")
        return self.page_of(found.filter(number__gt=int(after)) if after.isdecimal() else found, out.EventOut)


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
