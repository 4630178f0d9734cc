"""Images, anomalies of one case: where a series differs from what a network expects, laid over it."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from processing.enhancement.anomalies import THRESHOLD
from processing.errors import InputError
from readerstudy.images.anomaly_maps import choose, request_map
from readerstudy.images.views_difference import case_of
from readerstudy.material import volumes
from readerstudy.material.volumes_of_interest import active_volumes
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy


@never_cache
@study_page("see_material")
@require_safe
def anomalies(request: StudyRequest, study: ReaderStudy, case: int) -> HttpResponse:
    """A series with the map over it, slice by slice, and its worst places."""
    from processing.pictures.anomaly_map import WORDS

    found = case_of(study, case)
    choice = choose(found, request.GET)
    names = {voi.pk: voi.name for voi in active_volumes(found)}
    made = choice.made if choice else {}
    return render(
        request,
        "images/anomalies.html",
        {
            "tab": "image_metrics",
            "study": study,
            "case": found,
            "choice": choice,
            "judged": [
                {"name": names[one["voi"]], "auc": one["auc"]} for one in made.get("volumes", []) if one["voi"] in names
            ],
            "flagged": 100 * made.get("flagged", 0.0),
            "nulls": [one | {"percent": 100 * one["flagged"]} for one in choice.null["nulls"]]
            if made and choice and choice.null
            else [],
            "shown_to_find": choice is not None and choice.shown_to_find,
            "threshold": THRESHOLD,
            "words": WORDS,
        },
    )


@study_page("run_jobs")
@require_POST
def ask_anomalies(request: StudyRequest, study: ReaderStudy, case: int) -> HttpResponse:
    """Have a map made of the chosen series."""
    choice = choose(case_of(study, case), request.POST)
    if choice is None:
        raise Http404
    try:
        request_map(source=choice.source, model=choice.model)
    except InputError as error:
        messages.error(request, str(error), extra_tags="anomalies")
    return redirect(f"{reverse('anomalies', args=[study.slug, case])}?{choice.query()}")


@study_page("see_material")
@require_safe
def anomaly_picture(request: StudyRequest, study: ReaderStudy, case: int, kind: str) -> HttpResponse:
    """One slice as PNG: the image, or the map over it."""
    from processing.pictures.anomaly_map import layer_png
    from processing.pictures.before_after import slice_png

    choice = choose(case_of(study, case), request.GET)
    if choice is None or kind not in ("image", "map") or (kind == "map" and not choice.done):
        raise Http404
    try:
        if kind == "image":
            image = volumes.load_cached(choice.source)
            picture = slice_png(image, image, choice.slice - 1)
        else:
            picture = layer_png(volumes.load_file_cached(choice.made["sha256"]), choice.slice - 1)
    except (InputError, FileNotFoundError) as error:
        raise Http404 from error
    return HttpResponse(picture, content_type="image/png", headers={"Cache-Control": "private, max-age=600"})
