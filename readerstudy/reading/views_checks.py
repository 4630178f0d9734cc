"""What stands against the cases before a study opens: look, and let pass or hold back."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from processing.errors import InputError
from readerstudy.material.views import case_of, stored_picture
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading import checks
from readerstudy.reading.models import CaseCheck
from readerstudy.reading.preparing import cases_to_show


@never_cache
@study_page("see_material")
def case_checks(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    cases = cases_to_show(study)
    checked = CaseCheck.objects.filter(case__in=cases, version=checks.VERSION).count()
    context = {"tab": "material", "study": study, "cases": len(cases), "checked": checked}
    return render(request, "reading/checks.html", context | {"against": checks.stands_against(study, cases)})


@study_page("edit_protocol")
@require_POST
def decide(request: StudyRequest, study: ReaderStudy, case: int) -> HttpResponse:
    """Let a case pass that was held back, or hold it back again."""
    shown = case_of(study, case)
    seen = int(number) if (number := request.POST.get("check", "")).isdecimal() else 0
    try:
        if "hold" in request.POST:
            checks.hold_again(case=shown, check=seen, actor=request.user)
        else:
            checks.let_pass(case=shown, check=seen, reason=request.POST.get("reason", ""), actor=request.user)
            messages.success(request, f"{shown.label} passes: its pairs are prepared.")
    except InputError as error:
        messages.error(request, str(error))
    return redirect("checks", study.slug)


@study_page("see_material")
def check_picture(request: StudyRequest, study: ReaderStudy, case: int) -> HttpResponse:
    """What was held back: one series, the other as it lies, the other as it fits better."""
    found = CaseCheck.objects.filter(study=study, case=case).first()
    return stored_picture(found.picture if found else "")
