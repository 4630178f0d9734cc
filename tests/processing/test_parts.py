"""Volumes of one series have names: water, fat, echo, b-value, direction; one without a name is said."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from pydicom import Dataset

from processing.dicom.frames import frames_of
from processing.dicom.geometry import split
from processing.dicom.parts import chemical_shift, name_of
from processing.dicom.private import tell_apart
from processing.ingest.sort import Sorted, sort_files
from tests.processing import dicom_files as files

KEY = b"0123456789abcdef"
DIXON = ["DERIVED", "PRIMARY", "DIXON"]


@pytest.mark.parametrize(
    ("kinds", "words", "expected"),
    [
        ([*DIXON, "WATER"], set(), "water"),
        ([*DIXON, "FAT"], set(), "fat"),
        (["ORIGINAL", "PRIMARY", "M", "IN_PHASE"], set(), "in phase"),
        (["ORIGINAL", "PRIMARY", "M", "OPP_PHASE"], set(), "opposed phase"),
        (["ORIGINAL", "PRIMARY", "W", "W", "DERIVED"], set(), "water"),
        (["ORIGINAL", "PRIMARY", "OP", "OP", "DERIVED"], set(), "opposed phase"),
        (["ORIGINAL", "PRIMARY", "OTHER"], {"water", "ax", "t2", "ideal"}, "water"),
        (["ORIGINAL", "PRIMARY", "OTHER"], {"fat", "sat", "fat sat", "ideal"}, ""),
        (["ORIGINAL", "PRIMARY", "OTHER"], {"fat", "sat"}, ""),
        (["ORIGINAL", "PRIMARY", "M", "ND"], set(), ""),
    ],
)
def test_water_and_fat_are_known(kinds: list[str], words: set[str], expected: str) -> None:
    assert chemical_shift(kinds, words) == expected


def test_other_image_types_are_told_by_known_words_alone() -> None:
    kinds = ("ORIGINAL", "PRIMARY", "M", "NORM"), ("ORIGINAL", "PRIMARY", "M", "MUSTER")
    assert [name_of("ImageType", one, [other]) for one, other in (kinds, kinds[::-1])] == ["norm", ""]


@pytest.mark.parametrize(
    ("keyword", "value", "expected"),
    [
        ("EchoTime", 20.0, "echo time 20.0 ms"),
        ("EchoTime", 13579246.0, ""),
        ("TemporalPosition", 13579246.0, ""),
        ("DiffusionDirection", (13579246.0, 0, 0), ""),
    ],
)
def test_a_number_of_a_person_names_no_part(keyword: str, value: float, expected: str) -> None:
    assert name_of(keyword, value, []) == expected


def sort(folder: Path, out: Path) -> Sorted:
    named = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return sort_files(named, out, key=KEY)


def two(folder: Path, *kinds: dict, edit=lambda dataset, part: None) -> Path:
    """As many volumes of three slices in one series."""
    for part, changes in enumerate(kinds):
        for n in range(3):
            dataset = files.classic(n, files.pixels(1, seed=10 * part + n)[0], **changes)
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.{part}.{n}"
            edit(dataset, part)
            files.save(dataset, folder / f"{part}_{n}.dcm")
    return folder


def test_water_and_fat_of_one_series_are_named(tmp_path: Path) -> None:
    two(tmp_path / "in", {"ImageType": [*DIXON, "WATER"]}, {"ImageType": [*DIXON, "FAT"]})
    found = sort(tmp_path / "in", tmp_path / "out").series
    assert sorted(one.part for one in found) == ["fat", "water"]
    assert len({one.series_uid for one in found}) == 2
    assert [one.cautions for one in found] == [[], []]
    assert {pydicom.dcmread(one.files[0]).ImageType[3] for one in found} == {"WATER", "FAT"}


def test_water_alone_is_named_too(tmp_path: Path) -> None:
    two(tmp_path / "in", {"ImageType": [*DIXON, "WATER"]})
    assert [one.part for one in sort(tmp_path / "in", tmp_path / "out").series] == ["water"]


def test_a_part_without_a_name_is_never_certain(tmp_path: Path) -> None:
    kinds = (["ORIGINAL", "PRIMARY", "M", word] for word in ("MUSTER", "ERIKA"))
    two(tmp_path / "in", *({"ImageType": kind} for kind in kinds))
    found = sort(tmp_path / "in", tmp_path / "out").series
    assert [one.part for one in found] == ["1", "2"]
    assert [[caution.code for caution in one.cautions] for one in found] == [["unnamed_part"]] * 2
    assert len({one.series_uid for one in found}) == 2
    assert "MUSTER" not in repr(found)


def diffusion(vendor: str, b_value: float, direction: list[float]) -> Dataset:
    dataset = files.classic(0, files.pixels(1)[0], Manufacturer=vendor)
    if vendor == "UIH":
        block = dataset.private_block(0x0065, "Image Private Header", create=True)
        block.add_new(0x09, "FD", b_value)
        block.add_new(0x37, "FD", direction)
    else:
        block = dataset.private_block(0x0043, "GEMS_PARM_01", create=True)
        block.add_new(0x39, "IS", [int(b_value) + 1_000_000_000, 8, 0, 0])
        block = dataset.private_block(0x0019, "GEMS_ACQU_01", create=True)
        for element, part in zip((0xBB, 0xBC, 0xBD), direction, strict=True):
            block.add_new(element, "DS", f"{part}")
    return dataset


@pytest.mark.parametrize("vendor", ["UIH", "GE MEDICAL SYSTEMS"])
def test_diffusion_is_split_by_private_b_values_and_directions(vendor: str, tmp_path: Path) -> None:
    frames = []
    for n, (b_value, direction) in enumerate([(0, [0, 0, 0]), (800, [1, 0, 0]), (800, [0, 1, 0])]):
        dataset = diffusion(vendor, b_value, direction)
        tell_apart(dataset)
        frames += frames_of(dataset, tmp_path / str(n))
    assert [part for part, _ in split(frames)] == [
        "b = 0.0 s/mm²",
        "b = 800.0 s/mm², direction 0, 1, 0",
        "b = 800.0 s/mm², direction 1, 0, 0",
    ]


def test_a_direction_in_patient_coordinates_is_kept_and_ge_s_is_not() -> None:
    found = {vendor: diffusion(vendor, 800, [1, 0, 0]) for vendor in ("UIH", "GE MEDICAL SYSTEMS")}
    for dataset in found.values():
        tell_apart(dataset)
        assert dataset.DiffusionBValue == 800
    assert found["UIH"].DiffusionGradientOrientation == [1, 0, 0]
    assert "DiffusionGradientOrientation" not in found["GE MEDICAL SYSTEMS"]


def test_a_field_map_of_ge_is_refused_and_its_magnitude_taken(tmp_path: Path) -> None:
    def component(dataset: Dataset, part: int) -> None:
        dataset.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x2F, "SS", 2 * part)

    two(tmp_path / "in", {}, {}, edit=component)
    found = sort(tmp_path / "in", tmp_path / "out")
    assert [one.shape[0] for one in found.series] == [3]
    assert {one.reason for one in found.refused} == {"A real image: only magnitude images can be read."}


def test_a_grid_of_united_imaging_is_no_slice(tmp_path: Path) -> None:
    two(tmp_path / "in", {"ImageType": ["ORIGINAL", "PRIMARY", "M", "VFRAME"], "Manufacturer": "UIH"})
    found = sort(tmp_path / "in", tmp_path / "out")
    assert found.series == []
    assert all("VFRAME" in one.reason for one in found.refused)
