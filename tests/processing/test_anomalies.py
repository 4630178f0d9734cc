"""Anomalies are found where an image differs from what fills its holes, and nowhere else."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks.anomalies import Found, blurred, interval, keep, plant, verdict
from processing import nifti
from processing.__main__ import main
from processing.enhancement.anomalies import THRESHOLD, area_under_curve, dice, filled_by, find_anomalies
from processing.enhancement.networks.model_record import read_record
from processing.enhancement.networks.store import folder_of
from processing.errors import InputError
from processing.volume import Array, Volume


@pytest.fixture(scope="module")
def usual() -> Array:
    """Tissue with noise on dark ground."""
    array = np.random.default_rng(0).normal(0, 2, (2, 96, 96)) + 10
    array[:, 16:80, 12:84] += 90
    return np.maximum(array, 0).astype(np.float32)


def test_a_planted_lesion_is_found_and_an_image_without_one_raises_no_alarm(usual: Array) -> None:
    lesion = np.zeros(usual.shape, bool)
    lesion[1, 40:50, 50:60] = True
    expected = np.full(usual.shape, 10, np.float32)
    expected[:, 16:80, 12:84] = 100

    none = find_anomalies(Volume(usual, np.eye(4)), fill=lambda holes: expected)
    assert none.flagged < 0.005
    found = find_anomalies(Volume(usual + 25 * lesion, np.eye(4)), fill=lambda holes: expected)
    score = found.map.array
    assert lesion[found.worst[0][0]]
    assert found.worst[0][1] > 2 * THRESHOLD
    assert dice(score > THRESHOLD, lesion) > 0.6
    assert area_under_curve(score.ravel(), lesion.ravel()) > 0.98
    assert score[:, 2:10].max() == 0  # outside the patient


def test_local_contrast_finds_a_small_lesion_without_a_network_and_not_where_there_is_none(usual: Array) -> None:
    lesion = np.zeros(usual.shape, bool)
    lesion[1, 40:46, 50:56] = True
    found = find_anomalies(Volume(usual + 25 * lesion, np.eye(4)), fill=None)
    inner = np.zeros(usual.shape, bool)
    inner[:, 24:72, 20:76] = True  # the border of the patient has contrast too
    assert area_under_curve(found.map.array[inner], lesion[inner]) > 0.95
    assert lesion[np.unravel_index(np.where(inner, found.map.array, 0).argmax(), usual.shape)]
    none = find_anomalies(Volume(usual, np.eye(4)), fill=None).map.array
    assert none[lesion].max() < found.map.array[lesion].max() / 2


def test_every_pixel_lies_in_two_holes_and_no_filling_sees_what_it_hides(usual: Array) -> None:
    seen = np.zeros(usual.shape, int)

    def fill(holes: Volume) -> Array:
        hidden = holes.array != usual
        seen[hidden] += 1
        assert hidden.mean() < 0.2
        return np.where(hidden, 100, holes.array)

    find_anomalies(Volume(usual, np.eye(4)), fill=fill)
    bright = np.percentile(usual, 99.9)
    assert set(np.unique(seen[usual != bright])) == {2}


def test_the_area_under_the_curve_is_the_chance_of_the_higher_score() -> None:
    score, lesion = np.array([1.0, 2, 2, 3, 0, 2]), np.array([0, 0, 1, 1, 0, 0], bool)
    pairs = [(a > b) + 0.5 * (a == b) for a in score[lesion] for b in score[~lesion]]
    assert area_under_curve(score, lesion) == pytest.approx(np.mean(pairs))
    assert area_under_curve(score, np.zeros(6, bool)) is None
    assert dice(np.zeros(6, bool), np.zeros(6, bool)) is None
    assert dice(lesion, lesion) == 1


def test_a_planted_lesion_lies_in_three_slices_and_changes_nothing_else() -> None:
    before = np.random.default_rng(0).uniform(50, 100, (9, 64, 64)).astype(np.float32)
    before[0, 0, :9] = 500  # beyond the range that lesions keep to
    array, lesions, rng = before.copy(), np.zeros(before.shape, int), np.random.default_rng(1)
    inner = np.zeros(before.shape, bool)
    inner[2:7, 12:52, 12:52] = True
    plant(array, lesions, 1, inner, rng)
    assert np.ptp(np.flatnonzero(lesions.any(axis=(1, 2)))) == 2
    assert np.array_equal(array[lesions == 0], before[lesions == 0])
    assert np.abs(array - before)[lesions == 1].max() > 10


def test_a_blur_fills_holes_with_what_is_around_them() -> None:
    even, rng = np.full((1, 64, 64), 80.0), np.random.default_rng(0)
    volume = Volume(even + rng.normal(0, 1, even.shape), np.eye(4))
    holes = volume.array.copy()
    holes[0, 30:34, 20:28] = 200
    assert np.abs(blurred(volume)(volume.with_array(holes)) - 80).max() < 2


def test_the_interval_of_lesions_is_one_of_volumes() -> None:
    low, high = interval([[0.6] * 10, [0.9] * 10, [0.9] * 10]) or (0.0, 0.0)
    assert (low, high) == pytest.approx((0.6, 0.9))
    assert interval([[0.5, 0.7]]) is None


def test_false_alarms_are_kept_beside_the_weights_they_are_of(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(folder_of("denoise"), folder)
    keep(folder, [Found("planted in T1 of somebody", "model", [0.9], [5.0], 0.4, 0.02)])
    found = read_record(folder).anomalies
    assert found["nulls"] == [{"name": "T1 of somebody", "flagged": 0.02}]
    assert found["planted"] == {"lesions": 1, "area": 0.9, "interval": None, "found": 1.0}
    assert "not shown to stand out: area under the curve 0.900" in verdict("blur", [[0.9]])
    assert "not shown to stand out" in verdict("blur", [[0.5], [0.7]])
    assert "lesions stand out: area under the curve 0.800, from 0.700 on" in verdict("net", [[0.7], [0.9]])


def test_what_cannot_be_mapped_is_refused_in_words(tmp_path: Path, usual: Array, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(InputError, match="shows nothing"):
        find_anomalies(Volume(np.zeros((1, 32, 32)), np.eye(4)), fill=lambda holes: holes.array)
    with pytest.raises(InputError, match="does not inpaint"):
        filled_by("denoise")
    source = nifti.write_nifti(Volume(usual, np.eye(4)), tmp_path / "in.nii.gz")
    mask = nifti.write_nifti(Volume(np.ones((2, 8, 8)), np.eye(4)), tmp_path / "mask.nii.gz")
    assert main(["anomalies", str(source), str(tmp_path / "out")]) == 2
    assert "name a file" in capsys.readouterr().err
    assert main(["anomalies", str(source), str(tmp_path / "out.nii.gz"), "--mask", str(mask)]) == 2
    assert "another grid" in capsys.readouterr().err
    assert main(["anomalies", str(source), str(tmp_path / "out.nii.gz"), "--model", "local-contrast"]) == 0
    assert '"flagged"' in capsys.readouterr().out
