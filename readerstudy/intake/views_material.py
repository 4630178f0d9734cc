"""The page of the material: map, table, series to confirm, upload."""

import hashlib

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from processing.errors import InputError
from readerstudy.archive import quarantine
from readerstudy.archive.downloads import stream_csv
from readerstudy.intake import certainty, names, proposals, receiving, selectors, services
from readerstudy.intake.forms import WEIGHTINGS, CandidateForm, PlaceForm
from readerstudy.intake.models import Candidate
from readerstudy.intake.upload_handler import sealed_files
from readerstudy.material import volumes
from readerstudy.material.material_map import study_map
from readerstudy.material.selectors import in_use, is_taken, material_grid, set_aside
from readerstudy.material.views import picture
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy

SHOWN = 100  # rows of the confirm table
REASONS, ASIDE, KNOWN = 50, 50, 20  # rows of the table of what is not used
UPLOADS = 10  # the last ones, which can be taken back
LARGEST_TABLE = 10 << 20  # bytes


def _forms(study: ReaderStudy, data=None) -> list[CandidateForm]:
    """The rows of the confirm table: the first ones, or those that were sent."""
    rows = {"arms": list(study.arms.all()), "sites": list(study.sites.all())}
    candidates = selectors.to_confirm(study)
    shown = candidates[:SHOWN] if data is None else [one for one in candidates if f"c{one.pk}-subject_code" in data]
    return [CandidateForm(data, candidate=candidate, **rows) for candidate in shown[:SHOWN]]


def _live(request: StudyRequest, study: ReaderStudy) -> tuple[str, str]:
    """The part of the page that follows the workers, and a hash that tells whether it changed."""
    html = render_to_string(
        "intake/map.html",
        {
            "study": study,
            "map": study_map(study, awaited=selectors.awaited(study)),
            "uploads": selectors.being_sorted(study),
            "subjects": study.subjects.filter(withdrawn_at=None).count(),
            "arms": len(study.arms.all()),
            "cases": study.cases.filter(in_use()).count(),
            "aside": set_aside(study).count(),
        },
        request,
    )
    return html, hashlib.sha256(html.encode()).hexdigest()[:12]


@never_cache
@study_page("see_material")
def material(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    if request.htmx:
        return _poll(request, study)
    if request.GET.get("view") == "table":
        return render(
            request,
            "intake/series_table.html",
            {
                "tab": "material",
                "study": study,
                "rows": material_grid(study, awaited=selectors.awaited(study)),
                "arms": study.arms.all(),
            },
        )
    prefetch_related_objects([study], "arms", "sites")
    return render(request, "intake/material.html", _page(request, study, _forms(study)))


def _page(request: StudyRequest, study: ReaderStudy, rows: list[CandidateForm], **more) -> dict:
    live, seen = _live(request, study)
    sites = list(study.sites.all())
    return {
        "tab": "material",
        "study": study,
        "live": live,
        "seen": f"{seen}-0",
        "rows": rows,
        "weightings": WEIGHTINGS,
        "bulk": PlaceForm(prefix="bulk", of=" of all ticked", arms=list(study.arms.all()), sites=sites),
        "several_sites": len(sites) > 1,
        "named": names.named_uploads(study),
        "patterns": names.USUAL,
        "waiting": selectors.to_confirm(study).count(),
        "ticked": sum(bool(row["tick"].value()) for row in rows),
        "certain": selectors.to_confirm(study).filter(certain=True).count(),
        "subject_codes": study.subjects.values_list("code", flat=True),
        "busy": selectors.has_work(study),
        "unfinished": receiving.unfinished(study=study, user=request.user),
        "not_used": (not_used := selectors.not_used(study))[:REASONS],
        "more_reasons": max(0, len(not_used) - REASONS),
        "aside": selectors.put_aside(study)[:ASIDE],
        "uploads": selectors.latest_uploads(study, UPLOADS),
        "known": selectors.known_series(study)[:KNOWN],
        **more,
    }


def _poll(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """The live part again if it changed; a fresh page once the first series to confirm are there."""
    shown, waiting = request.GET.get("shown", ""), selectors.to_confirm(study).count()
    if shown == "0" and waiting:
        return HttpResponse(headers={"HX-Redirect": reverse("material", args=[study.slug])})
    live, seen = _live(request, study)
    more = waiting - int(shown) if shown.isdigit() else 0
    seen = f"{seen}-{more}"
    if request.GET.get("seen") == seen:
        return HttpResponse(status=204)
    return render(
        request,
        "intake/map_live.html",
        {
            "study": study,
            "live": live,
            "seen": seen,
            "shown": shown,
            "busy": selectors.has_work(study),
            "more": more,
        },
    )


@study_page("add_material")
def confirm_candidates(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Place or put aside the ticked series; what cannot be placed stays, with its reason beside it."""
    page = reverse("material", args=[study.slug])
    if request.method != "POST":
        return redirect(page)
    if "all" in request.POST:
        placed, problems = services.confirm_certain(study=study, actor=request.user)
        messages.success(request, f"{placed} series placed.", extra_tags="confirm")
        for problem in problems[:20]:
            messages.error(request, problem, extra_tags="confirm")
        return redirect(page)
    if number := request.POST.get("aside_one") or request.POST.get("take_up"):
        return _one_aside(request, study, number, back="take_up" in request.POST)
    rows, kept, placed = _forms(study, request.POST), [], 0
    for row in rows:
        row.is_valid()
        if not row.cleaned_data.get("tick"):
            kept.append(row)
        elif "aside" in request.POST:
            services.dismiss(candidate=row.candidate, actor=request.user)
        else:
            try:
                services.confirm(candidate=row.candidate, actor=request.user, **row.ways, **row.placing)
                placed += 1
            except InputError as error:
                where = {name: value for name, value in row.placing.items() if name != "site"}
                row.error, row.may_replace = str(error), is_taken(study, **where)
                kept.append(row)
    certainty.settle(study)
    if placed:
        messages.success(request, f"{placed} series placed.", extra_tags="confirm")
    if any(row.error for row in kept):
        return render(request, "intake/material.html", _page(request, study, kept), status=422)
    return redirect(page)


def _one_aside(request: StudyRequest, study: ReaderStudy, number: str, *, back: bool) -> HttpResponse:
    candidate = study.candidates.filter(pk=number).first() if number.isdigit() else None
    if candidate is None:
        raise Http404
    change = services.call_back if back else services.dismiss
    change(candidate=candidate, actor=request.user)
    return redirect("material", study.slug)


@study_page("add_material")
def upload(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Files of a form, for browsers without the page's script."""
    page = reverse("material", args=[study.slug])
    if request.method != "POST":
        return redirect(f"{page}#add")
    files = sealed_files(request, "files")
    try:
        services.receive_files(study=study, files=files, actor=request.user)
    except InputError as error:
        quarantine.erase_requests(files)
        context = _page(request, study, _forms(study), upload_error=str(error))
        return render(request, "intake/material.html", context, status=422)
    return redirect(page)


@never_cache
@study_page("see_material")
def proposals_csv(request: StudyRequest, study: ReaderStudy) -> StreamingHttpResponse:
    return stream_csv(proposals.proposals_csv(study), f"{study.slug}-to-confirm.csv")


@never_cache
@study_page("see_material")
def not_used_csv(request: StudyRequest, study: ReaderStudy) -> StreamingHttpResponse:
    return stream_csv(proposals.not_used_csv(study), f"{study.slug}-not-used.csv")


@study_page("add_material")
@require_POST
def take_proposals(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """A CSV that says what the series to confirm are."""
    files = sealed_files(request, "table")
    try:
        if len(files) != 1 or (files[0].size or 0) > LARGEST_TABLE:
            raise InputError("Choose one CSV of at most 10 MB.")
        content = quarantine.plain_bytes(files[0].path, files[0].salt)
        count = proposals.take_csv(study=study, content=content, actor=request.user)
        messages.success(request, f"{count} series as the CSV says. Look, then confirm.", extra_tags="confirm")
    except InputError as error:
        messages.error(request, str(error), extra_tags="confirm")
    finally:
        quarantine.erase_requests(files)
    return redirect("material", study.slug)


@study_page("add_material")
@require_POST
def read_names(request: StudyRequest, study: ReaderStudy, upload: int) -> HttpResponse:
    """Another pattern for the names of an upload's volume files."""
    found = study.uploads.filter(pk=upload).first()
    if found is None:
        raise Http404
    try:
        count = names.read_again(upload=found, pattern=request.POST.get("pattern", "").strip(), actor=request.user)
        messages.success(request, f"{count} file names read again. Look, then confirm.", extra_tags="confirm")
    except InputError as error:
        messages.error(request, str(error), extra_tags="confirm")
    return redirect("material", study.slug)


@study_page("see_material")
def candidate_picture(request: StudyRequest, study: ReaderStudy, candidate: int) -> HttpResponse:
    found = Candidate.objects.filter(study=study, pk=candidate).first()
    if found is None:
        raise Http404
    hashes = [sha256 for sha256, *_ in found.instances]
    return picture(lambda: volumes.load_files(hashes, found.format), found.plane)
