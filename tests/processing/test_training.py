"""Training learns, survives kill -9 without a trace, and never mixes subjects."""

from __future__ import annotations

import hashlib
import json
import math
import signal
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open
from tensorboardX.proto.event_pb2 import Event

from benchmarks.training_choices import configuration
from processing import nifti
from processing.enhancement.enhance import DEFAULT_MODEL, enhance
from processing.enhancement.networks import samples
from processing.enhancement.networks.registry import build
from processing.enhancement.networks.samples import Sampler, Source
from processing.enhancement.networks.store import SHIPPED
from processing.enhancement.training import train
from processing.enhancement.training_log import contact_sheet
from processing.errors import InputError
from processing.volume import Volume
from tests.processing import dicom_files

CONFIG = """
seed = 3

[model]
name = "tiny"
version = "0"
description = "For a test."
use = "Test."
licence = "None."
data = "Random shapes."
limits = "All."

[network]
channels = [8, 16]
blocks = [1, 1, 1]

[schedule]
steps = 60
epoch = 20
log_every = 10
rate = 3e-3
warm_up = 5
average = 0.9
precision = "float32"
threads = 1
losses = [{ name = "l1", until = 1.0 }]

[sampling]
batch = 4
patch = 32
sigma = [0.02, 0.10]
scale = [0.8, 1.2]
foreground = 0.2
air = 0.1
zero_filled = 0.25
zero_fill_least = 0.5

[validation]
slices = 2
sigma = [0.05]

[data]
[[data.groups]]
name = "shapes"
weight = 1.0
subject = "(subject\\\\d)"
about = "shapes"
train = ["subject[12]*.nii.gz"]
validation = ["subject3*.nii.gz"]
"""


@pytest.fixture
def material(tmp_path: Path) -> tuple[Path, Path]:
    """Configuration and folder of three subjects made of random discs."""
    folder = tmp_path / "data"
    folder.mkdir()
    for subject in (1, 2, 3):
        rng = np.random.default_rng(subject)
        rows, columns = np.mgrid[:96, :90]
        array = np.zeros((4, 96, 90))
        for slice_ in array:
            for _ in range(12):
                row, column, radius = rng.uniform(10, 80), rng.uniform(10, 80), rng.uniform(4, 20)
                slice_[np.hypot(rows - row, columns - column) < radius] = rng.uniform(100, 1000)
        nifti.write_nifti(Volume(array, np.diag([1, 1, 5, 1])), folder / f"subject{subject}.nii.gz")
    config = tmp_path / "tiny.toml"
    config.write_text(CONFIG)
    return config, folder


def lines(folder: Path) -> list[dict]:
    """The log without the seconds of its epochs, which no training has twice."""
    found = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert all(line.pop("seconds") >= 0 for line in found if "validation" in line)
    return found


def test_a_short_training_learns_and_leaves_a_model(material: tuple[Path, Path], tmp_path: Path) -> None:
    config, data = material
    said: list[str] = []
    out = train("denoise", config=config, data=data, out=tmp_path / "model", progress=said.append)
    last = lines(out)[-1]["validation"]["shapes at 5 %"]
    assert last["output"] > last["input"] + 1
    assert any("min left" in line for line in said)
    assert any("min for this epoch" in line for line in said)
    assert {file.name for file in out.iterdir()} >= {
        "model.safetensors",
        "identity.json",
        "config.toml",
        "card.md",
        "metrics.json",
    }
    assert "Random shapes." in (out / "card.md").read_text()
    noisy = Volume(np.random.default_rng(0).rayleigh(50, (1, 40, 40)), np.eye(4))
    assert enhance(noisy, model=out).model.name == "tiny"
    with safe_open(out / "model.safetensors", "pt") as file:
        ends = file.get_tensor("ranges.encoder.0.first")
    assert ends.shape == (2, 8)
    assert (ends[0] >= 0).all()  # after a ReLU
    assert (ends[1] >= ends[0]).all()
    assert ends[1].any()


def test_after_a_restart_the_rate_begins_anew_and_nothing_before_it_changes(
    material: tuple[Path, Path], tmp_path: Path
) -> None:
    config, data = material
    longer = tmp_path / "longer.toml"
    longer.write_text(CONFIG.replace("rate = 3e-3", "rate = 3e-3\nrestarts = [60]\nrestart_rates = [1e-3]"))
    longer.write_text(longer.read_text().replace("steps = 60", "steps = 80"))
    once, twice = (
        [
            line
            for line in lines(train("denoise", config=c, data=data, out=tmp_path / c.stem, progress=print))
            if "loss" in line
        ]
        for c in (config, longer)
    )
    assert twice[: len(once)] == once
    assert [line["rate"] for line in twice[-3:]] == pytest.approx([3.2e-5, 5.8e-4, 1.6e-5], rel=0.02)


@pytest.mark.parametrize("words", ["restarts = [40]", "restarts = [60]\nrestart_rates = [1e-3]"])
def test_restarts_that_cannot_be_are_refused_at_once(material: tuple[Path, Path], tmp_path: Path, words: str) -> None:
    config, data = material
    config.write_text(CONFIG.replace("rate = 3e-3", f"rate = 3e-3\n{words}"))
    with pytest.raises(InputError, match="restart_rates"):
        train("denoise", config=config, data=data, out=tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("words", "instead", "match"),
    [
        ("until = 1.0", "until = 0.5", "rises to 1.0"),
        ('precision = "float32"', 'precision = "float16"', "float32 or bfloat16"),
        ("patch = 32", "patch = 30", "multiple of 4"),
        ("rate = 3e-3", "", "lacks schedule.rate"),
        ("blocks = [1, 1, 1]", "blocks = [1, 1, 1]\nslices = 3", "lacks sampling.alone"),
        ("[sampling]", "[sampling", "no TOML"),
    ],
)
def test_a_configuration_that_cannot_be_trained_is_refused_at_once(
    material: tuple[Path, Path], tmp_path: Path, words: str, instead: str, match: str
) -> None:
    config, data = material
    config.write_text(CONFIG.replace(words, instead))
    with pytest.raises(InputError, match=match):
        train("denoise", config=config, data=data, out=tmp_path / "model")
    assert not (tmp_path / "model").exists()
    with pytest.raises(InputError, match="cannot be read"):
        train("denoise", config=tmp_path / "absent.toml", data=data, out=tmp_path / "model")


def test_the_card_says_where_the_model_is_worse_than_its_input(material: tuple[Path, Path], tmp_path: Path) -> None:
    config, data = material
    config.write_text(CONFIG.replace("steps = 60", "steps = 2").replace("rate = 3e-3", "rate = 5.0"))
    out = train("denoise", config=config, data=data, out=tmp_path / "model", progress=lambda line: None)
    row = json.loads((out / "metrics.json").read_text())["validation_psnr_db"]["shapes at 5 %"]
    assert row["output"] < row["input"]
    assert "No nearer to the truth than the noisy slices: shapes at 5 % (whole)" in (out / "card.md").read_text()


def test_the_log_goes_on_as_if_the_training_had_not_been_interrupted(
    material: tuple[Path, Path], tmp_path: Path
) -> None:
    config, data = material
    config.write_text(CONFIG.replace("steps = 60", "steps = 20").replace("epoch = 20", "epoch = 5"))
    options = {"config": config, "data": data, "progress": lambda line: None}
    whole = train("denoise", out=tmp_path / "whole", **options)
    train("denoise", out=tmp_path / "twice", stop_at=15, **options)  # between two lines of the log
    assert lines(train("denoise", out=tmp_path / "twice", **options)) == lines(whole)


def test_a_killed_training_ends_as_if_it_had_not_been_killed(material: tuple[Path, Path], tmp_path: Path) -> None:
    config, data = material
    whole = train("denoise", config=config, data=data, out=tmp_path / "whole", progress=lambda line: None)
    out = tmp_path / "killed"
    slow = (
        "import sys, time, processing.enhancement.training as t;"
        "step = t._Training._update;"
        "t._Training._update = lambda self, batch: (time.sleep(0.05), step(self, batch))[1];"
        "from processing.__main__ import main; main(sys.argv[1:])"
    )
    words = ["train", "denoise", "--config", str(config), "--data", str(data), "--out", str(out)]
    process = subprocess.Popen([sys.executable, "-c", slow, *words], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (out / "checkpoint.pt").exists() or len(lines(out)) < 4:  # beyond the first checkpoint
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert lines(out)[-1]["step"] < 60
    said: list[str] = []
    train("denoise", config=config, data=data, out=out, progress=said.append)
    assert said[0].startswith("going on from step")
    assert (out / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert lines(out) == lines(whole)


def test_a_finished_training_takes_new_words_but_keeps_its_weights(material: tuple[Path, Path], tmp_path: Path) -> None:
    config, data = material
    config.write_text(CONFIG.replace("steps = 60", "steps = 4"))
    out = train("denoise", config=config, data=data, out=tmp_path / "model", progress=lambda line: None)
    weights, log = (out / "model.safetensors").read_bytes(), lines(out)
    config.write_text(CONFIG.replace("steps = 60", "steps = 4").replace("For a test.", "For two tests."))
    train("denoise", config=config, data=data, out=out, progress=lambda line: None)
    assert (out / "model.safetensors").read_bytes() == weights
    assert lines(out) == log
    assert "For two tests." in (out / "card.md").read_text()


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    stack = np.random.default_rng(0).uniform(0, 1, (3, 80, 80)).astype(np.float32)
    settings = {
        "batch": 2,
        "patch": 32,
        "sigma": [0, 0.1],
        "scale": [0.5, 1.2],
        "gamma": [0.7, 1.4],
        "foreground": 0.3,
        "air": 0.1,
        "zero_filled": 0.5,
        "zero_fill_least": 0.5,
    }
    whole = {"sampling": settings, "validation": {}, "seed": 0}
    sampler = Sampler([Source("a", "a", (stack,))], {"a": 1.0}, whole, network=build({}))
    later = sampler.batch(1, 7)
    sampler.batch(1, 2)
    again = sampler.batch(1, 7)
    assert np.array_equal(later.noisy, again.noisy)
    assert np.array_equal(later.sigma, again.sigma)
    assert not np.array_equal(later.clean, sampler.batch(1, 8).clean)
    assert not np.array_equal(later.clean, sampler.batch(2, 7).clean)
    assert later.noisy.shape == (2, 1, 32, 32)


def test_coarser_matrices_are_what_a_coarser_scan_would_show(material: tuple[Path, Path]) -> None:
    groups = [{"name": "a", "subject": "(subject.)", "train": ["subject1.nii.gz"]}]
    data = {"groups": groups, "coarser": [0.5]}
    fine, coarse = samples.load(material[1], data, "train", smallest=32, seed=0)[0].stacks
    assert (fine.shape, coarse.shape) == ((4, 96, 90), (4, 48, 44))
    means = fine[:, :, 1:89].reshape(4, 48, 2, 44, 2).mean(axis=(2, 4))
    assert np.corrcoef(coarse.ravel(), means.ravel())[0, 1] > 0.98
    assert coarse.mean() == pytest.approx(fine.mean(), rel=0.05)  # the magnitude of ringing adds a little


def test_plane_resolution_and_part_of_the_stack_can_be_chosen(tmp_path: Path) -> None:
    array = np.random.default_rng(0).uniform(1, 9, (40, 36, 32))
    nifti.write_nifti(Volume(array, np.eye(4)), tmp_path / "cube.nii.gz")
    groups = [{"name": "a", "subject": "(cube)", "train": ["cube.nii.gz"]}]

    def shapes(**choice: object) -> list[tuple[int, ...]]:
        (source,) = samples.load(tmp_path, {"groups": groups} | choice, "train", smallest=16, seed=0)
        return [stack.shape for stack in source.stacks]

    assert shapes() == [(40, 36, 32), (36, 40, 32), (32, 40, 36)]
    assert shapes(plane="axial") == [(40, 36, 32)]  # across z
    assert shapes(plane="coronal") == [(36, 40, 32)]
    assert shapes(plane="sagittal") == [(32, 40, 36)]
    assert shapes(plane="axial", slice_range=[0.25, 0.5]) == [(10, 36, 32)]
    assert shapes(plane="axial", resolution=18) == [(40, 18, 16)]
    with pytest.raises(InputError, match="no usable volume"):
        shapes(plane="oblique")


def test_a_resolution_of_32_can_be_trained_where_slices_are_degraded_whole(
    material: tuple[Path, Path], tmp_path: Path
) -> None:
    config, data = material
    text = configuration({"data": "resolution = 32"}, 2).replace("patch = 32", "patch = 28")
    config.write_text(text[: text.index("[[data.groups]]")] + CONFIG[CONFIG.index("[[data.groups]]") :])
    line = lines(train("inpaint", config=config, data=data, out=tmp_path / "model"))[-1]
    assert "output_patch" in line["validation"]["shapes one bar per slice"]


def test_a_gpu_that_is_not_there_is_refused_in_words(
    material: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, data = material
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(InputError, match="no CUDA device here"):
        train("denoise", config=config, data=data, out=tmp_path / "model", device="cuda")
    assert not (tmp_path / "model").exists()


def test_slices_lie_as_they_were_where_that_is_wanted() -> None:
    stack = np.arange(12.0).reshape(1, 3, 4)
    assert samples.turned(stack, np.random.default_rng(0), {"turned": False}) is stack
    ways = {samples.turned(stack, np.random.default_rng(seed), {}).tobytes() for seed in range(60)}
    assert len(ways) == 8


def test_a_subject_in_two_parts_is_refused(material: tuple[Path, Path], tmp_path: Path) -> None:
    config, data = material
    config.write_text(CONFIG.replace("subject3*", "subject2*"))
    with pytest.raises(InputError, match="two parts"):
        train("denoise", config=config, data=data, out=tmp_path / "model")


def test_a_folder_of_another_training_is_refused(material: tuple[Path, Path], tmp_path: Path) -> None:
    config, data = material
    config.write_text(CONFIG.replace("steps = 60", "steps = 4"))
    train("denoise", config=config, data=data, out=tmp_path / "model", progress=lambda line: None)
    config.write_text(CONFIG.replace("steps = 60", "steps = 5"))
    with pytest.raises(InputError, match="another configuration"):
        train("denoise", config=config, data=data, out=tmp_path / "model", progress=lambda line: None)


def test_training_stops_early_and_keeps_the_best_weights(material: tuple[Path, Path], tmp_path: Path) -> None:
    config, data = material
    # A rate that only harms: the first epoch stays the best.
    harmful = CONFIG.replace("epoch = 20", "epoch = 5\npatience = 2").replace("rate = 3e-3", "rate = 0.3")
    config.write_text(harmful.replace("average = 0.9", "average = 0.0"))
    said: list[str] = []
    out = train("denoise", config=config, data=data, out=tmp_path / "model", progress=said.append)
    scores = {line["step"]: line["validation"]["shapes at 5 %"] for line in lines(out) if "validation" in line}
    best = max(scores, key=lambda step: scores[step]["output_foreground"])
    assert max(scores) == best + 10 < 60
    assert any(f"no better since step {best}" in line for line in said)
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["validation_psnr_db"]["shapes at 5 %"] == scores[best]
    again = train("denoise", config=config, data=data, out=out, progress=said.append)
    kept = json.loads((again / "metrics.json").read_text())
    assert kept["validation_psnr_db"]["shapes at 5 %"] == scores[best]
    assert metrics["steps"] == kept["steps"] == max(scores)


def test_tensorboard_and_people_can_follow_a_training(material: tuple[Path, Path], tmp_path: Path) -> None:
    config, data = material
    config.write_text(CONFIG.replace("steps = 60", "steps = 20"))
    out = train("denoise", config=config, data=data, out=tmp_path / "model", progress=lambda line: None)
    found = {}
    for file in (out / "tensorboard").iterdir():
        content = file.read_bytes()
        while content:  # TFRecord: length, its checksum, an Event, its checksum
            length = int.from_bytes(content[:8], "little")
            event = Event.FromString(content[12 : 12 + length])
            found |= {(value.tag, event.step): value for value in event.summary.value}
            content = content[16 + length :]
    (row,) = next(line for line in lines(out) if "validation" in line)["validation"].values()
    assert {"loss", "output_mse", "output_ssim", "output_mse_foreground", "output_ssim_foreground"} <= set(row)
    assert row["output_mse"] == pytest.approx(10 ** (-row["output"] / 10), rel=0.5)  # the mean of some PSNR
    assert row["loss"] < 0.2  # L1
    loss = next(line for line in lines(out) if "loss" in line and line["step"] == 20)["loss"]
    assert found["loss", 20].simple_value == pytest.approx(loss)
    assert found["output_foreground/shapes_at_5_percent", 20].simple_value > 10
    assert ("seconds_per_epoch", 20) in found
    assert found["input_output_truth_difference", 20].image.encoded_image_string.startswith(b"\x89PNG")
    picture = np.asarray(Image.open(out / "samples/step-0000020.png"))
    assert picture.shape == (100, 368)  # four images of 96 x 88 and gaps


def test_the_sheet_shows_where_the_output_differs_from_the_truth() -> None:
    truth = np.full((4, 4), 0.5)
    output = truth + 0.05
    sheet = contact_sheet([(truth, output, truth)])
    assert sheet[0, 3 * 8] == round(0.75 * 255)
    assert sheet[0, 0] == sheet[0, 2 * 8] == 128


def test_subjects_are_dealt_to_the_parts_by_the_stored_seed(material: tuple[Path, Path], tmp_path: Path) -> None:
    config, data = material
    lot = 'files = ["*.nii.gz"]\nsplit = [1, 1, 1]\n'
    config.write_text(CONFIG.split("train = [")[0].replace("steps = 60", "steps = 2") + lot)
    parts = []
    for name in ("one", "two"):
        out = train("denoise", config=config, data=data, out=tmp_path / name, progress=lambda line: None)
        parts.append(json.loads((out / "metrics.json").read_text())["volumes"])
    assert parts[0] == parts[1]
    assert sorted(chain(*parts[0].values())) == [f"subject{n}.nii.gz" for n in (1, 2, 3)]
    card = (tmp_path / "one" / "card.md").read_text()
    assert f"| {parts[0]['test'][0]} at 5 % |" in card
    assert hashlib.sha256((tmp_path / "one" / "model.safetensors").read_bytes()).hexdigest() in card


def test_a_folder_of_dicom_files_is_one_volume(material: tuple[Path, Path], tmp_path: Path) -> None:
    config, data = material
    folder = data / "subject1"
    dicom_files.series(folder, dicom_files.pixels(rows=80, columns=80))
    config.write_text(CONFIG.replace("steps = 60", "steps = 2").replace('"subject[12]*.nii.gz"', '"subject1"'))
    out = train("denoise", config=config, data=data, out=tmp_path / "model", progress=lambda line: None)
    assert json.loads((out / "metrics.json").read_text())["volumes"]["train"] == ["subject1"]


@pytest.mark.parametrize("network", ['architecture = "dncnn"\ndepth = 3\nchannels = 4', "slices = 3"])
def test_other_networks_train_and_enhance(material: tuple[Path, Path], tmp_path: Path, network: str) -> None:
    config, data = material
    words = CONFIG.replace("steps = 60", "steps = 2").replace("[validation]", "alone = 0.2\n[validation]")
    shape = network if "dncnn" in network else f"channels = [8, 16]\nblocks = [1, 1, 1]\n{network}"
    config.write_text(words.replace("channels = [8, 16]\nblocks = [1, 1, 1]", shape))
    out = train("denoise", config=config, data=data, out=tmp_path / "model", progress=lambda line: None)
    noisy = Volume(np.random.default_rng(0).rayleigh(50, (3, 41, 39)), np.eye(4))
    assert enhance(noisy, model=out).volume.shape == (3, 41, 39)


def test_unknown_tasks_and_absent_data_are_refused(material: tuple[Path, Path], tmp_path: Path) -> None:
    config, _ = material
    with pytest.raises(InputError, match="task"):
        train("sharpen", config=config, data=tmp_path, out=tmp_path / "model")
    with pytest.raises(InputError, match="No training file"):
        train("denoise", config=config, data=tmp_path / "nowhere", out=tmp_path / "model")


def test_the_committed_configuration_trains_the_shipped_network(real_data: Path, tmp_path: Path) -> None:
    shipped = SHIPPED / DEFAULT_MODEL
    settings = (shipped / "config.toml").read_text().split("[data]")[0]
    config = tmp_path / "config.toml"
    config.write_text(
        settings
        + """
[data]
[[data.groups]]
name = "few"
weight = 1
subject = "(right_hip|spine_sct)"
about = "two of the volumes"
train = ["hip/*.nii"]
validation = ["spine_sct/mt0.nii.gz"]
"""
    )
    data = real_data / "training"
    out = train("denoise", config=config, data=data, out=tmp_path / "model", progress=lambda line: None, stop_at=2)
    made, whole = (json.loads((folder / "metrics.json").read_text()) for folder in (out, shipped))
    assert (made["steps"], made["of"]) == (2, whole["of"])
    assert made["parameters"] == whole["parameters"]
    assert [line["step"] for line in lines(out)] == [2]
    assert math.isfinite(lines(out)[0]["validation"]["few at 5 %"]["output"])
