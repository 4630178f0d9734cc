"""The site of a subject."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from readerstudy.material import services
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy


@study_page("edit_protocol")
@require_POST
def subject_site(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Give a subject, named by its code, another site."""
    code, number = request.POST.get("subject", "").strip(), request.POST.get("site", "")
    subject = study.subjects.filter(code=code).select_related("site").first()
    site = study.sites.filter(pk=number).first() if number.isdigit() else None
    if subject is None or site is None:
        messages.error(request, "Choose a subject of this study and one of its sites.")
    else:
        services.set_site(subject=subject, site=site, actor=request.user)
        messages.success(request, f"{subject.code} belongs to {site.code} now.")
    return redirect("edit_protocol", study.slug, "sites")
