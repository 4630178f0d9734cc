"""Degradations against known spectra, SciPy's Rice distribution and PyTorch's interpolation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage, stats

from processing import nifti, series
from processing.__main__ import main
from processing.errors import InputError
from processing.simulate.degrade import Degradation, degrade
from processing.volume import Volume
from tests.processing import dicom_files

AFFINE = np.diag([0.5, 2.0, 3.0, 1.0])  # rows are 2 mm apart


def volume_of(*slices: np.ndarray) -> Volume:
    return Volume(np.stack(slices), AFFINE)


def texture(seed: int = 0, rows: int = 48, columns: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).uniform(100, 900, (rows, columns))


def wave(cycles: int, rows: int = 64) -> np.ndarray:
    return 500 + 100 * np.cos(2 * np.pi * cycles * np.arange(rows) / rows)[:, None] * np.ones((1, rows))


def test_half_nex_is_rician() -> None:
    out = degrade(volume_of(np.full((300, 300), 12.0)), Degradation(half_nex_sigma=5.0)).array
    expected = stats.rice(12 / 5, scale=5)
    assert out.mean() == pytest.approx(expected.mean(), rel=0.01)
    assert out.std() == pytest.approx(expected.std(), rel=0.02)


def test_noise_as_a_fraction_refers_to_the_percentile_of_the_volume() -> None:
    source = volume_of(texture(), texture(1))
    sigma = 0.05 * float(np.percentile(source.array, 99.9))
    by_fraction = degrade(source, Degradation(half_nex_fraction=0.05, seed=4))
    assert np.array_equal(by_fraction.array, degrade(source, Degradation(half_nex_sigma=sigma, seed=4)).array)


@pytest.mark.parametrize("shape", [(48, 40), (33, 27)])
def test_linear_half_matrix_is_bilinear_there_and_back(shape: tuple[int, int]) -> None:
    image = texture(2, *shape)
    out = degrade(volume_of(image), Degradation(half_matrix="linear")).array[0]
    tensor = torch.from_numpy(image.astype(np.float32))[None, None]
    half = [n // 2 for n in shape]
    small = torch.nn.functional.interpolate(tensor, size=half, mode="bilinear", align_corners=False)
    back = torch.nn.functional.interpolate(small, size=shape, mode="bilinear", align_corners=False)
    assert np.abs(out - back[0, 0].numpy()).max() < 0.05


def test_half_matrix_in_k_space_takes_the_upper_half_of_the_frequencies_and_no_other() -> None:
    halved = degrade(volume_of(wave(15), wave(18)), Degradation(half_matrix="kspace")).array
    assert np.abs(halved[0] - wave(15)).max() < 0.01
    assert np.abs(halved[1] - 500).max() < 0.01


@pytest.mark.parametrize("shape", [(64, 48), (32, 40)])
def test_half_matrix_in_k_space_is_a_centre_crop_filled_up_with_zeros(shape: tuple[int, int]) -> None:
    image = texture(6, *shape)
    rows, columns = shape
    k_space = np.fft.fftshift(np.fft.fft2(image))
    middle = k_space[rows // 4 : rows // 4 * 3, columns // 4 : columns // 4 * 3]
    filled = np.pad(middle, [(rows // 4,) * 2, (columns // 4,) * 2])
    expected = np.abs(np.fft.ifft2(np.fft.ifftshift(filled)))
    out = degrade(volume_of(image), Degradation(half_matrix="kspace")).array[0]
    assert np.abs(out - expected).max() < 0.01


def test_gibbs_ringing_overshoots_an_edge_as_wilbraham_and_gibbs_say() -> None:
    """A jump cut off at any frequency overshoots by 8.949 % of its height."""
    edge = np.where(np.arange(512) < 256, 1000.0, 2000.0)[:, None] * np.ones((1, 8))
    out = degrade(volume_of(edge), Degradation(gibbs=0.9)).array[0]
    assert out.max() == pytest.approx(2089.49, abs=3)


def test_gibbs_cuts_the_share_of_frequencies_that_was_asked_for() -> None:
    cut = degrade(volume_of(wave(5), wave(8)), Degradation(gibbs=0.8)).array
    assert np.abs(cut[0] - wave(5)).max() < 0.01
    assert np.abs(cut[1] - 500).max() < 0.01


def test_ghost_lies_half_a_field_of_view_away() -> None:
    image = np.zeros((64, 64))
    image[10, 20] = 1000
    ghost = degrade(volume_of(image), Degradation(ghosting=0.4)).array[0]
    assert ghost[10, 20] == pytest.approx(800, abs=0.1)
    assert ghost[42, 20] == pytest.approx(200, abs=0.1)
    assert ghost.sum() == pytest.approx(1000, abs=1)


def test_lines_are_odd_and_even_from_the_middle_of_k_space_in_an_odd_matrix_too() -> None:
    """For ± alternating lines −32 … 32 the copy of a point is a Dirichlet kernel around half a field of view."""
    image = np.zeros((65, 8))
    image[10, 4] = 1000
    lines = np.arange(-32, 33)
    rows = (np.arange(65) - 10)[:, None]
    kernel = np.exp(2j * np.pi * rows * lines / 65)
    for name, scaled in (("odd", lines % 2 == 1), ("even", lines % 2 == 0)):
        out = degrade(volume_of(image), Degradation(ghosting=0.4, ghosting_lines=name)).array[0]
        expected = np.abs((kernel * np.where(scaled, 0.6, 1.0)).mean(axis=1)) * 1000
        assert np.abs(out[:, 4] - expected).max() < 0.1
        assert out[42, 4] == pytest.approx(out[43, 4], abs=0.1)


def test_scaled_even_lines_leave_a_negative_copy() -> None:
    """Half the lines keep (image + copy) / 2, the others (image − copy) / 2."""
    image = texture(7, 64, 40)
    copy = np.roll(image, 32, axis=0)
    for lines, sign in (("odd", 1), ("even", -1)):
        out = degrade(volume_of(image), Degradation(ghosting=0.3, ghosting_lines=lines)).array[0]
        assert np.abs(out - np.abs(0.85 * image + sign * 0.15 * copy)).max() < 0.01


def test_a_wrong_phase_of_every_second_line_is_a_copy_that_does_not_simply_add() -> None:
    """Half the lines keep (image + copy) / 2, the others q (image − copy) / 2 with a complex q."""
    image = texture(7, 64, 40)
    copy = np.roll(image, 32, axis=0)
    q = 0.7 * np.exp(1j * np.pi / 5)
    out = degrade(volume_of(image), Degradation(ghosting=0.3, ghosting_phase=36)).array[0]
    assert np.abs(out - np.abs((image + copy) / 2 + q * (image - copy) / 2)).max() < 0.01
    for wrong in ({"ghosting_phase": 20.0, "gibbs": 0.3}, {"ghosting": 0.3, "ghosting_phase": 181.0}):
        with pytest.raises(InputError, match="phase of ghosting"):
            Degradation(**wrong)


@pytest.mark.parametrize(("factor", "lines"), [(4, 5), (8, 3)])
def test_undersampling_samples_the_centre_in_every_seed(factor: int, lines: int) -> None:
    """The middle 8 or 4 % of 64 lines, as in fastMRI: the mean and the slowest waves stay whole."""
    slow = (lines - 1) // 2
    for seed in range(10):
        out = degrade(volume_of(wave(slow)), Degradation(undersample=factor, seed=seed)).array[0]
        assert np.abs(out - wave(slow)).max() < 0.01


def test_undersampling_reads_the_middle_and_a_share_of_the_other_lines() -> None:
    """A wave of k cycles lives in the lines k and −k; it shows if one of them was read."""
    waves = volume_of(*(wave(cycles, 128)[:, :8] for cycles in range(1, 64)))
    shown = []
    for seed in range(20):
        shown.append(degrade(waves, Degradation(undersample=4, seed=seed)).array.std(axis=(1, 2)) > 1)
    assert np.all([seen[:4] for seen in shown])  # 8 % of 128 lines
    chance = (128 / 4 - 10) / (128 - 10)
    assert np.mean([seen[5:] for seen in shown]) == pytest.approx(1 - (1 - chance) ** 2, abs=0.04)


def test_motion_moves_no_further_than_asked_and_changes_the_image() -> None:
    still = volume_of(texture(3, 64, 64))
    slight = degrade(still, Degradation(motion=0.001)).array
    strong = degrade(still, Degradation(motion=6.0)).array
    assert np.abs(slight - still.array).max() < 1.0
    assert np.abs(strong - still.array).mean() > 20


def test_patches_brighten_part_of_each_slice_but_not_beyond_its_maximum() -> None:
    source = volume_of(*(texture(k) for k in range(8)))
    change = degrade(source, Degradation(patches=True, seed=9)).array - source.array
    share = (change > 0).mean(axis=(1, 2))
    assert change.min() >= 0
    assert ((share > 0.005) & (share < 0.4)).all()
    assert (degrade(source, Degradation(patches=True, seed=9)).array.max(axis=(1, 2)) <= 1.0001 * 900).all()
    assert len(set(np.round(share, 6))) == 8


def test_bars_are_at_most_an_eighth_of_the_height_thick_and_of_random_opacity() -> None:
    """Thickness: twice the greatest distance from a pixel of the bar to its outside."""
    flat = np.full((96, 96), 100.0)
    flat[0, 0] = 1000.0
    change = degrade(volume_of(*[flat] * 40), Degradation(patches=True, seed=2)).array - 100
    change[:, 0, 0] = 0
    thickness = [2 * ndimage.distance_transform_edt(one > 0).max() - 1 for one in change]
    assert max(thickness) <= 96 / 8 + 1  # a pixel is counted from its centre
    assert max(thickness) > 8
    opacity = change.max(axis=(1, 2)) / 1000
    assert opacity.min() < 0.4
    assert opacity.max() > 0.7
    assert opacity.max() <= 1


EVERYTHING = {
    "patches": True,
    "motion": 1.0,
    "ghosting": 0.2,
    "undersample": 4,
    "gibbs": 0.3,
    "half_matrix": "kspace",
    "half_nex_fraction": 0.03,
}


def test_the_same_seed_gives_the_same_volume_and_another_seed_another() -> None:
    source = volume_of(texture(), texture(1))
    first, again, other = (degrade(source, Degradation(**EVERYTHING, seed=seed)) for seed in (5, 5, 6))
    assert first.sha256 == again.sha256 != other.sha256
    assert np.isfinite(first.array).all()
    assert first.array.min() >= 0


def test_identity_names_the_settings() -> None:
    identity = Degradation(half_matrix="kspace", seed=7).identity
    assert "half matrix kspace" in identity.description
    assert "seed 7" in identity.description
    assert identity.sha256 != Degradation(half_matrix="kspace", seed=8).identity.sha256


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"half_matrix": "cubic"},
        {"half_nex_sigma": 5.0, "half_nex_fraction": 0.1},
        {"undersample": 5},
        {"ghosting": 1.5},
        {"gibbs": 0.0},
        {"ghosting_lines": "even"},
        {"ghosting": 0.2, "ghosting_lines": "all"},
        {"motion": -1.0},
        {"half_nex_sigma": float("nan")},
    ],
)
def test_impossible_settings_are_refused(wanted: dict) -> None:
    with pytest.raises(InputError):
        Degradation(**wanted)


def test_negative_images_are_refused() -> None:
    with pytest.raises(InputError, match="negative"):
        degrade(volume_of(texture() - 500), Degradation(gibbs=0.5))


def test_command_writes_the_format_of_the_source(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    source, out = tmp_path / "in.nii.gz", tmp_path / "out.nii.gz"
    nifti.write_nifti(volume_of(texture(), texture(1)), source)
    wanted = ["degrade", str(source), str(out), "--half-nex", "--sigma", "20", "--seed", "3"]
    assert main(wanted) == 0
    expected = degrade(series.read(source), Degradation(half_nex_sigma=20.0, seed=3))
    assert np.array_equal(series.read(out).array, expected.array)
    assert main(["degrade", str(source), str(out), "--half-nex"]) == 2
    assert main(["degrade", str(source), str(out)]) == 2
    assert main(["degrade", str(source), str(source), "--gibbs", "0.5"]) == 2
    assert "overwrite" in capsys.readouterr().err


def test_command_takes_and_writes_dicom(tmp_path: Path) -> None:
    dicom_files.series(tmp_path / "in", dicom_files.pixels(3))
    wanted = ["--half-matrix", "kspace", "--ghosting", "0.2", "--ghosting-lines", "even", "--seed", "4"]
    for out in ("one", "two"):
        assert main(["degrade", str(tmp_path / "in"), str(tmp_path / out), *wanted]) == 0
    source, one, two = (series.read(tmp_path / name) for name in ("in", "one", "two"))
    assert np.array_equal(one.array, two.array)
    expected = degrade(source, Degradation(half_matrix="kspace", ghosting=0.2, ghosting_lines="even", seed=4))
    assert np.abs(one.array - expected.array).max() <= 1
    assert np.allclose(one.affine, source.affine)
