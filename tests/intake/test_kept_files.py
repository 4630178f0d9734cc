"""Many clean files go into the archive at once: on disk before they have their name, whole or absent."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from benchmarks import intake_against_orthanc as benchmark
from readerstudy.archive import durable, storage, store


def written(folder: Path, count: int = 3) -> list[Path]:
    folder.mkdir()
    paths = [folder / str(number) for number in range(count)]
    for path in paths:
        path.write_bytes(path.name.encode() * 1000)
    return paths


def test_files_are_kept_under_their_hash_and_moved_not_copied(tmp_path):
    paths = written(tmp_path / "clean")
    inodes = [path.stat().st_ino for path in paths]
    found = store.put_files(paths)
    assert found == [(hashlib.sha256(str(n).encode() * 1000).hexdigest(), 1000) for n in range(3)]
    assert [store.read(sha256) for sha256, _ in found] == [str(n).encode() * 1000 for n in range(3)]
    with store.local_files([sha256 for sha256, _ in found]) as kept:
        assert [path.stat().st_ino for path in kept] == inodes
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in kept)


def test_what_is_here_already_is_not_written_again(tmp_path):
    (first, *_) = store.put_files(written(tmp_path / "one"))
    paths = written(tmp_path / "two")
    assert store.put_files(paths)[0] == first
    assert paths[0].exists()


def test_from_another_disk_they_are_copied(tmp_path, monkeypatch):
    def other_disk(self: Path, target: str) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    paths = written(tmp_path / "clean")
    monkeypatch.setattr(storage.Path, "rename", other_disk)
    found = store.put_files(paths)
    assert [store.read(sha256) for sha256, _ in found] == [str(n).encode() * 1000 for n in range(3)]


def test_they_are_on_disk_before_they_have_their_name(tmp_path, monkeypatch):
    order = []
    rename = Path.rename
    monkeypatch.setattr(storage, "sync", lambda paths: order.append("sync"))
    monkeypatch.setattr(storage.Path, "rename", lambda self, to: (order.append("name"), rename(self, to)))
    store.put_files(written(tmp_path / "clean", 2))
    assert order == ["sync", "name", "name", "sync"]


def test_a_disk_that_cannot_keep_them_is_an_error(tmp_path, monkeypatch):
    def full(handle: int) -> int:
        durable.ctypes.set_errno(errno.ENOSPC)
        return -1

    monkeypatch.setattr(durable, "_syncfs", full)
    paths = written(tmp_path / "clean", 10)
    with pytest.raises(OSError, match="No space left"):
        store.put_files(paths)
    assert all(path.exists() for path in paths)


def test_what_was_looked_at_ahead_is_not_hashed_again(tmp_path, monkeypatch):
    paths = written(tmp_path / "clean")
    with store.Ahead() as ahead:
        ahead.look_at(paths)
        assert all(one.result() for one in ahead._found.values())
        monkeypatch.setattr(store.hashlib, "file_digest", None)
        found = store.put_files(paths, ahead)
    assert found == [(hashlib.sha256(str(n).encode() * 1000).hexdigest(), 1000) for n in range(3)]


@pytest.mark.parametrize("change", ["other bytes", "another file", "vanished meanwhile"])
def test_what_changed_since_it_was_looked_at_is_hashed_anew(tmp_path, change):
    paths = written(tmp_path / "clean")
    same = paths[0].stat()
    with store.Ahead() as ahead:
        if change == "vanished meanwhile":
            content = paths[0].read_bytes()
            paths[0].unlink()
        ahead.look_at(paths)
        _ = [one.exception() for one in ahead._found.values()]
        if change == "vanished meanwhile":
            paths[0].write_bytes(content)
        elif change == "another file":
            (tmp_path / "other").write_bytes(b"x" * 1000)
            (tmp_path / "other").rename(paths[0])
        else:
            paths[0].write_bytes(b"x" * 1000)
        os.utime(paths[0], ns=(same.st_atime_ns, same.st_mtime_ns))
        content = paths[0].read_bytes()
        found = store.put_files(paths, ahead)
    assert found[0] == (hashlib.sha256(content).hexdigest(), len(content))
    assert store.read(found[0][0]) == content


@pytest.mark.parametrize(("count", "each"), [(3, 3), (10, 0)])
def test_few_files_are_flushed_one_by_one_and_many_together(tmp_path, monkeypatch, count, each):
    flushed = []
    monkeypatch.setattr(durable.os, "fsync", flushed.append)
    durable.sync(written(tmp_path / "clean", count))
    assert len(flushed) == each


def test_where_many_cannot_be_flushed_together_each_is(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(durable, "_syncfs", None)
    monkeypatch.setattr(durable.os, "fsync", flushed.append)
    durable.sync(written(tmp_path / "clean", 10))
    assert len(flushed) == 10


@pytest.mark.slow
def test_the_benchmark_takes_in_a_small_delivery_and_tells_what_it_took(tmp_path):
    benchmark.write_files(tmp_path / "in", 2 * benchmark.SLICES, 16)
    found = benchmark.ours_once(tmp_path / "in", tmp_path / "site")
    assert set(found) == {"seconds", "seal", "sort", "store", "parent", "children", "memory"}
    assert all(value > 0 for value in found.values())
