"""Numbers for people and statistics: impossible ones are dropped with a note, units converted, sources said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import Dataset

from processing import series
from processing.derived import write_derived
from processing.dicom.parameters import parameters_of
from processing.dicom.promote import promote
from processing.ingest.delivery import sort_delivery
from processing.ingest.sort import sort_files
from processing.model_identity import ModelIdentity
from processing.sidecar import with_sidecar
from processing.volume import Parameters
from tests.processing import dicom_files as files

KEY = b"0123456789abcdef"


def header(**changes: object) -> Dataset:
    return files.classic(0, files.pixels(1)[0], **changes)


def private(dataset: Dataset, group: int, creator: str, element: int, vr: str, value: object) -> Dataset:
    dataset.private_block(group, creator, create=True).add_new(element, vr, value)
    return dataset


def read(dataset: Dataset) -> Parameters:
    return parameters_of(dataset, 0, np.eye(4))


def siemens(text: str, **changes: object) -> Dataset:
    return private(header(**changes), 0x0051, "SIEMENS MR HEADER", 0x0A, "LO", text)


def ge(microseconds: float) -> Dataset:
    return private(header(Manufacturer="GE MEDICAL SYSTEMS"), 0x0019, "GEMS_ACQU_01", 0x5A, "FL", microseconds)


def philips(seconds: float) -> Dataset:
    return private(header(Manufacturer="Philips"), 0x2005, "Philips MR Imaging DD 001", 0x33, "FL", seconds)


def uih(public: float, own: str = "") -> Dataset:
    dataset = header(Manufacturer="UIH", AcquisitionDuration=public)
    private(dataset, 0x0065, "Image Private Header", 0x02, "SH", "Sag")
    return private(dataset, 0x0065, "Image Private Header", 0x29, "SH", own) if own else dataset


@pytest.mark.parametrize(
    ("dataset", "seconds", "source", "note"),
    [
        (header(), None, None, None),
        (header(AcquisitionDuration=184.2), 184.2, "attribute", None),
        (siemens("TA 03:24"), 204, "private", None),
        (siemens("TA 50.10"), 50.1, "private", None),
        (siemens("TA 1:02:03"), 3723, "private", None),
        (siemens("TA 02.00*36"), None, None, "one part of the scan"),
        (siemens("TA 00.02"), None, None, "less than one repetition"),
        (siemens("TA 03:24", AcquisitionDuration=0.02), 204, "private", None),
        (siemens("TA 03:24", AcquisitionDuration=200.0), 200, "attribute", None),
        (ge(3.0118515e8), pytest.approx(301.185, abs=0.001), "private", None),
        (philips(33.25), 33.25, "private", None),
        (uih(184_200.0), 184.2, "attribute", "milliseconds"),
        (uih(34.0), None, None, "less than one repetition"),
        (uih(34.0, "0.03"), None, None, "less than one repetition"),
        (header(Manufacturer="UIH", AcquisitionDuration=34.0), None, None, "nothing tells"),
        (header(AcquisitionDuration=13579246.0), None, None, "no scan takes as long"),
        (header(AcquisitionDuration=0.0), None, None, "less than one repetition"),
        (header(AcquisitionDuration=3.0, RepetitionTime="4000"), None, None, "less than one repetition"),
    ],
)
def test_scan_time_says_where_it_came_from(
    dataset: Dataset, seconds: float | None, source: str | None, note: str | None
) -> None:
    found = read(dataset)
    assert (found.acquisition_seconds, found.acquisition_source) == (seconds, source)
    assert (found.notes or ("",))[0].count(note or "") > 0
    assert (found.notes is None) == (note is None)


@pytest.mark.parametrize(
    ("stated", "field", "note"),
    [
        ("1.5", 1.5, None),
        ("0.055", 0.055, None),
        ("15000", 1.5, "gauss"),
        ("5500", 0.55, "gauss"),
        ("70000", 7, "gauss"),
        ("13579246", None, "no scanner"),
        ("45", None, "no scanner"),
    ],
)
def test_field_strength_is_in_tesla(stated: str, field: float | None, note: str | None) -> None:
    found = read(header(MagneticFieldStrength=stated))
    assert found.field_strength == (field if field is None else pytest.approx(field))
    assert (found.notes is None) == (note is None)
    assert note is None or note in found.notes[0]


@pytest.mark.parametrize(
    ("keyword", "name"),
    [
        ("RepetitionTime", "tr"),
        ("EchoTime", "te"),
        ("InversionTime", "ti"),
        ("FlipAngle", "flip_angle"),
        ("EchoTrainLength", "echo_train_length"),
        ("NumberOfAverages", "averages"),
        ("SliceThickness", "slice_thickness"),
    ],
)
def test_an_identity_number_is_no_measure(keyword: str, name: str) -> None:
    found = read(header(**{keyword: "13579246"}))
    assert getattr(found, name) is None
    assert found.notes == (f"{keyword} left out: no such value is possible.",)
    assert "13579246" not in repr(found)


def sorted_one(dataset: Dataset, folder: Path):
    files.save(dataset, folder / "in" / "0.dcm")
    (one,) = sort_files({"0.dcm": folder / "in" / "0.dcm"}, folder / "out", key=KEY).series
    return one


@pytest.mark.parametrize(
    ("dataset", "seconds", "field"),
    [
        (siemens("TA 03:24"), 204, 3),
        (uih(184_200.0), 184.2, 3),
        (header(AcquisitionDuration=13579246.0), None, 3),
        (header(MagneticFieldStrength="15000"), None, 1.5),
        (header(MagneticFieldStrength="13579246"), None, None),
    ],
)
def test_the_kept_file_says_the_same(
    tmp_path: Path, dataset: Dataset, seconds: float | None, field: float | None
) -> None:
    one = sorted_one(dataset, tmp_path)
    kept = pydicom.dcmread(one.files[0])
    assert kept.get("AcquisitionDuration") == seconds
    assert kept.get("MagneticFieldStrength") == field
    again = series.read(one.files).parameters
    assert (again.acquisition_seconds, again.field_strength) == (seconds, field)
    assert (one.parameters.acquisition_seconds, one.parameters.field_strength) == (seconds, field)
    assert b"13579246" not in one.files[0].read_bytes()


def test_units_are_converted_once() -> None:
    dataset = uih(184_200.0)
    for _ in range(2):
        promote(dataset)
        assert dataset.AcquisitionDuration == 184.2


def test_notes_and_sources_come_back_from_the_child_that_reads(tmp_path: Path) -> None:
    path = files.save(siemens("TA 03:24", MagneticFieldStrength="15000"), tmp_path / "in.dcm")
    (one,) = sort_delivery({"in.dcm": path}, tmp_path / "work", key=KEY).sorted.series
    assert (one.parameters.acquisition_seconds, one.parameters.acquisition_source) == (204, "private")
    assert one.parameters.notes == ("Field strength converted from gauss to tesla.",)


def test_a_derived_series_keeps_the_private_scan_time(tmp_path: Path) -> None:
    path = files.save(siemens("TA 03:24"), tmp_path / "in.dcm")
    model = ModelIdentity("denoise", "1", "a" * 64, "float32", "A test.")
    made = write_derived([path], series.read(path), tmp_path / "out", model=model)
    assert pydicom.dcmread(made[0]).AcquisitionDuration == 204


def test_a_sidecar_obeys_the_same_rules(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(
        json.dumps({"RepetitionTime": 13579246, "MagneticFieldStrength": 15000, "AcquisitionDuration": 1e7})
    )
    found = with_sidecar(Parameters(), path)
    assert (found.tr, found.field_strength, found.acquisition_seconds) == (None, pytest.approx(1.5), None)
    assert len(found.notes or ()) == 3
    path.write_text(json.dumps({"AcquisitionDuration": 184.2, "RepetitionTime": 3}))
    found = with_sidecar(Parameters(), path)
    assert (found.acquisition_seconds, found.acquisition_source, found.notes) == (184.2, "attribute", None)
    assert replace(found, acquisition_seconds=None, acquisition_source=None, tr=None) == Parameters()
