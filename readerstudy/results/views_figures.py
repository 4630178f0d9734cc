"""Images, Figures: panels for a manuscript, chosen in the browser."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from processing.errors import InputError
from readerstudy.accounts.access import study_page
from readerstudy.material.models import Case
from readerstudy.protocol.models import ReaderStudy
from readerstudy.results import figure_choice, services
from readerstudy.results.figure_choice import PLACES, ZOOMS, Choice

PREVIEW_DPI = 150


@never_cache
@study_page("see_material")
@require_safe
def figures(request: HttpRequest, study: ReaderStudy) -> HttpResponse:
    """Choose case, slice, arms and looks; the figure follows. The address holds the whole choice."""
    choice, error = None, ""
    try:
        choice = _chosen(request, study)
    except InputError as reason:
        error = str(reason)
    cases = Case.objects.filter(study=study, subject__withdrawn_at=None, series__active=True).distinct()
    slots = []
    if choice:
        for place, letter in enumerate(PLACES[: len(choice.there)]):
            slots.append((letter, choice.chosen[place].arm.code if place < len(choice.chosen) else ""))
    return render(request, "results/figures.html", {
        "tab": "image_metrics", "study": study, "choice": choice, "error": error, "zooms": ZOOMS, "slots": slots,
        "cases": cases.select_related("subject").order_by("subject__code", "code"),
    })  # fmt: skip


@study_page("see_material")
@require_safe
def figure_file(request: HttpRequest, study: ReaderStudy, kind: str) -> HttpResponse:
    """The figure as SVG or PNG; `?preview=1` is a smaller PNG for the page."""
    from processing.figure_panel import DPI, png, svg

    if kind not in ("png", "svg"):
        raise Http404
    try:
        choice = _chosen(request, study)
        if choice is None:
            raise Http404
        found = figure_choice.laid_out(choice)
    except (InputError, FileNotFoundError) as error:
        raise Http404 from error
    if "preview" in request.GET:
        picture = png(found, dpi=PREVIEW_DPI)
        return HttpResponse(picture, content_type="image/png", headers={"Cache-Control": "private, max-age=600"})
    name = f"{study.slug}-{choice.case.code}-{choice.slice}.{kind}"
    services.note_export(study=study, user=request.user, file=name)
    content = png(found, dpi=DPI) if kind == "png" else svg(found)
    response = HttpResponse(content, content_type="image/png" if kind == "png" else "image/svg+xml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _chosen(request: HttpRequest, study: ReaderStudy) -> Choice | None:
    try:
        return figure_choice.choose(study, request.GET)
    except Case.DoesNotExist as error:
        raise Http404 from error
