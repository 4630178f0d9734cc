"""An upload that was broken off."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from processing.errors import InputError
from readerstudy.intake import receiving
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy


@study_page("add_material")
@require_POST
def discard(request: StudyRequest, study: ReaderStudy, upload: int) -> HttpResponse:
    """Give it up: what was received is erased."""
    try:
        receiving.discard(upload=receiving.open_upload(study=study, user=request.user, number=upload))
    except InputError as error:
        messages.error(request, str(error))
    return redirect("material", study.slug)
