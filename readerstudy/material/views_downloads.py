"""Images to take away: a series, a case, an arm, a study."""

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from processing.errors import InputError
from readerstudy.material import downloads
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy


@never_cache
@study_page("see_material")
@require_safe
def images_zip(request: StudyRequest, study: ReaderStudy, **which: int) -> HttpResponse | StreamingHttpResponse:
    """One zip of the study, or of one arm, case or series; `?as=nifti` has it as NIfTI in BIDS."""
    try:
        found, name = downloads.named(study, **which)
        return downloads.stream(study, found, form=request.GET.get("as", downloads.AS_KEPT), name=name)
    except LookupError as error:
        raise Http404 from error
    except InputError as error:
        messages.error(request, str(error))
        return redirect("material", study.slug)
