"""The intake call: good series come out clean and complete, bad input gets one sentence each."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest

from processing import series
from processing.errors import InputError
from processing.ingest.sort import Sorted, sort_files
from tests.processing import dicom_files as files

KEY = b"0123456789abcdef0123456789abcdef"


def sort(folder: Path, out: Path, **options: object) -> Sorted:
    named = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}
    return sort_files(named, out, key=KEY, **options)  # type: ignore[arg-type]


def test_a_series_is_written_in_slice_order_and_reads_the_same(tmp_path: Path) -> None:
    images = files.pixels(5)
    files.series(tmp_path / "in", images)
    steps: list[tuple[int, int]] = []
    result = sort(tmp_path / "in", tmp_path / "out", progress=lambda done, total: steps.append((done, total)))
    assert result.refused == []
    (one,) = result.series
    assert [path.name for path in one.files] == [f"{n:04d}.dcm" for n in range(1, 6)]
    assert [pydicom.dcmread(path).ImagePositionPatient[2] for path in one.files] == [0, 3, 6, 9, 12]
    assert [name.split("_")[1] for name in one.names] == [f"{n}.dcm" for n in range(5)]
    volume = series.read(one.files)
    np.testing.assert_array_equal(volume.array, images)
    assert one.sha256 == volume.sha256
    assert one.parameters == volume.parameters
    assert (one.shape, one.spacing, one.affine) == (volume.shape, volume.spacing, volume.affine.tolist())
    assert one.series_uid == pydicom.dcmread(one.files[0]).SeriesInstanceUID
    assert one.subject_key == pydicom.dcmread(one.files[0]).PatientID
    assert one.report["files"] == 5
    assert steps[-1][0] == steps[-1][1]
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_every_kind_of_bad_input_gets_one_sentence_and_the_rest_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    files.series(folder / "good", files.pixels(3))
    (folder / "letter.dcm").write_text("Dear colleague")
    gap = files.series(folder / "gap", files.pixels(5), SeriesInstanceUID="1.2.9")
    for n, path in enumerate(gap):
        dataset = pydicom.dcmread(path)
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.2.9.{n}"
        dataset.save_as(path)
    gap[2].unlink()
    mixed = [
        files.classic(20, files.pixels(1)[0], SeriesInstanceUID="1.2.8"),
        files.classic(21, files.pixels(1, columns=44)[0], SeriesInstanceUID="1.2.8"),
    ]
    for n, dataset in enumerate(mixed):
        files.save(dataset, folder / "mixed" / f"{n}.dcm")
    cut = files.save(files.classic(30, files.pixels(1)[0], SeriesInstanceUID="1.2.7"), folder / "cut.dcm")
    cut.write_bytes(cut.read_bytes()[:-50])
    header = files.save(files.classic(31, files.pixels(1)[0], SeriesInstanceUID="1.2.6"), folder / "header.dcm")
    header.write_bytes(header.read_bytes()[:500])
    ct = files.classic(40, files.pixels(1)[0], SOPClassUID=pydicom.uid.CTImageStorage, SeriesInstanceUID="1.2.5")
    files.save(ct, folder / "ct.dcm")
    result = sort(folder, tmp_path / "out")
    assert [one.shape for one in result.series] == [(3, files.ROWS, files.COLUMNS)]
    reasons = {refused.name: refused.reason for refused in result.refused}
    assert {refused.name: refused.more for refused in result.refused if refused.more} == {
        "gap/0_3.dcm": 3,
        "mixed/0.dcm": 1,
    }
    assert reasons.pop("letter.dcm") == "This is not a DICOM file."
    assert reasons.pop("ct.dcm") == "CT Image Storage: not an MR series."
    assert "6.00 mm where 3.00 mm" in reasons.pop(next(name for name in reasons if name.startswith("gap/")))
    assert "different matrix" in reasons.pop("mixed/0.dcm")
    assert "truncated" in reasons.pop("header.dcm")
    cut_reasons = [refused.reason for refused in result.refused if refused.name == "cut.dcm"]
    assert "truncated" in cut_reasons[0]
    for refused in result.refused:
        assert refused.reason.endswith(".")
        assert "Muster" not in refused.reason
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["1"]


def test_echoes_of_one_series_become_series_of_their_own(tmp_path: Path) -> None:
    images = files.pixels(6)
    files.save(files.enhanced(images, echoes=(20, 90)), tmp_path / "in" / "a.dcm")
    result = sort(tmp_path / "in", tmp_path / "out")
    assert [one.parameters.te for one in result.series] == [20, 90]
    assert [one.parameters.weighting for one in result.series] == ["PD", "T2"]
    assert len({one.series_uid for one in result.series}) == 2
    for one, expected in zip(result.series, (images[:3], images[3:]), strict=True):
        volume = series.read(one.files)
        assert volume.sha256 == one.sha256
        np.testing.assert_array_equal(np.sort(volume.array.ravel()), np.sort((expected * 1.5 - 2).ravel()))


def test_classic_echoes_are_split_too(tmp_path: Path) -> None:
    for echo, te in enumerate(("10", "80")):
        for n in range(3):
            dataset = files.classic(n, files.pixels(1)[0], EchoTime=te, SOPInstanceUID=f"1.2.3.4.5.{echo + 1}{n}")
            files.save(dataset, tmp_path / "in" / f"{echo}{n}.dcm")
    result = sort(tmp_path / "in", tmp_path / "out")
    assert [(one.parameters.te, len(one.files)) for one in result.series] == [(10, 3), (80, 3)]
    assert len({one.series_uid for one in result.series}) == 2


def test_the_same_file_twice_counts_once_and_a_changed_one_is_refused(tmp_path: Path) -> None:
    paths = files.series(tmp_path / "in", files.pixels(3))
    shutil.copy(paths[0], tmp_path / "in" / "y_copy.dcm")
    files.save(files.classic(1, files.pixels(1, seed=9)[0]), tmp_path / "in" / "z_other.dcm")
    result = sort(tmp_path / "in", tmp_path / "out")
    assert [len(one.files) for one in result.series] == [3]
    assert [refused.name for refused in result.refused] == ["z_other.dcm"]
    assert "same SOP Instance UID" in result.refused[0].reason


def test_nifti_is_taken_without_its_name(tmp_path: Path) -> None:
    import nibabel

    (tmp_path / "in" / "sub-muster").mkdir(parents=True)
    image = nibabel.Nifti1Image(np.arange(60, dtype=np.int16).reshape(3, 4, 5), np.eye(4))
    nibabel.save(image, tmp_path / "in" / "sub-muster" / "lumbar_T2w.nii.gz")
    # The site stores uploads under names of its own.
    stored = tmp_path / "upload"
    shutil.copy(tmp_path / "in" / "sub-muster" / "lumbar_T2w.nii.gz", stored)
    result = sort_files({"sub-muster/lumbar_T2w.nii.gz": stored}, tmp_path / "out", key=KEY)
    (one,) = result.series
    assert one.format == "nifti"
    assert one.files == [tmp_path / "out" / "1" / "volume.nii.gz"]
    assert (one.parameters.region, one.parameters.weighting) == ("lumbar", "T2")
    assert one.sha256 == series.read(one.files[0]).sha256


def test_nothing_at_all_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no files"):
        sort_files({}, tmp_path, key=KEY)


def test_real_series_with_hints(real_data: Path, tmp_path: Path) -> None:
    root = real_data / "dicom"
    named = {
        path.relative_to(root).as_posix(): path
        for folder in ("philips_elition_201*", "philips_elition_501_T1W_TSE*", "siemens_xa30*")
        for path in sorted(root.glob(f"{folder}/*"))
    }
    result = sort_files(named, tmp_path, key=KEY)
    assert [(one.arm_hint, one.description_hint) for one in result.series] == [
        ("SOC", "brain axial T1"),
        ("FAST-DL", "brain axial T1"),
        (None, "brain sagittal T1"),
    ]
    assert result.series[0].subject_key == result.series[1].subject_key != result.series[2].subject_key
    assert {refused.reason for refused in result.refused} == {"Raw Data Storage: it holds no image pixels."}
    for one in result.series:
        assert series.read(one.files).parameters == one.parameters


def test_the_folder_that_holds_a_series_may_name_its_arm(tmp_path: Path) -> None:
    for number, arm in enumerate(("SOC", "FAST", "FAST-DL"), 1):
        for n, image in enumerate(files.pixels(3)):
            uids = {"SeriesInstanceUID": f"1.2.3.{number}", "SOPInstanceUID": f"1.2.3.{number}.{n + 1}"}
            files.save(files.classic(n, image, **uids), tmp_path / "in" / arm / f"{n}.dcm")
    result = sort(tmp_path / "in", tmp_path / "out")
    assert sorted(one.arm_hint or "" for one in result.series) == ["FAST", "FAST-DL", "SOC"]
