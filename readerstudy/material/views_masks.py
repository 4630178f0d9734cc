"""Volumes of interest on the page of a case: look, remove, call back."""

import numpy as np
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from processing.errors import InputError
from readerstudy.material import volumes, volumes_of_interest
from readerstudy.material.alignments import placing
from readerstudy.material.models import Series, VolumeOfInterest
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy


def _volume(study: ReaderStudy, number: int) -> VolumeOfInterest:
    found = VolumeOfInterest.objects.filter(study=study, pk=number).select_related("case", "study", "drawn_on").first()
    if found is None:
        raise Http404
    return found


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
    """The slice of a series on which most of the volume of interest lies, with its outline.

    placed: digest of the placing that the page tells of. Another one now is another picture: 409.
    """
    from processing.masks import carry
    from processing.pictures.picture import outlined_png

    found = _volume(study, volume)
    shown = Series.objects.filter(study=study, case=found.case_id, pk=series).select_related("made_from").first()
    if shown is None:
        raise Http404
    placed = placing(found.drawn_on, shown)
    if request.GET.get("placed", placed.digest) != placed.digest:
        return HttpResponse("The alignment has changed. Reload the page.", status=409, content_type="text/plain")
    try:
        image = volumes.load(shown)
        matrix = None if placed.matrix is None else np.array(placed.matrix)
        carried = carry(volumes_of_interest.load_mask(found), image.shape, image.affine, matrix=matrix)
        picture = outlined_png(image, carried.mask.array)
    except (InputError, FileNotFoundError) as error:
        raise Http404 from error
    return HttpResponse(picture, content_type="image/png", headers={"Cache-Control": "private, no-cache"})
