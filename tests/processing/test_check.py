"""A pair is verified along the whole stack, against its mirror image and against its neighbours."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from processing import check, resemblance
from processing.__main__ import main
from processing.check import check_pair
from processing.errors import InputError
from processing.grid import common_grid, oriented
from processing.nifti import write_nifti
from processing.pair import make_pair
from processing.resemblance import better_fit
from processing.simulate.phantom import acquire, make_subject, protocol_for
from processing.volume import Volume

PLACE = np.array([[1.0, 0, 0, -64], [0, 1.0, 0, -64], [0, 0, 4.0, -40], [0, 0, 0, 1.0]])


def anatomy(seed: int = 0, *, slices: int = 20, symmetric: float = 0.0) -> np.ndarray:
    """Smooth structures in an oval body; symmetric: the share that is the same left and right."""
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.normal(size=(slices, 128, 128)), (2, 5, 5))
    structures = symmetric * (noise + noise[:, :, ::-1]) / 2 + (1 - symmetric) * noise
    y, x = np.mgrid[-64:64, -64:64]
    body = (x / 55) ** 2 + (y / 60) ** 2 < 1
    return np.asarray((500 + 200 * structures / structures.std()).clip(50) * body, np.float32)


def noisy(array: np.ndarray, share: float = 0.05, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    deviation = share * np.percentile(array, 99)
    real, imaginary = rng.normal(0, deviation, (2, *array.shape))
    return np.asarray(np.hypot(array + real, imaginary), np.float32)


def codes(found: check.PairCheck) -> list[str]:
    return [caution.code for caution in found.cautions]


def placed(array: np.ndarray, affine: np.ndarray = PLACE, **more) -> Volume:
    return Volume(array, affine, **more)


def test_a_pair_that_lies_right_has_nothing_against_it() -> None:
    found = check_pair(placed(anatomy()), placed(noisy(0.5 * anatomy())))
    assert (found.accepted, found.cautions, found.slices, found.largest_offset) == (True, (), 20, 0.0)


@pytest.mark.parametrize(("axis", "words"), [(2, "left to right"), (1, "front to back"), (0, "head to foot")])
def test_a_mirrored_series_is_held_back(axis: int, words: str) -> None:
    found = check_pair(placed(anatomy()), placed(noisy(np.flip(anatomy(), axis))))
    assert (codes(found), found.held_back) == (["mirrored"], True)
    assert words in found.cautions[0].text


def test_a_series_turned_round_is_held_back() -> None:
    found = check_pair(placed(anatomy()), placed(noisy(anatomy()[:, ::-1, ::-1])))
    assert codes(found) == ["mirrored"]
    assert "turned round: front to back and left to right" in found.cautions[0].text


def test_near_symmetric_anatomy_is_told_from_its_mirror_image() -> None:
    array = anatomy(symmetric=0.7)
    assert codes(check_pair(placed(array), placed(noisy(array)))) == []
    assert codes(check_pair(placed(array), placed(noisy(array[:, :, ::-1])))) == ["mirrored"]


@pytest.mark.parametrize("slices", [1, -1, 2, 4])
def test_a_series_that_lies_some_slices_off_is_held_back(slices: int) -> None:
    found = check_pair(placed(anatomy()), placed(noisy(np.roll(anatomy(), slices, 0))))
    assert codes(found) == ["shifted"]
    assert f"{4 * abs(slices)} mm along the slices" in found.cautions[0].text


def test_a_patient_who_moved_a_little_in_the_plane_is_no_wrong_place() -> None:
    assert codes(check_pair(placed(anatomy()), placed(noisy(np.roll(anatomy(), 4, 2))))) == []
    assert codes(check_pair(placed(anatomy()), placed(noisy(np.roll(anatomy(), 24, 2))))) == ["shifted"]


def test_what_does_not_resemble_at_all_fits_nowhere_better() -> None:
    assert codes(check_pair(placed(anatomy(0)), placed(anatomy(7)))) == []


@pytest.mark.parametrize("share", [0.0, 0.15])
def test_noise_alone_and_flat_images_raise_no_alarm(share: float) -> None:
    flat = np.full((20, 128, 128), 100.0, np.float32)
    assert better_fit(noisy(flat, share + 0.01, 1), noisy(flat, share + 0.01, 2), (1.0, 1.0, 4.0)) is None
    assert better_fit(flat, flat, (1.0, 1.0, 4.0)) is None
    assert better_fit(np.zeros_like(flat), flat, (1.0, 1.0, 4.0)) is None


def test_the_check_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no mirror image tried, a mirrored series passes: what finds it is the trial, not chance."""
    monkeypatch.setattr(resemblance, "MARGIN", 2.0)
    assert codes(check_pair(placed(anatomy()), placed(noisy(anatomy()[:, :, ::-1])))) == []


@pytest.mark.parametrize("weighting", ["sag-t1", "ax-t2"])
def test_the_phantom_is_no_alarm_and_its_mirror_image_is(weighting: str) -> None:
    one, other = (
        acquire(make_subject(3), protocol_for(weighting, arm=arm), seed) for seed, arm in enumerate(("SOC", "FAST"))
    )
    assert codes(check_pair(one, other)) == []
    assert codes(check_pair(one, other.with_array(np.ascontiguousarray(other.array[:, ::-1])))) == ["mirrored"]


@pytest.mark.parametrize("name", ["siemens_prisma_sag_t1_HFS", "ge_signa_fse_pd_oblique"])
def test_real_series_are_no_alarm_and_their_mirror_images_are(name: str, real_data: Path) -> None:
    from processing.series import read

    volume = read(real_data / "dicom" / name)
    assert codes(check_pair(volume, volume.with_array(noisy(volume.array)))) == []
    for axis in range(3):
        mirrored = volume.with_array(np.ascontiguousarray(np.flip(volume.array, axis)))
        assert codes(check_pair(volume, mirrored)) == ["mirrored"], axis


def test_a_real_vendor_pair_passes(real_data: Path) -> None:
    from processing.series import read

    names = ("philips_elition_201_T1W_TSE_Sno_CSno_CSAIno", "philips_elition_501_T1W_TSE_Sno_CSno_CSAI2")
    first, second = (read(real_data / "dicom" / name) for name in names)
    assert check_pair(first, second).cautions == ()


# Where slices lie


def stack(distance: float, slices: int, start: float = 0.0, *, known: bool = True) -> Volume:
    affine = np.diag([2.0, 2.0, distance, 1.0])
    affine[2, 3] = start
    return Volume(np.zeros((slices, 40, 40)), affine, slices_known=known)


def test_slices_that_drift_apart_by_over_half_a_slice_are_refused() -> None:
    with pytest.raises(InputError, match=r"3\.000 mm apart in one series and 3\.050 mm in another.*over half a slice"):
        common_grid([stack(3.0, 60), stack(3.05, 66, 1.0)])


def test_a_small_drift_is_said_and_holds_at_every_slice() -> None:
    one, other = stack(3.0, 40), stack(3.02, 40, -0.2)
    found = common_grid([one, other])
    partners = [np.array([3.0 * n, 3.02 * n - 0.2]) for n in range(40)]
    assert found.shape[0] == 40
    assert found.largest_offset == pytest.approx(max(np.ptp(each) for each in partners), abs=0.01)
    assert [caution.code for caution in found.cautions] == ["drift"]


@pytest.mark.parametrize("start", [-1.4, -0.6, 0.0, 0.6, 1.4])
def test_no_slice_lies_further_from_its_partner_than_half_the_distance(start: float) -> None:
    found = common_grid([stack(3.0, 60), stack(3.0, 60, start), stack(3.01, 60, start / 2)])
    assert found.largest_offset <= 1.5


def test_what_a_slice_is_follows_the_file_then_the_case_then_the_spacing() -> None:
    sagittal = np.array([[0, 0, 0.6, 0], [1.0, 0, 0, 0], [0, -1.0, 0, 0], [0, 0, 0, 1.0]])
    array = np.zeros((72, 96, 80))
    assert oriented(Volume(array, sagittal, slices_known=True)).shape == (72, 96, 80)
    assert oriented(Volume(array, sagittal), plane="sagittal").shape == (72, 96, 80)
    assert oriented(Volume(array, sagittal), plane="axial").shape[0] == 96
    assert oriented(Volume(array, sagittal), plane="oblique").shape[0] in (80, 96)


def test_an_acquisition_in_another_plane_than_the_case_is_said() -> None:
    affine = np.eye(4)
    cube = Volume(np.zeros((40, 40, 40)), affine, slices_known=True)
    assert [one.code for one in common_grid([cube, cube], plane="sagittal").cautions] == ["other_plane"]
    assert common_grid([cube, cube], plane="axial").cautions == ()
    unsaid = Volume(np.zeros((40, 40, 40)), affine)
    assert common_grid([unsaid, unsaid], plane="sagittal").cautions == ()


def test_the_plane_of_the_case_is_the_plane_of_the_pair() -> None:
    array = np.random.default_rng(0).random((32, 32, 32)) * 100
    cube = Volume(array, np.diag([2.0, 2.0, 2.0, 1.0]))
    shown = make_pair(cube, cube, grid=common_grid([cube, cube], plane="coronal"))
    assert shown.geometry["plane"] == "coronal"


def test_different_frames_of_reference_are_said() -> None:
    first = placed(anatomy(), frame_of_reference="1.2.3")
    assert codes(check_pair(first, placed(noisy(anatomy()), frame_of_reference="1.2.4"))) == ["frame_of_reference"]
    assert codes(check_pair(first, placed(noisy(anatomy()), frame_of_reference="1.2.3"))) == []
    assert codes(check_pair(first, placed(noisy(anatomy())))) == []


# The command


def test_the_command_tells_series_and_pairs(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    soc = write_nifti(placed(anatomy()), tmp_path / "soc.nii.gz")
    fast = write_nifti(placed(noisy(anatomy()[:, :, ::-1])), tmp_path / "fast.nii.gz")
    assert main(["check", str(soc), str(fast)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [(one["path"], one["accepted"], one["plane"], one["slices"]) for one in said["series"]] == [
        (str(soc), True, "axial", 20),
        (str(fast), True, "axial", 20),
    ]
    assert said["series"][0]["spacing_mm"] == [1.0, 1.0, 4.0]
    (pair,) = said["pairs"]
    assert (pair["a"], pair["b"], pair["accepted"], pair["slices"]) == (str(soc), str(fast), True, 20)
    assert [one["code"] for one in pair["warnings"]] == ["mirrored"]


def test_the_command_says_why_a_series_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "soc.txt").write_text("no image")
    assert main(["check", str(tmp_path / "soc.txt")]) == 0
    (entry,) = json.loads(capsys.readouterr().out)["series"]
    assert (entry["accepted"], entry["reason"]) == (False, "This is not a DICOM file.")
    assert main(["check", str(tmp_path / "nowhere")]) == 2
    assert "There is no file or folder nowhere." in capsys.readouterr().err
