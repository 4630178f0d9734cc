"""Images, Figures: panels for a manuscript, chosen in the browser."""

import base64

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from processing.errors import InputError
from readerstudy.images import figure_choice
from readerstudy.images.figure_choice import FINE, PLACES, ZOOMS, FigureChoice
from readerstudy.material.models import Case
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.whole_record import note_export

PREVIEW_WIDTH = 1040  # pixels


@never_cache
@study_page("see_material")
@require_safe
def figures(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Choose case, slice, arms and looks; the figure follows. The address holds the whole choice."""
    from processing.pictures.figure_panel import png

    choice, shown, error, slots = _chosen(request, study), None, "", []
    if choice:
        try:
            panel, choice = figure_choice.laid_out(choice)
        except InputError as reason:
            error = str(reason)
        except FileNotFoundError:
            error = "The pixels of these series are not in the archive."
        else:
            picture = png(panel, dpi=PREVIEW_WIDTH / panel.width * 25.4, compress_level=1)
            boxes = panel.images[: panel.arms]
            shown = {
                "data": base64.b64encode(picture).decode(),
                "width": round(10 * panel.width),
                "height": round(10 * panel.height),
                "crop": list(choice.options.crop),
                "boxes": [
                    [x / panel.width, y / panel.height, w / panel.width, h / panel.height] for _, x, y, w, h in boxes
                ],
            }
        for place, letter in enumerate(PLACES[: len(choice.there)]):
            slots.append((letter, choice.chosen[place].arm.code if place < len(choice.chosen) else ""))
    cases = Case.objects.filter(study=study, subject__withdrawn_at=None, series__active=True).distinct()
    return render(
        request,
        "images/figures.html",
        {
            "tab": "image_metrics",
            "study": study,
            "choice": choice,
            "shown": shown,
            "error": error,
            "slots": slots,
            "zooms": ZOOMS,
            "fine": FINE,
            "cases": cases.select_related("subject").order_by("subject__code", "code"),
        },
    )


@study_page("see_material")
@require_safe
def figure_file(request: StudyRequest, study: ReaderStudy, kind: str) -> HttpResponse:
    """The figure as SVG or PNG, to take away."""
    from processing.pictures.figure_panel import DPI, png, svg

    choice = _chosen(request, study)
    if kind not in ("png", "svg") or choice is None:
        raise Http404
    try:
        found, choice = figure_choice.laid_out(choice)
    except (InputError, FileNotFoundError) as error:
        raise Http404 from error
    name = f"{study.slug}-{choice.case.code}-{choice.slice}.{kind}"
    content = png(found, dpi=DPI) if kind == "png" else svg(found)
    note_export(study=study, user=request.user, file=name, figure=choice.query)
    response = HttpResponse(content, content_type="image/png" if kind == "png" else "image/svg+xml; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, name)
    return response


def _chosen(request: StudyRequest, study: ReaderStudy) -> FigureChoice | None:
    try:
        return figure_choice.choose(study, request.GET)
    except Case.DoesNotExist as error:
        raise Http404 from error
