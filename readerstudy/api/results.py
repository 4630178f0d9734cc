"""Results and tables of a study whose reading has ended."""

from django.http import Http404, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from readerstudy.api import serializers as out
from readerstudy.api.endpoint import StudyEndpoint
from readerstudy.api.models import Scope
from readerstudy.archive.downloads import stream_csv
from readerstudy.jobs.models import Job
from readerstudy.reading.whole_record import note_export
from readerstudy.results import exports, services


class Results(StudyEndpoint):
    action = "see_results"
    scope = Scope.RESULTS

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.OBJECT, 202: out.JobOut}, operation_id="results")
    def get(self, request: Request, slug: str) -> Response:
        """The analyses that the pages show: reading and images; 202 with the job while they are being made."""
        made = services.results_or_job(self.study)
        if isinstance(made, Job):
            return Response(out.JobOut(made).data, status=status.HTTP_202_ACCEPTED)
        services.note_seen(study=self.study, user=self.user)
        return Response({"reading": made.reading, "images": made.images})


class Table(StudyEndpoint):
    action = "export"
    scope = Scope.RESULTS

    @extend_schema(
        responses={(200, "text/csv"): OpenApiTypes.STR},
        parameters=[
            OpenApiParameter("table", str, OpenApiParameter.PATH, enum=exports.TABLES),
            OpenApiParameter("all", bool, description="every revision of the ratings"),
        ],
        operation_id="table",
    )
    def get(self, request: Request, slug: str, table: str) -> StreamingHttpResponse:
        """One table as CSV; its columns are those of the codebook."""
        if table not in exports.TABLES:
            raise Http404
        every = table == "ratings" and request.query_params.get("all", "").lower() in ("1", "true")
        name = f"{self.study.slug}-{table}{'-all' if every else ''}.csv"
        note_export(study=self.study, user=self.user, file=name)
        options = {"every_revision": True} if every else {}
        return stream_csv(exports.table_lines(self.study, table, **options), name)
