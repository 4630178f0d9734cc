"""One case with all its arms."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from readerstudy.intake.selectors import awaited
from readerstudy.material import alignments, drawing, selectors
from readerstudy.material.views import case_of
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.checks import stands_against
from readerstudy.reading.preparing import pairs_of


@never_cache
@study_page("see_material")
def case_page(request: StudyRequest, study: ReaderStudy, case: int) -> HttpResponse:
    """All arms of one case: picture, state, how it was acquired or made, earlier versions."""
    shown_case = case_of(study, case)
    cells, before, after = selectors.cells_and_neighbours(shown_case, awaited=awaited(study))
    return render(
        request,
        "home/case.html",
        {
            "tab": "material",
            "study": study,
            "case": shown_case,
            "cells": cells,
            "pairs": pairs_of(shown_case),
            "versions": shown_case.series.select_related("arm").order_by("arm__place", "-version"),
            "before": before,
            "after": after,
            "states": selectors.STATES,
            "volumes": drawing.of_case(shown_case),
            "alignments": alignments.of_case(shown_case),
            "frozen": shown_case.presentations.exists(),
            "against": stands_against(study, [shown_case]),
        },
    )
