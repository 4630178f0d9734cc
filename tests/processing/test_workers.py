"""Several readers at once: the same results, also where one dies."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pydicom
import pytest

from processing.dicom.quick import Header, quick_header
from processing.ingest import accept, taking, workers
from processing.ingest.direct import DirectWriter
from processing.ingest.sort import sort_files
from tests.processing import dicom_files as files

KEY = b"0123456789abcdef0123456789abcdef"
HERE = os.getpid()


def whose(item: int) -> tuple[int, bool]:
    return item, os.getpid() == HERE


def dies_of_three(item: int) -> tuple[int, bool]:
    if item == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return whose(item)


def test_forks_give_the_results_in_order() -> None:
    assert list(workers.each(whose, range(20), processes=2)) == [(n, False) for n in range(20)]


def test_one_process_needs_no_fork() -> None:
    assert list(workers.each(whose, range(3), processes=1)) == [(n, True) for n in range(3)]


def test_what_was_not_done_when_a_fork_died_is_done_by_the_process_itself() -> None:
    found = list(workers.each(dies_of_three, range(8), processes=2, alone=whose))
    assert [item for item, _ in found] == list(range(8))
    assert found[3] == (3, True)


def many(folder: Path) -> dict[str, Path]:
    """Series of one patient: whole ones in folders, one parted over two, one with other pixels in another folder, one
    that ends early; a file that is none, and one that is sent twice."""
    for number in range(3):
        uid = f"1.2.3.4.5.{number}"
        for n, image in enumerate(files.pixels(3, seed=number)):
            one = files.classic(n, image, SeriesInstanceUID=uid, SOPInstanceUID=f"{uid}.{n}")
            files.save(one, folder / str(number) / f"{n}.dcm")
    for n, image in enumerate(files.pixels(4, seed=9)):
        files.save(
            files.classic(n, image, SeriesInstanceUID="1.2.9", SOPInstanceUID=f"1.2.9.{n}"),
            folder / f"half{n % 2}" / f"{n}.dcm",
        )
        other = files.classic(n, image + 1, SeriesInstanceUID="1.2.3.4.5.1", SOPInstanceUID=f"1.2.3.4.5.1.{n}")
        files.save(other, folder / "other" / f"{n}.dcm")
        short = files.save(
            files.classic(n, image, SeriesInstanceUID="1.2.8", SOPInstanceUID=f"1.2.8.{n}"),
            folder / "short" / f"{n}.dcm",
        )
    short.write_bytes(short.read_bytes()[:-200])
    (folder / "letter.txt").write_text("Dear Erika Muster")
    (folder / "again.dcm").write_bytes((folder / "0" / "0.dcm").read_bytes())
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_delivery_is_sorted_by_two_as_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "AT_ONCE", 2)
    sent = many(tmp_path / "in")
    one, two = (sort_files(sent, tmp_path / str(n), key=KEY, processes=n) for n in (1, 2))
    assert two.refused == one.refused
    assert {refusal.name for refusal in two.refused} == {"letter.txt", "short/3.dcm"}
    assert len(two.series) == 6
    assert two.duplicates == one.duplicates == 1
    assert {file.parent for series in two.series for file in series.files} == set((tmp_path / "2").iterdir())
    assert [series.series_uid for series in two.series] == [series.series_uid for series in one.series]
    for left, right in zip(one.series, two.series, strict=True):
        assert [path.read_bytes() for path in left.files] == [path.read_bytes() for path in right.files]
        assert (left.sha256, left.report, left.names) == (right.sha256, right.report, right.names)


def test_a_clean_file_that_the_disk_does_not_take_refuses_its_series(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written while others are cleaned: nobody waits for it but at the end."""

    class Full(DirectWriter):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            self.is_last = path.name == "0002.dcm"

        def close(self) -> None:
            super().close()
            if self.is_last:
                raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(accept, "DirectWriter", Full)
    paths = files.series(tmp_path / "in", files.pixels(4))
    found = sort_files({path.name: path for path in paths}, tmp_path / "out", key=KEY)
    assert found.series == []
    assert [(one.reason.split(";")[0], one.more) for one in found.refused] == [
        ("The material could not be processed (OSError)", 3)
    ]
    assert list((tmp_path / "out").iterdir()) == []


def test_each_reader_makes_folders_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "2").mkdir()
    assert [taking.next_folder(tmp_path).name for _ in range(2)] == ["3", "4"]


def test_a_known_value_is_replaced_not_changed(tmp_path: Path) -> None:
    """Files that say the same share it: what one is told anew the others must not say."""
    images = files.pixels(5)
    paths = [files.save(files.classic(n, images[n]), tmp_path / f"{n}.dcm") for n in range(5)]
    headers = [quick_header(path, pixels=True) for path in paths]
    first, last = headers[3], headers[4]
    assert isinstance(first, Header)
    assert isinstance(last, Header)
    assert first["EchoTime"] is last["EchoTime"]
    first.EchoTime = "12"
    assert (first.EchoTime, last.EchoTime, last.get("EchoTime")) == (12, 98, 98)
    assert pydicom.dcmread(paths[4]).EchoTime == 98
