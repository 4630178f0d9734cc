"""The display check, its answer, and where the reading room leaves its log."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from rest_framework.request import Request
from rest_framework.response import Response

from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.views import ReadingView
from readerstudy.viewing import selectors, serializers, services


@never_cache
@study_page("read")
@require_safe
def display_check(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Patterns to look at before a reading."""
    config = {
        **selectors.patterns(),
        "send": reverse("keep_display_check", args=[study.slug]),
        "reading": reverse("reading", args=[study.slug]),
        "home": reverse("home"),
    }
    shown = {"reader_title": study.reader_title, "slug": study.slug, "synthetic": study.synthetic}
    return render(request, "viewing/display_check.html", {"study": shown, "config": config})


class DisplayCheckView(ReadingView):
    """A finished display check."""

    def post(self, request: Request, **kwargs) -> Response:
        data = self.valid_data(serializers.CheckIn)
        made = services.keep_check(reader=self.member, browser=request.headers.get("User-Agent", "")[:300], **data)
        selectors.remember(request.session, made)
        return Response(selectors.check_json(made))


class LogView(ReadingView):
    """A piece of the log of one own presentation. What cannot be kept is gone: the browser need not try again."""

    def post(self, request: Request, **kwargs) -> Response:
        presentation, data = self.presentation(), self.valid_data(serializers.LogPartIn)
        kept = services.keep_part(presentation=presentation, **data)
        return Response({"kept": kept})
