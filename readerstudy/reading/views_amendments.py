"""Amend an opened study: a reader more, cases more, a subject withdrawn."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from processing.errors import InputError
from readerstudy.accounts import invitations
from readerstudy.accounts.permissions import may
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading import amendments
from readerstudy.reading.forms_amendments import FORMS


@never_cache
@study_page("withdraw_subject")
def amend(request: StudyRequest, study: ReaderStudy, kind: str = "") -> HttpResponse:
    """The page with a form for each kind of amendment; what is sent says which by its address."""
    if kind and kind not in FORMS:
        raise Http404
    open_for = {"subject": True, "reader": may(request.membership, "amend"), "cases": may(request.membership, "amend")}
    forms = {name: form(study=study, prefix=name) for name, form in FORMS.items() if open_for[name]}
    shown: dict = {}
    if request.method == "POST" and kind in forms:
        form = FORMS[kind](request.POST, study=study, prefix=kind)
        if form.is_valid():
            try:
                shown = _make(request, study, kind, form.cleaned_data)
            except InputError as error:
                form.add_error(None, str(error))
            else:
                if not shown.get("link"):
                    messages.success(request, f"This is amendment {shown['amendment'].number}. It is in the log.")
                    return redirect("amendments", study.slug)
                form = FORMS[kind](study=study, prefix=kind)
        forms[kind] = form
    return render(
        request,
        "reading/amendments.html",
        {
            "tab": "protocol",
            "study": study,
            "forms": forms,
            "amendments": study.amendments.select_related("actor"),
            "subjects": study.subjects.filter(withdrawn_at=None).values_list("code", flat=True),
            **shown,
        },
        status=422 if any(form.errors for form in forms.values()) else 200,
    )


def _make(request: StudyRequest, study: ReaderStudy, kind: str, said: dict) -> dict:
    """Carry the amendment out; what the page then shows once."""
    shared = {"study": study, "actor": request.user, "reason": said["reason"]}
    if kind == "reader":
        member, token, made = amendments.add_reader(username=said["username"], new=said["new"], **shared)
        link = invitations.hand_out(request, user=member.user, token=token) if token else {}
        return {"amendment": made, "person": member.user, "member": member, **link}
    if kind == "cases":
        return {"amendment": amendments.add_cases(cases=list(said["cases"]), **shared)}
    return {"amendment": amendments.withdraw_subject(subject=said["subject"], **shared)}
