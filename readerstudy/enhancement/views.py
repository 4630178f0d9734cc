"""Models: the list, a card, before and after on one's own series, a run on the whole study."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from processing.errors import InputError
from processing.pictures.before_after import WINDOW, WORDS, change_png, slice_png
from readerstudy.enhancement import model_pages, model_runs, previews
from readerstudy.enhancement.model_pages import ListedModel
from readerstudy.protocol import enhancers
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.figure_files import with_figure_files


def _model(name: str) -> ListedModel:
    try:
        return model_pages.listed_model(name)
    except InputError as error:
        raise Http404 from error


@never_cache
@study_page("see_material")
@require_safe
def models(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Every model that could make an arm here."""
    return render(
        request,
        "enhancement/models.html",
        {
            "tab": "material",
            "study": study,
            "models": [_model(name) for name in enhancers.folders()],
            "problems": enhancers.problems(),
            "arms": model_runs.made_arms(study),
            "missing": [arm for arm in model_runs.made_arms(study) if arm.model_name not in enhancers.folders()],
        },
    )


@never_cache
@study_page("see_material")
@require_safe
@with_figure_files
def model(request: StudyRequest, study: ReaderStudy, name: str) -> HttpResponse:
    """Card, curves, metrics of one model, and how far its run on this study is."""
    found, runs = _model(name), model_runs.runs(study)
    mine = [run for run in runs if run.arm.model_name == name]
    context = {
        "tab": "material",
        "study": study,
        "model": found,
        "runs": mine,
        "busy": any(run.busy for run in mine),
        "others": [run for run in runs if run.arm.model_name != name],
        "left": sum(run.left for run in mine),
    }
    if request.htmx:
        return render(request, "enhancement/run_on_study.html", context)
    record = found.record
    if record:
        with_it = request.GET.get("with", "")
        other = _model(with_it).record if with_it in enhancers.folders() and with_it != name else None
        context |= {
            "names": [one for one in enhancers.folders() if one != name],
            "other": other,
            "beside": model_pages.beside(record, other) if other else [],
            "card": model_pages.card_html(record.card) if record.card else "",
            "curves": model_pages.curve_figures(record, other, by_time=request.GET.get("by") == "time"),
            "detection": model_pages.detection_rows(record),
            "measured": [
                (title, record.measured(part))
                for title, part in (
                    ("As it ships", "shipped"),
                    ("Volumes of the test part", "test"),
                    ("Mean over the validation part", "validation"),
                )
                if record.measured(part)
            ],
        }
    return render(request, "enhancement/model.html", context)


@study_page("add_material")
@require_POST
def run_model(request: StudyRequest, study: ReaderStudy, name: str) -> HttpResponse:
    """Have this model make an arm in every case of the study."""
    _model(name)
    number = request.POST.get("arm", "")
    arm = study.arms.select_related("made_from").filter(pk=number).first() if number.isdecimal() else None
    try:
        if arm is None:
            raise InputError("Choose the arm that is to be made.")
        asked = model_runs.run(study=study, arm=arm, model=name, actor=request.user)
        said = (
            f"{asked} series of {arm.code} asked for." if asked else "Nothing to ask for: all is there or on its way."
        )
        messages.success(request, said, extra_tags="run")
    except InputError as error:
        messages.error(request, str(error), extra_tags="run")
    return redirect(reverse("model", args=[study.slug, name]) + "#run")


@never_cache
@study_page("see_material")
@require_safe
def before_after(request: StudyRequest, study: ReaderStudy, name: str) -> HttpResponse:
    """One slice of one's own series before and after a model, or after two models."""
    found = _model(name)
    return render(
        request,
        "enhancement/before_after.html",
        {
            "tab": "material",
            "study": study,
            "model": found,
            "choice": model_pages.choose(study, name, request.GET),
            "names": [other for other in enhancers.folders() if other != name],
            "window": WINDOW,
            "words": WORDS,
        },
    )


@study_page("run_jobs")
@require_POST
def ask_preview(request: StudyRequest, study: ReaderStudy, name: str) -> HttpResponse:
    """Put the chosen series through the model, or both; nothing of it becomes material."""
    _model(name)
    choice = model_pages.choose(study, name, request.POST)
    if choice is None:
        raise Http404
    try:
        for output in choice.wanted:
            previews.request_preview(source=choice.source, name=output.name)
    except InputError as error:
        messages.error(request, str(error), extra_tags="preview")
    return redirect(f"{reverse('before_after', args=[study.slug, name])}?{choice.query()}")


@study_page("see_material")
@require_safe
def model_picture(request: StudyRequest, study: ReaderStudy, name: str, kind: str) -> HttpResponse:
    """One slice as PNG: input, output, or what changed."""
    _model(name)
    choice = model_pages.choose(study, name, request.GET)
    if choice is None or kind not in ("input", "output", "change"):
        raise Http404
    try:
        before, after = model_pages.pixels(choice)
        if kind == "input":
            picture = slice_png(before, before, choice.slice - 1)
        elif after is None:
            raise Http404
        else:
            draw = slice_png if kind == "output" else change_png
            picture = draw(before, after, choice.slice - 1)
    except (InputError, FileNotFoundError) as error:
        raise Http404 from error
    return HttpResponse(picture, content_type="image/png", headers={"Cache-Control": "private, max-age=600"})
