"""Take back what was confirmed: a series, a case, a subject, an upload. What goes with it is named first."""

from collections.abc import Callable, Iterable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from processing.errors import InputError
from readerstudy.intake import undoing
from readerstudy.intake.forms import WEIGHTINGS, PlaceForm
from readerstudy.intake.models import Candidate, Upload
from readerstudy.material.models import Case, Series, Subject
from readerstudy.material.removal import outgoing
from readerstudy.material.views import case_of
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy

NAMES = ("subject_code", "region", "plane", "weighting")


def _series_of(study: ReaderStudy, number: int) -> Series:
    found = Series.objects.filter(study=study, pk=number, case__subject__withdrawn_at=None)
    one = found.select_related("study", "case__subject", "arm").first()
    if one is None or not one.active:
        raise Http404
    return one


def _page(
    request: StudyRequest,
    study: ReaderStudy,
    *,
    title: str,
    goes: Iterable[str],
    back: str,
    after: Callable[[], HttpResponse],
    change: Callable[[bool], object],
    **more,
) -> HttpResponse:
    """Ask, then change and go on. change: called with whether what was confirmed shall wait again."""
    error = ""
    if request.method == "POST":
        try:
            change("keep" in request.POST)
        except InputError as problem:
            error = str(problem)
        else:
            messages.success(request, f"Done: {title[0].lower()}{title[1:]}.", extra_tags="confirm")
            return after()
    context = {"tab": "material", "study": study, "title": title, "goes": list(goes), "back": back, "error": error}
    return render(request, "intake/undo.html", context | more, status=422 if error else 200)


@never_cache
@study_page("add_material")
def take_back(request: StudyRequest, study: ReaderStudy, series: int) -> HttpResponse:
    """A series waits to be confirmed again."""
    one = _series_of(study, series)
    return _page(
        request,
        study,
        title=f"Take {one.case.label} in {one.arm.code} back to be confirmed",
        goes=outgoing([one]).in_words,
        back=reverse("case", args=[study.slug, one.case_id]),
        after=lambda: redirect(reverse("material", args=[study.slug]) + "#confirm"),
        change=lambda keep: undoing.back_to_confirm(series=one, actor=request.user),
        buttons=[("keep", "Back to confirm")],
    )


@never_cache
@study_page("add_material")
def move_series(request: StudyRequest, study: ReaderStudy, series: int) -> HttpResponse:
    """A series goes to another case or arm."""
    one = _series_of(study, series)
    now = {"subject_code": one.case.subject.code, "arm": str(one.arm_id)}
    now |= {name: getattr(one.case, name) for name in NAMES[1:]}
    now["site"] = str(one.case.subject.site_id)
    sites = list(study.sites.all())
    form = PlaceForm(request.POST or None, initial=now, arms=list(study.arms.all()), sites=sites)
    if len(sites) == 1:
        del form.fields["site"]

    def change(keep: bool) -> None:
        if not form.is_valid():
            raise InputError("Say subject, region, plane, weighting and arm.")
        data = form.cleaned_data
        placing = {name: data[name].strip() for name in NAMES}
        others = study.subjects.filter(code=placing["subject_code"]).exclude(pk=one.case.subject_id)
        site = None if others.exists() else form.sites.get(data.get("site", ""))
        placing |= {"arm": form.arms.get(data["arm"]), "site": site}
        undoing.move_series(series=one, actor=request.user, **placing)

    return _page(
        request,
        study,
        title=f"Move {one.case.label} in {one.arm.code}",
        goes=outgoing([one]).in_words,
        back=reverse("case", args=[study.slug, one.case_id]),
        after=lambda: redirect("material", study.slug),
        change=change,
        buttons=[("keep", "Move")],
        form=form,
        weightings=WEIGHTINGS,
        subject_codes=study.subjects.values_list("code", flat=True),
    )


WAIT_OR_GO = [("keep", "Take out; its series wait to be confirmed"), ("go", "Remove with its files")]


@never_cache
@study_page("add_material")
def remove_case(request: StudyRequest, study: ReaderStudy, case: int) -> HttpResponse:
    """A whole case goes."""
    one = case_of(study, case)
    if one.subject.withdrawn_at:
        raise Http404
    series = list(Series.objects.filter(case=one))
    return _page(
        request,
        study,
        title=f"Remove {one.label}",
        goes=[_uploaded(series), *outgoing(series).in_words],
        back=reverse("case", args=[study.slug, one.pk]),
        after=lambda: redirect("material", study.slug),
        change=lambda keep: undoing.remove_case(case=one, keep=keep, actor=request.user),
        buttons=WAIT_OR_GO,
    )


@never_cache
@study_page("add_material")
def remove_subject(request: StudyRequest, study: ReaderStudy, subject: int) -> HttpResponse:
    """A subject with all its cases goes."""
    one = get_object_or_404(Subject.objects.select_related("study"), study=study, pk=subject, withdrawn_at=None)
    series = list(Series.objects.filter(case__subject=one))
    cases = Case.objects.filter(subject=one)
    return _page(
        request,
        study,
        title=f"Remove subject {one.code}",
        goes=[", ".join(case.label for case in cases), _uploaded(series), *outgoing(series).in_words],
        back=reverse("material", args=[study.slug]),
        after=lambda: redirect("material", study.slug),
        change=lambda keep: undoing.remove_subject(subject=one, keep=keep, actor=request.user),
        buttons=WAIT_OR_GO,
    )


@never_cache
@study_page("add_material")
def remove_candidate(request: StudyRequest, study: ReaderStudy, candidate: int) -> HttpResponse:
    """A series that is not confirmed goes with its files."""
    one = get_object_or_404(Candidate.objects.select_related("study"), study=study, pk=candidate)
    shown = " ".join(filter(None, [one.subject_code, one.plane, one.weighting]))
    return _page(
        request,
        study,
        title=f"Remove series {one.sha256[:4]}, {shown}" if shown else f"Remove series {one.sha256[:4]}",
        goes=[f"{len(one.instances):,} file{'' if len(one.instances) == 1 else 's'}"],
        back=reverse("material", args=[study.slug]),
        after=lambda: redirect("material", study.slug),
        change=lambda keep: undoing.remove_candidate(candidate=one, actor=request.user),
        buttons=[("go", "Remove with its files")],
    )


@never_cache
@study_page("add_material")
def remove_upload(request: StudyRequest, study: ReaderStudy, upload: int) -> HttpResponse:
    """All that an upload brought goes."""
    one = get_object_or_404(
        Upload.objects.select_related("study").exclude(state=Upload.State.RECEIVING), study=study, pk=upload
    )
    series = list(Series.objects.filter(candidate__upload=one))
    waiting = one.candidates.filter(series=None).count()
    return _page(
        request,
        study,
        title=f"Remove upload {one.pk}",
        goes=[f"{waiting:,} series that are not confirmed", _uploaded(series), *outgoing(series).in_words],
        back=reverse("material", args=[study.slug]),
        after=lambda: redirect("material", study.slug),
        change=lambda keep: undoing.remove_upload(upload=one, actor=request.user),
        buttons=[("go", "Remove with its files")],
    )


def _uploaded(series: list[Series]) -> str:
    return f"{sum(one.made_from_id is None for one in series):,} series that were confirmed"
