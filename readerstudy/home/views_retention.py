"""How long a study is kept, and how it goes: by its admin, never by itself."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from processing.errors import InputError
from readerstudy.audit.removal import row_counts
from readerstudy.material.study_removal import kept_until, remove_whole_study
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.forms import TypeTitleForm
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import keep_until
from readerstudy.states import State

# What goes, by table: one, many.
TOLD = {
    "material.Subject": ("subject", "subjects"),
    "material.Case": ("case", "cases"),
    "material.Series": ("series", "series"),
    "intake.Candidate": ("series that came in", "series that came in"),
    "material.VolumeOfInterest": ("volume of interest", "volumes of interest"),
    "reading.Presentation": ("pair on the lists of readers", "pairs on the lists of readers"),
    "reading.Rating": ("rating", "ratings"),
    "audit.Event": ("line of the log", "lines of the log"),
}


class RetentionForm(forms.Form):
    """Until when a study is kept; empty for no such day."""

    keep_until = forms.DateField(required=False)


class RemovalForm(TypeTitleForm):
    """Why a study that has ended goes, and its title as a sign that this is meant."""

    reason = forms.CharField(max_length=500, widget=forms.TextInput(attrs={"class": "input"}))


class DraftRemovalForm(forms.Form):
    """Why a draft goes."""

    reason = forms.CharField(max_length=500, widget=forms.TextInput(attrs={"class": "input", "autofocus": True}))


@study_page("set_retention")
@require_POST
def retention(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    form = RetentionForm(request.POST)
    if form.is_valid():
        keep_until(study=study, day=form.cleaned_data["keep_until"], actor=request.user)
        messages.success(request, "The log tells of it.", extra_tags="retention")
    else:
        messages.error(request, "Write the day as 2031-06-30.", extra_tags="retention")
    return redirect("study", study.slug)


@never_cache
@study_page("remove_study")
def remove(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Ask for a reason, and the title of a study that has ended; then remove it."""
    data, error = request.POST or None, ""
    draft = study.state == State.DRAFT
    form = DraftRemovalForm(data) if draft else RemovalForm(data, study=study)
    if request.method == "POST" and form.is_valid():
        try:
            stone = remove_whole_study(study=study, reason=form.cleaned_data["reason"], actor=request.user)
        except InputError as problem:
            error = str(problem)
        else:
            messages.success(
                request, f"{study.title} was removed. Its log ended with line {stone.number:,}, {stone.sha256[:12]}."
            )
            return redirect("home")
    rows = row_counts(study)
    goes = [f"{rows[label]:,} {TOLD[label][rows[label] > 1]}" for label in TOLD if label in rows]
    return render(
        request,
        "home/remove_study.html",
        {"tab": "study", "study": study, "form": form, "goes": goes, "kept": kept_until(study), "error": error},
        status=422 if error else 200,
    )
