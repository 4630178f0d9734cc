"""The printed report and the results pages hold the same tables: titles, cells, order, conventions, reasons."""

import re
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import pytest

from analysis.__main__ import main
from analysis.report import document
from readerstudy.results import services
from tests.pages import html
from tests.results.test_results_page import SECTIONS, Tables, address, member, signed_in, study, study_once  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
ARRANGED_ANEW = {"preference", "agreement"}  # on the first page: side by side, one comparison at a time


@pytest.fixture
def report(study, settings, tmp_path) -> str:  # noqa: F811
    """The printed report of what the pages show."""
    settings.VAR_DIR = tmp_path
    names = dict(study.criteria.values_list("code", "name"))
    written = document.reading(services.results(study).reading, names=names)
    return html(SimpleNamespace(content=written.encode()))


@pytest.fixture
def pages(study, report) -> str:  # noqa: F811
    client = signed_in(member(study, "analyst"))
    return "".join(html(client.get(address(study, *page))) for page in [("results", None), *SECTIONS])


def test_every_table_of_the_report_is_that_of_a_page(report, pages):
    printed, shown = Tables(report).found, Tables(pages).found
    assert {"tests", "regression", "pairs", "together", "sides", "time", "integrity"} < printed.keys()
    for key in printed.keys() - ARRANGED_ANEW:
        assert printed[key] == shown[key], key


def test_the_first_page_arranges_the_same_cells(report, pages):
    printed, shown = Tables(report).found, Tables(pages).found
    assert [row[1:] for row in printed["agreement"]][1:] == shown["agreement"][1:]
    comparisons = list(dict.fromkeys(row[0] for row in printed["preference"][1:]))
    published, clustered, to_copy = (
        {row[0]: row[1:] for row in shown[key]} for key in ("preference-published", "preference-clustered", "table-2")
    )
    for comparison, criterion, bar, counts, mean, p, net, holm in printed["preference"][1:]:
        place = slice(3 * comparisons.index(comparison), 3 * comparisons.index(comparison) + 3)
        assert published[criterion][place] == [bar, mean, p]
        assert clustered[criterion][place] == [bar, net, holm]
        assert [text.partition(":")[0] for text in (mean, p)] + [counts] == to_copy[criterion][place]


def test_titles_conventions_and_reasons_are_the_same(report, pages):
    report, pages = unescape(report), unescape(pages)
    sections = re.findall(r"<section><h2>(.*?)</h2>(.*?)</section>", report)
    assert len(sections) > 12
    for title, section in sections:
        assert f"<h2>{title}</h2>" in pages
        conventions = re.findall(r'<p class="pad [^"]*">(.*?)</p>', section)
        if title != "Preference":
            conventions += re.findall(r'<p class="note">(.*?)</p>', section)
            assert conventions, title
            assert [text for text in conventions if text not in pages] == [], title
    hypothesis = re.search(r'<h2>Primary hypothesis</h2><p class="hypothesis">(.*?)</p>', report)[1]
    assert hypothesis in pages


def test_the_report_of_the_site_is_that_of_the_command_on_the_exported_files(study, settings, tmp_path):  # noqa: F811
    settings.VAR_DIR = tmp_path
    exported = {name: str(tmp_path / f"{name}.csv") for name in (*services.FILES, "protocol")}
    for name, content in services._files(study).items():
        Path(exported[name]).write_bytes(content)
    options = [f"--{name.replace('_', '-')}={exported[name]}" for name in exported if name != "ratings"]
    assert main(["report", exported["ratings"], *options, "--mixed", "--html", str(tmp_path / "r.html")]) == 0
    client = signed_in(member(study, "analyst"))
    sent = client.get(address(study, "results_report", "html") + "?paper=A4")
    assert sent["Content-Disposition"] == f'attachment; filename="{study.slug}-report.html"'
    own = Tables(html(SimpleNamespace(content=(tmp_path / "r.html").read_bytes()))).found
    shown = Tables(html(sent)).found
    assert own.keys() <= shown.keys()
    assert {"preference", "table-2", "table-3", "tests", "image-quality", "cohort", "grras"} <= own.keys()
    for key in own.keys() - {"sources"}:  # the site names all files by one hash
        assert own[key] == shown[key], key
    assert study.events.filter(action="results exported", data__file=f"{study.slug}-report.html").exists()
    assert client.get(address(study, "results_report", "bib")).content.startswith(b"@article{")
    for wrong in (("docx", ""), ("pdf", "?paper=A5")):
        assert client.get(address(study, "results_report", wrong[0]) + wrong[1]).status_code == 404
