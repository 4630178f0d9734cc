"""Who saw what of a study: searched, and taken as a table."""

from django import forms
from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from analysis.tables import codebook, column_names
from readerstudy.access import selectors, tables
from readerstudy.access.models import Access
from readerstudy.access.watching import in_words
from readerstudy.archive.downloads import Row, csv_lines, stream_csv
from readerstudy.protocol.access import StudyRequest, study_page
from readerstudy.protocol.models import ReaderStudy

TABLE = "accesses"
AT_ONCE = 100


class SearchForm(forms.Form):
    """Who, what, when; empty for everything."""

    name = forms.ChoiceField(label="Who", required=False, widget=forms.Select(attrs={"class": "select"}))
    kind = forms.ChoiceField(
        label="What",
        required=False,
        choices=[("", "everything"), *Access.Kind.choices],
        widget=forms.Select(attrs={"class": "select"}),
    )
    thing = forms.CharField(
        label="Pair, case or table",
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"}),
    )
    since = forms.DateField(
        label="From (UTC)", required=False, widget=forms.DateInput(attrs={"class": "input", "type": "date"})
    )
    until = forms.DateField(
        label="Until", required=False, widget=forms.DateInput(attrs={"class": "input", "type": "date"})
    )

    def __init__(self, data, *, study: ReaderStudy) -> None:
        super().__init__(data)
        names = [(name, name) for name in selectors.names(study)]
        self.fields["name"].choices = [("", "everybody"), *names]  # type: ignore[attr-defined]

    def asked(self) -> dict:
        """What to search for; nothing where it cannot be read."""
        return self.cleaned_data if self.is_valid() else {}


@never_cache
@study_page("see_log")
@require_safe
def accesses(request: StudyRequest, study: ReaderStudy) -> HttpResponse:
    """What people have seen, the latest first."""
    form = SearchForm(request.GET, study=study)
    page = Paginator(selectors.accesses(study, **form.asked()), AT_ONCE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "tab": "log",
        "study": study,
        "form": form,
        "page": page,
        "rows": [(access, in_words(access)) for access in page],
        "query": query.urlencode(),
    }
    return render(request, "access/accesses.html", context, status=200 if form.is_valid() else 422)


@never_cache
@study_page("see_log")
@require_safe
def accesses_csv(request: StudyRequest, study: ReaderStudy) -> StreamingHttpResponse:
    """What the search found, as CSV."""
    found = selectors.accesses(study, **SearchForm(request.GET, study=study).asked())
    return stream_csv(csv_lines(column_names(TABLE), tables.accesses(study, found)), f"{study.slug}-{TABLE}.csv")


@never_cache
@study_page("see_log")
@require_safe
def codebook_csv(request: StudyRequest, study: ReaderStudy) -> StreamingHttpResponse:
    """What each column of the table means."""
    rows: list[Row] = [{**row} for row in codebook(TABLE)]
    return stream_csv(csv_lines(list(rows[0]), rows), f"{study.slug}-{TABLE}-codebook.csv")
