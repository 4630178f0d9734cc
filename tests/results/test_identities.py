"""A zip that would tell who somebody is does not leave; what tells of nobody does."""

import io
import uuid

import pytest
from django.test import Client

from processing.errors import InputError
from readerstudy.protocol.services import move
from readerstudy.reading.services import report_finding, start
from readerstudy.results import everything, exports, identities, study_report
from tests import factories
from tests.once import made_once

pytestmark = pytest.mark.django_db


@made_once()
def study():
    """An open study whose first reader is Anna Berg and calls herself r.anna."""
    study = factories.make_study(subjects=1, readers=2)
    reader = study.memberships.get(code="R1").user
    reader.username, reader.first_name, reader.last_name, reader.email = "r.anna", "Anna", "Berg", "ab@clinic.example"
    reader.save()
    return factories.open_(study)


def closed_with(study, remark: str):
    """The study, closed after its first reader left one remark."""
    pair = study.presentations.filter(reader__code="R1").order_by("position").first()
    start(presentation=pair)
    on = factories.now(pair)
    shared = {"kind": "loss", "side": "left", "i": 1, "j": 2, "k": 0}
    report_finding(presentation=pair, key=uuid.uuid4(), on=on, remark=remark, **shared)
    for member in study.memberships.filter(role="reader"):
        factories.read_all(member)
    return move(study=study, to="closed", actor=None)


@pytest.mark.parametrize(
    ("remark", "what"),
    [
        ("Seen before by anna berg.", "a name"),
        ("As Berg, Anna said", "a name"),
        ("ask R.Anna", "a user name"),
        ("Dr. Berg saw this", "a surname"),
        ("BERG: the same", "a surname"),
        ("write to somebody@hospital.example", "an address"),
        ("series 1.2.840.113619.2.55.3.604688119", "a UID of DICOM"),
        ("as in 1.2.840.113619.2.55.3.604688119.", "a UID of DICOM"),
        ("2.25.329800735698586629295641978511506172918", "a UID of DICOM"),
        ("MUELLER^H has it too", "a name as DICOM writes it"),
        ("DOE^JANE, the same as last year", "a name as DICOM writes it"),
    ],
)
def test_a_remark_that_names_somebody_keeps_the_zip_here(study, remark, what):
    closed = closed_with(study, remark)
    with pytest.raises(InputError) as problem:
        everything.write_zip(io.BytesIO(), closed, {})
    place = f"{study.slug}-findings.csv, line 2, holds {what}: it would tell who somebody is."
    assert str(problem.value) == place
    with pytest.raises(InputError, match=f"^Sheet findings, line 2, holds {what}: "):
        exports.write_workbook(io.BytesIO(), closed, None)
    with pytest.raises(InputError, match=f"findings.csv, line 2, holds {what}: "):
        exports.short_table(closed, "findings", f"{closed.slug}-findings.csv")


@pytest.mark.parametrize(
    "remark", ["Dr. Müller", "dr. Mu\u0308ller", "see MUELLER", "Muller saw it", "with jorg muller", "Mueller, Joerg"]
)
def test_umlauts_and_accents_may_be_written_in_any_way(study, remark):
    reader = study.memberships.get(code="R1").user
    reader.first_name, reader.last_name = "Jörg", "Müller"
    reader.save()
    with pytest.raises(InputError, match=r"findings\.csv, line 2, holds a (sur)?name: "):
        everything.write_zip(io.BytesIO(), closed_with(study, remark), {})


def test_the_line_is_counted_where_letters_grow_or_shrink(study):
    text = "ß" * 20 + "\n" + "u\u0308" * 20 + "\nAnna Berg"
    with pytest.raises(InputError, match=r"^file, line 3, holds a name: "):
        identities.Guard(study).ensure("file", text)


def test_the_page_says_where_and_nothing_leaves(study):
    closed = closed_with(study, "as Anna Berg said")
    client = Client()
    admin = closed.memberships.get(role="admin").user
    client.force_login(admin, backend="readerstudy.accounts.backends.AccountBackend")
    answer = client.get(f"/studies/{closed.slug}/results/all.zip", follow=True)
    assert f"{closed.slug}-findings.csv, line 2, holds a name" in answer.content.decode()
    one = f"/studies/{closed.slug}/results/tables/findings.csv"
    answer = client.get(one, follow=True)
    assert f"{one}?as_it_is=1" in answer.content.decode()
    assert not closed.events.filter(action="results exported").exists()
    assert b"as Anna Berg said" in b"".join(client.get(f"{one}?as_it_is=1").streaming_content)
    assert closed.events.get(action="results exported").data["as_it_is"] is True


def test_a_file_made_of_all_leaves_as_it_is_where_somebody_says_so(study):
    closed = closed_with(study, "as Anna Berg said")
    client = Client()
    admin = closed.memberships.get(role="admin").user
    client.force_login(admin, backend="readerstudy.accounts.backends.AccountBackend")
    for place in ("all.zip", "all.xlsx"):
        address = f"/studies/{closed.slug}/results/{place}"
        way = f"{address}?as_it_is=1"
        assert f"all the same by {way}" in client.get(address, follow=True).content.decode()
        assert client.get(way).status_code == 200
        assert closed.events.filter(action="results exported").last().data["as_it_is"] is True


def test_the_report_is_looked_through_by_its_sections_and_only_for_what_is_read_or_heard(study):
    guard = identities.Guard(study)
    page = """<style>.berg, .r.anna {}</style><h1>Report</h1><p>Wilcoxon and Spearman</p>
        <h2>Two <em>parts</em></h2><img alt="%s" src="data:r.anna"><p>%s</p>"""
    guard.ensure_page("The report", page % ("a figure", "nobody"))
    for alt, text, what in (
        ("as Berg drew it", "", "a surname"), ("", "by r.anna", "a user name"), ("", "r.<b>an</b>na", "a user name")
    ):  # fmt: skip
        with pytest.raises(InputError, match=f"^The report, section Two parts, holds {what}: it would tell who"):
            guard.ensure_page("The report", page % (alt, text))
    identities.Guard(study, as_it_is=True).ensure_page("The report", page % ("r.anna", "Anna Berg"))
    reader = study.memberships.get(code="R1").user
    reader.last_name = "Spearman"  # whose coefficient every report has
    reader.save()
    guard = identities.Guard(study)
    guard.ensure_page("The report", page % ("", "nobody"))
    with pytest.raises(InputError, match="holds a name: "):
        guard.ensure_page("The report", page % ("", "Anna Spearman"))


def test_a_report_and_a_table_of_results_that_name_somebody_stay_here(study, monkeypatch):
    closed = closed_with(study, "nothing")
    client = Client()
    admin = closed.memberships.get(role="admin").user
    client.force_login(admin, backend="readerstudy.accounts.backends.AccountBackend")
    of = f"/studies/{closed.slug}/results"
    for address in (f"{of}/report.html", f"{of}/numbers/preference.csv"):
        assert client.get(address).status_code == 200, address
    monkeypatch.setattr(study_report, "html", lambda *_, **__: "<h2>Unblindings</h2><p>because Anna Berg asked</p>")
    monkeypatch.setattr(exports, "number_tables", lambda reading: {"preference": [{"criterion": "Anna Berg"}]})
    before = closed.events.count()
    for address, place in ((f"{of}/report.html", "section Unblindings"), (f"{of}/numbers/preference.csv", "line 2")):
        assert f"{place}, holds a name" in client.get(address, follow=True).content.decode()
        assert closed.events.filter(number__gt=before, action="results exported").count() == 0
        assert client.get(f"{address}?as_it_is=1").status_code == 200
        before = closed.events.count()


def test_a_surname_that_is_a_word_of_reports_a_short_one_or_one_in_small_letters_keeps_nothing_here(study):
    closed = closed_with(study, "White matter, as on the iceberg, a berg of it, Li")
    other = closed.memberships.get(code="R2").user
    for surname in ("White", "Li", "Matter of fact"):
        other.last_name = surname
        other.save()
        everything.write_zip(io.BytesIO(), closed, {})
    other.last_name = "Matter"  # nor where it is not written as a name
    other.save()
    everything.write_zip(io.BytesIO(), closed, {})
    assert identities.surnames_of(closed).keys() >= {"berg", "matter"}


def test_words_and_codes_of_the_study_name_nobody(study):
    closed = closed_with(study, "R1 and R2 saw version 1.2.3 of an osteoberg at 2^3, 2.25; annabergit, Anna")
    closed.title = "Fast MRI in a trial"
    closed.sites.update(name="Westend")
    other = closed.memberships.get(code="R2").user
    # A word of every table, of an arm, of the title, of the slug, a site, of a criterion, of a column of results.
    for name in ("Reader", "soc", "fast", "mri", "trial", "westend", "sharper", "net_preference"):
        other.username = name
        other.save()
        assert name.casefold() not in identities.names_of(closed)
        everything.write_zip(io.BytesIO(), closed, {})
    assert identities.names_of(closed).keys() >= {"r.anna", "anna berg", "berg anna", "berg, anna", "ab@clinic.example"}
