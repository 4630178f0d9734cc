"""Results of many ratings are a job's work; what is kept is found again without writing a table."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings as site
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from readerstudy.accounts.services import add_member, remove_member
from readerstudy.audit import heads
from readerstudy.audit.services import RecordError
from readerstudy.images.analyses import erase_analyses, store_analysis, stored_analysis
from readerstudy.jobs import tasks
from readerstudy.jobs.registry import kind
from readerstudy.jobs.services import cancel
from readerstudy.jobs.tasks import run_job
from readerstudy.protocol.services import move
from readerstudy.reading.amendments import withdraw_subject
from readerstudy.reading.whole_record import note_export
from readerstudy.results import services
from readerstudy.states import State
from tests import factories
from tests.once import made_once
from tests.results.test_record_holds import CHANGES
from tests.results.test_tables import with_metrics
from tests.tampering import run

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _own_cache(settings, tmp_path):
    settings.VAR_DIR = tmp_path


@made_once()
def study():
    study = with_metrics(factories.make_closed_study(subjects=2, readers=2))
    study.jobs.all().delete()
    return study


@pytest.fixture
def many(monkeypatch):
    monkeypatch.setattr(services, "AT_ONCE", 10)


@pytest.fixture
def client(study) -> Client:
    client = Client()
    client.force_login(study.memberships.get(role="admin").user)
    return client


def address(study, name: str = "results", *more: str) -> str:
    return reverse(name, args=[study.slug, *more])


def text(response) -> str:
    return response.content.decode()


def test_closing_asks_for_the_results(django_capture_on_commit_callbacks):
    study = factories.open_(factories.make_study(subjects=1))
    study.jobs.all().delete()
    with django_capture_on_commit_callbacks(execute=True):
        study = move(study=study, to=State.CLOSED, actor=None)
    job = study.jobs.get()
    assert job.function == services.ANALYSE
    factories.work_off(study)
    assert services.results(study).reading is None
    move(study=study, to=State.LOCKED, actor=None)


@pytest.mark.both_databases
def test_the_page_says_how_far_they_are_and_then_shows_them(study, client, many):
    page = text(client.get(address(study)))
    assert "Results are being computed" in page
    assert 'hx-trigger="every 2s"' in page
    assert "waits for a worker" in text(client.get(address(study), headers=HTMX))
    assert "Results are being computed" in text(client.get(address(study, "results_section", "readers")))
    assert study.jobs.filter(function=services.ANALYSE).count() == 1
    assert not study.events.filter(action="results seen").exists()
    factories.work_off(study)
    assert client.get(address(study), headers=HTMX)["HX-Refresh"] == "true"
    assert "Table 3" in text(client.get(address(study)))
    for kept in (site.VAR_DIR / "results").iterdir():
        kept.unlink()
    assert "Table 3" in text(client.get(address(study)))  # a lost file is made again
    assert study.jobs.filter(function=services.ANALYSE).count() == 1
    assert kind(services.ANALYSE).title == "Results"


def test_no_file_that_needs_them_leaves_before_they_are_there(study, client, many):
    for one in (("results_zip",), ("results_numbers", "preference")):
        refused = client.get(address(study, *one))
        assert refused.status_code == 409
        assert "Results are being computed" in text(refused)
    assert client.get(address(study, "results_table", "ratings")).status_code == 200
    factories.work_off(study)
    assert client.get(address(study, "results_zip")).status_code == 200


@pytest.mark.both_databases
def test_the_job_says_why_it_could_not_make_them_and_is_tried_again(study, client, many):
    client.get(address(study))
    run(CHANGES["a score"], study.pk)
    factories.work_off(study)
    assert "The record of this study does not hold" in study.jobs.get().error
    assert heads.alarms(study.slug)
    page = text(client.get(address(study)))  # other rows than those that the first job was asked for
    factories.work_off(study)
    page = text(client.get(address(study), headers=HTMX))
    assert "Results could not be computed" in page
    assert "The record of this study does not hold" in page
    assert "hx-trigger" not in page
    assert "Results are being computed" in text(client.get(address(study)))


def test_a_locked_study_has_them_made_too(study, client, many):
    client.get(address(study))
    move(study=study, to=State.LOCKED, actor=None)  # a job that changes nothing is not in its way
    factories.work_off(study)
    assert study.jobs.get().state == "done"
    assert "Table 3" in text(client.get(address(study)))


def test_what_is_kept_is_shown_without_writing_a_table(study, client, many, monkeypatch):
    client.get(address(study))
    factories.work_off(study)
    monkeypatch.setattr(services, "table_csv", lambda study, name: pytest.fail(f"{name} was written"))
    assert "Table 3" in text(client.get(address(study)))


@pytest.mark.both_databases
def test_looking_taking_away_members_and_the_lock_leave_it_as_it_is(study, client, many):
    key = services.results_key(study)
    admin, analyst = study.memberships.get(role="admin").user, factories.make_user()
    services.note_seen(study=study, user=admin)
    note_export(study=study, user=admin, file="x")
    remove_member(member=add_member(study=study, user=analyst, role="analyst"), actor=admin)
    move(study=study, to=State.LOCKED, actor=None)
    study.refresh_from_db()
    assert services.results_key(study) == key


@pytest.mark.both_databases
def test_a_line_that_tells_of_a_change_makes_them_anew(study, many):
    key = services.results_key(study)
    factories.log_as_is(study)
    assert services.results_key(study) != key


@pytest.mark.both_databases
def test_a_record_that_is_changed_later_is_found_by_the_job_that_looks_again(study, client, many):
    client.get(address(study))
    factories.work_off(study)
    assert "Table 3" in text(client.get(address(study)))
    run(CHANGES["a score"], study.pk)
    assert "Table 3" in text(client.get(address(study)))  # what is kept came from a record that held
    grow_old(study)
    client.get(address(study))
    factories.work_off(study)
    assert heads.alarms(study.slug)
    assert "Results are being computed" in text(client.get(address(study)))
    factories.work_off(study)
    assert "The record of this study does not hold" in text(client.get(address(study), headers=HTMX))
    assert study.jobs.filter(function=services.ANALYSE).count() == 1


def test_a_record_that_holds_is_looked_at_again_once_in_a_while(study, client, many):
    client.get(address(study))
    factories.work_off(study)
    client.get(address(study))
    assert study.jobs.get().state == "done"
    grow_old(study)
    assert "Table 3" in text(client.get(address(study)))
    assert "Table 3" in text(client.get(address(study)))
    assert study.jobs.get().state == "waiting"
    factories.work_off(study)
    client.get(address(study))
    assert study.jobs.get().state == "done"


def test_a_kept_file_that_somebody_else_wrote_is_not_shown(study, client, many):
    client.get(address(study))
    factories.work_off(study)
    kept = kept_file(study)
    kept.write_text(kept.read_text().replace('"range_rules"', '"range_rules "'))
    assert "Table 3" in text(client.get(address(study)))
    assert '"range_rules "' not in kept.read_text()


def kept_file(study):
    return site.VAR_DIR / services._name(study, services.results_key(study))


def grow_old(study) -> None:
    """The record was seen to hold long ago."""
    study.jobs.update(finished_at=timezone.now() - services.VERIFIED_FOR - timedelta(seconds=1))


@pytest.mark.both_databases
@pytest.mark.parametrize("ending", [{"state": "cancelled"}, {"state": "failed", "error": "Not enough memory."}])
def test_a_look_at_the_record_that_did_not_end_is_made_again(study, client, many, ending):
    client.get(address(study))
    factories.work_off(study)
    run(CHANGES["a score"], study.pk)
    grow_old(study)
    client.get(address(study))
    study.jobs.update(**ending)
    for _ in range(3):
        client.get(address(study))
        factories.work_off(study)
    assert heads.alarms(study.slug)
    assert "Table 3" not in text(client.get(address(study)))


def test_a_page_that_waits_does_not_take_up_what_was_cancelled(study, client, many):
    client.get(address(study))
    cancel(job=study.jobs.get())
    assert "Results could not be computed" in text(client.get(address(study), headers=HTMX))
    assert "Results are being computed" in text(client.get(address(study)))


def test_what_is_kept_is_not_shown_while_no_worker_looks_at_the_record(study, client, many):
    client.get(address(study))
    factories.work_off(study)
    grow_old(study)
    client.get(address(study))
    study.jobs.update(created_at=timezone.now() - services.VERIFIED_FOR - timedelta(seconds=1))
    assert "Results are being computed" in text(client.get(address(study)))


@pytest.mark.both_databases
def test_a_worker_elsewhere_that_finds_a_change_takes_what_is_kept_here(study, client, many, settings, tmp_path):
    client.get(address(study))
    factories.work_off(study)
    grow_old(study)
    client.get(address(study))
    run(CHANGES["a score"], study.pk)
    here, settings.VAR_DIR = settings.VAR_DIR, tmp_path / "elsewhere"
    factories.work_off(study)
    settings.VAR_DIR = here
    client.get(address(study))
    assert not kept_file(study).exists()


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", "ü\n{}".encode()])
def test_a_kept_file_that_is_no_text_is_not_shown(study, client, many, content):
    client.get(address(study))
    factories.work_off(study)
    kept_file(study).write_bytes(content)
    assert "Table 3" in text(client.get(address(study)))


@pytest.mark.both_databases
def test_rows_changed_after_the_tables_were_written_are_found(study, many, monkeypatch):
    written = services._files

    def files(study):
        made = written(study)
        run(CHANGES["a score"], study.pk)
        return made

    monkeypatch.setattr(services, "_files", files)
    with pytest.raises(RecordError):
        services.make_results(study)
    assert not list((site.VAR_DIR / "results").glob("*"))


def after_analysing(monkeypatch, happens) -> None:
    analyse = services.analyse

    def analyse_and(files):
        made = analyse(files)
        happens()
        return made

    monkeypatch.setattr(services, "analyse", analyse_and)


@pytest.mark.both_databases
def test_a_subject_withdrawn_while_its_results_are_made_is_in_no_file(
    study, client, many, monkeypatch, django_capture_on_commit_callbacks
):
    client.get(address(study))

    def withdraw() -> None:
        with django_capture_on_commit_callbacks(execute=True):
            withdraw_subject(study=study, subject=study.subjects.first(), reason="asked to", actor=None)

    after_analysing(monkeypatch, withdraw)
    run_job(study.jobs.get(function=services.ANALYSE).pk)
    assert not list((site.VAR_DIR / "results").glob("*"))


@pytest.mark.both_databases
def test_a_cancelled_job_keeps_nothing(study, client, many, monkeypatch):
    client.get(address(study))
    job = study.jobs.get()
    monkeypatch.setattr(tasks, "TOLD_EVERY", 1000)  # however soon one step follows the other
    after_analysing(monkeypatch, lambda: cancel(job=job))
    run_job(job.pk)
    assert not kept_file(study).exists()


def test_a_draft_that_was_left_goes_with_a_withdrawal(study, many, monkeypatch):
    def full(self, target):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        patched.setattr(Path, "unlink", lambda self, missing_ok=False: None)  # killed before it could
        with pytest.raises(OSError, match="No space left"):
            services.make_results(study)
    assert list((site.VAR_DIR / "results").glob("*"))
    erase_analyses(study)
    assert not list((site.VAR_DIR / "results").glob("*"))


def test_where_the_disk_is_full_results_of_a_small_study_are_shown_all_the_same(study, client, monkeypatch):
    def full(path, made):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(services, "store_analysis", full)
    assert "Table 3" in text(client.get(address(study)))


@pytest.mark.both_databases
def test_threads_of_a_server_do_not_take_each_others_drafts():
    name = f"results/a-{'0' * 64}.json"
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(store_analysis, name, {"x": list(range(10_000))}) for _ in range(80)]:
            done.result()
    assert stored_analysis(name) == {"x": list(range(10_000))}


@pytest.mark.both_databases
def test_a_removed_study_leaves_no_analysis(study, many):
    services.make_results(study)
    call_command("remove_study", study.slug, reason="a trial", stdout=StringIO())
    assert not list((site.VAR_DIR / "results").glob("*"))


def test_a_study_is_closed_whatever_its_results_come_to(monkeypatch, django_capture_on_commit_callbacks):
    study = factories.open_(factories.make_study(subjects=1))
    monkeypatch.setattr(services, "results_key", lambda study: 1 / 0)
    with django_capture_on_commit_callbacks(execute=True):
        assert move(study=study, to=State.CLOSED, actor=None).state == State.CLOSED
