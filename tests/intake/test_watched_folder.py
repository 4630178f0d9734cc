"""A watched folder: files that still change stay, those that rest are sealed and go."""

import os
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from processing.errors import InputError
from readerstudy.archive import quarantine
from readerstudy.archive.object_storage import StoreAwayError
from readerstudy.intake import deliveries, services, watched_folder
from readerstudy.intake.models import Upload
from readerstudy.intake.watched_folder import WatchedFolder
from readerstudy.jobs.models import Job
from readerstudy.protocol.models import ReaderStudy
from tests import factories
from tests.dicomweb.material import write_series
from tests.once import made_once

pytestmark = pytest.mark.django_db


@made_once()
def study():
    return factories.make_study(subjects=0)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "watched").mkdir()
    return tmp_path / "watched"


def names(folder, upload: Upload, tmp_path) -> list[str]:
    (tmp_path / "plain").mkdir(exist_ok=True)
    return sorted(quarantine.unseal_upload(upload.pk, upload.salt, tmp_path / "plain", progress=lambda *_: None))


def visible(folder) -> list[str]:
    there = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return sorted(str(path) for path in there if path.parts[0] != watched_folder.TAKEN)


def test_what_has_come_to_rest_is_taken_in_one_upload_and_goes(study, folder, tmp_path):
    write_series(folder / "SOC", 1, slices=2)
    watched = WatchedFolder(study, folder, settle=10)
    assert watched.look(100) == 0
    assert watched.look(109) == 0
    assert watched.look(110) == 2
    assert visible(folder) == []
    write_series(folder / "FAST", 2, slices=2)
    assert watched.look(111) == 0
    assert watched.look(121) == 2
    (upload,) = Upload.objects.all()
    assert (upload.door, upload.files, upload.user) == ("folder", 4, None)
    assert names(folder, upload, tmp_path) == ["FAST/0.dcm", "FAST/1.dcm", "SOC/0.dcm", "SOC/1.dcm"]


def test_a_file_that_still_grows_stays_and_holds_nothing_up(study, folder):
    first, second = write_series(folder, 1, slices=2)
    whole = second.read_bytes()
    second.write_bytes(whole[:2000])
    watched = WatchedFolder(study, folder, settle=10)
    watched.look(0)
    second.write_bytes(whole)
    assert watched.look(10) == 1
    assert (first.exists(), second.exists()) == (False, True)
    assert watched.look(20) == 1


def test_a_file_that_changes_while_it_is_read_is_taken_as_it_ends(study, folder, tmp_path, monkeypatch):
    (path,) = write_series(folder, 1, slices=1)
    taken = deliveries.Delivery.take

    def slow(delivery, name, content, *, at_most):
        for chunk in content:
            path.write_bytes(chunk + b"\0" * 10)  # before it was looked at again
            return taken(delivery, name, iter([chunk, *content]), at_most=at_most)

    watched = WatchedFolder(study, folder, settle=1)
    watched.look(0)
    with monkeypatch.context() as patch:
        patch.setattr(deliveries.Delivery, "take", slow)
        assert watched.look(1) == 0
    assert path.exists()
    assert not Upload.objects.filter(files__gt=0).exists()
    size = path.stat().st_size
    watched.look(2)
    assert watched.look(3) == 1
    assert Upload.objects.get(files=1).bytes == size


def test_hidden_files_links_and_empty_files_are_not_looked_at(study, folder, tmp_path):
    (path,) = write_series(tmp_path / "elsewhere", 1, slices=1)
    (folder / ".part").write_bytes(path.read_bytes())
    (folder / ".tmp").mkdir()
    (folder / ".tmp" / "a.dcm").write_bytes(path.read_bytes())
    (folder / "link.dcm").symlink_to(path)
    (folder / "empty.dcm").touch()
    watched = WatchedFolder(study, folder, settle=0)
    assert watched.look(0) + watched.look(1) == 0
    assert path.exists()


def test_what_is_kept_there_is_not_taken_twice_unless_it_changes(study, folder):
    (path,) = write_series(folder, 1, slices=1)
    watched = WatchedFolder(study, folder, settle=1, keep=True)
    watched.look(0)
    assert [watched.look(1), watched.look(2), watched.look(9)] == [1, 0, 0]
    os.utime(path, (1, 1))
    assert [watched.look(10), watched.look(11)] == [0, 1]


def test_what_cannot_be_taken_stays_where_it_is(study, folder, monkeypatch):
    (path,) = write_series(folder, 1, slices=1)

    def closed(**_):
        raise InputError("The study is closed: it takes no more series.")

    watched = WatchedFolder(study, folder, settle=1)
    watched.look(0)
    with monkeypatch.context() as patch:
        patch.setattr(watched_folder, "gathering", closed)
        with pytest.raises(InputError):
            watched.look(1)
    assert path.exists()
    assert watched.look(2) == 1


def taken(study, folder) -> tuple[WatchedFolder, Upload]:
    """Two files below `SOC`, sealed and put away."""
    write_series(folder / "SOC", 1, slices=2)
    watched = WatchedFolder(study, folder, settle=1)
    watched.look(0)
    assert watched.look(1) == 2
    assert visible(folder) == []
    return watched, Upload.objects.get()


@pytest.mark.parametrize("state", [Upload.State.RECEIVING, Upload.State.SORTING, Upload.State.SORTED])
def test_what_was_taken_is_erased_once_it_is_sorted(study, folder, state):
    watched, upload = taken(study, folder)
    Upload.objects.update(state=state, salt="" if state == Upload.State.SORTED else upload.salt)
    watched.look(2)
    assert visible(folder) == []
    assert any(path.is_file() for path in folder.rglob("*")) is (state != Upload.State.SORTED)


@pytest.mark.parametrize("gone", [False, True])
def test_what_was_taken_and_cannot_be_sorted_comes_back(study, folder, gone):
    watched, upload = taken(study, folder)
    (folder / "SOC" / "0.dcm").write_bytes(b"another of that name")
    if gone:  # as from a backup
        upload.delete()
    else:
        Upload.objects.update(state=Upload.State.FAILED)
    watched.look(2)
    assert visible(folder) == ["SOC/0.dcm", "SOC/1.dcm", "SOC/_0.dcm"]
    again = "they are tried again once they change or this starts anew"
    assert watched.said == [f"2 files taken could not be sorted and are back: {again}."]
    assert watched.look(5) == 1  # the other
    assert visible(folder) == ["SOC/1.dcm", "SOC/_0.dcm"]
    again = WatchedFolder(study, folder, settle=1)
    again.look(6)
    assert again.look(7) == 2


@pytest.mark.parametrize("gone", [False, True])
def test_what_stays_and_cannot_be_sorted_is_said_and_tried_again(study, folder, gone):
    first, _ = write_series(folder / "SOC", 1, slices=2)
    watched = WatchedFolder(study, folder, settle=1, keep=True)
    assert [watched.look(now) for now in (0, 1, 2)] == [0, 2, 0]
    assert watched.said == []
    Upload.objects.all().delete() if gone else Upload.objects.update(state=Upload.State.FAILED)
    assert [watched.look(now) for now in (3, 5, 7)] == [0, 0, 0]
    again = "they are tried again once they change or this starts anew"
    assert watched.said == [f"2 files taken, which stay, could not be sorted: {again}."]
    os.utime(first, (1, 1))
    assert [watched.look(now) for now in (8, 9)] == [0, 1]
    assert visible(folder) == ["SOC/0.dcm", "SOC/1.dcm"]


def test_what_no_worker_sorted_for_a_day_is_sorted_and_not_erased(study, folder):
    watched, upload = taken(study, folder)
    old = timezone.now() - timedelta(hours=25)
    Upload.objects.update(created_at=old, last_at=old)
    os.utime(quarantine.folder(upload.pk), (old.timestamp(), old.timestamp()))
    for _ in range(2):
        services.purge_stale()
        deliveries.send_on()
        upload.refresh_from_db()
        assert (upload.state, len(quarantine.packs(upload.pk))) == (Upload.State.SORTING, 1)
    Job.objects.update(created_at=old)
    services.purge_stale()
    watched.look(2)
    assert visible(folder) == ["SOC/0.dcm", "SOC/1.dcm"]


def test_a_file_that_cannot_be_read_holds_nothing_up_and_is_said_once(study, folder, monkeypatch):
    first, _ = write_series(folder, 1, slices=2)
    opened = Path.open

    def refuse(path, *args, **more):
        if path == first:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args, **more)

    watched = WatchedFolder(study, folder, settle=1)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        assert [watched.look(now) for now in (0, 1, 2, 3)] == [0, 1, 0, 0]
    assert watched.said == ["A file cannot be read and stays: Permission denied."]
    assert visible(folder) == ["0.dcm"]
    first.chmod(0o600)
    first.chmod(0o644)
    assert [watched.look(now) for now in (4, 5)] == [0, 1]


def test_a_name_that_is_not_utf_8_is_taken(study, folder, tmp_path):
    (path,) = write_series(folder, 1, slices=1)
    path.rename(folder / os.fsdecode(b"M\xfcller.dcm"))
    watched = WatchedFolder(study, folder, settle=1)
    assert [watched.look(now) for now in (0, 1)] == [0, 1]
    assert names(folder, Upload.objects.get(), tmp_path) == ["Müller.dcm"]


FAULTS = [
    (OSError(28, "No space left on device"), "No space left"),
    (OperationalError("server closed the connection"), "The database does not answer"),
    (StoreAwayError("The object store does not answer."), "The object store does not answer"),
]


@pytest.mark.parametrize(("fault", "words"), FAULTS)
def test_no_fault_ends_the_command(study, folder, capsys, monkeypatch, fault, words):
    write_series(folder, 1, slices=1)
    looks, kept = iter([False, False, False, True]), deliveries.Delivery.keep
    faults = iter([fault, fault])

    def fail(delivery):
        if found := next(faults, None):
            raise found
        return kept(delivery)

    monkeypatch.setattr(threading.Event, "wait", lambda *_: next(looks))
    monkeypatch.setattr("readerstudy.intake.management.commands.watch.close_old_connections", lambda: None)
    monkeypatch.setattr(deliveries.Delivery, "keep", fail)
    call_command("watch", study.slug, str(folder), "--settle", "0", "--every", "0")
    out = capsys.readouterr().out
    assert (out.count(words), out.count("1 files taken.")) == (1, 1)


def test_the_command_takes_until_it_is_ended(study, folder, capsys, monkeypatch):
    write_series(folder, 1, slices=3)
    looks = iter([False, False, True])
    monkeypatch.setattr(threading.Event, "wait", lambda *_: next(looks))
    monkeypatch.setattr("readerstudy.intake.management.commands.watch.close_old_connections", lambda: None)
    call_command("watch", study.slug, str(folder), "--settle", "0", "--every", "0")
    assert "3 files taken." in capsys.readouterr().out
    assert ReaderStudy.objects.get().uploads.get().files == 3


def test_the_command_says_what_it_cannot_do(study, folder):
    with pytest.raises(CommandError, match="There is no study"):
        call_command("watch", "elsewhere", str(folder))
    with pytest.raises(CommandError, match="is no folder"):
        call_command("watch", study.slug, str(folder / "none"))
