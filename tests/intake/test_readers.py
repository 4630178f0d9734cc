"""A worker has one reader ready: confined, without knowledge, for one upload."""

import re
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from processing.ingest.confined import Child, DiedError
from processing.ingest.delivery import SORT_ALL, sort_delivery
from readerstudy import celery
from readerstudy.intake import readers
from tests.processing import dicom_files as files

ROOT = Path(__file__).parents[2]
KEY = b"0123456789abcdef0123456789abcdef"


@pytest.fixture
def kept():
    readers.keep_ready()
    yield
    readers.keep_none()


def waiting() -> Child:
    assert readers._waiting
    return readers._waiting


def sort(folder: Path, reader: Child, **options):
    named = {path.name: path for path in sorted((folder / "in").iterdir())}
    return sort_delivery(named, folder / "work", key=KEY, reader=reader, **options)


def test_it_reads_one_upload_and_another_makes_ready(tmp_path, kept):
    files.series(tmp_path / "in", files.pixels(3))
    first = waiting()
    readers.keep_ready()
    assert waiting() is first
    with readers.reader() as one:
        assert one is first
        assert [len(series.files) for series in sort(tmp_path, one).sorted.series] == [3]
    assert first.is_gone()
    assert waiting() is not first
    assert not waiting().is_gone()


def test_it_is_gone_and_replaced_when_the_upload_fails_and_none_is_left_at_the_end(kept):
    first = waiting()
    with pytest.raises(RuntimeError), readers.reader():
        raise RuntimeError
    second = waiting()
    assert first.is_gone()
    assert not second.is_gone()
    readers.keep_none()
    assert second.is_gone()


def test_who_keeps_none_has_one_for_the_upload_alone():
    with readers.reader() as one:
        assert not one.is_gone()
    assert one.is_gone()
    assert readers._waiting is None


def test_while_it_waits_it_knows_nothing_and_is_confined(monkeypatch, kept):
    readers.keep_none()
    monkeypatch.setenv("READERSTUDY_PLANTED", "a secret of the worker")
    readers.keep_ready()
    place, confined = (
        Path("/proc", str(waiting()._process.pid)),
        re.compile(r"Max address space +4294967296 +4294967296"),
    )
    if not place.exists():
        pytest.skip("this system shows nothing of a process")
    assert any(confined.search((place / "limits").read_text()) or time.sleep(0.05) for _ in range(200))
    opened = []
    for entry in (place / "fd").iterdir():
        with suppress(FileNotFoundError):  # it imports meanwhile, and has closed that
            opened.append(str(entry.readlink()))
    code = (str(ROOT), str(Path(sys.prefix).resolve()), sys.base_prefix)
    assert [to for to in opened if not to.startswith(("pipe:", "/dev/null", "/proc", *code))] == []
    environment = (place / "environ").read_bytes()
    assert b"PATH=" in environment
    assert b"a secret of the worker" not in environment


@pytest.mark.parametrize("why", ["killed", "not able to make ready"])
def test_one_that_ended_while_it_waited_is_replaced(tmp_path, kept, monkeypatch, why):
    files.series(tmp_path / "in", files.pixels(3))
    if why == "killed":
        waiting()._process.kill()
    else:
        readers.keep_none()
        with monkeypatch.context() as patch:
            patch.setattr(readers, "_new", lambda: Child("processing.ingest.delivery:not_there"))
            readers.keep_ready()
    first = waiting()
    first._process.wait()
    with readers.reader() as one:
        assert one is not first
        found = sort(tmp_path, one)
    assert [len(series.files) for series in found.sorted.series] == [3]
    assert found.sorted.refused == []


def test_one_that_dies_before_it_names_a_file_ends_the_upload(tmp_path, monkeypatch):
    files.series(tmp_path / "in", files.pixels(3))

    def run(*_, **__):
        raise DiedError("Killed.")

    monkeypatch.setattr("processing.ingest.confined.run", run)
    with Child(SORT_ALL) as dead:
        dead._process.kill()
        dead._process.wait()
        with pytest.raises(DiedError):
            sort(tmp_path, dead)


def test_an_upload_is_done_even_if_the_next_reader_cannot_start(tmp_path, kept, monkeypatch, caplog):
    files.series(tmp_path / "in", files.pixels(3))

    def none_left():
        raise OSError("no process left")

    with monkeypatch.context() as patch, readers.reader() as one:  # the patch goes last
        found = sort(tmp_path, one)
        patch.setattr(readers, "_new", none_left)
    assert [len(series.files) for series in found.sorted.series] == [3]
    assert "the next upload starts its own" in caplog.text
    with readers.reader() as one:
        assert not one.is_gone()


@pytest.mark.parametrize(("queues", "has_one"), [(["intake", "default"], True), (["enhance"], False)])
def test_a_worker_has_one_where_it_takes_uploads(settings, queues, has_one):
    settings.WORKER_QUEUES = queues
    try:
        celery.have_a_reader_ready()
        assert (readers._waiting is not None) == has_one
    finally:
        readers.keep_none()
