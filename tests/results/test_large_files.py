"""Of a study with many ratings zip and workbook are written by a job, kept, and taken when they are ready."""

import hashlib
import io
import zipfile

import pytest
from django.conf import settings as site
from django.test import Client
from openpyxl import load_workbook

from analysis.errors import InputError as TableError
from readerstudy.accounts.services import add_member
from readerstudy.archive import kept
from readerstudy.audit.models import Event
from readerstudy.images.analyses import erase_analyses
from readerstudy.jobs.models import Job
from readerstudy.protocol.services import move
from readerstudy.results import everything, exports, large_files, services
from tests import factories
from tests.once import made_once
from tests.results.test_results_page import answer_all

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _many(settings, tmp_path, monkeypatch):
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(large_files, "AT_ONCE", 0)


@made_once()
def study():
    study = factories.open_(factories.make_study(subjects=2, readers=2))
    answer_all(study, {"R1": [4, 3, 3], "R2": [4, 4, 3, 2]})
    factories.log_as_is(study)
    return move(study=study, to="closed", actor=None)


@pytest.fixture
def client(study) -> Client:
    client = Client()
    admin = study.memberships.get(role="admin").user
    client.force_login(admin, backend="readerstudy.accounts.backends.AccountBackend")
    return client


def written(study) -> list[Job]:
    return list(study.jobs.filter(function=large_files.WRITE))


@pytest.mark.parametrize(("form", "name"), [("zip", "all.zip"), ("xlsx", "all.xlsx")])
def test_a_job_writes_the_file_its_page_says_how_far_it_is_and_then_it_is_there(study, client, form, name):
    address = f"/studies/{study.slug}/results/{name}"
    waits = client.get(address)
    assert waits.status_code == 409
    assert f"{study.slug}-results.{form} is being written" in waits.content.decode()
    assert client.get(address, headers={"hx-request": "true"}).status_code == 200  # else nothing on the page changes
    assert not Event.objects.filter(study=study, action="results exported").exists()
    factories.work_off(study)
    ready = client.get(address, headers={"hx-request": "true"}).content.decode()
    assert "is ready" in ready
    assert f'href="{address}"' in ready
    answer = client.get(address)
    content = b"".join(answer.streaming_content)
    assert answer["Content-Disposition"] == f'attachment; filename="{study.slug}-results.{form}"'
    said = Event.objects.get(study=study, action="results exported").data
    assert said == {"file": f"{study.slug}-results.{form}", "sha256": hashlib.sha256(content).hexdigest()}
    if form == "zip":
        at_once = io.BytesIO()
        everything.write_zip(at_once, study, services.everything_or_job(study))
        assert at_once.getvalue() == content
    else:
        assert {"README", "codebook", "ratings", "preference"} <= set(load_workbook(io.BytesIO(content)).sheetnames)
    (job,) = written(study)  # taken again, not written again
    assert (job.state, job.result) == ("done", {"bytes": len(content)})


def test_what_somebody_changed_in_its_place_is_written_anew(study):
    large_files.file_or_job(study, "zip")
    factories.work_off(study)
    (name,) = kept.names("exports/zip/*.zip")
    with large_files.file_or_job(study, "zip")[0] as file:
        assert zipfile.ZipFile(file).testzip() is None
    (site.VAR_DIR / name).write_bytes(b"something else")
    job = large_files.file_or_job(study, "zip")
    assert isinstance(job, Job)
    assert job.state == "waiting"
    factories.work_off(study)
    assert not isinstance(large_files.file_or_job(study, "zip"), Job)
    erase_analyses(study)
    assert kept.names("exports/*/*") == []


def test_the_job_says_how_far_it_is_and_fails_in_a_sentence_where_the_zip_may_not_leave(study):
    told = []
    large_files.write_and_keep(study, "zip", "0" * 64, lambda share, doing: told.append((share, doing)))
    large_files.write_and_keep(study, "xlsx", "0" * 64, lambda share, doing: told.append((share, doing)))
    assert [doing for _, doing in told].count("ratings") == 2
    assert all(0 <= share < 1 for share, _ in told)
    person = study.memberships.get(code="R1").user
    person.first_name = "S01"  # which stands in every table
    person.save()
    large_files.file_or_job(study, "zip")
    factories.work_off(study)
    (job,) = written(study)
    assert (job.state, "would tell who somebody is" in job.error) == ("failed", True)
    large_files.file_or_job(study, "zip", as_it_is=True)
    factories.work_off(study)
    large_files.file_or_job(study, "zip", as_it_is=True)[0].close()
    assert large_files.file_or_job(study, "zip") == job  # what was written so serves nobody else


def test_what_is_kept_is_looked_through_again_for_whoever_joined_after_locking(study):
    large_files.file_or_job(study, "zip")
    factories.work_off(study)
    study = move(study=study, to="locked", actor=None)
    large_files.file_or_job(study, "zip")
    factories.work_off(study)
    large_files.file_or_job(study, "zip")[0].close()
    add_member(study=study, user=factories.make_user("s01"), role="analyst")
    assert isinstance(large_files.file_or_job(study, "zip"), Job)
    factories.work_off(study)
    job = written(study)[-1]
    assert (job.state, "holds a user name" in job.error) == ("failed", True)


def test_a_long_table_is_looked_through_to_its_end_before_its_first_line_leaves(study, client, monkeypatch):
    monkeypatch.setattr(exports, "AT_ONCE", 1)
    monkeypatch.setattr(exports, "LINES", 5)
    address = f"/studies/{study.slug}/results/tables/ratings.csv"
    assert f"{study.slug}-ratings.csv is being written" in client.get(address).content.decode()
    factories.work_off(study)
    assert b"".join(client.get(address).streaming_content) == exports.table_csv(study, "ratings")
    taken = study.events.filter(action="results exported")
    assert taken.get().data["sha256"] == hashlib.sha256(exports.table_csv(study, "ratings")).hexdigest()
    last = study.memberships.get(code="R2").user
    last.first_name = exports.table_csv(study, "ratings").decode().splitlines()[-1].split(",")[10]  # its presentation
    last.last_name = ""
    last.save()
    client.get(address)
    factories.work_off(study)
    said = client.get(address, headers={"hx-request": "true"}).content.decode()
    assert "holds a name: it would tell who somebody is." in said
    assert f'href="{address}?as_it_is=1"' in said
    assert taken.count() == 1
    assert b"".join(client.get(f"{address}?as_it_is=1").streaming_content) == exports.table_csv(study, "ratings")
    assert taken.last().data["as_it_is"] is True


def test_the_report_is_printed_by_a_job_once_for_each_paper_until_something_changes(study, client, monkeypatch):
    printed = []
    monkeypatch.setattr(large_files.pdf, "pdf", lambda page: printed.append(page) or b"%PDF of " + page.encode())
    address = f"/studies/{study.slug}/results/report.pdf"
    waits = client.get(address)
    assert (waits.status_code, printed) == (409, [])
    assert f"{study.slug}-report.pdf is being written" in waits.content.decode()
    factories.work_off(study)
    on_letter = client.get(f"{address}?paper=letter&images=1", headers={"hx-request": "true"}).content.decode()
    assert 'hx-get="/studies/' in on_letter  # not ready: it asks for what was asked for
    assert "report.pdf?paper=letter&amp;images=1" in on_letter
    answer = client.get(address)
    assert b"".join(answer.streaming_content) == b"%PDF of " + printed[0].encode()
    assert answer["Content-Type"] == "application/pdf"
    assert client.get(address).status_code == 200
    assert "size:A4" in printed[0]
    factories.work_off(study)
    assert b"".join(client.get(f"{address}?paper=letter&images=1").streaming_content) == b"%PDF of " + (
        printed[1].encode()
    )
    assert len(printed) == 2
    move(study=study, to="locked", actor=None)  # which the report says
    assert client.get(address).status_code == 409
    factories.work_off(study)
    assert client.get(address).status_code == 200
    assert ["as locked" in page for page in printed] == [False, False, True]


def test_where_nothing_prints_the_page_says_what_is_needed(study, client, monkeypatch):
    def nothing(page):
        raise TableError("A PDF needs WeasyPrint")

    monkeypatch.setattr(large_files.pdf, "pdf", nothing)
    address = f"/studies/{study.slug}/results/report.pdf"
    client.get(address)
    factories.work_off(study)
    said = client.get(address, headers={"hx-request": "true"}).content.decode()
    assert "could not be written" in said
    assert "A PDF needs WeasyPrint" in said
