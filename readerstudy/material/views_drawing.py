"""Drawing volumes of interest in the browser, and which sites are drawn."""

import json
from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from processing.errors import InputError
from processing.volume import Volume
from readerstudy.accounts.models import User
from readerstudy.material import drawing, site_lists, volumes, volumes_of_interest
from readerstudy.material.alignments import AWAITED
from readerstudy.material.models import Case, Series, VolumeOfInterest
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy

GONE = "The pixels of this series are not there any more."


def _case(study: ReaderStudy, number: int) -> Case:
    found = Case.objects.filter(study=study, pk=number, subject__withdrawn_at=None).select_related("subject", "study")
    case = found.first()
    if case is None:
        raise Http404
    return case


def _series(case: Case, number: int | str) -> Series:
    found = case.series.filter(active=True, pk=number).select_related("arm", "case", "made_from").first()
    if found is None:
        raise Http404
    return found


def _image(series: Series) -> Volume:
    try:
        return volumes.load_cached(series)
    except FileNotFoundError:
        raise InputError(GONE) from None


def looks_as_json(study: ReaderStudy, volume: int, looks: list[drawing.Look]) -> list[dict]:
    """The looks at a volume for the page's script, each with the addresses of its picture and its tick."""

    def at(name: str, look: drawing.Look) -> str:
        return f"{reverse(name, args=[study.slug, volume, look.series.pk])}?placed={look.digest}"

    return [
        {
            "arm": look.series.arm.code,
            "how": look.how,
            "awaited": look.how == AWAITED,
            "fits": look.fits,
            "picture": at("mask_picture", look),
            "url": at("look_at", look),
        }
        for look in looks
    ]


def in_words(view: Callable) -> Callable:
    """Say to the page's script in words what is wrong: 409 where another version holds, 400 for the rest."""

    @wraps(view)
    def wrapped(*args, **kwargs) -> HttpResponse:
        try:
            return view(*args, **kwargs)
        except drawing.StaleError as error:
            return JsonResponse({"detail": str(error)}, status=409)
        except InputError as error:
            return JsonResponse({"detail": str(error)}, status=400)

    return wrapped


@never_cache
@study_page("add_masks")
@require_GET
def draw(request: StudyRequest, study: ReaderStudy, case: int) -> HttpResponse:
    """Draw on one series of a case: the reference, or `on`. second: another person's drawing, for comparison."""
    shown = _case(study, case)
    there = volumes_of_interest.of_case(shown)["series"]
    if not there:
        messages.error(request, "There is no series to draw on yet.", extra_tags="masks")
        return redirect(reverse("case", args=[study.slug, case]) + "#volumes")
    number = request.GET.get("on", "")
    series = _series(shown, number) if number.isdigit() else _series(shown, there[0].pk)
    second = "second" in request.GET
    by: User | None = request.user if second else None
    try:
        image = _image(series)
        drawn = drawing.drawings(case=shown, series=series, image=image, second_of=by)
        data = drawing.scene(series=series, image=image) | {
            "volumes": [one | {"looks": looks_as_json(study, one["base"], one["looks"])} for one in drawn],
            "sites": site_lists.names_of(study),
            "second": second,
            "user": request.user.username,
            "case": shown.code,
            "sliceUrl": reverse("drawn_slice", args=[study.slug, case, series.pk]),
            "saveUrl": reverse("save_drawing", args=[study.slug, case, series.pk]),
        }
    except InputError as error:
        messages.error(request, str(error), extra_tags="masks")
        return redirect(reverse("case", args=[study.slug, case]) + "#volumes")
    cases = list(study.cases.filter(subject__withdrawn_at=None, set_aside="").values_list("pk", flat=True))
    at = cases.index(case) if case in cases else -1
    context = {
        "tab": "material",
        "study": study,
        "case": shown,
        "series": series,
        "others": [one for one in there if one.pk != series.pk],
        "second": second,
        "scene": data,
        "place": at + 1,
        "cases": len(cases),
        "before": cases[at - 1] if at > 0 else None,
        "after": cases[at + 1] if 0 <= at < len(cases) - 1 else None,
    }
    return render(request, "material/draw.html", context)


@study_page("add_masks")
@require_GET
@in_words
def drawn_slice(request: StudyRequest, study: ReaderStudy, case: int, series: int) -> HttpResponse:
    """One slice with every intensity, as `processing.drawn.coded_slice` makes it; `slice` from 0."""
    from processing.drawn import coded_slice, scale_of

    image = _image(_series(_case(study, case), series))
    number = request.GET.get("slice", "")
    if not number.isdigit() or int(number) >= image.shape[0]:
        raise Http404
    content = coded_slice(image, int(number), scale_of(image))
    headers = {"Cache-Control": "private, no-cache"}
    return HttpResponse(content, content_type="application/octet-stream", headers=headers)


@study_page("add_masks")
@require_POST
@in_words
def save_drawing(request: StudyRequest, study: ReaderStudy, case: int, series: int) -> HttpResponse:
    """Keep what the browser sends as JSON: name, runs, base, second."""
    shown = _case(study, case)
    on = _series(shown, series)
    try:
        sent = json.loads(request.body)
        name, runs, base, second = sent["name"], sent["runs"], sent["base"], sent["second"]
    except (ValueError, KeyError, TypeError):
        raise InputError("The drawing did not arrive whole. Save it again.") from None
    if not (isinstance(name, str) and isinstance(runs, list) and isinstance(second, bool)):
        raise InputError("The drawing did not arrive whole. Save it again.")
    volume = drawing.save(
        case=shown, series=on, image=_image(on), name=name, runs=runs, base=base, second=second, actor=request.user
    )
    there = volumes_of_interest.of_case(shown)["series"]
    looks = [] if second else looks_as_json(study, volume.pk, drawing.looks(volume, there))
    return JsonResponse({"base": volume.pk, "version": volume.version, "voxels": volume.voxels, "looks": looks})


@study_page("add_masks")
@require_POST
def look_at(request: StudyRequest, study: ReaderStudy, volume: int, series: int) -> HttpResponse:
    """Say that a drawn volume fits on another arm, or does not: by a form, or by the script of the drawing room."""
    found = VolumeOfInterest.objects.filter(study=study, pk=volume).select_related("study", "case", "drawn_on").first()
    if found is None:
        raise Http404
    shown, says_fits = _series(found.case, series), "fits" in request.POST
    try:
        seen = request.GET.get("placed", "")
        drawing.look(volume=found, series=shown, says_fits=says_fits, seen=seen, actor=request.user)
    except InputError as error:
        if not request.accepts("text/html"):
            return JsonResponse({"detail": str(error)}, status=400)
        messages.error(request, str(error), extra_tags="masks")
    if not request.accepts("text/html"):
        return JsonResponse({"fits": says_fits})
    return redirect(reverse("case", args=[study.slug, found.case_id]) + "#volumes")


@study_page("add_masks")
@require_POST
def version_again(request: StudyRequest, study: ReaderStudy, volume: int) -> HttpResponse:
    """Have an earlier version of a volume hold again."""
    versions = VolumeOfInterest.objects.filter(study=study, pk=volume, second=False)
    found = versions.select_related("study", "case__subject").first()
    if found is None:
        raise Http404
    try:
        drawing.back_to(volume=found, actor=request.user)
    except InputError as error:
        messages.error(request, str(error), extra_tags="masks")
    return redirect(reverse("case", args=[study.slug, found.case_id]) + "#volumes")


@never_cache
@study_page("see_material")
@require_GET
def sites(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Which sites are drawn in which case; the list of sites."""
    return _sites_page(request, study, site_lists.names_of(study))


@study_page("add_masks")
@require_POST
def set_sites(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Change the list of sites: as typed, or one that is at hand."""
    preset = next((one for one in site_lists.presets() if one["key"] == request.POST.get("preset")), None)
    names = preset["names"] if preset else request.POST.get("names", "").splitlines()
    try:
        site_lists.set_names(study=study, names=names, actor=request.user)
    except InputError as error:
        messages.error(request, str(error))
        return _sites_page(request, study, names)
    return redirect("sites", study.slug)


def _sites_page(request: StudyRequest, study: ReaderStudy, names: list[str]) -> HttpResponse:
    rows = site_lists.progress(study)
    context = {
        "tab": "material",
        "study": study,
        "rows": rows,
        "names": names,
        "presets": site_lists.presets(),
        "drawn": sum(row.drawn for row in rows),
        "wanted": sum(row.drawn + len(row.missing) for row in rows),
    }
    return render(request, "material/sites.html", context)
