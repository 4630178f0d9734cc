"""What was looked at, once a study is closed: lines per presentation, and one played again. No arm is named."""

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from analysis.report.contents import SECTIONS
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.viewing import replay

AT_ONCE = 50
TABS = {"tab": "results", "sub": "viewing", "sections": [(key, one.title) for key, one in SECTIONS.items()]}


@never_cache
@study_page("see_results")
@require_safe
def looked_at(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """One line per presentation of which there is a log."""
    page = Paginator(replay.looked_at(study), AT_ONCE).get_page(request.GET.get("page"))
    context = {"study": study, "page": page, "lines": replay.lines(list(page)), **TABS}
    return render(request, "viewing/looked_at.html", context)


@never_cache
@study_page("see_results")
@require_safe
def replayed(request: StudyRequest, study: ReaderStudy, reader: str, position: int) -> HttpResponse:
    """One presentation played again, from its log alone."""
    presentation = replay.looked_at(study).filter(reader__code=reader, position=position).first()
    if presentation is None:
        raise Http404
    [line] = replay.lines([presentation])
    context = {"study": study, "line": line, "played": replay.played(presentation), **TABS}
    return render(request, "viewing/replay.html", context)
