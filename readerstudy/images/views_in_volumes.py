"""Images, Radiomics, In the volumes: intensity and noise in volumes of interest, arm by arm."""

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from readerstudy.archive.downloads import stream_csv
from readerstudy.audit.services import ensure_sections_sealed
from readerstudy.images import in_volumes as selectors
from readerstudy.images.tables import table_lines
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.figure_files import with_figure_files
from readerstudy.reading.whole_record import note_export


@never_cache
@study_page("see_material")
@require_safe
@with_figure_files
def in_volumes(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Box plots and tests of what volumes of interest hold. It holds no ratings: it may be seen in every state."""
    ensure_sections_sealed(study, "protocol", "series", "volumes", "volume measures")
    found = selectors.context(study)
    return render(request, "images/in_volumes.html", {"tab": "image_metrics", "study": study, **found})


@never_cache
@study_page("see_material")
@require_safe
def voi_csv(request: StudyRequest, study: ReaderStudy) -> StreamingHttpResponse:
    """One row per volume of interest, arm and measure."""
    name = f"{study.slug}-voi.csv"
    note_export(study=study, user=request.user, file=name)
    return stream_csv(table_lines(study, "voi"), name)
