"""Contrast, region, plane and arm from headers."""

from __future__ import annotations

import numpy as np
import pytest

from processing.dicom import hints, vocabulary
from processing.dicom.parameters import age_in_years, plane, region_of, weighting_of
from processing.dicom.weighting import Family, from_timing, from_tokens
from tests.processing import dicom_files as files


@pytest.mark.parametrize(
    ("family", "tr", "te", "ti", "flip", "expected"),
    [
        ("SE", 550, 10, None, 90, "T1"),
        ("SE", 3500, 100, None, 150, "T2"),
        ("SE", 2300, 22, None, 90, "PD"),
        ("SE", 4000, 45, 150, 150, "STIR"),
        ("SE", 4500, 60, 220, 150, "STIR"),
        ("SE", 9000, 110, 2500, 150, "FLAIR"),
        ("SE", 2000, 12, 860, 150, "T1"),
        ("GR", 1900, 2.5, 900, 9, "T1"),
        ("GR", 300, 2.5, None, 80, "T1"),
        ("GR", 6, 2.0, None, 12, "T1"),
        ("GR", 600, 20, None, 20, "T2*"),
        ("GR", 600, 5, None, 8, None),
        ("SE", None, 100, None, 90, None),
        (None, 3000, 100, None, None, None),
    ],
)
def test_contrast_from_timing(family: Family, tr: float, te: float, ti: float, flip: float, expected: str) -> None:
    assert from_timing(family=family, tr=tr, te=te, ti=ti, flip_angle=flip) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SAG T2W_TSE", "T2"),
        ("t2_tirm_sag", "STIR"),
        ("AX FLAIR T2", "FLAIR"),
        ("localizer", None),
        ("sub-1_T2s", "T2*"),
    ],
)
def test_contrast_from_whitelisted_words(text: str, expected: str | None) -> None:
    assert from_tokens(vocabulary.tokens(text)) == expected


def test_maps_and_declared_contrast_come_before_timing() -> None:
    timing = {"ScanningSequence": "SE", "RepetitionTime": 4000, "EchoTime": 90}
    assert weighting_of(timing, {"t1"}) == "T2"
    assert weighting_of({**timing, "AcquisitionContrast": "STIR"}, set()) == "STIR"
    assert weighting_of({**timing, "ImageType": ["DERIVED", "PRIMARY", "ADC"]}, set()) == "ADC"
    assert weighting_of({**timing, "DiffusionBValue": 500.0}, set()) == "DWI"
    assert weighting_of({}, {"t1"}) == "T1"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"BodyPartExamined": "LSPINE"}, "lumbar"),
        ({"SeriesDescription": "T2 TSE SAG L-SPINE"}, "lumbar"),
        ({"BodyPartExamined": "SPINE", "SeriesDescription": "cervical"}, "spine"),
        ({"StudyDescription": "MR HWS nativ"}, "cervical"),
        ({"SeriesDescription": "head and neck of femur, knee"}, None),
        ({"SeriesDescription": "Erika Muster"}, None),
    ],
)
def test_region(changes: dict, expected: str | None) -> None:
    dataset = files.classic(0, files.pixels(1)[0], **changes)
    assert region_of(dataset, {}) == expected


def test_every_region_survives_de_identification_as_a_code() -> None:
    for region, code in vocabulary.BODY_PARTS.items():
        assert vocabulary.region(vocabulary.tokens(code)) == region


@pytest.mark.parametrize(
    ("column", "row", "expected"),
    [
        ((1, 0, 0), (0, 1, 0), "axial"),
        ((0, 1, 0), (0, 0, -1), "sagittal"),
        ((1, 0, 0), (0, 0, -1), "coronal"),
        ((1, 0, 0), (0, 0.9397, 0.342), "axial"),
        ((0.7071, 0.7071, 0), (0, 0, -1), "oblique"),
    ],
)
def test_plane(column: tuple, row: tuple, expected: str) -> None:
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = column, row
    affine[:3, 2] = np.cross(column, row)
    assert plane(affine) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"PatientAge": "051Y"}, 51),
        ({"PatientAge": "018M"}, 1.5),
        ({"PatientAge": "104Y"}, 90),
        ({}, 70),
        ({"PatientBirthDate": "", "PatientAge": "000Y"}, None),
    ],
)
def test_age(changes: dict, expected: float | None) -> None:
    assert age_in_years(files.classic(0, files.pixels(1)[0], **changes)) == expected


def test_arms_are_guessed_from_times_within_a_group() -> None:
    groups = ["a", "a", "a", "b", "b", "c"]
    seconds = [200.0, 100.0, 100.0, 50.0, None, 70.0]
    learned = [False, False, True, False, False, True]
    assert hints.arms_from_times(groups, seconds, learned) == ["SOC", "FAST", "FAST-DL", None, None, None]


@pytest.mark.parametrize(
    ("text", "learned", "expected"),
    [
        ("SAG T2 FAST", False, "FAST"),
        ("SAG T2 FAST DL", True, "FAST-DL"),
        ("T2 SOC", False, "SOC"),
        ("AX FAST SPIN ECHO", False, None),
        ("AX T2", True, None),
    ],
)
def test_arms_from_whitelisted_words(text: str, learned: bool, expected: str | None) -> None:
    assert hints.arm_from_words(vocabulary.tokens(text), deep_learning=learned) == expected
