"""The dry run: a copy of the study is read to its end by chance; afterwards everything is as it was, but one line."""

import tempfile
from pathlib import Path

import pytest
from django.apps import apps
from django.core.files.storage import storages
from django.test import Client

from processing.errors import InputError
from readerstudy.accounts.models import Role
from readerstudy.home import rehearsal
from readerstudy.home.rehearsal import is_current, last_rehearsal, request_rehearsal
from readerstudy.jobs.models import Job
from readerstudy.jobs.tasks import run_job
from readerstudy.protocol.models import ReaderStudy
from tests import factories
from tests.api.program import Program
from tests.once import made_once
from tests.pages import html
from tests.pixels import with_pixels
from tests.prepared import place_database

pytestmark = pytest.mark.django_db


@made_once()
def study():
    study = factories.make_study(subjects=3, readers=2)
    study.repeat_share, study.parts, study.washout_days = "0.25", 2, 14
    study.save()
    factories.simulate(study, {"degrade": {"half_nex_fraction": 0.05, "seed": 12}})
    return with_pixels(study)


@pytest.fixture(autouse=True)
def _begun(monkeypatch):
    """The database of the copy begins as the prepared site's, where there is one: it need not be migrated again."""
    run = rehearsal._run

    def begun(folder: Path, report) -> None:
        place_database(folder / "db.sqlite3")
        run(folder, report)

    monkeypatch.setattr(rehearsal, "_run", begun)


def admin_of(study):
    return study.memberships.get(role=Role.ADMIN).user


def rows() -> dict[str, int]:
    """Rows of every table of the site."""
    return {model._meta.label: model.objects.count() for model in apps.get_models()}


def files() -> set[Path]:
    folder = Path(storages["archive"].location)
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_after_a_dry_run_all_is_as_before_but_the_job_and_one_line_of_the_log(study, tmp_path, monkeypatch):
    places = tmp_path / "places"
    places.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(places))
    job = request_rehearsal(study=study, actor=admin_of(study))
    before, kept, protocol = rows(), files(), ReaderStudy.objects.values().get()
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.error, job.state) == ("", "done")
    after = rows()
    assert after.pop("audit.Event") == before.pop("audit.Event") + 1
    assert after == before
    assert files() == kept
    assert ReaderStudy.objects.values().get() == protocol
    assert list(places.iterdir()) == []
    event = study.events.last()
    assert (event.action, event.data) == ("dry run", {"pairs": job.result["pairs"], "readers": 2})

    made = job.result["results"]["reading"]
    assert made["n"] | {"presentations": 18, "readers": 2, "subjects": 3, "missing": 0} == made["n"]
    assert job.result["pairs"] > 18, "repeats too"
    assert sum(made["comparisons"][0]["counts"]) == 6
    assert is_current(job)

    client = Client()
    client.force_login(admin_of(study))
    page = html(client.get(f"/studies/{study.slug}/protocol/dry-run/"))
    assert "Made up." in page
    assert "have changed since" not in page
    assert "18 pairs, 2 readers, 3 subjects" in page
    ReaderStudy.objects.filter(pk=study.pk).update(parts=1)
    assert "have changed since" in html(client.get(f"/studies/{study.slug}/protocol/dry-run/"))


@pytest.mark.slow
def test_a_pair_that_cannot_be_read_ends_the_dry_run_with_its_reason(study):
    pair = study.pairs.first()
    storages["archive"].delete(f"{pair.first_left_sha256[:2]}/{pair.first_left_sha256[2:4]}/{pair.first_left_sha256}")
    storages["archive"].delete(
        f"{pair.first_right_sha256[:2]}/{pair.first_right_sha256[2:4]}/{pair.first_right_sha256}"
    )
    job = request_rehearsal(study=study, actor=admin_of(study))
    run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "failed"
    assert "came to no end" in job.error
    assert "An image does not come: 503" in job.error
    assert study.events.last().action != "dry run"


def test_what_is_not_ready_is_not_rehearsed_and_what_is_open_neither(study):
    study.criteria.all().delete()
    with pytest.raises(InputError, match="Not ready for a dry run: 0 criteria"):
        request_rehearsal(study=study, actor=admin_of(study))
    ReaderStudy.objects.filter(pk=study.pk).update(state="open", opened_at="2026-01-01T00:00Z", schedule_sha256="x")
    study.refresh_from_db()
    with pytest.raises(InputError, match="is for a draft"):
        request_rehearsal(study=study, actor=admin_of(study))
    assert last_rehearsal(study) is None


def test_the_page_starts_a_dry_run_and_follows_it(study):
    client = Client()
    client.force_login(admin_of(study))
    page = f"/studies/{study.slug}/protocol/dry-run/"
    assert "Start the dry run" in html(client.get(page))
    assert client.post(page)["Location"] == page
    assert "waits for a worker" in html(client.get(page))
    Job.objects.update(state="failed", error="It broke.")
    assert client.get(page, headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    assert "It broke." in html(client.get(page))
    assert "Run again" in html(client.get(page))


def test_a_program_asks_for_a_dry_run_and_takes_its_tables(study):
    program = Program(study)
    assert program.ask("rehearsal/").status_code == 404
    asked = program.ask("rehearsal/", {}, method="post")
    assert (asked.status_code, asked.json()["function"]) == (202, "reading.rehearse")
    assert program.ask("rehearsal/", {}, method="post").json()["id"] == asked.json()["id"]
    assert program.ask("rehearsal/").json()["state"] == "waiting"
    made = {"reading": {"n": {"readers": 2}}, "images": None}
    Job.objects.update(state="done", result={"results": made})
    assert program.json("rehearsal/") == {"current": True, **made}
    study.cases.first().series.update(sha256="0" * 64)
    assert program.json("rehearsal/")["current"] is False
