"""Models that can make an arm, and how far they are with it."""

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from processing.errors import InputError
from readerstudy.api import asked
from readerstudy.api import serializers as out
from readerstudy.api.endpoint import StudyEndpoint
from readerstudy.api.models import Scope
from readerstudy.enhancement import model_pages, model_runs
from readerstudy.protocol import enhancers


class Models(StudyEndpoint):
    action = "see_material"

    @extend_schema(responses=out.ModelOut(many=True), operation_id="models")
    def get(self, request: Request, slug: str) -> Response:
        """Every model that could make an arm here."""
        return Response([_said(model_pages.listed_model(name)) for name in enhancers.folders()])


def _said(model: model_pages.ListedModel) -> dict:
    identity = model.record.identity if model.record else None
    said = {"name": model.name, "shipped": model.shipped, "problem": model.problem, "weakness": model.weakness}
    said |= {"version": identity.version if identity else "", "sha256": identity.sha256 if identity else ""}
    return out.ModelOut(said).data


class Runs(StudyEndpoint):
    action = "see_material"

    @extend_schema(responses=out.RunOut(many=True), operation_id="runs")
    def get(self, request: Request, slug: str) -> Response:
        """Every arm that a model makes, and how far its series are."""
        return Response(out.RunOut(model_runs.runs(self.study), many=True).data)


class RunModel(StudyEndpoint):
    action = "add_material"
    scope = Scope.JOBS

    @extend_schema(request=asked.RunIn, responses=out.AskedOut, operation_id="run_model")
    def post(self, request: Request, slug: str, model: str) -> Response:
        """Have this model make an arm in every case; asked twice changes nothing."""
        if model not in enhancers.folders():
            raise Http404
        code = self.asked(asked.RunIn)["arm"]
        arm = self.study.arms.select_related("made_from").filter(code=code).first()
        if arm is None:
            raise InputError(f"There is no arm “{code}” in this study.")
        return Response({"new": model_runs.run(study=self.study, arm=arm, model=model, actor=self.user)})
