"""Unblind before closing: code, reason, and a proof of who asks."""

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from processing.errors import InputError
from readerstudy.accounts import proofs
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


@never_cache
@sensitive_post_parameters("password")
@study_page("unblind")
def unblind(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Shows arms once, in the answer to the form; the list below names pairs and reasons only."""
    form, told = UnblindForm(request.POST if request.method == "POST" else None), []
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        try:
            proof = proofs.prove(request)
            told = unblinding.unblind(study=study, proof=proof, what=asked["what"], reason=asked["reason"])
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
            "ways": proofs.ways(request),
            "told": told,
            "events": unblinding.with_assessments(study),
        },
        status=status,
    )
