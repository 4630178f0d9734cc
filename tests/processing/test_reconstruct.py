"""Reconstruction against Fourier sums by hand, closed forms, PyWavelets and scikit-image; and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import nibabel
import numpy as np
import pydicom
import pytest
import pywt
from safetensors.torch import save
from skimage.restoration import denoise_tv_chambolle

from processing import nifti, series
from processing.__main__ import main
from processing.dicom.simulated import simulated_in_nifti
from processing.enhancement.enhance import enhance
from processing.enhancement.networks import store
from processing.enhancement.networks.registry import build
from processing.errors import InputError
from processing.reconstruction.compressed_sensing import compressed_sensing, phase_of_middle
from processing.reconstruction.ismrmrd import read_ismrmrd
from processing.reconstruction.reconstruct import reconstruct
from processing.reconstruction.signal import Signal, simulated
from processing.simulate.degrade import Degradation, degrade
from processing.simulate.kspace import sampled_lines, smooth_phase
from processing.volume import Volume
from tests.processing import dicom_files
from tests.processing.raw_data import write_ismrmrd

AFFINE = np.diag([0.5, 0.5, 3.0, 1.0])
POINTERS = ("group", "link", "bytes", "view")  # of HDF5, to where data lie


def complex_image(rows: int = 32, columns: int = 24, seed: int = 0) -> np.ndarray:
    parts = np.random.default_rng(seed).normal(size=(2, rows, columns))
    return parts[0] + 1j * parts[1]


def phantom() -> np.ndarray:
    image = np.zeros((64, 48))
    image[12:52, 10:40] = 0.6
    image[20:30, 15:22] = 1.0
    return image


@pytest.mark.parametrize(("factor", "centre"), [(4, 0.08), (8, 0.04)])
def test_lines_are_the_middle_and_one_in_so_many(factor: int, centre: float) -> None:
    read = np.stack([sampled_lines(250, factor, np.random.default_rng(seed)) for seed in range(200)])
    middle = np.fft.fftshift(read, axes=1)[:, 125 - 20 : 125 + 20]
    always = middle.all(axis=0)
    assert always.sum() == round(250 * centre)
    assert abs(np.flatnonzero(always).mean() - 20) <= 0.5  # zero frequency is index 20
    assert read.mean() == pytest.approx(1 / factor, rel=0.03)


def test_zero_filling_is_the_fourier_sum_over_the_sampled_lines() -> None:
    image = complex_image()
    signal = Signal(image[None, None].astype(np.complex64), Volume(np.abs(image)[None], AFFINE), "of a test")
    found = reconstruct(signal, method="zero-filled", undersample=4, seed=3)
    read = sampled_lines(32, 4, np.random.default_rng([3, 1]))
    waves = np.exp(-2j * np.pi * np.outer(np.arange(32), np.arange(32)) / 32)
    expected = np.abs(waves.conj().T @ (read[:, None] * (waves @ image)) / 32)
    assert np.abs(found.volume.array[0] - expected).max() < 1e-5
    assert (found.lines, found.of) == (read.sum(), 32)
    other = reconstruct(signal, method="zero-filled", undersample=4, seed=4)
    assert np.abs(other.volume.array[0] - expected).max() > 0.1


def test_without_phase_zero_filling_is_the_degradation() -> None:
    volume = Volume(100 * phantom()[None], AFFINE)
    signal = Signal(volume.array[None].astype(np.complex64), volume, "of a test")
    found = reconstruct(signal, method="zero-filled", undersample=8, seed=5)
    expected = degrade(volume, Degradation(undersample=8, seed=5))
    assert np.abs(found.volume.array - expected.array).max() < 1e-3


def test_wavelets_alone_with_every_line_are_soft_thresholding() -> None:
    image = complex_image(64, 64)
    lines = np.fft.fft(image, axis=0, norm="ortho")
    every = np.ones(64, bool)
    found = compressed_sensing(lines, every, wavelet_weight=0.7, variation_weight=0, imaginary_weight=0, iterations=3)
    turn = phase_of_middle(lines, every)
    coarsest, *details = pywt.wavedec2(image / turn, "db4", "periodization", level=3)
    shrunk = [tuple(pywt.threshold(part, 0.7, "soft") for part in level) for level in details]
    assert np.abs(found - turn * pywt.waverec2([coarsest, *shrunk], "db4", "periodization")).max() < 1e-4


def test_the_imaginary_part_alone_with_every_line_is_shrunk() -> None:
    image = complex_image(64, 48)
    lines, every = np.fft.fft(image, axis=0, norm="ortho"), np.ones(64, bool)
    found = compressed_sensing(lines, every, wavelet_weight=0, variation_weight=0, imaginary_weight=0.25)
    turn = phase_of_middle(lines, every)
    expected = (image / turn).real + 1j * (image / turn).imag / 1.25
    assert np.abs(found / turn - expected).max() < 1e-4


def test_a_smooth_phase_costs_compressed_sensing_little() -> None:
    lost = []
    for seed in range(1, 4):
        sampled = sampled_lines(64, 4, np.random.default_rng(seed + 5))
        error = []
        for turn in (1, smooth_phase((64, 48), np.random.default_rng(seed))):
            lines = np.fft.fft(phantom() * turn, axis=0, norm="ortho") * sampled[:, None]
            found = compressed_sensing(lines, sampled, wavelet_weight=0, variation_weight=0.0015, imaginary_weight=0)
            error.append(np.mean((np.abs(found) - phantom()) ** 2))
        lost.append(10 * np.log10(error[1] / error[0]))
    assert np.mean(lost) < 5  # dB; more than twice as much if the phase stays


def test_variation_alone_with_every_line_reaches_the_minimum_that_scikit_image_reaches() -> None:
    image = 1 + phantom() + 0.1 * np.random.default_rng(0).normal(size=(64, 48))
    lines = np.fft.fft(image, axis=0, norm="ortho")
    every = np.ones(64, bool)
    found = compressed_sensing(
        lines, every, wavelet_weight=0, variation_weight=0.1, imaginary_weight=0, iterations=150
    ).real

    def objective(x: np.ndarray) -> float:
        down, across = np.diff(x, axis=0, append=x[-1:]), np.diff(x, axis=1, append=x[:, -1:])
        return 0.5 * ((x - image) ** 2).sum() + 0.1 * np.hypot(down, across).sum()

    theirs = denoise_tv_chambolle(image, weight=0.1, eps=1e-9, max_num_iter=2000)
    assert objective(found) == pytest.approx(objective(theirs), rel=2e-3)
    assert np.abs(found - theirs).max() < 0.006
    assert objective(image) > 1.1 * objective(found)


def test_compressed_sensing_is_nearer_than_zero_filling_and_whole_k_space_is_kept_without_weights() -> None:
    signal = simulated(Volume(phantom()[None], AFFINE), 0)
    error = {
        name: np.abs(reconstruct(signal, method=name, undersample=4).volume.array - phantom()).mean()
        for name in ("zero-filled", "compressed-sensing")
    }
    assert error["compressed-sensing"] < 0.5 * error["zero-filled"]
    image = complex_image()
    whole = np.fft.fft(image, axis=0, norm="ortho")
    kept = compressed_sensing(
        whole, np.ones(32, bool), wavelet_weight=0, variation_weight=0, imaginary_weight=0, iterations=2
    )
    assert np.abs(kept - image).max() < 1e-5


def test_the_simulated_phase_is_smooth_and_leaves_the_magnitude() -> None:
    volume = Volume(np.stack([phantom(), phantom()]), AFFINE)
    signal = simulated(volume, 7)
    assert np.allclose(np.abs(signal.images[0]), volume.array, atol=1e-6)
    assert np.ptp(np.angle(smooth_phase((64, 48), np.random.default_rng([7, 2])))) > 0.5
    assert not np.array_equal(signal.images, simulated(volume, 8).images)


def test_a_nifti_image_comes_back_in_place_and_says_that_it_is_simulated(tmp_path: Path, capsys) -> None:
    source = nifti.write_nifti(Volume(100 * phantom()[None], AFFINE), tmp_path / "soc.nii.gz")
    out = tmp_path / "fast.nii.gz"
    words = ["reconstruct", str(source), str(out), "--method", "zero-filled", "--undersample", "4", "--seed", "2"]
    assert main(words) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["kspace"] == "simulated with a smooth random phase"
    assert (shown["lines"], shown["of"]) == (int(sampled_lines(64, 4, np.random.default_rng([2, 1])).sum()), 64)
    found = series.read(out)
    assert found.same_place(series.read(source))
    assert found.parameters.simulated == f"reconstructed: settings {shown['model']['sha256'][:16]}"


def test_dicom_comes_back_as_dicom_that_says_how_it_was_made(tmp_path: Path) -> None:
    dicom_files.series(tmp_path / "in", dicom_files.pixels(2), AcquisitionDuration=90.0)
    words = ["reconstruct", str(tmp_path / "in"), str(tmp_path / "out"), "--undersample", "8", "--seed", "1"]
    assert main([*words, "--method", "compressed-sensing"]) == 0
    made = "Simulated, not acquired: compressed sensing, undersample 8, seed 1. K-space simulated with a smooth random"
    for file in (tmp_path / "out").iterdir():
        assert made in pydicom.dcmread(file).DerivationDescription
    found = series.read(tmp_path / "out").parameters
    assert found.simulated == "reconstructed: compressed sensing, undersample 8, seed 1"
    assert found.acquisition_seconds is None


def test_a_complex_nifti_image_has_its_own_k_space(tmp_path: Path, capsys) -> None:
    image = complex_image(32, 24) * 100
    source = tmp_path / "complex.nii.gz"
    nibabel.save(nibabel.Nifti1Image(image.T[:, :, None].astype(np.complex64), np.diag([0.5, 0.5, 3, 1])), source)
    words = ["reconstruct", str(source), str(tmp_path / "out.nii"), "--method", "zero-filled", "--undersample", "4"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["kspace"] == "of a complex image"
    read = sampled_lines(32, 4, np.random.default_rng([0, 1]))
    expected = np.abs(np.fft.ifft(np.fft.fft(image, axis=0) * read[:, None], axis=0))
    assert np.abs(series.read(tmp_path / "out.nii").array[0] - expected).max() < 1e-3


def test_raw_data_of_two_coils_is_read_in_place_and_combined(tmp_path: Path, capsys) -> None:
    images = np.stack([np.stack([complex_image(16, 12, 2 * c + n) for n in range(2)]) for c in range(2)])
    source = write_ismrmrd(tmp_path / "raw.h5", images)
    found, volume = read_ismrmrd(source)
    assert np.abs(found - images).max() < 1e-5
    corner = volume.affine @ (0, 0, 0, 1)
    assert np.allclose(corner[:3], (10, 20 - 6, 30 + 2 * 8))
    assert np.allclose(volume.affine[:3, 2], (-5, 0, 0))
    assert np.allclose(volume.spacing, (1, 2, 5))
    words = ["reconstruct", str(source), str(tmp_path / "out.nii"), "--method", "zero-filled", "--undersample", "4"]
    assert main(words) == 0
    said = json.loads(capsys.readouterr().out)["kspace"]
    assert said == "acquired by 2 coils, combined by root sum of squares"
    read = sampled_lines(16, 4, np.random.default_rng([0, 1]))
    filled = np.fft.ifft(np.fft.fft(images, axis=2) * read[:, None], axis=2)
    expected = np.sqrt((np.abs(filled) ** 2).sum(axis=0))
    assert np.abs(series.read(tmp_path / "out.nii").array - expected).max() < 1e-4


def raw(tmp_path: Path, **changes) -> Path:
    return write_ismrmrd(tmp_path / "raw.h5", complex_image(16, 12)[None, None], **changes)


def nan_image(tmp_path: Path) -> Path:
    image = np.full((8, 8, 2), np.nan, np.complex64)
    nibabel.save(nibabel.Nifti1Image(image, np.eye(4)), tmp_path / "nan.nii")
    return tmp_path / "nan.nii"


def four_dimensions(tmp_path: Path) -> Path:
    nibabel.save(nibabel.Nifti1Image(np.ones((8, 8, 2, 3), np.complex64), np.eye(4)), tmp_path / "four.nii")
    return tmp_path / "four.nii"


def real_part(tmp_path: Path) -> Path:
    return nifti.write_nifti(Volume(complex_image().real[None], AFFINE), tmp_path / "image.nii")


def truncated(tmp_path: Path) -> Path:
    source = raw(tmp_path)
    source.write_bytes(source.read_bytes()[:3000])
    return source


def not_ismrmrd(tmp_path: Path) -> Path:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["kspace"] = np.ones((2, 3))
    return tmp_path / "other.h5"


def elsewhere(tmp_path: Path, how: str) -> Path:
    """Raw data of which a part only points to where it lies, or is of a size that nobody has."""
    with h5py.File(raw(tmp_path)) as file:
        acquisitions = np.zeros(16, [("head", file["dataset/data"].dtype["head"]), ("data", "<f4", (48,))])
        for one, there in zip(acquisitions, file["dataset/data"][1:], strict=True):
            one["head"], one["data"] = there["head"], there["data"]
        xml = file["dataset/xml"][:]
    acquisitions.tofile(tmp_path / "bytes")
    source = tmp_path / "pointing.h5"
    with h5py.File(source, "w") as file:
        if how == "group":
            file["dataset"] = h5py.ExternalLink("raw.h5", "dataset")
            return source
        file.create_dataset("dataset/xml", data=xml, dtype=h5py.string_dtype())
        if how == "link":
            file["dataset/data"] = h5py.ExternalLink("raw.h5", "dataset/data")
        elif how == "bytes":
            at = [(tmp_path / "bytes", 0, acquisitions.nbytes)]
            file.create_dataset("dataset/data", acquisitions.shape, acquisitions.dtype, external=at)
        elif how == "view":
            layout = h5py.VirtualLayout((16,), acquisitions.dtype)
            layout[:] = h5py.VirtualSource("raw.h5", "dataset/data", (17,))[1:]
            file.create_virtual_dataset("dataset/data", layout)
        else:
            size = (5 << 30) // acquisitions.itemsize
            file.create_dataset("dataset/data", (size,), acquisitions.dtype, chunks=(1000,))
    return source


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (nan_image, "not numbers"),
        (four_dimensions, "only one three-dimensional image"),
        (real_part, "only magnitude images"),
        (truncated, "damaged or truncated"),
        (not_ismrmrd, "is no ISMRMRD"),
        *((lambda tmp_path, how=how: elsewhere(tmp_path, how), "do not both lie in it") for how in POINTERS),
        (lambda tmp_path: elsewhere(tmp_path, "nowhere"), "larger than 4 GiB"),
        (lambda tmp_path: raw(tmp_path, skip=(3,)), "1 of 16 lines of k-space are missing"),
        (lambda tmp_path: raw(tmp_path, slice_dir=(0, 0, 0)), "does not say where"),
        (lambda tmp_path: raw(tmp_path, trajectory_dimensions=2), "not Cartesian"),
        (lambda tmp_path: raw(tmp_path, center_sample=3), "middle of the readout"),
        (lambda tmp_path: raw(tmp_path, number_of_samples=7), "another length"),
    ],
)
def test_what_cannot_be_reconstructed_is_refused_in_one_sentence(made, said: str, tmp_path: Path, capsys) -> None:
    source = made(tmp_path)
    out = tmp_path / "out.nii"
    assert main(["reconstruct", str(source), str(out), "--method", "zero-filled", "--undersample", "4"]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1
    assert not out.exists()


def test_a_negative_seed_is_refused(tmp_path: Path, capsys) -> None:
    words = ["reconstruct", str(real_part(tmp_path)), "out.nii", "--method", "zero-filled", "--undersample", "4"]
    assert main([*words, "--seed", "-1"]) == 2
    assert "seed" in capsys.readouterr().err


@pytest.fixture(scope="module")
def small_cascade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    (folder / "config.toml").write_text(
        'task = "reconstruct"\n[network]\narchitecture = "cascade"\ncascades = 1\nchannels = [4, 4]\n'
    )
    weights = save(build(store.read_config(folder)["network"]).state_dict())
    store.write_model(folder, weights=weights, name="small", version="1", description="", metrics={}, card="")
    return folder


def test_an_untrained_cascade_fills_with_zeros_and_its_weights_are_named(small_cascade: Path) -> None:
    signal = simulated(Volume(50 * phantom()[None], AFFINE), 0)
    filled = reconstruct(signal, method="zero-filled", undersample=4)
    found = reconstruct(signal, method="cascade", undersample=4, model=small_cascade)
    assert np.abs(found.volume.array - filled.volume.array).max() < 0.01
    assert found.model.sha256 != filled.model.sha256
    assert simulated_in_nifti(f"{found.model.name} 1 {found.model.precision} sha256 {found.model.sha256[:16]}")


def test_a_network_of_the_other_kind_is_refused_in_words(small_cascade: Path) -> None:
    volume = Volume(phantom()[None], AFFINE)
    with pytest.raises(InputError, match="use it with reconstruct"):
        enhance(volume, model=small_cascade)
    with pytest.raises(InputError, match="does not reconstruct"):
        reconstruct(simulated(volume, 0), method="cascade", undersample=4, model="denoise")
