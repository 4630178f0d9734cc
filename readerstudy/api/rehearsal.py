"""The dry run of a draft: ask for it, follow it, take its tables of made-up answers."""

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from readerstudy.api import serializers as out
from readerstudy.api.endpoint import StudyEndpoint
from readerstudy.api.models import Scope
from readerstudy.home import rehearsal
from readerstudy.jobs.models import Job


class Rehearsal(StudyEndpoint):
    action = "rehearse"
    scope = Scope.JOBS

    @extend_schema(
        responses={(200, "application/json"): OpenApiTypes.OBJECT, 202: out.JobOut}, operation_id="rehearsal"
    )
    def get(self, request: Request, slug: str) -> Response:
        """What the analysis made of the last dry run, and whether it is of the study as it is now; 202 with its job
        before that, and where it failed."""
        job = rehearsal.last_rehearsal(self.study)
        if job is None:
            raise Http404
        if job.state != Job.State.DONE:
            return Response(out.JobOut(job).data, status=status.HTTP_202_ACCEPTED)
        made = job.result["results"]
        return Response({"current": rehearsal.is_current(job), "reading": made["reading"], "images": made["images"]})

    @extend_schema(request=None, responses={202: out.JobOut}, operation_id="rehearse")
    def post(self, request: Request, slug: str) -> Response:
        """Have readers who answer by chance read a copy of this draft; asked twice changes nothing."""
        job = rehearsal.request_rehearsal(study=self.study, actor=self.user)
        job.refresh_from_db()
        return Response(out.JobOut(job).data, status=status.HTTP_202_ACCEPTED)
