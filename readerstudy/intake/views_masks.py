"""Masks of volumes of interest that somebody sends from the page of a case."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from processing.errors import InputError
from readerstudy.archive import quarantine
from readerstudy.intake.pseudonyms import pseudonym_key
from readerstudy.intake.upload_handler import sealed_files
from readerstudy.material import volumes_of_interest
from readerstudy.material.models import Case
from readerstudy.material.site_lists import names_of
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy


@study_page("add_masks")
@require_POST
def add_masks(request: StudyRequest, study: ReaderStudy, case: int) -> HttpResponse:
    """Masks of a form: NIfTI, NRRD, DICOM segmentations or structure sets."""
    files = sealed_files(request, "masks")
    try:
        found = Case.objects.filter(study=study, pk=case, subject__withdrawn_at=None).select_related("study").first()
        if found is None:
            raise Http404
        number = request.POST.get("drawn_on", "")
        drawn_on = found.series.filter(active=True, pk=number).first() if number.isdigit() else None
        if drawn_on is None:
            raise InputError("Say on which series the mask was drawn.")
        made = volumes_of_interest.receive_masks(
            case=found,
            drawn_on=drawn_on,
            name=request.POST.get("name", ""),
            files=files,
            actor=request.user,
            key=pseudonym_key(study),
            known=names_of(study),
        )
        names = ", ".join(volume.name for volume in made)
        messages.success(request, f"Added {names}. Features follow on every arm.", extra_tags="masks")
    except InputError as error:
        messages.error(request, str(error), extra_tags="masks")
    finally:
        quarantine.erase_requests(files)
    return redirect(reverse("case", args=[study.slug, case]) + "#volumes")
