"""Images, Image metrics: how close the arms are to each other, before and after registration."""

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from readerstudy.archive.downloads import stream_csv
from readerstudy.audit.services import ensure_sections_sealed
from readerstudy.images import image_metrics as selectors
from readerstudy.images.tables import table_lines
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.figure_files import with_figure_files
from readerstudy.reading.whole_record import note_export


@never_cache
@study_page("see_material")
@require_safe
@with_figure_files
def image_metrics(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Table 4, the price of repositioning, the worst cases. It holds no ratings: it may be seen in every state."""
    ensure_sections_sealed(study, "protocol", "subjects", "cases", "series", "alignments", "metrics")
    found = selectors.context(study, request.GET.get("pair", ""))
    return render(request, "images/image_metrics.html", {"tab": "image_metrics", "study": study, **found})


@never_cache
@study_page("see_material")
@require_safe
def metrics_csv(request: StudyRequest, study: ReaderStudy) -> StreamingHttpResponse:
    """Image metrics of every case as CSV."""
    name = f"{study.slug}-metrics.csv"
    note_export(study=study, user=request.user, file=name)
    return stream_csv(table_lines(study, "metrics"), name)
