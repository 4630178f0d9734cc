"""Images, difference maps of one case."""

import numpy as np
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from processing.errors import InputError
from readerstudy.images.difference import KINDS, DifferenceChoice, choose
from readerstudy.material import volumes
from readerstudy.material.models import Case
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy


def case_of(study: ReaderStudy, number: int) -> Case:
    """A case of the study whose subject is not withdrawn; else Http404."""
    found = Case.objects.filter(study=study, pk=number, subject__withdrawn_at=None).select_related("subject").first()
    if found is None:
        raise Http404
    return found


@never_cache
@study_page("see_material")
@require_safe
def difference(request: StudyRequest, study: ReaderStudy, case: int) -> HttpResponse:
    """Reference, test and their difference, slice by slice."""
    found = case_of(study, case)
    return render(
        request,
        "images/difference_map.html",
        {
            "tab": "image_metrics",
            "study": study,
            "case": found,
            "kinds": KINDS,
            "choice": choose(found, request.GET),
        },
    )


@study_page("see_material")
@require_safe
def difference_picture(request: StudyRequest, study: ReaderStudy, case: int) -> HttpResponse:
    """One slice as PNG: reference, test, map with its scale."""
    choice = choose(case_of(study, case), request.GET)
    if choice is None:
        raise Http404
    try:
        picture = _picture(choice)
    except (InputError, FileNotFoundError) as error:
        raise Http404 from error
    return HttpResponse(picture, content_type="image/png", headers={"Cache-Control": "private, max-age=600"})


def _picture(choice: DifferenceChoice) -> bytes:
    from processing.pictures.difference_map import picture, slice_pair

    reference, test = volumes.load_cached(choice.reference), volumes.load_cached(choice.test)
    matrix = None if choice.placed.matrix is None else np.array(choice.placed.matrix)
    return picture(slice_pair(reference, test, choice.slice - 1, matrix=matrix, voi=choice.inside()), choice.kind)
