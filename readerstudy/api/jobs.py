"""Work in the background: how it stands, again, no more, what is missing."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from readerstudy.api import serializers as out
from readerstudy.api.endpoint import LIMITS, StudyEndpoint, page
from readerstudy.api.models import Scope
from readerstudy.jobs import services
from readerstudy.jobs.models import Job
from readerstudy.states import State


class Jobs(StudyEndpoint):
    action = "see_jobs"

    @extend_schema(
        responses=page(out.JobOut),
        parameters=[*LIMITS, OpenApiParameter("state", str, enum=Job.State.values)],
        operation_id="jobs",
    )
    def get(self, request: Request, slug: str) -> Response:
        """Jobs in the order in which they were asked for."""
        found = Job.objects.filter(study=self.study).order_by("pk")
        if state := self.query("state"):
            found = found.filter(state=state)
        return self.page_of(found, out.JobOut)


class OneJob(StudyEndpoint):
    action = "see_jobs"

    @extend_schema(responses=out.JobOut, operation_id="job")
    def get(self, request: Request, slug: str, job: int) -> Response:
        """How far it is."""
        return Response(out.JobOut(get_object_or_404(Job, study=self.study, pk=job)).data)


class _ChangeJob(StudyEndpoint):
    action = "run_jobs"
    scope = Scope.JOBS

    def job(self, number: int) -> Job:
        return get_object_or_404(Job, study=self.study, pk=number)


class RetryJob(_ChangeJob):
    @extend_schema(request=None, responses=out.ChangedOut, operation_id="retry_job")
    def post(self, request: Request, slug: str, job: int) -> Response:
        """Try a job again that failed or was cancelled."""
        return Response({"changed": services.retry(job=self.job(job))})


class CancelJob(_ChangeJob):
    @extend_schema(request=None, responses=out.ChangedOut, operation_id="cancel_job")
    def post(self, request: Request, slug: str, job: int) -> Response:
        """Stop a job; a running one cannot store its result."""
        return Response({"changed": services.cancel(job=self.job(job))})


class RunMissing(StudyEndpoint):
    action = "run_jobs"
    scope = Scope.JOBS

    @extend_schema(request=None, responses=out.AskedOut, operation_id="run_missing")
    def post(self, request: Request, slug: str) -> Response:
        """Ask for everything that is missing and can be made."""
        return Response({"new": services.ask_for_missing(self.study, renew=self.study.state == State.DRAFT)})
