"""Two engines de-identify, one attribute by attribute as bytes: they leave the same bytes, and nothing planted."""

from __future__ import annotations

import random
import struct
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataelem import DataElement, RawDataElement

from processing.deidentify import bytewise
from processing.deidentify.bytewise import Cleaner, encoded_attribute
from processing.deidentify.report import Report
from processing.deidentify.rules import Rule
from processing.dicom import quick, recall
from processing.dicom.header import read_header
from processing.dicom.pixels import stored_values
from processing.ingest import accept
from processing.ingest.sort import sort_files
from tests.processing.planted_headers import PLANTED, plain_file, planted_file, planted_series

KEY = b"0123456789abcdef0123456789abcdef"


def outcome(folder: Path, out: Path, engine: str) -> tuple[list[bytes], object]:
    """The bytes of the clean files; and all else that is told of them, and of what was refused."""
    files = {path.name: path for path in sorted(folder.iterdir())}
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(action="ignore"):
        patch.setenv(quick.ENGINE, engine)
        found = sort_files(files, out / engine, key=KEY)
    content = [path.read_bytes() for one in found.series for path in one.files]
    told = [{name: value for name, value in vars(one).items() if name != "files"} for one in found.series]
    return content, (told, found.refused)


def difference(data: bytes, before: bytes, place: Path) -> str:
    """In what the engines differ on this file behind another of its series, or what survived; "" if all is well."""
    (place / "in").mkdir(parents=True)
    (place / "in" / "1").write_bytes(before)
    (place / "in" / "2").write_bytes(data)
    content, told = outcome(place / "in", place, "bytes")
    expected = outcome(place / "in", place, "pydicom")
    if survived := [secret for secret in PLANTED if any(secret in one for one in content)]:
        return f"survived: {survived}"
    return "" if (content, told) == expected else f"{told} is not {expected[1]}"


def is_quick(place: Path) -> bool:
    """Whether the engine of bytes took the file of `difference`, and did not leave it to pydicom."""
    taken = len(list((place / "bytes").rglob("*.dcm"))) == 2
    with warnings.catch_warnings(action="ignore"):
        return taken and quick.quick_header(place / "in" / "2", pixels=True) is not None


@pytest.mark.parametrize("seed", range(3))
def test_both_engines_leave_the_same_bytes_and_nothing_planted(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    quickly = 0
    for number in range(60):
        found = difference(planted_file(chance, number), plain_file(number), tmp_path / str(number))
        assert found == "", (seed, number)
        quickly += is_quick(tmp_path / str(number))
    assert quickly > 20


def difference_of_series(files: list[bytes], place: Path) -> str:
    """In what the engines differ on files of one folder, or what survived; "" if all is well."""
    (place / "in").mkdir(parents=True)
    for n, data in enumerate(files):
        (place / "in" / str(n)).write_bytes(data)
    content, told = outcome(place / "in", place, "bytes")
    expected = outcome(place / "in", place, "pydicom")
    if survived := [secret for secret in PLANTED if any(secret in one for one in content)]:
        return f"survived: {survived}"
    return "" if (content, told) == expected else f"{told} is not {expected[1]}"


def test_both_engines_leave_the_same_bytes_of_files_that_are_laid_out_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, alike = random.Random(7), []
    monkeypatch.setattr(quick, "_learn", lambda *file, learn=quick._learn: (learn(*file), alike.append(False)))
    built = quick._furnish
    monkeypatch.setattr(quick, "_furnish", lambda *words: (built(*words), alike.append(True)))
    for number in range(12):
        files = planted_series(chance, 20_000 + 10 * number, 6)
        assert difference_of_series(files, tmp_path / str(number)) == "", number
    assert alike.count(True) - alike.count(False) > 10, "files that were not read whole"


def _of_the_file_before(layout: Any, data: Any, place: int, real: Any = quick.own_rows) -> Any:
    found = real(layout, data, place)
    return found and ([layout.table.rows[n] for n in layout.own], found[1])


@pytest.mark.parametrize(
    ("module", "name", "fault"),
    [
        (quick, "own_rows", _of_the_file_before),
        (recall, "_part", lambda element: None),
    ],
    ids=["values of the file before", "answers of another header"],
)
def test_a_fault_in_what_files_have_in_common_is_found(
    module: Any, name: str, fault: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, fault)
    chance = random.Random(8)
    found = [
        difference_of_series(planted_series(chance, 30_000 + 10 * number, 6), tmp_path / str(number))
        for number in range(12)
    ]
    assert any(found)


def test_what_was_changed_in_one_file_of_a_series_is_cleaned_as_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def echo_time(of_this: bytes) -> bytes:
        cleaner = Cleaner(KEY)
        for number in range(5):
            (tmp_path / "one").write_bytes(plain_file(40_000 + number))
            header = read_header(tmp_path / "one", pixels=True)
            pixels = stored_values(header)[0]
            del header.PixelData
            if number == 4:
                header.EchoTime = of_this.decode()
            pieces, _ = cleaner.clean(header, pixels, Report(), number=1)
        assert header.series, "it is read as those before"
        return b"".join(pieces)

    assert b"\x18\0\x81\0DS\x02\x0055" in echo_time(b"55")
    monkeypatch.setattr(bytewise, "is_", lambda one, other: True)
    assert b"\x18\0\x81\0DS\x02\x0098" in echo_time(b"55"), "so it is this that sees it"


class _SkipsUids(Cleaner):
    def _at_sight(self, rule: Rule, number: int, element: DataElement | RawDataElement) -> bytes | None:
        if rule.action == "uid":
            value = element.value if isinstance(element.value, bytes) else str(element.value).encode()
            return struct.pack("<HH2sH", number >> 16, number & 0xFFFF, b"UI", len(value)) + value
        return super()._at_sight(rule, number, element)


class _KeepsWhatNoRuleNames(Cleaner):
    def _said_anew(self, header: quick.Header, content: Mapping[int, bytes], *rows: Any) -> list[tuple[int, bytes]]:
        said = super()._said_anew(header, content, *rows)
        comment = [bytes(row.value) for row in header._dict.values() if row.tag == 0x0008103E and row.VR == "LO"]
        return said + [encoded_attribute("SeriesDescription", value.decode("latin-1")) for value in comment]


class _TakesOneValueForAnother(Cleaner):
    def _remembered(self, same: quick.Known, *words: Any) -> Any:
        first = next((known for known in self._decided if known.element.tag == same.element.tag), same)
        return self._decided.get(first) or super()._remembered(same, *words)


@pytest.mark.parametrize("fault", [_SkipsUids, _KeepsWhatNoRuleNames, _TakesOneValueForAnother])
def test_a_fault_in_the_quick_engine_is_found(
    fault: type[Cleaner], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty = fault(KEY)
    monkeypatch.setattr(accept, "cleaner_of", lambda key: faulty)
    chance = random.Random(1)
    numbers = range(10_000, 10_025)  # UIDs that no test before has made known
    found = [difference(planted_file(chance, number), plain_file(number), tmp_path / str(number)) for number in numbers]
    assert any(found)
