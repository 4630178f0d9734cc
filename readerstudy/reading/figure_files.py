"""Figures of a page as files: `?figure=NAME&form=pdf&width=85&dpi=300` at its own address, with its permission."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from analysis.errors import InputError
from analysis.report import figure_files, svg
from readerstudy.archive.downloads import send_file
from readerstudy.protocol.access import StudyRequest
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.whole_record import note_export

ASKED = ("figure", "form", "width", "dpi")
TYPES = {"svg": "image/svg+xml", "pdf": "application/pdf", "png": "image/png"}
P = ParamSpec("P")
View = Callable[Concatenate[StudyRequest, ReaderStudy, P], HttpResponse]


def with_figure_files(view: View[P]) -> View[P]:
    """A page of a study whose figures can be taken away as files, drawn for the width of paper. Each is logged."""

    @wraps(view)
    def page_or_figure(request: StudyRequest, study: ReaderStudy, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if "figure" not in request.GET:
            return view(request, study, *args, **kwargs)
        name, form = request.GET["figure"], request.GET.get("form", "pdf")
        if form not in TYPES:
            raise Http404
        try:
            width, dpi = float(request.GET.get("width", 85)), int(request.GET.get("dpi", 300))
            figure_files.ensure_possible(form, width=width, dpi=dpi)
            with svg.drawn_for(figure_files.room(width)):
                page = view(request, study, *args, **kwargs)
            figure = figure_files.of_page(page.content.decode()).get(name)
            if figure is None:
                raise Http404
            figure_files.ensure_readable(figure, width)
            content = figure_files.made(figure, form, width=width, dpi=dpi)
        except (InputError, ValueError) as problem:
            messages.error(request, str(problem))
            rest = {key: value for key, value in request.GET.items() if key not in ASKED}
            return redirect(f"{request.path}?{urlencode(rest)}")
        file = f"{study.slug}-{name}.{form}"
        note_export(study=study, user=request.user, file=file)
        return send_file(content, file, TYPES[form])

    return page_or_figure
