"""The programs of a study: everybody's tokens, for its admins."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from readerstudy.api import tokens
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy


@never_cache
@study_page("manage_members")
@require_safe
def programs(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Which programs come in, whose they are and what they may."""
    context = {"tab": "protocol", "study": study, "tokens": tokens.of_study(study)}
    return render(request, "api/programs.html", context)


@study_page("manage_members")
@require_POST
def end_program(request: StudyRequest, study: ReaderStudy, program: int) -> HttpResponse:
    """From now on it opens nothing."""
    tokens.end(token=get_object_or_404(tokens.of_study(study), pk=program), actor=request.user)
    return redirect("programs", study.slug)
