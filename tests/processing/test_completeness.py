"""Slices that equal distances do not miss: every second one, those at an end, all but one."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from processing import series
from processing.errors import InputError
from processing.ingest.sort import Sorted, sort_files
from tests.processing import dicom_files as files

KEY = b"0123456789abcdef"


def sort(folder: Path, out: Path) -> Sorted:
    named = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return sort_files(named, out, key=KEY)


def stack(folder: Path, numbers: list[int], *, distance: float = 3.0, **changes: object) -> Path:
    for n, number in enumerate(numbers):
        image = files.pixels(1, seed=n)[0]
        files.save(files.classic(n, image, z=distance * n, InstanceNumber=number, **changes), folder / f"{number}.dcm")
    return folder


def said(folder: Path) -> str:
    found = [one for one in series.read(folder).cautions if one.code == "missing_slices"]
    return found[0].text if found else ""


@pytest.mark.parametrize(
    ("distance", "between", "thickness", "missing"),
    [
        (3.0, 3.0, 2.5, False),
        (3.0, 0.5, 2.5, False),  # the gap, as old files have it
        (3.0, 1.5, 3.0, True),
        (6.0, 3.0, 2.5, True),
        (10.0, 5.0, 5.0, True),
        (0.6, 0.6, 1.2, False),
        (1.2, 0.6, 1.2, True),
        (7.0, None, 5.0, False),
        (10.0, None, 5.0, True),
        (3.0, -3.0, 2.5, False),
    ],
)
def test_distances_are_compared_with_what_the_header_says(
    tmp_path: Path, distance: float, between: float | None, thickness: float, missing: bool
) -> None:
    said_between = {} if between is None else {"SpacingBetweenSlices": between}
    stack(tmp_path, [1, 2, 3, 4], distance=distance, SliceThickness=thickness, **said_between)
    assert bool(said(tmp_path)) == missing


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([1, 2, 3, 4], ""),
        ([4, 3, 2, 1], ""),
        ([5, 6, 7, 8], ""),  # the second volume of four slices
        ([0, 1, 2, 3], ""),
        ([1001, 1002, 1003], ""),
        ([1, 3, 5, 7], "steps of 2"),
        ([1, 2, 4, 5], "1 of the numbers 1 to 5"),
        ([2, 3, 4, 5, 6], "begin at 2"),
        ([7, 7, 7, 7], ""),
    ],
)
def test_numbers_tell_what_positions_cannot(tmp_path: Path, numbers: list[int], words: str) -> None:
    for n, number in enumerate(numbers):
        image = files.pixels(1, seed=n)[0]
        files.save(files.classic(n, image, InstanceNumber=number), tmp_path / f"{n}.dcm")
    assert words in said(tmp_path)
    assert bool(said(tmp_path)) == bool(words)


def test_numbers_shared_with_another_kind_of_image_are_no_gap(tmp_path: Path) -> None:
    """Magnitude and phase interleaved: the phase is refused, the distances are those of the header."""
    assert said(stack(tmp_path, [1, 3, 5, 7], SpacingBetweenSlices=3.0)) == ""


@pytest.mark.parametrize(
    ("group", "creator", "element"),
    [
        (0x2001, "Philips Imaging DD 001", 0x18),
        (0x2001, "Philips Imaging DD 002", 0x2D),
        (0x0021, "GEMS_RELA_01", 0x4F),
    ],
)
@pytest.mark.parametrize(
    ("made", "kind", "words"), [(6, "ORIGINAL", "made 6 slices"), (4, "ORIGINAL", ""), (6, "DERIVED", "")]
)
def test_the_scanner_knows_how_many_it_made(
    tmp_path: Path, group: int, creator: str, element: int, made: int, kind: str, words: str
) -> None:
    for n in range(4):
        dataset = files.classic(n, files.pixels(1, seed=n)[0], ImageType=[kind, "PRIMARY", "M"])
        dataset.Manufacturer = "GE MEDICAL SYSTEMS" if creator.startswith("GE") else "Philips"
        dataset.private_block(group, creator, create=True).add_new(element, "SL", made)
        files.save(dataset, tmp_path / f"{n}.dcm")
    assert words in said(tmp_path)
    assert bool(said(tmp_path)) == bool(words)


def test_no_number_of_a_person_is_said(tmp_path: Path) -> None:
    stack(tmp_path, [13579246, 13579248], SpacingBetweenSlices="13579246", SliceThickness="2.5")
    assert said(tmp_path) == ""


def test_echoes_share_their_numbers(tmp_path: Path) -> None:
    for n in range(8):
        changes = {"EchoTime": (20, 90)[n % 2], "SpacingBetweenSlices": 3.0}
        files.save(files.classic(n, files.pixels(1)[0], z=3.0 * (n // 2), **changes), tmp_path / "in" / f"{n}.dcm")
    found = sort(tmp_path / "in", tmp_path / "out")
    assert [one.cautions for one in found.series] == [[], []]


def test_one_slice_is_never_certain(tmp_path: Path) -> None:
    assert "one slice" in said(stack(tmp_path, [1]))


def test_the_caution_reaches_the_intake(tmp_path: Path) -> None:
    stack(tmp_path / "in", [1, 3, 5, 7], distance=6.0, SpacingBetweenSlices=3.0)
    (one,) = sort(tmp_path / "in", tmp_path / "out").series
    assert [caution.code for caution in one.cautions] == ["missing_slices"]


def test_one_uid_for_all_slices_refuses_the_whole_series(tmp_path: Path) -> None:
    for n in range(4):
        dataset = files.classic(n, files.pixels(1, seed=n)[0], SOPInstanceUID="2.25.7")
        files.save(dataset, tmp_path / "in" / f"{n}.dcm")
    found = sort(tmp_path / "in", tmp_path / "out")
    assert found.series == []
    (refused,) = found.refused
    assert refused.more == 3
    assert "4 of the 4 files of the series carry the same SOP Instance UID" in refused.reason
    with pytest.raises(InputError, match="same SOP Instance UID"):
        series.read(tmp_path / "in")


def test_the_slice_axis_and_the_frame_of_reference_are_known(tmp_path: Path) -> None:
    stack(tmp_path / "in", [1, 2, 3], distance=0.3)
    volume = series.read(tmp_path / "in")
    assert volume.slices_known
    assert volume.frame_of_reference == "1.2.3.4.9"
    (one,) = sort(tmp_path / "in", tmp_path / "out").series
    kept = pydicom.dcmread(one.files[0])
    assert one.frame_of_reference == str(kept.FrameOfReferenceUID) == series.read(one.files).frame_of_reference
    assert "1.2.3.4.9" not in one.frame_of_reference
    assert "frame_of_reference" not in repr(volume)
