"""Results and tables of a study whose reading has ended."""

from django.http import FileResponse, Http404, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from readerstudy.api import serializers as out
from readerstudy.api.endpoint import Rate, StudyEndpoint
from readerstudy.api.images import DownloadRate
from readerstudy.api.models import Scope
from readerstudy.archive.downloads import stream_csv
from readerstudy.jobs.models import Job
from readerstudy.reading.whole_record import note_export
from readerstudy.results import exports, large_files, services

AS_IT_IS = OpenApiParameter("as_it_is", bool, description="even if it tells who somebody is, which the log says")


class Results(StudyEndpoint):
    action = "see_results"
    scope = Scope.RESULTS

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.OBJECT, 202: out.JobOut}, operation_id="results")
    def get(self, request: Request, slug: str) -> Response:
        """The analyses that the pages show: reading and images; 202 with the job while they are being made."""
        made = services.results_or_job(self.study)
        if isinstance(made, Job):
            return _wait(made)
        services.note_seen(study=self.study, user=self.user)
        return Response({"reading": made.reading, "images": made.images})


class Table(StudyEndpoint):
    action = "export"
    scope = Scope.RESULTS

    @extend_schema(
        responses={(200, "text/csv"): OpenApiTypes.STR, 202: out.JobOut},
        parameters=[
            OpenApiParameter("table", str, OpenApiParameter.PATH, enum=exports.TABLES),
            OpenApiParameter("all", bool, description="every revision of the ratings"),
            AS_IT_IS,
        ],
        operation_id="table",
    )
    def get(self, request: Request, slug: str, table: str) -> Response | StreamingHttpResponse | FileResponse:
        """One table as CSV; its columns are those of the codebook; 202 while a job writes a long one. 400 if something
        in it tells who somebody is."""
        if table not in exports.TABLES:
            raise Http404
        every = table == "ratings" and self.flag("all")
        options = {"every_revision": True} if every else {}
        name = exports.file_name(self.study, table, **options)
        if self.flag("as_it_is"):
            note_export(study=self.study, user=self.user, file=name, as_it_is=True)
            return stream_csv(exports.table_lines(self.study, table, **options), name)
        lines = exports.short_table(self.study, table, name, **options)
        if lines is None:
            return _large_file(self, large_files.form_of_table(table, **options), name)
        note_export(study=self.study, user=self.user, file=name)
        return stream_csv(lines, name)


def _wait(job: Job) -> Response:
    """What is asked for is being made: 202 with the job."""
    return Response(out.JobOut(job).data, status=status.HTTP_202_ACCEPTED)


class Numbers(StudyEndpoint):
    action = "export"
    scope = Scope.RESULTS

    @extend_schema(
        responses={(200, "text/csv"): OpenApiTypes.STR, 202: out.JobOut},
        parameters=[AS_IT_IS],
        operation_id="numbers",
    )
    def get(self, request: Request, slug: str, table: str) -> Response | StreamingHttpResponse:
        """One table of results as CSV, every number with its method, n and reason; 202 while they are being made. 400
        if something in it tells who somebody is."""
        made = services.results_or_job(self.study)
        if isinstance(made, Job):
            return _wait(made)
        found = exports.number_tables(made.reading)
        if table not in found:
            raise Http404
        name = f"{self.study.slug}-{table}.csv"
        said = {"as_it_is": True} if self.flag("as_it_is") else {}
        lines = exports.number_table(self.study, found[table], name, **said)
        note_export(study=self.study, user=self.user, file=name, **said)
        return stream_csv(lines, name)


class Codebook(StudyEndpoint):
    action = "export"
    scope = Scope.RESULTS

    @extend_schema(
        responses={(200, "text/csv"): OpenApiTypes.STR},
        parameters=[OpenApiParameter("table", str, OpenApiParameter.PATH, enum=exports.TABLES)],
        operation_id="codebook",
    )
    def get(self, request: Request, slug: str, table: str) -> StreamingHttpResponse:
        """What the columns of a table mean."""
        if table not in exports.TABLES:
            raise Http404
        name = f"{self.study.slug}-{table}-codebook.csv"
        note_export(study=self.study, user=self.user, file=name)
        return stream_csv(exports.codebook_lines(table), name)


class Everything(StudyEndpoint):
    action = "export"
    scope = Scope.RESULTS
    throttle_classes = (Rate, DownloadRate)

    @extend_schema(
        responses={(200, "application/zip"): OpenApiTypes.BINARY, 202: out.JobOut},
        parameters=[AS_IT_IS],
        operation_id="results_zip",
    )
    def get(self, request: Request, slug: str) -> Response | FileResponse:
        """All tables, codebooks, protocol and results in one zip; 202 while they are being made. 400 if something in it
        tells who somebody is."""
        made = services.everything_or_job(self.study)
        if isinstance(made, Job):
            return _wait(made)
        return _large_file(self, "zip", f"{self.study.slug}-results.zip")


def _large_file(at: StudyEndpoint, form: str, name: str) -> Response | FileResponse:
    """The file, or 202 with the job that writes it."""
    said = {"as_it_is": True} if at.flag("as_it_is") else {}
    found = large_files.file_or_job(at.study, form, **said)
    if isinstance(found, Job):
        return _wait(found)
    file, sha256 = found
    note_export(study=at.study, user=at.user, file=name, sha256=sha256, **said)
    return FileResponse(file, as_attachment=True, filename=name)
