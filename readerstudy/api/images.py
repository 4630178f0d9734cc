"""Images to take away, as on the pages: a study, an arm, a case, a series."""

from collections.abc import Callable

from django.http import Http404, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from readerstudy.api.endpoint import Rate, StudyEndpoint
from readerstudy.api.models import Scope
from readerstudy.material import downloads

FORM = OpenApiParameter("as", str, enum=list(downloads.FORMS), description="as kept, or NIfTI with JSON in BIDS")


class DownloadRate(Rate):
    """Each may be a whole study."""

    scope, rate = "images", "60/min"


class _Images(StudyEndpoint):
    action = "see_material"
    scope = Scope.IMAGES
    throttle_classes = (Rate, DownloadRate)

    def zip(self, request: Request, **which: int) -> StreamingHttpResponse:
        try:
            found, name = downloads.named(self.study, **which)
        except LookupError as error:
            raise Http404 from error
        return downloads.stream(self.study, found, form=request.query_params.get("as", downloads.AS_KEPT), name=name)


def _said(name: str) -> Callable:
    zipped = {(200, "application/zip"): OpenApiTypes.BINARY}
    return extend_schema(responses=zipped, parameters=[FORM], operation_id=name)


class StudyImages(_Images):
    @_said("study_images")
    def get(self, request: Request, slug: str) -> StreamingHttpResponse:
        """Every active series, in one zip that is written while it is sent."""
        return self.zip(request)


class ArmImages(_Images):
    @_said("arm_images")
    def get(self, request: Request, slug: str, arm: int) -> StreamingHttpResponse:
        """The active series of an arm."""
        return self.zip(request, arm=arm)


class CaseImages(_Images):
    @_said("case_images")
    def get(self, request: Request, slug: str, case: int) -> StreamingHttpResponse:
        """The active series of a case."""
        return self.zip(request, case=case)


class SeriesImages(_Images):
    @_said("series_images")
    def get(self, request: Request, slug: str, series: int) -> StreamingHttpResponse:
        """One series, in whatever version."""
        return self.zip(request, series=series)
