"""Files made to do harm: each is refused with a reason, nothing is written elsewhere, the rest goes on."""

from __future__ import annotations

import gzip
import io
import os
import re
import signal
import struct
import tarfile
import time
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from processing.dicom import skim
from processing.errors import InputError
from processing.ingest import archives, confined, delivery, taking
from processing.ingest.confined import DiedError, ProcessLimits
from processing.ingest.delivery import SortedDelivery, sort_delivery
from tests.processing import dicom_files as files

KEY = b"0123456789abcdef0123456789abcdef"


def named(folder: Path) -> dict[str, Path]:
    return {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}


def deliver(folder: Path, **options) -> SortedDelivery:
    return sort_delivery(named(folder), folder.parent / "work", key=KEY, **options)


def reasons(found: SortedDelivery) -> dict[str, str]:
    return {one.name: one.reason for one in found.sorted.refused}


def deep(depth: int, *, defined: bool) -> bytes:
    """A private-looking sequence of depth levels, explicit little endian."""
    content = b""
    for _ in range(depth):
        if defined:
            item = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(content)) + content
            content = b"\x40\x00\x75\x02SQ\0\0" + struct.pack("<I", len(item)) + item
        else:
            item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + content + b"\xfe\xff\x0d\xe0\0\0\0\0"
            content = b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff" + item + b"\xfe\xff\xdd\xe0\0\0\0\0"
    return content


def with_elements(path: Path, extra: bytes) -> Path:
    """A good slice with further elements before its pixels."""
    files.save(files.classic(0, files.pixels(1)[0]), path)
    content = path.read_bytes()
    place = content.rindex(b"\xe0\x7f\x10\x00OW")
    path.write_bytes(content[:place] + extra + content[place:])
    return path


@pytest.mark.parametrize("defined", [True, False])
def test_a_sequence_3000_deep_is_refused_and_the_series_beside_it_is_taken(tmp_path: Path, defined: bool) -> None:
    files.series(tmp_path / "in" / "good", files.pixels(3))
    with_elements(tmp_path / "in" / "deep.dcm", deep(3000, defined=defined))
    found = deliver(tmp_path / "in")
    assert [one.shape[0] for one in found.sorted.series] == [3]
    assert "over 32 deep" in reasons(found)["deep.dcm"]


def test_sequences_as_deep_as_scanners_write_them_are_read(tmp_path: Path) -> None:
    with_elements(tmp_path / "in" / "a.dcm", deep(30, defined=True))
    assert len(deliver(tmp_path / "in").sorted.series) == 1


def test_a_deep_sequence_is_found_in_every_transfer_syntax(tmp_path: Path) -> None:
    implicit = b""
    for _ in range(40):
        item = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(implicit)) + implicit
        implicit = b"\x40\x00\x75\x02" + struct.pack("<I", len(item)) + item
    dataset = files.classic(0, files.pixels(1)[0])
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    path = files.save(dataset, tmp_path / "implicit.dcm")
    path.write_bytes(path.read_bytes() + implicit)
    with pytest.raises(InputError, match="32 deep"):
        skim.skim(path)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = files.save(dataset, tmp_path / "deflated.dcm")
    start = 144 + struct.unpack_from("<I", path.read_bytes(), 140)[0]  # behind the file meta
    content = zlib.decompress(path.read_bytes()[start:], -15)
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(content + deep(40, defined=False)) + packer.flush()
    path.write_bytes(path.read_bytes()[:start] + packed)
    with pytest.raises(InputError, match="32 deep"):
        skim.skim(path)


def test_a_deflated_file_that_inflates_beyond_measure_is_refused(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, wbits=-15)
    zeros = b"\0" * (1 << 20)
    bomb = b"".join(packer.compress(zeros) for _ in range(300)) + packer.flush()
    began = time.process_time()
    with pytest.raises(InputError, match="inflates beyond all measure"):
        skim.inflate(bomb)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        (b"\x40\x00\x07\x30UT\0\0" + struct.pack("<I", 0xFFFFFFF0) + b"x", "truncated"),
        (b"\x40\x00\x75\x02SQ\0\0" + struct.pack("<I", 0x7FFFFFFF), "truncated"),
        (b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff\x01\x02\x03\x04\x05\x06\x07\x08", "truncated"),
        (b"\x40\x00\x07\x30LO\0\0" * 2_000_001, "over 2,000,000 elements"),
    ],
)
def test_lengths_and_numbers_beyond_measure_are_refused(tmp_path: Path, extra: bytes, reason: str) -> None:
    path = with_elements(tmp_path / "a.dcm", extra)
    with pytest.raises(InputError, match=reason):
        skim.skim(path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Rows": 65535, "Columns": 65535}, "larger than 1 GiB"),
        ({"Rows": 0}, "no rows"),
        ({"Rows": 4000, "Columns": 4000}, "end early|truncated"),
    ],
)
def test_a_size_that_the_pixels_do_not_have_is_refused(tmp_path: Path, changes: dict, reason: str) -> None:
    files.save(files.classic(0, files.pixels(1)[0], **changes), tmp_path / "in" / "a.dcm")
    found = deliver(tmp_path / "in")
    assert found.sorted.series == []
    assert any(re.search(reason, one.reason) for one in found.sorted.refused)


def test_a_codestream_larger_than_the_header_says_is_not_decoded(tmp_path: Path) -> None:
    from pydicom import encaps
    from pydicom.uid import JPEG2000Lossless

    dataset = files.classic(0, files.pixels(1, rows=64, columns=64)[0])
    dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
    frame = bytearray(next(encaps.generate_frames(dataset.PixelData, number_of_frames=1)))
    place = frame.index(b"\xff\x4f\xff\x51") + 8
    frame[place : place + 8] = struct.pack(">II", 60000, 60000)
    dataset.PixelData = encaps.encapsulate([bytes(frame)])
    files.save(dataset, tmp_path / "in" / "a.dcm")
    found = deliver(tmp_path / "in")
    assert any("another size than the header says" in one.reason for one in found.sorted.refused)


def nifti_header(*, dim=(3, 4, 5, 6, 1, 1, 1, 1), offset: float = 352) -> bytearray:
    import nibabel

    header = nibabel.Nifti1Header()
    header["dim"], header["vox_offset"], header["magic"] = dim, offset, b"n+1"
    header["datatype"], header["bitpix"] = 4, 16
    return bytearray(header.structarr.tobytes() + b"\0" * 4)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (bytes(nifti_header()) + b"\0" * (100 << 20), "far more than its header says"),
        (bytes(nifti_header(dim=(3, 30000, 30000, 30000, 1, 1, 1, 1))), "larger than 1 GiB"),
        (bytes(nifti_header(dim=(3, -4, 5, 6, 1, 1, 1, 1))), "impossible sizes"),
        (bytes(nifti_header(dim=(99, 4, 5, 6, 1, 1, 1, 1))), "impossible sizes"),
        (bytes(nifti_header(offset=1e12)), "impossible sizes"),
        (bytes(nifti_header(offset=float("nan"))), "impossible sizes"),
        (bytes(nifti_header()) + b"\0" * 10, "damaged|ends early"),
    ],
)
def test_nifti_that_claims_or_holds_too_much_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    from processing.nifti import read_nifti

    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(content))
    with pytest.raises(InputError, match=reason):
        read_nifti(path)


def zipped(path: Path, entries: dict[str, bytes], *, links: dict[str, str] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
        for name, target in (links or {}).items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o120777 << 16
            archive.writestr(info, target)
    return path


def slices(folder: Path) -> dict[str, bytes]:
    return {f"anna/{path.name}": path.read_bytes() for path in files.series(folder, files.pixels(3))}


WRONG_NAMES = ["../up.dcm", "a/../../up.dcm", "/etc/up.dcm", "C:/up.dcm", "C:up.dcm", "..\\up.dcm", "a\\b.dcm"]


def test_a_zip_with_bad_entries_gives_its_good_ones_and_writes_nothing_elsewhere(tmp_path: Path) -> None:
    bad = dict.fromkeys(WRONG_NAMES, b"harm")
    nested = zipped(tmp_path / "nested.zip", {"x": b"y"}).read_bytes()
    long = {"x" * 2000: b"long", "/".join("x" * 60): b"deep"}
    content = {**slices(tmp_path / "made"), **bad, **long, "inner.zip": nested}
    zipped(tmp_path / "in" / "d.zip", content, links={"link.dcm": "/etc/passwd"})
    before = {path for path in tmp_path.rglob("*") if "work" not in path.parts}
    found = deliver(tmp_path / "in")
    (one,) = found.sorted.series
    assert [name.split("/")[:2] for name in one.names] == [["d", "anna"]] * 3
    assert found.sent_as[one.names[0]] == "d.zip"
    said = [refused.reason for refused in found.sorted.refused]
    assert sum("leads out of the archive" in reason for reason in said) == len(WRONG_NAMES)
    assert sum("too long" in reason for reason in said) == 2
    assert sum("archive within an archive" in reason for reason in said) == 1
    assert sum("A link" in reason for reason in said) == 1
    assert len(said) == len(WRONG_NAMES) + 4
    assert {path for path in tmp_path.rglob("*") if "work" not in path.parts} == before


def test_a_name_that_is_cut_by_a_zero_byte_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"good.dcmX/../../up": b"harm"})
    path.write_bytes(path.read_bytes().replace(b"good.dcmX/", b"good.dcm\0/"))
    found = archives.unpack(path, tmp_path / "out")
    assert (found.files, len(found.refused)) == ({}, 1)


def test_a_tar_with_links_and_devices_gives_its_files(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with tarfile.open(tmp_path / "in" / "d.tar.gz", "w:gz") as archive:
        for name, content in {**slices(tmp_path / "made"), "../up.dcm": b"harm", "/abs.dcm": b"harm"}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo("name")
            info.type, info.linkname = kind, "../../../etc/passwd"
            archive.addfile(info)
    found = deliver(tmp_path / "in")
    assert [len(one.files) for one in found.sorted.series] == [3]
    said = sorted(one.reason.split(";")[0] for one in found.sorted.refused)
    assert said == sorted(
        ["A link in an archive"] * 2
        + ["An entry of the archive that is no regular file."] * 2
        + ["The name of an entry leads out of the archive"] * 2
    )


def test_a_zip_bomb_is_refused_at_once(tmp_path: Path) -> None:
    zipped(tmp_path / "in" / "bomb.zip", {"a.dcm": b"\0" * (300 << 20), "b.txt": b"kept"})
    files.series(tmp_path / "in" / "good", files.pixels(3))
    found = deliver(tmp_path / "in")
    assert "inflates beyond all measure" in reasons(found)["bomb.zip"]
    assert len(found.sorted.series) == 1
    written = sum(path.stat().st_size for path in (tmp_path / "work").rglob("*") if path.is_file())
    assert written < 10 << 20


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_what_unpacks_to_more_than_allowed_in_all_is_refused_whole(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    content = {f"{n}.dcm": np.random.default_rng(n).bytes(1 << 20) for n in range(6)}
    if kind == "zip":
        zipped(path, content)
    else:
        with tarfile.open(path, "w:gz") as archive:
            for name, data in content.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    limits = archives.ArchiveLimits(total=4 << 20, free_ratio_bytes=1 << 20)
    with pytest.raises(InputError, match="more than the site has room for"):
        archives.unpack(path, tmp_path / "out", limits=limits)
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="over 3 entries"):
        archives.unpack(path, tmp_path / "out", limits=archives.ArchiveLimits(entries=3))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_empty_entries_are_refused_once_with_their_number(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"empty.{kind}"
    names = [f"a/{number}.dcm" for number in range(300)]
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, b"x" if name == names[7] else b"")
    else:
        with tarfile.open(path, "w:gz") as archive:
            for name in names:
                info = tarfile.TarInfo(name)
                info.size = int(name == names[7])
                archive.addfile(info, io.BytesIO(b"x"))
    found = archives.unpack(path, tmp_path / "out")
    assert list(found.files) == [names[7]]
    assert found.refused == [("", "299 of 300 entries of the archive are empty; nothing of them is used.")]
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_encrypted_entries_and_damaged_archives_say_so(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.dcm": b"content" * 100})
    content = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + place] |= 1
    path.write_bytes(content)
    assert "encrypted" in archives.unpack(path, tmp_path / "out").refused[0][1]
    path.write_bytes(zipped(tmp_path / "b.zip", {"a.dcm": b"content" * 100}).read_bytes()[:-40])
    with pytest.raises(InputError, match="damaged or cut short"):
        archives.unpack(path, tmp_path / "out2")


def test_archives_of_other_kinds_are_refused_by_name_of_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + b"\0" * 600)
    assert "Only zip and tar" in reasons(deliver(tmp_path / "in"))["a.7z"]


def test_one_file_that_kills_the_reader_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child dies on one file of the second series while reading pixels; the first is not done again."""
    files.series(tmp_path / "in" / "one", files.pixels(3))
    for n, image in enumerate(files.pixels(4, seed=5)):
        uids = {"SeriesInstanceUID": "1.2.9", "SOPInstanceUID": f"1.2.9.{n}"}
        files.save(files.classic(n, image, **uids), tmp_path / "in" / "two" / f"{n}.dcm")
    seen: list[str] = []
    children: list[str] = []

    def run(function, arguments, *, limits, news):
        children.append(function)

        def tell(word):
            if word.get("at"):
                seen.append(word["at"])
                if word["at"] == "two/3.dcm" and seen.count("two/3.dcm") == 3:  # unpacking, sorting, reading pixels
                    news(word)
                    raise KeyboardInterrupt
            news(word)

        try:
            return getattr(delivery, function.partition(":")[2])(arguments, tell)
        except KeyboardInterrupt:
            raise DiedError("Killed.") from None

    monkeypatch.setattr(confined, "run", run)
    found = deliver(tmp_path / "in", processes=1)
    assert reasons(found) == {"two/3.dcm": "Killed."}
    assert sorted(one.shape[0] for one in found.sorted.series) == [3, 3]
    assert len(children) == 3
    assert seen.count("one/1_0.dcm") == 4, "its pixels were read once"
    assert sorted(path.name for path in (tmp_path / "work" / "clean").iterdir()) == ["1", "2"]


def test_one_file_that_kills_one_of_several_readers_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fork dies of it; the confined process does the rest alone, dies as well, and another goes on without it."""
    for number in range(3):
        for n, image in enumerate(files.pixels(4, seed=number)):
            uids = {"SeriesInstanceUID": f"1.2.9.{number}", "SOPInstanceUID": f"1.2.9.{number}.{n}"}
            files.save(files.classic(n, image, **uids), tmp_path / "in" / str(number) / f"{n}.dcm")
    parent, take = os.getpid(), taking.accept_stack

    def accept_stack(*arguments, reading, **options):
        def deadly(name: str) -> None:
            reading(name)
            if name == "1/3.dcm" and os.getpid() != parent:
                os.kill(os.getpid(), signal.SIGKILL)
            if name == "1/3.dcm":
                raise KeyboardInterrupt

        return take(*arguments, reading=deadly, **options)

    def run(function, arguments, *, limits, news):
        try:
            return getattr(delivery, function.partition(":")[2])(arguments, news)
        except KeyboardInterrupt:
            raise DiedError("Killed.") from None

    monkeypatch.setattr(confined, "run", run)
    monkeypatch.setattr(taking, "accept_stack", accept_stack)
    found = deliver(tmp_path / "in", processes=2)
    assert reasons(found) == {"1/3.dcm": "Killed."}
    assert sorted(one.shape[0] for one in found.sorted.series) == [3, 4, 4]


@pytest.mark.slow
def test_a_reader_that_computes_without_end_is_stopped(tmp_path: Path) -> None:
    files.series(tmp_path / "in" / "good", files.pixels(3))
    with_elements(tmp_path / "in" / "endless.dcm", b"\x40\x00\x07\x30LO\x02\0ab" * 1_900_000)
    found = deliver(tmp_path / "in", limits=ProcessLimits(cpu_seconds=3))
    assert "took over 3 s of computing" in reasons(found)["endless.dcm"]
    assert [len(one.files) for one in found.sorted.series] == [3]


@pytest.mark.slow
def test_a_reader_that_wants_too_much_memory_is_refused(tmp_path: Path) -> None:
    """The header of a tar claims a name of 3 GB, and as many bytes follow (a sparse file)."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 3 << 30
    path = tmp_path / "in" / "a.tar"
    path.parent.mkdir()
    with path.open("wb") as stream:
        stream.write(info.tobuf(tarfile.GNU_FORMAT))
        stream.truncate(4 << 30)
    found = deliver(tmp_path / "in", limits=ProcessLimits(memory=1 << 30))
    assert "memory" in reasons(found)["a.tar"]


def test_the_child_gets_no_secrets_and_prints_nothing(tmp_path: Path, capfd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "of the site")
    with pytest.raises(InputError, match="could not be processed"):
        confined.run("processing.dicom.vocabulary:tokens", {"Erika": 1})  # gives a set, which is no JSON
    with pytest.raises(InputError, match="could not be processed"):
        confined.run("os:system", "true")
    assert capfd.readouterr() == ("", "")


def test_files_with_bytes_changed_at_random_are_taken_or_refused(tmp_path: Path) -> None:
    """Headers, meta and pixels hit alike; whatever comes of it, the child answers and every reason is a sentence."""
    random = np.random.default_rng(7)
    whole = [path.read_bytes() for path in files.series(tmp_path / "made", files.pixels(3))]
    whole.append(files.save(files.enhanced(files.pixels(4)), tmp_path / "made" / "enhanced.dcm").read_bytes())
    (tmp_path / "in").mkdir()
    for number in range(200):
        content = bytearray(whole[number % len(whole)])
        for place in random.integers(132, min(len(content), 1400), random.integers(1, 12)):
            content[place] = random.integers(256)
        (tmp_path / "in" / f"{number}.dcm").write_bytes(content)
    found = deliver(tmp_path / "in")
    assert found.sorted.refused
    assert {one.reason[-1] for one in found.sorted.refused} <= {"."}
    assert not any("Muster" in one.reason for one in found.sorted.refused)


@pytest.mark.slow
def test_the_real_series_are_taken_or_refused_with_the_right_reason(real_data: Path, tmp_path: Path) -> None:
    found = sort_delivery(named(real_data / "dicom"), tmp_path, key=KEY)
    assert len(found.sorted.series) == 9
    assert found.sorted.duplicates == 0
    why = {one.name.split("/")[0] + ("_Raw" in one.name) * " raw": one.reason for one in found.sorted.refused}
    assert "A slice is missing between slices 34 and 35 of 55" in why.pop("siemens_trio_ax_t2_fse_brain")
    assert len(why) == 3
    assert set(why.values()) == {"Raw Data Storage: it holds no image pixels."}
    assert all(name.endswith(" raw") for name in why)
