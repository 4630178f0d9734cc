"""Unblind before closing: code, reason, password."""

from django import forms
from django.contrib.auth import authenticate
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from processing.errors import InputError
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading import unblinding


class UnblindForm(forms.Form):
    what = forms.CharField(
        label="Pair (R1-0012) or subject",
        max_length=60,
        widget=forms.TextInput(attrs={"class": "input", "autofocus": True, "autocomplete": "off"}),
    )
    reason = forms.CharField(
        label="Reason", max_length=500, widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"})
    )
    password = forms.CharField(
        label="Your password",
        widget=forms.PasswordInput(attrs={"class": "input", "autocomplete": "current-password"}),
    )


@never_cache
@study_page("unblind")
def unblind(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Shows arms once, in the answer to the form; the list below names pairs and reasons only."""
    form, told = UnblindForm(request.POST if request.method == "POST" else None), []
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        if authenticate(request, username=request.user.username, password=asked["password"]) != request.user:
            form.add_error("password", "This is not your password.")
        else:
            try:
                told = unblinding.unblind(study=study, actor=request.user, what=asked["what"], reason=asked["reason"])
            except InputError as error:
                form.add_error(None, str(error))
    if told:
        form = UnblindForm()
    status = 422 if form.errors else 200
    return render(
        request,
        "reading/unblind.html",
        {
            "tab": "reading_progress",
            "study": study,
            "form": form,
            "told": told,
            "events": unblinding.with_assessments(study),
        },
        status=status,
    )
