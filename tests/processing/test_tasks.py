"""What the tasks besides denoising are taught, and what their models do to a series."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from processing import nifti, series
from processing.__main__ import main
from processing.enhancement.anomalies import filled_by
from processing.enhancement.enhance import enhance
from processing.enhancement.networks.degraded import Degraded, Thickened, degradation_of
from processing.enhancement.networks.samples import Source
from processing.enhancement.thin_slices import parts_for, thinned
from processing.enhancement.training import train
from processing.errors import InputError
from processing.simulate.degrade import Degradation, degrade
from processing.simulate.thickness import interpolated
from processing.volume import Parameters, Volume
from tests.processing import dicom_files
from tests.processing.test_training import lines

SAMPLING = {"batch": 4, "crops": 2, "patch": 32, "scale": [1.0, 1.0], "foreground": 0.0, "air": 0.0}


def blobs(shape: tuple[int, ...] = (4, 64, 72), seed: int = 0) -> np.ndarray:
    """Bright boxes on grey, about 0 to 1."""
    rng = np.random.default_rng(seed)
    array = np.full(shape, 0.2, np.float32)
    for _ in range(60):
        at = [slice(start, start + int(rng.integers(3, 14))) for start in (int(rng.integers(n)) for n in shape)]
        array[tuple(at)] = rng.uniform(0.2, 1)
    return array


def settings(kinds: list[dict[str, Any]], **sampling: Any) -> dict[str, Any]:
    return {
        "seed": 5,
        "sampling": SAMPLING | sampling,
        "degradation": {"clean": 0.0, "kinds": kinds},
        "validation": {"slices": 1, "cases": [{"name": "as trained", **kinds[0]}]},
    }


def sampler(kinds: list[dict[str, Any]], *, estimates: bool = False, slices: int = 1, **sampling: Any) -> Degraded:
    network = SimpleNamespace(slices=slices, estimates=estimates)
    return Degraded([Source("a", "a", (blobs(),))], {"a": 1.0}, settings(kinds, **sampling), network=network)


def test_a_half_matrix_sample_is_the_middle_of_k_space_by_an_independent_formula() -> None:
    case = next(sampler([{"half_matrix": "kspace"}]).cases([Source("a", "a", (blobs(),))]))
    rows, columns = case.truth.shape
    spectrum = np.fft.fftshift(np.fft.fft2(case.truth.astype(np.float64)))
    kept = np.zeros_like(spectrum)
    inner = np.s_[rows // 4 : 3 * rows // 4, columns // 4 : 3 * columns // 4]
    kept[inner] = spectrum[inner]
    assert case.input == pytest.approx(np.abs(np.fft.ifft2(np.fft.ifftshift(kept))), abs=1e-5)
    assert np.array_equal(case.seen[0], case.input)


def test_a_batch_depends_on_seed_and_step_alone_and_shows_the_damage() -> None:
    made = sampler([{"motion": [1.0, 3.0]}])
    later = made.batch(1, 7)
    made.batch(1, 2)
    again = made.batch(1, 7)
    assert np.array_equal(later.noisy, again.noisy)
    assert np.array_equal(later.clean, again.clean)
    assert not np.array_equal(later.noisy, made.batch(1, 8).noisy)
    assert later.noisy.shape == (4, 1, 32, 32)
    assert np.abs(later.noisy - later.clean).max() > 0.05


def test_a_network_that_is_shown_ghosts_sees_where_they_come_from() -> None:
    case = next(sampler([{"ghosting": 0.5}], estimates=True).cases([Source("a", "a", (blobs(),))]))
    source = np.roll(case.truth, len(case.truth) // 2, axis=0)
    assert case.input == pytest.approx(0.75 * case.truth + 0.25 * source, abs=1e-5)
    assert np.array_equal(case.seen[1], case.input)
    assert np.array_equal(case.seen[2], np.roll(case.input, len(case.input) // 2, axis=0))


def test_patches_are_cut_where_the_bar_lies_if_that_is_wanted() -> None:
    batches = [
        sampler([{"patches": True}], changed=share, patch=16).batch(1, step)
        for share in (0.0, 0.3)
        for step in range(12)
    ]
    shares = [np.mean(np.abs(batch.noisy - batch.clean) > 0.02, axis=(1, 2, 3)) for batch in batches]
    anywhere, there = (np.concatenate(part) for part in (shares[:12], shares[12:]))
    assert there.mean() > 2 * anywhere.mean()


def test_what_hardly_needs_a_change_is_taught_late() -> None:
    kinds = [{"half_matrix": "kspace"}, {"patches": True, "later": True}]
    told = settings(kinds) | {"schedule": {"steps": 10}}
    told["degradation"] |= {"clean": 1.0, "later": 0.5}
    made = Degraded(
        [Source("a", "a", (blobs(),))], {"a": 1.0}, told, network=SimpleNamespace(slices=1, estimates=False)
    )
    assert np.abs(made.batch(1, 5).noisy - made.batch(1, 5).clean).max() > 0.01
    assert np.array_equal(made.batch(1, 6).noisy, made.batch(1, 6).clean)
    told["degradation"]["clean"] = 0.0
    only_brighter = [(made.batch(1, step).noisy - made.batch(1, step).clean).min() >= 0 for step in range(1, 13)]
    assert not any(only_brighter[:5])
    assert any(only_brighter[5:])


def test_ranges_are_drawn_within_and_choices_are_taken() -> None:
    kind = {"ghosting": [0.1, 0.3], "ghosting_lines": ["odd", "even"]}
    found = [degradation_of(kind, np.random.default_rng(seed)) for seed in range(40)]
    assert all(one.ghosting is not None and 0.1 <= one.ghosting <= 0.3 for one in found)
    assert {one.ghosting_lines for one in found} == {"odd", "even"}
    assert len({one.seed for one in found}) == 40
    with pytest.raises(InputError, match="does not know"):
        degradation_of({"blur": 2.0}, np.random.default_rng(0))


def test_thick_slices_are_means_and_the_input_a_spline_through_their_middles() -> None:
    array = blobs((12, 10, 8))
    thick = degrade(Volume(array, np.diag([1, 1, 2, 1])), Degradation(thick=3))
    assert thick.array == pytest.approx(np.stack([array[n : n + 3].mean(axis=0) for n in (0, 3, 6, 9)]), abs=1e-6)
    assert thick.affine[2].tolist() == [0, 0, 6, 2]
    smooth = np.sin(np.linspace(0, 3, 40))[:, None, None] * np.ones((1, 2, 2))
    spline = CubicSpline(np.arange(40), smooth, axis=0)((np.arange(80) - 0.5) / 2)
    assert interpolated(smooth.astype(np.float32), 2)[8:-8] == pytest.approx(spline[8:-8], abs=1e-4)


def test_planes_across_thick_slices_are_taught() -> None:
    source = Source("a", "a", (blobs((72, 48, 48)), blobs((40, 48, 48))), cubic=True)
    network = SimpleNamespace(slices=3, estimates=False)
    made = Thickened([source], {"a": 1.0}, settings([{"thick": [2, 3]}]), network=network)
    batch = made.batch(1, 1)
    assert batch.noisy.shape == (4, 3, 32, 32)
    assert 0.005 < np.abs(batch.noisy[:, 1] - batch.clean[:, 0]).mean() < 0.1
    with pytest.raises(InputError, match="needs 64 slices"):
        Thickened([replace(source, stacks=source.stacks[1:])], {"a": 1.0}, settings([{"thick": 2}]), network=network)


CONFIG = """
task = "{task}"
seed = 3

[model]
name = "tiny"
version = "0"
description = "For a test."
use = "Test."
licence = "None."
data = "Random boxes."
limits = "All."

[network]
channels = [8, 8]
blocks = [1, 1, 1]
slices = {slices}
estimates = {estimates}

[schedule]
steps = 6
epoch = 3
log_every = 2
rate = 3e-3
warm_up = 2
average = 0.5
precision = "float32"
threads = 1
losses = [{{ name = "l1", until = 1.0 }}]

[sampling]
batch = 2
crops = 1
patch = 32
scale = [0.8, 1.2]
foreground = 0.2
air = 0.1

[degradation]
clean = 0.1

[[degradation.kinds]]
{kind}

[validation]
slices = 1
cases = [{{ name = "degraded", {kind} }}]

[data]
[[data.groups]]
name = "boxes"
weight = 1.0
subject = "(subject\\\\d)"
about = "boxes"
train = ["subject[12]*.nii.gz"]
validation = ["subject3*.nii.gz"]
"""
OF = {
    "restore": CONFIG.format(task="restore", slices=1, estimates="true", kind="ghosting = 0.5"),
    "inpaint": CONFIG.format(task="inpaint", slices=1, estimates="false", kind="patches = true"),
    "thin-slices": CONFIG.format(task="thin-slices", slices=3, estimates="false", kind="thick = 2"),
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for subject in (1, 2, 3):
        volume = Volume(1000 * blobs((72, 72, 64), subject), np.eye(4))
        nifti.write_nifti(volume, folder / f"subject{subject}.nii.gz")
    return folder


@pytest.mark.parametrize("task", list(OF))
def test_every_task_trains_goes_on_after_an_interruption_and_enhances(task: str, data: Path, tmp_path: Path) -> None:
    config = tmp_path / "tiny.toml"
    config.write_text(OF[task])
    options = {"config": config, "data": data, "progress": lambda line: None}
    whole = train(task, out=tmp_path / "whole", **options)
    train(task, out=tmp_path / "twice", stop_at=3, **options)
    twice = train(task, out=tmp_path / "twice", **options)
    assert (twice / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert lines(twice) == lines(whole)
    volume = Volume(1000 * blobs((6, 40, 36)), np.diag([1, 1, 3, 1]))
    found = enhance(volume, model=whole, precision="float32")
    assert (found.noise_sigma, found.noise_method) == (None, "not needed")
    assert found.volume.array.min() >= 0
    if task == "inpaint":  # which changes but what a bar explains, and nothing else unless it fills
        assert np.array_equal(found.volume.array, volume.array)
        assert not np.array_equal(filled_by(whole)(volume), volume.array)
    else:
        assert not np.array_equal(found.volume.array[: len(volume.array)], volume.array)
    if task == "thin-slices":
        assert found.volume.shape == (18, 40, 36)
        assert found.volume.affine[2].tolist() == [0, 0, 1, -1]
    else:
        assert found.volume.shape == volume.shape
        with pytest.raises(InputError, match="no thin slices"):
            enhance(volume, model=whole, parts=2)


def test_a_configuration_of_another_task_is_refused(data: Path, tmp_path: Path) -> None:
    config = tmp_path / "tiny.toml"
    config.write_text(OF["restore"])
    with pytest.raises(InputError, match="is for the task restore, not inpaint"):
        train("inpaint", config=config, data=data, out=tmp_path / "model")
    config.write_text(OF["restore"].replace("clean = 0.1", ""))
    with pytest.raises(InputError, match=r"lacks degradation\.clean"):
        train("restore", config=config, data=data, out=tmp_path / "model")


def test_thin_slices_fill_the_space_of_the_thick_ones() -> None:
    volume = Volume(blobs((5, 16, 16)), np.diag([1, 1, 4, 1]), parameters=Parameters(slice_thickness=4.0))
    assert parts_for(volume) == 4
    found = thinned(volume, 4)
    assert found.parameters.slice_thickness == 1
    ends = ([-0.5, 4.5], [-0.5, 19.5])  # indices of the outer faces
    places = [
        one.affine[2, 2] * np.array(end) + one.affine[2, 3] for one, end in zip((volume, found), ends, strict=True)
    ]
    assert places[0] == pytest.approx(places[1])
    for parts, wrong in ((5, volume), (2, replace(volume, array=volume.array[:1]))):
        with pytest.raises(InputError, match="thin"):
            thinned(wrong, parts)


@pytest.mark.parametrize(("thickness", "thick", "said"), [(1.6, 5.6, "gaps"), (1.95, 5.95, ""), (3.0, 7.0, "overlap")])
def test_thick_slices_reach_from_face_to_face_and_gaps_are_said(thickness: float, thick: float, said: str) -> None:
    volume = Volume(blobs((6, 16, 16)), np.diag([1, 1, 2, 1]), parameters=Parameters(slice_thickness=thickness))
    for made in (degrade(volume, Degradation(thick=3)), thinned(volume, 2)):
        assert [one.code for one in made.cautions] == ["gaps"] * bool(said)
        assert all(said in one.text for one in made.cautions)
    assert degrade(volume, Degradation(thick=3)).parameters.slice_thickness == pytest.approx(thick)


def test_the_command_says_that_slices_have_gaps(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    dicom_files.series(tmp_path / "in", dicom_files.pixels(4), SliceThickness=2.0)
    assert main(["degrade", str(tmp_path / "in"), str(tmp_path / "out"), "--thick", "2"]) == 0
    assert "The slices have gaps (2 mm thick, 3 mm apart)" in capsys.readouterr().err
    assert series.read(tmp_path / "out").parameters.slice_thickness == pytest.approx(5)


def test_the_command_makes_thick_slices(tmp_path: Path) -> None:
    source = nifti.write_nifti(Volume(1000 * blobs((6, 24, 24)), np.eye(4)), tmp_path / "thin.nii.gz")
    assert main(["degrade", str(source), str(tmp_path / "thick.nii.gz"), "--thick", "3"]) == 0
    found = series.read(tmp_path / "thick.nii.gz")
    assert found.shape == (2, 24, 24)
    assert found.spacing[2] == pytest.approx(3)
    assert main(["degrade", str(source), str(tmp_path / "none.nii.gz"), "--thick", "1"]) == 2
