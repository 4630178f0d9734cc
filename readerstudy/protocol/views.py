"""Change a protocol, part by part, and its people."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import capfirst
from django.views.decorators.cache import never_cache

from processing.errors import InputError
from readerstudy.accounts import invitations
from readerstudy.accounts import services as accounts
from readerstudy.accounts.forms import MemberForm
from readerstudy.accounts.models import Membership, SiteRole
from readerstudy.protocol import forms, selectors, services
from readerstudy.protocol.access import SignedInRequest, StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.study_templates import TEMPLATES
from readerstudy.states import State


@login_required
def new_study(request: SignedInRequest) -> HttpResponse:
    if not request.user.may(SiteRole.CREATES_STUDIES):
        raise Http404
    form = forms.NewStudyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            names = selectors.model_names()
            if not names:
                raise InputError(
                    "No model is installed that could make the DL arms. Restore processing/enhancement/weights."
                )
            study = services.create_study(user=request.user, model_name=names[0], **form.cleaned_data)
        except InputError as error:
            form.add_error(None, str(error))
        else:
            return redirect("protocol", study.slug)
    return render(request, "protocol/new.html", {"form": form, "templates": TEMPLATES.values()})


# Parts of a protocol that ask readers.
OF_READERS = {"comparisons", "criteria", "questions", "schedule", "hypothesis"}
SETTINGS = {
    "study": ("Title and description", forms.StudyForm),
    "questions": ("Also asked for every pair", forms.QuestionsForm),
    "schedule": ("Schedule", forms.ScheduleForm),
    "hypothesis": ("Primary hypothesis and margins", forms.HypothesisForm),
}


@study_page("edit_protocol")
def edit(request: StudyRequest, study: ReaderStudy, part: str) -> HttpResponse:
    """Change one part of a draft: a form of settings, or a table of arms, comparisons, criteria or sites."""
    if study.images_only and part in OF_READERS:
        raise Http404
    if part in forms.PARTS:
        return _edit_table(request, study, part)
    if part not in SETTINGS:
        raise Http404
    title, form_class = SETTINGS[part]
    form = form_class(request.POST or None, instance=ReaderStudy.objects.get(pk=study.pk))
    if request.method == "POST" and form.is_valid():
        try:
            services.save_settings(
                study=study, actor=request.user, **{n: form.cleaned_data[n] for n in form.changed_data}
            )
        except InputError as error:
            form.add_error(None, str(error))
        else:
            return redirect("protocol", study.slug)
    return render(
        request,
        "protocol/edit_settings.html",
        {
            "tab": "protocol",
            "study": study,
            "form": form,
            "heading": title,
        },
    )


def _edit_table(request: StudyRequest, study: ReaderStudy, part: str) -> HttpResponse:
    formset = forms.part_formset(part, study, request.POST or None)
    if request.method == "POST" and formset.is_valid():
        changed = [
            row.save(commit=False) for row in formset.forms if row.has_changed() and row not in formset.deleted_forms
        ]
        removed = [row.instance for row in formset.deleted_forms if row.instance.pk]
        try:
            services.change_parts(study=study, actor=request.user, changed=changed, removed=removed)
        except InputError as error:
            messages.error(request, str(error))
        else:
            if "more" in request.POST:
                return redirect("edit_protocol", study.slug, part)
            return redirect("protocol", study.slug)
    return render(
        request,
        f"protocol/edit_{part}.html",
        {
            "tab": "protocol",
            "study": study,
            "formset": formset,
            "heading": capfirst(part),
        },
    )


@never_cache
@study_page("manage_members")
def people(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Who has which role; add a person by user name, or invite somebody by a link that is shown once."""
    form = MemberForm(request.POST or None, readers=not study.images_only)
    if request.method == "POST" and form.is_valid():
        try:
            member, token = accounts.add_person(study=study, actor=request.user, **form.cleaned_data)
        except InputError as error:
            form.add_error("username", str(error))
        else:
            if not token:
                messages.success(request, f"{member.user.username} is {member.get_role_display().lower()} now.")
                return redirect("people", study.slug)
            said = invitations.hand_out(request, user=member.user, token=token)
            return render(
                request,
                "protocol/people.html",
                _people(study, MemberForm(readers=not study.images_only)) | {"member": member, **said},
            )
    return render(request, "protocol/people.html", _people(study, form))


def _people(study: ReaderStudy, form: MemberForm) -> dict:
    return {
        "tab": "protocol",
        "study": study,
        "form": form,
        "people": study.memberships.select_related("user"),
        "draft": study.state == State.DRAFT,
    }


@study_page("manage_members")
def remove_person(request: StudyRequest, study: ReaderStudy, member: int) -> HttpResponse:
    if request.method == "POST":
        found = Membership.objects.filter(study=study, pk=member).select_related("user").first()
        if found is None:
            raise Http404
        try:
            accounts.remove_member(member=found, actor=request.user)
        except InputError as error:
            messages.error(request, str(error))
        else:
            if found.user_id == request.user.pk:
                return redirect("home")
    return redirect("people", study.slug)
