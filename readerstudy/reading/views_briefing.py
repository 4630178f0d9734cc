"""The briefing: as readers see it before their first pair, and written by the admin."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from processing.errors import InputError
from readerstudy.accounts import keys
from readerstudy.protocol import briefing as versions
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading import briefing
from readerstudy.reading.forms_briefing import BriefingForm
from readerstudy.states import State


@never_cache
@study_page("read")
@require_http_methods(["GET", "HEAD", "POST"])
def briefing_page(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """What to read, and one way on; sent off, the version that was read is noted."""
    member, version = request.membership, versions.in_force(study)
    if request.method == "POST" and (
        version is None or briefing.confirm_read(member=member, sha256=request.POST.get("version", ""))
    ):
        return redirect("reading", study.slug)
    return render(
        request,
        "reading/briefing.html",
        {
            "study": {"reader_title": study.reader_title, "slug": study.slug, "synthetic": study.synthetic},
            "briefing": briefing.page(study),
            "caps": keys.caps(keys.bound(request.user)),
            "counts": briefing.counts(member),
            "version": version,
            "changed": version is not None and version.reason and briefing.unread(member),
        },
    )


@never_cache
@study_page("write_briefing")
@require_http_methods(["GET", "HEAD", "POST"])
def edit_briefing(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Word it, beside what readers see of it; each time that it is kept it is another version."""
    opened = study.state != State.DRAFT
    form = BriefingForm(request.POST or None, initial=versions.words_of(versions.in_force(study)), opened=opened)
    if request.method == "POST" and form.is_valid():
        try:
            reason = form.cleaned_data.get("reason", "")
            kept = versions.write(study=study, words=form.words, actor=request.user, reason=reason)
        except InputError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"This is version {kept.number} of the briefing. It is in the log.")
            return redirect("edit_briefing", study.slug)
    return render(
        request,
        "reading/edit_briefing.html",
        {
            "tab": "protocol",
            "study": study,
            "form": form,
            "draft": not opened,
            "opened_without": versions.opened_without(study),
            "versions": study.briefings.order_by("-number"),
            "briefing": briefing.page(study),
            "caps": keys.caps(keys.bound(request.user)),
        },
        status=422 if form.errors else 200,
    )
