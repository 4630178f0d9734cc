"""The shipped model on series whose truth is known, and on series that are odd."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from skimage.metrics import peak_signal_noise_ratio
from skimage.restoration import denoise_nl_means

from processing import nifti, series
from processing.__main__ import main
from processing.enhancement import enhance as module
from processing.enhancement.enhance import enhance, fast_precision, models
from processing.enhancement.networks.store import SHIPPED, read_identity
from processing.errors import InputError
from processing.noise import NoiseEstimate, add_complex_noise
from processing.simulate.phantom import acquire, make_subject, protocol_for
from processing.volume import Volume


@pytest.fixture(scope="module")
def truth() -> Volume:
    """Three slices of a synthetic subject that no training saw, without noise."""
    protocol = replace(protocol_for("sag-t2"), matrix=(192, 144), slices=3, noise=0.0)
    return acquire(make_subject(201), protocol, 1)


def noisy_of(truth: Volume, share: float, seed: int = 0) -> Volume:
    rng = np.random.default_rng(seed)
    sigma = share * float(np.percentile(truth.array, 99.9))
    return truth.with_array(np.stack([add_complex_noise(slice_, sigma, rng)[0] for slice_ in truth.array]))


def put_weights(folder: Path, tensors: dict[str, torch.Tensor]) -> str:
    """Let the model in `folder` have these weights; return their SHA-256."""
    save_file(tensors, folder / "model.safetensors")
    identity = json.loads((folder / "identity.json").read_text())
    identity["sha256"] = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    (folder / "identity.json").write_text(json.dumps(identity))
    return identity["sha256"]


@pytest.mark.parametrize(("share", "gain"), [(0.03, 4.0), (0.05, 5.0), (0.10, 7.0)])
def test_noise_goes_and_anatomy_stays(truth: Volume, share: float, gain: float) -> None:
    noisy = noisy_of(truth, share)
    enhanced = enhance(noisy, threads=1)
    largest = float(truth.array.max())
    before, after = (
        peak_signal_noise_ratio(truth.array, volume.array, data_range=largest) for volume in (noisy, enhanced.volume)
    )
    assert after > before + gain
    assert enhanced.noise_sigma == pytest.approx(share * np.percentile(truth.array, 99.9), rel=0.15)
    assert np.array_equal(enhanced.volume.affine, truth.affine)
    assert enhanced.volume.parameters == truth.parameters


@pytest.mark.parametrize("path", ["radiomics/brain1_image.nrrd", "nifti_spine/t2s/t2s_uncropped.nii.gz"])
def test_it_beats_non_local_means_on_subjects_outside_training(real_data: Path, path: str) -> None:
    whole = series.read(real_data / path)
    middle = whole.shape[0] // 2
    truth = replace(whole, array=whole.array[middle : middle + 2])
    noisy = noisy_of(truth, 0.05)
    sigma = 0.05 * float(np.percentile(truth.array, 99.9))
    ours = enhance(noisy).volume.array
    means = np.stack(
        [denoise_nl_means(slice_, patch_size=5, patch_distance=6, h=0.8 * sigma, sigma=sigma) for slice_ in noisy.array]
    )
    theirs = np.sqrt(np.maximum(means**2 - sigma**2, 0))  # Rician bias taken off
    tissue = truth.array > 0.1 * truth.array.max()
    errors = [float(np.mean((output - truth.array)[tissue] ** 2)) for output in (ours, theirs)]
    assert errors[0] < errors[1]


def test_the_level_of_the_noise_can_be_given(truth: Volume) -> None:
    noisy = noisy_of(truth, 0.05)
    given = enhance(noisy, noise_sigma=12.5)
    assert (given.noise_sigma, given.noise_method) == (12.5, "given")
    for level in (-5.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="cannot be"):
            enhance(noisy, noise_sigma=level)


def test_a_series_of_little_noise_is_hardly_changed_unless_its_noise_is_stated(truth: Volume) -> None:
    bright = float(np.percentile(truth.array, 99.9))
    for share in (0.005, 0.01):
        noisy = noisy_of(truth, share)
        found, stated = (enhance(noisy, noise_sigma=sigma) for sigma in (None, share * bright))
        changes = [100 / bright * float(np.std(one.volume.array - noisy.array)) for one in (found, stated)]
        assert changes[0] <= 0.3 < changes[1]
        assert "little" in found.noise_method
        assert stated.noise_method == "given"


def test_more_noise_does_not_come_out_as_less(truth: Volume) -> None:
    tissue = truth.array > 0.1 * truth.array.max()
    left = []
    for share in (0.014, 0.018, 0.022, 0.0255, 0.028):
        noisy = noisy_of(truth, share)
        found = enhance(noisy, precision="float32").volume.array
        left.append(float(np.sqrt(np.mean((found - truth.array)[tissue] ** 2))))
    assert min(np.diff(left)) > -0.04 * max(left)


def test_what_the_network_leaves_of_little_noise_tells_the_share() -> None:
    rng = np.random.default_rng(4)
    before = 0.5 + 0.02 * rng.standard_normal((2, 90, 90))
    exact, weak = (before + gain * (0.5 - before) for gain in (1.0, 0.05))
    assert module.taken_off(before, exact, 0.02) == 1.0  # nothing is left of it, as of more
    assert module.taken_off(before, weak, 0.02) == 1.0  # 0.1 %
    half = before + 0.6 * (0.5 - before)  # left: √(1 - 0.36) of 2 %; of 2.6 % more by the root of 1.3
    assert module.taken_off(before, half, 0.02) == pytest.approx(1 - 0.8 / 0.6 * np.sqrt(0.3), abs=0.01)
    assert module.taken_off(before, half, 0.01) == 1.0  # the network took off more than there is
    little = before + 0.2 * (0.5 - before)  # 0.4 %
    assert module.taken_off(before, little, 0.01) == pytest.approx(0.003 / 0.004, rel=0.02)


def test_noise_known_by_a_bound_only_is_taken_off_whole(truth: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    noisy = noisy_of(truth, 0.01)
    known = NoiseEstimate(0.01 * float(np.percentile(truth.array, 99.9)), "x")
    shares = []
    for is_bound in (False, True):
        monkeypatch.setattr(module, "estimate_noise", lambda _, b=is_bound: replace(known, is_bound=b))
        shares.append(enhance(noisy, precision="float32").share)
    assert shares[0] < shares[1] == 1


def test_the_identity_tells_noise_and_share(truth: Volume) -> None:
    found = enhance(noisy_of(truth, 0.015), precision="float32")
    assert f"{100 * found.share:.0f} % of the change made." in found.model.description
    assert f"Noise {found.noise_sigma:.4g} (" in found.model.description


def test_phase_images_are_refused(truth: Volume) -> None:
    phase = truth.with_array(np.linspace(-np.pi, np.pi, truth.array.size).reshape(truth.shape))
    with pytest.raises(InputError, match="magnitude"):
        enhance(phase)


def test_precisions_agree(truth: Volume) -> None:
    noisy = noisy_of(truth, 0.05)
    single, half = (enhance(noisy, precision=precision) for precision in ("float32", "bfloat16"))
    assert (single.model.precision, half.model.precision) == ("float32", "bfloat16")
    difference = np.abs(single.volume.array - half.volume.array).mean()
    assert difference < 0.1 * single.noise_sigma


@pytest.mark.skipif(not torch.cpu.get_capabilities().get("amx_int8"), reason="this processor has no AMX for int8")
@pytest.mark.parametrize("noise", [0.03, 0.05])
def test_integers_help_where_they_are_fast_and_cost_nothing_that_counts(truth: Volume, noise: float) -> None:
    noisy = noisy_of(truth, noise)
    exact, fast = enhance(noisy, precision="float32"), enhance(noisy)
    assert fast.model.precision == "bfloat16+int8"
    largest = float(truth.array.max())
    best, reached = (
        peak_signal_noise_ratio(truth.array, enhanced.volume.array, data_range=largest) for enhanced in (exact, fast)
    )
    assert reached > best - 0.05


@pytest.mark.skipif(not torch.cpu.get_capabilities().get("amx_int8"), reason="this processor has no AMX for int8")
def test_faint_noise_is_not_drowned_in_the_steps_of_the_integers(truth: Volume) -> None:
    noisy = noisy_of(truth, 0.002)
    exact, fast = (enhance(noisy, precision=precision) for precision in ("float32", None))
    assert fast.model.precision == "bfloat16"
    outputs = noisy.array, exact.volume.array, fast.volume.array
    errors = [float(np.mean((output - truth.array) ** 2)) for output in outputs]
    assert errors[2] < 1.05 * errors[1] < errors[0]


@pytest.mark.skipif(not torch.cpu.get_capabilities().get("amx_int8"), reason="this processor has no AMX for int8")
def test_what_integers_cannot_hold_is_seen_and_computed_in_bfloat16() -> None:
    bars = np.full((2, 128, 128), 300.0, np.float32)
    bars[:, 20:108, 20:108:2] = 900.0  # no training saw lines as fine and as bright as these
    noisy = noisy_of(Volume(bars, np.eye(4)), 0.03)
    sigma = 0.03 * 900.0
    exact, fast = (enhance(noisy, noise_sigma=sigma, precision=kind).volume.array for kind in ("bfloat16", None))
    assert np.array_equal(exact, fast)


def test_one_pass_alone_keeps_one_precision(truth: Volume) -> None:
    noisy = noisy_of(truth, 0.03)
    assert enhance(noisy, mirrored=False).model.precision == fast_precision("cpu")
    with pytest.raises(InputError, match="only one pass"):
        enhance(noisy, mirrored=False, precision="bfloat16+int8")


def test_an_unknown_precision_is_refused(truth: Volume) -> None:
    with pytest.raises(InputError, match=r"float32, bfloat16, bfloat16\+int8\."):
        enhance(truth, precision="int4")


def test_a_model_without_ranges_is_not_computed_in_integers(truth: Volume, tmp_path: Path) -> None:
    folder = shutil.copytree(SHIPPED / "denoise", tmp_path / "older")
    tensors = {name: tensor for name, tensor in load_file(folder / "model.safetensors").items() if "ranges" not in name}
    put_weights(folder, tensors)
    noisy = noisy_of(truth, 0.05)
    assert enhance(noisy, model=folder).model.precision == fast_precision("cpu")
    with pytest.raises(InputError, match="does not compute in integers"):
        enhance(noisy, model=folder, precision="bfloat16+int8")


def test_a_model_that_was_trained_anew_is_read_anew(truth: Volume, tmp_path: Path) -> None:
    folder = shutil.copytree(SHIPPED / "denoise", tmp_path / "model")
    noisy = noisy_of(truth, 0.05)
    first = enhance(noisy, model=folder)
    tensors = load_file(folder / "model.safetensors")
    tensors["tail.weight"] *= 0.5
    sha256 = put_weights(folder, tensors)
    second = enhance(noisy, model=folder)
    assert second.model.sha256 == sha256 != first.model.sha256
    assert not np.array_equal(second.volume.array, first.volume.array)


def test_the_mean_with_the_mirror_image_is_nearer_to_the_truth(truth: Volume) -> None:
    noisy = noisy_of(truth, 0.05)
    mirrored = noisy.with_array(noisy.array[:, :, ::-1])
    options = {"precision": "float32", "noise_sigma": 0.05 * float(np.percentile(truth.array, 99.9))}
    once, other = (enhance(volume, mirrored=False, **options).volume.array for volume in (noisy, mirrored))
    both = enhance(noisy, **options).volume.array
    tissue = truth.array > 0.1 * truth.array.max()  # in air what is below 0 is cut off before the mean here
    assert np.allclose(both[tissue], ((once + other[:, :, ::-1]) / 2)[tissue], atol=1e-3 * truth.array.max())
    errors = [float(np.mean((output - truth.array) ** 2)) for output in (once, both)]
    assert errors[1] < errors[0]


def test_intensities_stay_on_the_scale_of_the_input(truth: Volume) -> None:
    noisy = noisy_of(truth, 0.05)
    once = enhance(noisy, precision="float32").volume.array
    larger = enhance(noisy.with_array(64 * noisy.array), precision="float32").volume.array
    assert np.abs(larger / 64 - once).max() < 1e-3 * once.max()


@pytest.mark.parametrize("shape", [(1, 37, 50), (2, 5, 3), (3, 1, 9), (1, 130, 67), (2, 36, 4)])
def test_any_matrix_and_slice_count(shape: tuple[int, int, int]) -> None:
    array = np.random.default_rng(0).rayleigh(20, shape).astype(np.float32)
    out = enhance(Volume(array, np.eye(4))).volume.array
    assert out.shape == shape
    assert np.isfinite(out).all()
    assert out.min() >= 0


def test_series_without_noise_and_empty_slices_come_back_as_they_are(truth: Volume) -> None:
    for value in (0.0, 300.0):
        array = np.full((2, 16, 16), value, np.float32)
        assert np.array_equal(enhance(Volume(array, np.eye(4))).volume.array, array)
    array = noisy_of(truth, 0.05).array.copy()
    array[1] = 0
    out = enhance(truth.with_array(array)).volume.array
    assert not out[1].any()
    assert not np.array_equal(out[0], array[0])


def test_zeroed_background_stays_dark(truth: Volume) -> None:
    tissue = truth.array > 0.05 * truth.array.max()
    masked = truth.with_array(np.where(tissue, noisy_of(truth, 0.05).array, 0))
    out = enhance(masked).volume.array
    inner = np.abs(out - truth.array)[tissue].mean()
    assert inner < np.abs(masked.array - truth.array)[tissue].mean()
    assert out[:, :, -8:].mean() < 0.01 * truth.array.max()


def test_progress_counts_the_slices(truth: Volume) -> None:
    seen: list[tuple[int, int]] = []
    enhance(noisy_of(truth, 0.05), progress=lambda done, of: seen.append((done, of)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_whoever_follows_the_progress_can_stop_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cleaned: list[int] = []
    monkeypatch.setattr(module, "_denoise", lambda passes, around, *_: cleaned.append(1) or around[0])

    def stop(done: int, of: int) -> None:
        raise InterruptedError

    noisy = Volume(np.random.default_rng(0).rayleigh(20, (2000, 16, 16)).astype(np.float32), np.eye(4))
    with pytest.raises(InterruptedError):
        enhance(noisy, noise_sigma=20.0, progress=stop)
    assert len(cleaned) < 1000


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_number_of_threads_changes_nothing_that_counts(truth: Volume, threads: int) -> None:
    noisy = noisy_of(truth, 0.05)
    more, one = (enhance(noisy, threads=n, precision="float32").volume.array for n in (threads, 1))
    assert np.abs(one - more).max() < 1e-4 * truth.array.max()


def test_models_are_named_with_hash_and_version() -> None:
    model = next(model for model in models() if model.name == module.DEFAULT_MODEL)
    assert len(model.sha256) == 64
    with pytest.raises(InputError, match="no model"):
        enhance(Volume(np.ones((1, 8, 8)), np.eye(4)), model="sharpen")


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(SHIPPED / module.DEFAULT_MODEL, folder)
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    with pytest.raises(InputError, match="SHA-256"):
        enhance(Volume(np.ones((1, 8, 8)), np.eye(4)), model=folder)


def test_importing_the_package_does_not_load_torch() -> None:
    modules = "processing.enhancement.enhance, processing.simulate.degrade, processing.simulate.phantom"
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_command_writes_nifti_and_says_what_it_did(
    tmp_path: Path, truth: Volume, capsys: pytest.CaptureFixture
) -> None:
    source, out = tmp_path / "in.nii.gz", tmp_path / "out.nii.gz"
    nifti.write_nifti(noisy_of(truth, 0.05), source)
    assert main(["enhance", str(source), str(out), "--model", module.DEFAULT_MODEL]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["model"]["sha256"] == read_identity(SHIPPED / module.DEFAULT_MODEL).sha256
    assert series.read(out).shape == truth.shape
