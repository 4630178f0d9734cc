"""Volumes of interest of a case or of a study, as one zip of NIfTI and DICOM segmentations."""

from django.http import Http404, StreamingHttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from readerstudy.archive.downloads import stream_zip, zip_pieces
from readerstudy.audit.services import ensure_sections_sealed
from readerstudy.images.volume_files import volume_files
from readerstudy.material.models import Case
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.whole_record import note_export


@never_cache
@study_page("see_material")
@require_safe
def volumes_zip(request: StudyRequest, study: ReaderStudy, case: int | None = None) -> StreamingHttpResponse:
    """They hold no ratings, so they may be taken in every state; the same volumes give the same bytes."""
    found = None
    if case is not None:
        found = Case.objects.filter(study=study, pk=case, subject__withdrawn_at=None).first()
        if found is None:
            raise Http404
    ensure_sections_sealed(study, "series", "volumes")
    name = f"{study.slug}-volumes.zip" if found is None else f"{study.slug}-{found.code}-volumes.zip"
    note_export(study=study, user=request.user, file=name)
    return stream_zip(zip_pieces(volume_files(study, found), study.created_at), name)
