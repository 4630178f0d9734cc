"""Series of several patients under one number, and series of which files are missing, say so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import RawDataStorage

from processing.ingest.delivery import sort_delivery
from processing.ingest.persons import names_nobody
from processing.ingest.sort import Sorted, SortedSeries, sort_files
from tests.processing import dicom_files as files

KEY = b"0123456789abcdef0123456789abcdef"
serial = iter(range(10**6))


def put(folder: Path, *, slices: int = 4, **changes: object) -> list[Path]:
    """A series with UIDs of its own."""
    number, images = next(serial), files.pixels(slices)
    return [
        files.save(
            files.classic(
                n, images[n], SeriesInstanceUID=f"1.2.{number}", SOPInstanceUID=f"1.2.{number}.{n + 1}", **changes
            ),
            folder / f"{n:04d}.dcm",
        )
        for n in range(slices)
    ]


def named(folder: Path) -> dict[str, Path]:
    return {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}


def sort(folder: Path) -> Sorted:
    return sort_files(named(folder), folder.parent / "out", key=KEY)


def codes(one: SortedSeries) -> list[str]:
    return [caution.code for caution in one.cautions]


@pytest.mark.parametrize("number", ["", "ANON", "anonymous", "0", "0000", "XXX", "Test", "PHANTOM", "123456"])
def test_numbers_that_many_patients_have_name_nobody(number: str) -> None:
    assert names_nobody(number)


def test_a_number_of_its_own_names_somebody() -> None:
    assert not any(map(names_nobody, ["4711-0815", "P01", "11223", "Anna", "A", "B2"]))


@pytest.mark.parametrize("number", ["ANON", ""])
def test_one_empty_number_in_two_folders_and_examinations_is_two_subjects_and_never_certain(tmp_path, number) -> None:
    for person in ("a", "b"):
        for arm in ("SOC", "FAST"):
            put(tmp_path / "in" / person / arm, PatientID=number, StudyInstanceUID=f"1.9.{ord(person)}")
    series = sort(tmp_path / "in").series
    assert [codes(one) for one in series] == [["several_patients"]] * 4
    of = {one.names[0].split("/")[0]: one.subject_key for one in series}
    assert of["a"] != of["b"]
    assert len({one.subject_key for one in series}) == 2


def test_one_patient_on_two_days_in_one_folder_is_nothing_to_ask_about(tmp_path) -> None:
    put(tmp_path / "in" / "pat1" / "SOC", StudyInstanceUID="1.9.1")
    put(tmp_path / "in" / "pat1" / "FAST", StudyInstanceUID="1.9.2")
    series = sort(tmp_path / "in").series
    assert [codes(one) for one in series] == [[], []]
    assert len({one.subject_key for one in series}) == 1


def test_an_empty_number_in_one_examination_is_one_subject(tmp_path) -> None:
    put(tmp_path / "in" / "SOC", PatientID="ANON")
    put(tmp_path / "in" / "FAST", PatientID="ANON")
    series = sort(tmp_path / "in").series
    assert [codes(one) for one in series] == [[], []]
    assert len({one.subject_key for one in series}) == 1


def test_the_same_empty_number_in_a_later_delivery_is_another_subject(tmp_path) -> None:
    put(tmp_path / "one" / "SOC", PatientID="ANON", StudyInstanceUID="1.9.1")
    put(tmp_path / "two" / "SOC", PatientID="ANON", StudyInstanceUID="1.9.2")
    first = sort_files(named(tmp_path / "one"), tmp_path / "out1", key=KEY).series[0]
    second = sort_files(named(tmp_path / "two"), tmp_path / "out2", key=KEY).series[0]
    assert first.subject_key != second.subject_key


def test_one_number_with_the_same_arm_in_two_folders_and_examinations_is_asked_about(tmp_path) -> None:
    put(tmp_path / "in" / "a" / "SOC", StudyInstanceUID="1.9.1")
    put(tmp_path / "in" / "b" / "SOC", StudyInstanceUID="1.9.2")
    assert [codes(one) for one in sort(tmp_path / "in").series] == [["several_patients"]] * 2


@pytest.mark.parametrize(
    ("keyword", "value", "word"),
    [
        ("PatientName", "Other^Otto", "name"),
        ("PatientBirthDate", "19610101", "date of birth"),
        ("PatientSex", "M", "sex"),
    ],
)
def test_headers_of_one_number_that_disagree_are_said_without_their_values(tmp_path, keyword, value, word) -> None:
    put(tmp_path / "in" / "SOC")
    put(tmp_path / "in" / "FAST", **{keyword: value})
    for one in sort(tmp_path / "in").series:
        assert codes(one) == ["several_patients"]
        assert word in one.cautions[0].text
        assert value not in one.cautions[0].text


def test_a_series_of_two_numbers_is_said(tmp_path) -> None:
    for n in range(4):
        dataset = files.classic(n, files.pixels(1, seed=n)[0], PatientID=f"P{n // 2}")
        files.save(dataset, tmp_path / "in" / "SOC" / f"{n}.dcm")
    (one,) = sort(tmp_path / "in").series
    assert codes(one) == ["several_patients"]


def test_a_manifest_with_a_code_for_each_subject_answers_the_question(tmp_path) -> None:
    for person in ("a", "b"):
        put(tmp_path / "in" / person / "SOC", PatientID="ANON", StudyInstanceUID=f"1.9.{ord(person)}")
    manifest = tmp_path / "in" / "manifest.csv"
    manifest.write_text("folder,subject,arm,site\na,S1,SOC,Bern\nb,S2,SOC,Site 2\n")
    series = sort(tmp_path / "in").series
    assert [codes(one) for one in series] == [[], []]
    assert sorted(one.placing["site"] for one in series) == ["Bern", "Site 2"]
    manifest.write_text("folder,subject,arm\na,S1,SOC\nb,S1,SOC\n")
    series = sort_files(named(tmp_path / "in"), tmp_path / "out2", key=KEY).series
    assert [codes(one) for one in series] == [["several_patients"]] * 2, "one code for both is no answer"


def test_a_folder_and_a_description_that_disagree_about_the_arm_are_said(tmp_path) -> None:
    put(tmp_path / "in" / "pat" / "FAST", SeriesDescription="T2 SOC")
    (one,) = sort(tmp_path / "in").series
    assert (one.arm_hint, one.doubt) == ("FAST", "the folder name says FAST, the description SOC")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def cut_in_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:400])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def overwrite(path: Path) -> None:
    path.write_bytes(np.random.default_rng(1).bytes(3000))


@pytest.mark.parametrize("damage", [cut, cut_in_header, empty, overwrite])
def test_a_series_says_how_many_of_its_files_could_not_be_used(tmp_path, damage) -> None:
    whole = put(tmp_path / "in" / "FAST")
    paths = put(tmp_path / "in" / "SOC", slices=6)
    damage(paths[0])
    damage(paths[5])
    series = {one.arm_hint: one for one in sort(tmp_path / "in").series}
    assert series["SOC"].shape[0] == 4
    (said,) = [one.text for one in series["SOC"].cautions if one.code == "unreadable_files"]
    assert said.startswith("2 of 6 files of this series could not be used: ")
    assert codes(series["FAST"]) == []
    assert len(whole) == 4


def test_what_else_lies_in_the_folder_is_none_of_the_series(tmp_path) -> None:
    put(tmp_path / "in" / "SOC")
    number = next(serial) - 1
    (tmp_path / "in" / "SOC" / "letter.dcm").write_text("Dear colleague")
    (tmp_path / "in" / "SOC" / "DICOMDIR").write_bytes(b"nothing")
    raw = files.classic(9, files.pixels(1)[0], SOPClassUID=RawDataStorage, SeriesInstanceUID=f"1.2.{number}")
    files.save(raw, tmp_path / "in" / "SOC" / "0009.dcm")
    result = sort(tmp_path / "in")
    assert len(result.refused) == 3
    assert [codes(one) for one in result.series] == [[]]


def test_phase_images_beside_magnitude_images_are_not_missing_from_them(tmp_path) -> None:
    paths = put(tmp_path / "in" / "SOC", slices=4)
    for n, path in enumerate(paths):
        phase = files.classic(n, files.pixels(1, seed=n)[0], ImageType=["ORIGINAL", "PRIMARY", "P", "ND"])
        phase.SeriesInstanceUID = pydicom.dcmread(path).SeriesInstanceUID
        phase.SOPInstanceUID = phase.file_meta.MediaStorageSOPInstanceUID = f"1.9.{n}"
        files.save(phase, path.with_name(f"1{n:03d}.dcm"))
    result = sort(tmp_path / "in")
    assert len(result.refused) == 4
    assert [codes(one) for one in result.series] == [[]]


def test_a_part_that_is_refused_is_not_missing_from_the_other(tmp_path) -> None:
    for echo, count in enumerate((3, 1)):
        for n in range(count):
            dataset = files.classic(n, files.pixels(1)[0], EchoTime=f"{10 + echo}", SOPInstanceUID=f"1.2.{echo}.{n}")
            del dataset.SliceThickness
            files.save(dataset, tmp_path / "in" / "SOC" / f"{echo}{n}.dcm")
    result = sort(tmp_path / "in")
    assert len(result.refused) == 1
    assert [codes(one) for one in result.series if one.shape[0] == 3] == [[]]


def test_a_file_name_of_a_single_dicom_file_tells_its_arm(tmp_path) -> None:
    for number, arm in enumerate(("SOC", "FAST-DL")):
        dataset = files.enhanced(
            files.pixels(3, seed=number), SeriesInstanceUID=f"1.{number}", SOPInstanceUID=f"1.3.{number}"
        )
        files.save(dataset, tmp_path / "in" / f"pat7_{arm}.dcm")
    assert [one.arm_hint for one in sort(tmp_path / "in").series] == ["FAST-DL", "SOC"]


def test_an_empty_number_with_one_arm_in_two_folders_of_one_examination_is_asked_about(tmp_path) -> None:
    for person in ("a", "b"):
        put(tmp_path / "in" / person / "SOC", PatientID="ANON")
    assert [codes(one) for one in sort(tmp_path / "in").series] == [["several_patients"]] * 2


def test_a_file_that_kills_the_reader_is_missing_from_its_series(tmp_path, monkeypatch) -> None:
    put(tmp_path / "in" / "SOC", slices=5)
    deadly = "SOC/0004.dcm"
    from processing.ingest import delivery
    from processing.ingest.confined import DiedError

    run = delivery.confined.run

    def killed(function, arguments, *, limits, news):
        if function.endswith("sort_all") and deadly in dict(arguments["files"]):
            news({"at": deadly})
            raise DiedError("The file needs too much memory.")
        return run(function, arguments, limits=limits, news=news)

    monkeypatch.setattr(delivery.confined, "run", killed)
    (one,) = sort_delivery(named(tmp_path / "in"), tmp_path / "work", key=KEY).sorted.series
    assert one.shape[0] == 4
    assert one.cautions[0].text.startswith("1 of 5 files")


def test_no_series_of_real_scanners_is_said_to_lack_files_or_to_be_of_several_patients(
    real_data: Path, tmp_path: Path
) -> None:
    result = sort_files(named(real_data / "dicom"), tmp_path / "out", key=KEY)
    assert len(result.series) > 5
    said = {code for one in result.series for code in codes(one)}
    assert not said & {"unreadable_files", "several_patients"}


def test_an_arm_that_scan_times_alone_tell_is_asked_about(tmp_path) -> None:
    for number, seconds in enumerate((200, 90)):
        put(tmp_path / "in" / f"{number}", AcquisitionDuration=seconds)
    found = sort(tmp_path / "in").series
    assert [(one.arm_hint, one.doubt) for one in found] == [
        ("SOC", "scan times alone tell the arm"),
        ("FAST", "scan times alone tell the arm"),
    ]
