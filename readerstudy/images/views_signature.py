"""Images, Radiomics, Signature: the value of a radiomic model per volume and arm, and whether an arm keeps it."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from analysis.errors import InputError
from analysis.report import stability_figures
from analysis.report.tables import signature as tables
from analysis.signature import examples
from readerstudy.audit.services import ensure_sections_sealed
from readerstudy.images import signatures
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.figure_files import with_figure_files


@never_cache
@study_page("see_material")
@require_http_methods(["GET", "HEAD", "POST"])
@with_figure_files
def signature(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """The model of the field, or one of the examples, in every arm. It holds no ratings."""
    ensure_sections_sealed(study, "protocol", "series", "volumes", "feature settings", "features")
    known = examples()
    example = request.GET.get("example", "")
    model = request.POST.get("model", "") or known.get(example, "")
    context: dict = {
        "tab": "image_metrics",
        "study": study,
        "examples": list(known),
        "example": example if example in known and "model" not in request.POST else "",
        "model": model,
    }
    if model:
        try:
            context |= _shown(study, signatures.analyse(study, model))
        except InputError as error:
            context["error"] = str(error)
    return render(request, "images/signature.html", context)


def _shown(study: ReaderStudy, results: dict) -> dict:
    colours = {arm.code: arm.css for arm in study.arms.all()}
    panels = tables.panels(results)
    plot = stability_figures.bland_altman(
        panels, reference=results["reference"], colours=colours, width=max(960 / max(len(panels), 2), 320)
    )
    return {
        "signature": results["signature"],
        "plot": mark_safe(plot),  # noqa: S308  figures escape what they draw
        "tables": [tables.summary(results, colours), tables.values(results)],
    }
