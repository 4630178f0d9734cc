"""Images, Scan times: protocols of each arm and the time saved."""

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from readerstudy.archive.downloads import stream_csv
from readerstudy.audit.services import ensure_sections_sealed
from readerstudy.images import scan_times as selectors
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.figure_files import with_figure_files
from readerstudy.reading.whole_record import note_export


@never_cache
@study_page("see_material")
@require_safe
@with_figure_files
def scan_times(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Table 1 of the paper: it holds no ratings and may be seen in every state."""
    ensure_sections_sealed(study, "protocol", "subjects", "cases", "series")
    found = selectors.context(study)
    columns = selectors.COLUMNS
    return render(
        request, "images/scan_times.html", {"tab": "image_metrics", "study": study, "columns": columns, **found}
    )


@never_cache
@study_page("see_material")
@require_safe
def scan_times_csv(request: StudyRequest, study: ReaderStudy) -> StreamingHttpResponse:
    """Parameters per protocol and arm as CSV."""
    name = f"{study.slug}-scan-times.csv"
    note_export(study=study, user=request.user, file=name)
    return stream_csv(selectors.csv_table(study), name)
