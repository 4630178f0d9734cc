"""Volumes of interest on the page of a case: send masks, look, remove, call back."""

import numpy as np
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from processing.errors import InputError
from readerstudy.archive import quarantine
from readerstudy.material import volumes, volumes_of_interest
from readerstudy.material.alignments import placing
from readerstudy.material.models import Case, Series, VolumeOfInterest
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy


def _volume(study: ReaderStudy, number: int) -> VolumeOfInterest:
    found = VolumeOfInterest.objects.filter(study=study, pk=number).select_related("case", "study", "drawn_on").first()
    if found is None:
        raise Http404
    return found


@study_page("add_masks")
@require_POST
def add_masks(request: StudyRequest, study: ReaderStudy, case: int) -> HttpResponse:
    """Masks of a form: NIfTI, NRRD or DICOM segmentations."""
    files = request.FILES.getlist("masks")
    try:
        found = Case.objects.filter(study=study, pk=case, subject__withdrawn_at=None).select_related("study").first()
        if found is None:
            raise Http404
        number = request.POST.get("drawn_on", "")
        drawn_on = found.series.filter(active=True, pk=number).first() if number.isdigit() else None
        if drawn_on is None:
            raise InputError("Say on which series the mask was drawn.")
        made = volumes_of_interest.receive_masks(
            case=found, drawn_on=drawn_on, name=request.POST.get("name", ""), files=files, actor=request.user
        )
        names = ", ".join(volume.name for volume in made)
        messages.success(request, f"Added {names}. Features follow on every arm.", extra_tags="masks")
    except InputError as error:
        messages.error(request, str(error), extra_tags="masks")
    finally:
        quarantine.erase_requests(files)
    return redirect(reverse("case", args=[study.slug, case]) + "#volumes")


@study_page("add_masks")
@require_POST
def change_mask(request: StudyRequest, study: ReaderStudy, volume: int) -> HttpResponse:
    """Remove a volume of interest, or call it back."""
    found = _volume(study, volume)
    change = volumes_of_interest.call_back if "back" in request.POST else volumes_of_interest.remove
    try:
        change(volume=found, actor=request.user)
    except InputError as error:
        messages.error(request, str(error), extra_tags="masks")
    return redirect(reverse("case", args=[study.slug, found.case_id]) + "#volumes")


@study_page("see_material")
def mask_picture(request: StudyRequest, study: ReaderStudy, volume: int, series: int) -> HttpResponse:
    """The slice of a series on which most of the volume of interest lies, with its outline."""
    from processing.masks import carry
    from processing.pictures.picture import outlined_png

    found = _volume(study, volume)
    shown = Series.objects.filter(study=study, case=found.case_id, pk=series).select_related("made_from").first()
    if shown is None:
        raise Http404
    try:
        image = volumes.load(shown)
        placed = placing(found.drawn_on, shown)
        matrix = None if placed.matrix is None else np.array(placed.matrix)
        carried = carry(volumes_of_interest.load_mask(found), image.shape, image.affine, matrix=matrix)
        picture = outlined_png(image, carried.mask.array)
    except (InputError, FileNotFoundError) as error:
        raise Http404 from error
    return HttpResponse(picture, content_type="image/png", headers={"Cache-Control": "private, no-cache"})
