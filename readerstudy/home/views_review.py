"""Review the log of a study, assess its unblindings; both are signed."""

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from processing.errors import InputError
from readerstudy.accounts import proofs
from readerstudy.audit import heads, reviews
from readerstudy.audit.verify import log_problem
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading import unblinding
from readerstudy.reading.unblinding import Impact

AT_ONCE = 100
LONGEST = 2000  # characters of a remark or an assessment


def _text(label: str, *, required: bool = True) -> forms.CharField:
    widget = forms.Textarea(attrs={"class": "input", "rows": 4})
    return forms.CharField(label=label, required=required, max_length=LONGEST, widget=widget)


class ReviewForm(forms.Form):
    """Up to which line, and what was found."""

    line = forms.IntegerField(widget=forms.HiddenInput)
    sha256 = forms.CharField(max_length=64, widget=forms.HiddenInput)
    remarks = _text("Remarks", required=False)


class AssessmentForm(forms.Form):
    """What one unblinding does to the study."""

    impact = forms.ChoiceField(label="Impact", choices=Impact.choices, widget=forms.RadioSelect)
    assessment = _text("Why")
    measures = _text("What follows from it", required=False)


@never_cache
@sensitive_post_parameters("password")
@study_page("review_log")
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """What happened since the last review; with a proof of who looks it is reviewed."""
    since = reviews.to_review(study)
    last = since.first()
    shown = {"line": last.number, "sha256": last.sha256} if last else {}
    form = ReviewForm(request.POST or None, initial=shown)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            proof = proofs.prove(request)
            reviews.sign_review(study=study, actor=proof.user, proved_by=proof.how, **said)
        except InputError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"Reviewed up to line {said['line']:,}. The log tells of it.")
            return redirect("review", study.slug)
    context = {
        "tab": "log",
        "study": study,
        "form": form,
        "ways": proofs.ways(request),
        "last": last,
        "kinds": reviews.kinds(since),
        "page": Paginator(since, AT_ONCE).get_page(request.GET.get("page")),
        "reviews": reviews.reviews(study),
        "meaning": reviews.MEANING,
        "unblindings": unblinding.with_assessments(study),
        "problem": log_problem(study),
        "alarms": heads.alarms(study.slug),
    }
    return render(request, "home/review.html", context, status=422 if form.errors else 200)


@never_cache
@sensitive_post_parameters("password")
@study_page("review_log")
@require_http_methods(["GET", "HEAD", "POST"])
def assess(request: StudyRequest, study: ReaderStudy, line: int) -> HttpResponse:
    """Write what one unblinding does to the study."""
    event = unblinding.unblinding_at(study, line)
    if event is None:
        raise Http404
    form = AssessmentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            unblinding.assess(study=study, line=line, proof=proofs.prove(request), **form.cleaned_data)
        except InputError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Signed. The log tells of it, and the results do.")
            return redirect("review", study.slug)
    context = {
        "tab": "log",
        "study": study,
        "form": form,
        "ways": proofs.ways(request),
        "event": event,
        "pairs": unblinding.how_far_read(study, event),
        "earlier": unblinding.assessments(study).get(line, []),
    }
    return render(request, "home/assess_unblinding.html", context, status=422 if form.errors else 200)
