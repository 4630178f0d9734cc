"""How many subjects does a study need? By simulation from what is expected."""

from functools import lru_cache

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_POST, require_safe

from analysis import sample_size
from analysis.errors import InputError
from analysis.report import plan_figures
from processing.errors import InputError as RefusedError
from readerstudy.home.forms_sample_size import PlanForm
from readerstudy.material.selectors import in_use
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import Claim, ReaderStudy
from readerstudy.reading import charter
from readerstudy.reading.figure_files import with_figure_files

STUDIES = 1000
MOST_ANSWERS = 20_000  # cases × readers of one simulated study: more takes a command, not a page


@study_page("see_protocol")
@require_safe
@with_figure_files
def plan(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Power of a design, the curve over subjects, and the fewest subjects for the wanted power."""
    if study.images_only:
        raise Http404
    first = _expected(study)
    form = PlanForm({**first, **request.GET.dict()})
    planned, error = None, ""
    if form.is_valid():
        design, target = form.cleaned_data["design"], form.cleaned_data["target"]
        try:
            _ensure_quick(design)
            steps, fewest = _simulated(design, target)
            planned = {
                "power": next(step for step in steps if step["subjects"] == design.subjects),
                "figure": mark_safe(plan_figures.power_curve(steps, target=target)),  # noqa: S308  made of numbers
                "fewest": fewest,
                "test": sample_size.TESTS[design.test],
            }
        except InputError as problem:
            error = str(problem)
    return render(
        request,
        "home/sample_size.html",
        {
            "tab": "protocol",
            "study": study,
            "form": form,
            "found": planned,
            "error": error,
            "studies": STUDIES,
        },
    )


@study_page("edit_protocol")
@require_POST
def take_plan(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """Keep another version of the charter, with the sample size for what was expected."""
    form = PlanForm(request.POST)
    try:
        if study.images_only or not form.is_valid():
            raise InputError("Not taken into the charter: compute the sample size first.")
        design, target = form.cleaned_data["design"], form.cleaned_data["target"]
        _ensure_quick(design)
        made = sample_size.plan(design, target=target, studies=STUDIES)
        kept = charter.write(study=study, plan=made, actor=request.user)
        messages.success(request, f"The sample size stands in version {kept.number} of the charter.")
    except (InputError, RefusedError) as problem:
        messages.error(request, str(problem))
    return redirect("charter", study.slug)


@lru_cache(maxsize=64)
def _simulated(design: sample_size.Design, target: float) -> tuple[list[dict], dict]:
    """Power along the curve, and the fewest subjects: the same for the same design, as its seed is one."""
    steps = sample_size.curve(design, studies=STUDIES)
    return steps, sample_size.smallest(design, target=target, studies=STUDIES, limit=4 * design.subjects)


def _ensure_quick(design: sample_size.Design) -> None:
    if design.cases * design.readers > MOST_ANSWERS:
        raise InputError(f"Over {MOST_ANSWERS:,} answers per study: use `python -m analysis plan`.")


def _expected(study: ReaderStudy) -> dict:
    """What stands in the form at first: the study as it is, else that of Bash et al."""
    subjects = study.subjects.filter(withdrawn_at=None).count()
    cases = study.cases.filter(in_use(), training=False).count()
    readers = study.memberships.filter(role="reader").count()
    enough = subjects > 1 and cases >= subjects
    return {
        "subjects": subjects if enough else 61,
        "cases": cases if enough else 111,
        "readers": readers or 3,
        "distribution": "5 20 45 25 5",
        "test": Claim(study.claim).kinds[0] if study.margin_mean else study.primary_test,
        "margin": study.margin_mean or 0.25,
        "subject_correlation": 0.2,
        "case_correlation": 0.4,
        "reader_sd": 0,
        "alpha": 0.05,
        "target": 0.8,
    }
