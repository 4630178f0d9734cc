"""A worker proves that it sees the site's store before it claims; and nothing that is absent counts as done."""

import os
import subprocess
import sys
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.conf import settings as site
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from processing.errors import InputError
from readerstudy import keyring
from readerstudy.archive import quarantine, store, store_mark
from readerstudy.archive.models import Store
from readerstudy.intake import receiving, services
from readerstudy.intake.models import Upload
from readerstudy.jobs.models import Job, Worker
from readerstudy.jobs.services import request_job, retry, tell_obstacles
from readerstudy.jobs.tasks import run_job
from readerstudy.material.erasure import ERASE, erase_files
from tests import factories

pytestmark = pytest.mark.django_db
problem = store_mark.problem


@pytest.fixture(autouse=True)
def marked(monkeypatch, own_folders):
    """As on a site that was set up: what keeps other tests from needing a mark is undone."""
    monkeypatch.setattr(store_mark, "problem", problem)


@pytest.fixture
def study():
    store_mark.mark_new_store()
    return factories.make_study(subjects=0)


def elsewhere(settings, folder) -> None:
    """From here on this process is a worker with a folder of its own."""
    settings.QUARANTINE_DIR = folder / "quarantine"
    settings.STORAGES = settings.STORAGES | {
        "archive": settings.STORAGES["archive"] | {"OPTIONS": {"location": folder / "archive"}}
    }


def sent(study, tmp_path) -> tuple[Upload, Job]:
    folder = tmp_path / "in"
    folder.mkdir(exist_ok=True)
    (folder / "a.dcm").write_bytes(b"Jane Doe")
    (folder / "b.dcm").write_bytes(b"Jane Doe's other image")
    upload = services.receive_folder(study=study, folder=folder, actor=None)
    return upload, Job.objects.get(parameters__upload=upload.pk)


def state(job: Job, upload: Upload) -> tuple[str, bool]:
    """Of the job, and whether the files can still be read."""
    job.refresh_from_db()
    upload.refresh_from_db()
    return job.state, bool(upload.salt) and quarantine.count(upload.pk) > 0


# -- another folder ------------------------------------------------------------------------------------------------


def test_a_worker_with_another_folder_takes_no_upload_and_erases_nothing(study, tmp_path):
    upload, job = sent(study, tmp_path)
    with override_settings(QUARANTINE_DIR=tmp_path / "other"):
        run_job(job.pk)
    assert state(job, upload) == ("waiting", True)
    run_job(job.pk)
    assert state(job, upload) == ("done", False)
    assert upload.refusals.count() == 2


@pytest.mark.parametrize("place", ["archive", "quarantine"])
@pytest.mark.parametrize("bears", ["", "another"])
def test_either_place_of_another_store_keeps_a_worker_from_claiming(study, tmp_path, place, bears):
    upload, job = sent(study, tmp_path)
    (mark_file := tmp_path / place / "store").unlink()
    if bears:
        mark_file.write_text(bears)
    run_job(job.pk)
    assert state(job, upload) == ("waiting", True)
    assert f"The {place} seen here is not this site's" in store_mark.problem()
    assert ("another site's mark" if bears else "no mark") in store_mark.problem()


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("shared", [True, False])
def test_a_real_process_takes_a_job_only_where_it_sees_the_store(study, tmp_path, shared):
    upload, job = sent(study, tmp_path)
    at = connection.settings_dict
    database = (
        f"sqlite:///{at['NAME']}"
        if connection.vendor == "sqlite"
        else f"postgresql://{at['USER']}@{quote(at['HOST'], safe='')}/{at['NAME']}"
    )
    var = tmp_path if shared else tmp_path / "second"
    (var / "static").mkdir(parents=True)
    own = {
        "DATABASE_URL": database,
        "READERSTUDY_VAR": str(var),
        "READERSTUDY_SECRET_KEY": site.SECRET_KEY,
        "READERSTUDY_KEYS": str(site.KEYS_FILE),
        "DJANGO_SETTINGS_MODULE": "readerstudy.settings",
    }
    code = f"import django; django.setup(); from readerstudy.jobs.tasks import run_job; run_job({job.pk})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | own,
        cwd=site.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert state(job, upload) == (("done", False) if shared else ("waiting", True)), done.stderr
    assert ("is left to another worker" in done.stderr) is not shared


def test_who_may_not_work_is_named_on_the_jobs_page_and_in_health(study, tmp_path):
    client = Client()
    client.force_login(study.memberships.get(role="admin").user)
    page = f"/studies/{study.slug}/jobs/"
    assert tell_obstacles(worker="second:17") == ""
    assert Client().get("/healthz").json() == {"database": "ok", "store": "ok", "workers": "ok"}
    with override_settings(QUARANTINE_DIR=tmp_path / "other"):
        assert "The quarantine seen here is not this site's" in tell_obstacles(worker="second:17")
        assert (answer := Client().get("/healthz")).status_code == 503
        assert answer.json()["store"] == "another"
    shown = client.get(page).content.decode()
    assert "Worker second:17 runs and takes no jobs. The quarantine seen here is not this site" in shown
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()["workers"]) == (200, "idle")
    assert tell_obstacles(worker="second:17") == ""
    assert "second:17" not in client.get(page).content.decode()
    Worker.objects.create(worker="gone:1", reason="x", at=timezone.now() - timedelta(minutes=5))
    assert "gone:1" not in client.get(page).content.decode()


def test_a_web_server_with_another_folder_takes_no_upload(study, tmp_path, settings):
    elsewhere(settings, tmp_path / "second")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.dcm").write_bytes(b"x")
    with pytest.raises(InputError, match="not this site's"):
        services.receive_folder(study=study, folder=tmp_path / "in", actor=None)
    with pytest.raises(InputError, match="not this site's"):
        receiving.begin(study=study, user=study.memberships.get(role="admin").user, files=1, size=1)
    assert not Upload.objects.exists()


# -- set-up --------------------------------------------------------------------------------------------------------


def test_a_site_is_marked_once_and_one_that_never_was_does_no_work(tmp_path):
    assert "has not been set up" in store_mark.problem()
    assert store_mark.mark_new_store() == store_mark.problem() == ""
    known = Store.objects.get().mark
    assert {(tmp_path / place / "store").read_text() for place in ("archive", "quarantine")} == {known}
    assert store_mark.mark_new_store() == ""
    assert Store.objects.get().mark == known


def test_a_site_that_has_worked_is_not_given_an_empty_archive(tmp_path):
    job = request_job(function=ERASE, label="x", study=None, parameters={}, inputs={})[0]
    Job.objects.filter(pk=job.pk).update(state="done")
    assert "The archive seen here is empty" in (said := store_mark.mark_new_store())
    assert "mark_store" in said
    assert not Store.objects.exists()
    store.put_bytes(b"something is there")
    assert store_mark.mark_new_store() == ""


def test_setting_up_elsewhere_does_not_make_another_folder_the_sites(study, tmp_path, settings):
    before = Store.objects.get().mark
    elsewhere(settings, tmp_path / "second")
    assert "bears no mark" in store_mark.mark_new_store()
    assert Store.objects.get().mark == before


def test_a_store_that_was_moved_without_its_quarantine_is_marked_on_purpose(study, tmp_path, settings, capsys):
    before = Store.objects.get().mark
    settings.QUARANTINE_DIR = tmp_path / "new" / "quarantine"
    assert "mark_store" in store_mark.problem()
    call_command("mark_store")
    assert store_mark.problem() == ""
    assert Store.objects.get().mark == before


def test_the_mark_outlives_the_sweep_of_the_quarantine(study, tmp_path):
    old = timezone.now() - timedelta(hours=25)
    os.utime(tmp_path / "quarantine" / "store", (old.timestamp(), old.timestamp()))
    services.purge_stale()
    assert store_mark.problem() == ""


# -- absence is never success --------------------------------------------------------------------------------------


def test_an_upload_whose_pieces_are_not_there_fails_at_once_and_keeps_everything(study, tmp_path, monkeypatch):
    monkeypatch.setattr(services, "IN_PACK", 1)
    upload, job = sent(study, tmp_path)
    away = quarantine.packs(upload.pk)[0]
    content = away.read_bytes()
    away.unlink()
    run_job(job.pk)
    assert state(job, upload) == ("failed", True)
    assert "1 of the pieces of this upload are not in the quarantine" in job.error
    away.write_bytes(content)
    assert retry(job=job)
    run_job(job.pk)
    assert state(job, upload) == ("done", False)


def test_an_upload_none_of_whose_pieces_are_there_fails_and_ends_with_its_day(study, tmp_path):
    upload, job = sent(study, tmp_path)
    quarantine.erase(upload.pk)
    run_job(job.pk)
    job.refresh_from_db()
    upload.refresh_from_db()
    assert (job.state, upload.state, bool(upload.salt)) == ("failed", "sorting", True)
    Upload.objects.update(created_at=timezone.now() - timedelta(hours=25))
    services.purge_stale()
    upload.refresh_from_db()
    assert (upload.state, upload.salt) == ("failed", "")


def test_an_upload_in_which_nothing_was_found_is_not_done(study, tmp_path, monkeypatch):
    from processing.ingest import delivery
    from processing.ingest.sort import Sorted

    upload, job = sent(study, tmp_path)
    monkeypatch.setattr(delivery, "sort_delivery", lambda *a, **k: delivery.SortedDelivery(Sorted([], []), {}, {}))
    run_job(job.pk)
    assert state(job, upload) == ("failed", True)
    assert "No series was found" in job.error


def test_a_series_whose_files_are_not_in_the_archive_is_refused_with_their_number(study):
    there = store.put_bytes(b"here")
    with (
        pytest.raises(InputError, match="2 of 3 files are not in the archive"),
        store.local_files([there, "0" * 64, "1" * 64]),
    ):
        pytest.fail("the block ran")  # pragma: no cover


def test_erasing_says_what_was_not_there(study):
    there = store.put_bytes(b"here")
    assert erase_files([there, "0" * 64]) == {"erased": 1, "not there": 1, "needed elsewhere": 0}


def test_a_piece_that_vanished_is_asked_for_again(study):
    import io

    user = study.memberships.get(role="admin").user
    upload = receiving.begin(study=study, user=user, files=2, size=10)
    heads = [f"{name}\0001\0001".encode() for name in ("a.dcm", "b.dcm")]
    for head in heads:
        batch = receiving.LENGTHS.pack(len(head), 4) + head + b"Jane"
        assert receiving.receive_batch(upload=upload, stream=io.BytesIO(batch)) == 1
    keys = [receiving.piece_key(head, b"Jane") for head in heads]
    assert receiving.missing(upload=upload, keys=keys)["missing"] == []
    (quarantine.folder(upload.pk) / upload.pieces.get(key=keys[1]).name).unlink()
    assert receiving.missing(upload=upload, keys=keys)["missing"] == [1]
    assert receiving.finish(upload=upload, keys=keys, files=2, actor=user) == [1]
    assert receiving.receive_batch(upload=upload, stream=io.BytesIO(batch)) == 1
    assert receiving.finish(upload=upload, keys=keys, files=2, actor=user) == []


def test_a_process_with_other_keys_takes_no_job(study, settings, tmp_path):
    assert store_mark.problem() == ""
    settings.KEYS_FILE = tmp_path / "other.json"
    keyring.write(settings.KEYS_FILE, keyring.new_rings())
    assert "READERSTUDY_KEYS" in store_mark.problem()
