"""Models in ONNX: taken where they fit, refused in words where they do not, run in a process of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from processing.__main__ import main
from processing.enhancement.enhance import enhance
from processing.enhancement.networks.model_record import weights_problem
from processing.enhancement.networks.store import read_identity
from processing.enhancement.onnx import run as onnx_run
from processing.enhancement.onnx.adopt import adopt
from processing.enhancement.onnx.graph import asked_by, ensure_taken
from processing.enhancement.onnx.run import clean
from processing.errors import InputError
from processing.ingest.confined import ProcessLimits, run
from processing.nifti import write_nifti
from processing.volume import Volume
from tests.processing import onnx_models as made

MANIFEST = """
[model]
name = "dept"
version = "2"
description = "A department's own."
use = "Tests."
licence = "CC0"
data = "None."
limits = "It has learnt nothing."

[onnx]
"""


def taken(tmp_path, data: bytes, lines: str = ""):
    """The folder of an adopted model."""
    (tmp_path / "m.onnx").write_bytes(data)
    (tmp_path / "m.toml").write_text(MANIFEST + lines)
    adopt(tmp_path / "m.onnx", tmp_path / "m.toml", tmp_path / "dept")
    return tmp_path / "dept"


def volume() -> Volume:
    return Volume(100 * np.random.default_rng(1).random((3, 19, 30)) + 5, np.diag([1.0, 1.0, 3.0, 1.0]))


def test_a_model_that_fits_makes_what_its_graph_says(tmp_path, capsys):
    folder = taken(tmp_path, made.times(0.5))
    found, seen = volume(), []
    enhanced = enhance(found, model=folder, progress=lambda *n: seen.append(n))
    np.testing.assert_allclose(enhanced.volume.array, found.array / 2, rtol=1e-6)
    assert seen[-1] == (3, 3)
    assert (enhanced.model.name, enhanced.model.version) == ("dept", "2")
    assert "were changed by" in (folder / "card.md").read_text()
    source = write_nifti(found, tmp_path / "in.nii.gz")
    assert main(["enhance", str(source), str(tmp_path / "out.nii.gz"), "--model", str(folder)]) == 0


@pytest.mark.parametrize(
    ("data", "lines", "of"),
    [
        (made.middle_of_three(), "slices = 3", lambda array: array),
        (made.times(0.25), 'output = "noise"\nscale = "max"', lambda array: 0.75 * array),
        (made.level_taken_off(), 'noise_level = true\nscale = "none"', lambda array: np.maximum(array - 7, 0)),
    ],
    ids=["slices", "noise", "level"],
)
def test_slices_noise_and_level_are_given_and_taken_as_the_manifest_says(tmp_path, data, lines, of):
    folder, given = taken(tmp_path, data, lines), volume()
    found = enhance(given, model=folder, noise_sigma=7.0).volume.array
    np.testing.assert_allclose(found, of(given.array), rtol=1e-5)


X = ("x", (1, 1, *made.ROWS))


@pytest.mark.parametrize(
    ("data", "lines", "said"),
    [
        (b"PK\x03\x04 no model", "", "no ONNX model"),
        (made.times(2)[:-9], "", "no ONNX model"),
        (made.model(made.node("FusedConv", ("x",), "y", domain="com.microsoft")), "", "com.microsoft.FusedConv"),
        (made.model(made.node("Mul", ("x", "c"), "y"), tensors=[made.tensor("c", [1], external=True)]), "", "one file"),
        (made.model(made.node("NoSuch", ("x",), "y")), "", "does not load the model"),
        (made.times(1), "slices = 3", "takes 1 slices at once; its manifest says 3"),
        (made.times(1), "noise_level = true", "1 inputs and 1 outputs; its manifest says 2"),
        (made.times(1), "slices = 2", "slices in [onnx] is 1, 3, 5 or 7"),
        (made.times(1), "colour = 2", "not colour"),
        (made.model(made.node("Concat", ("x", "x"), "y", axis=2)), "", "it must give one slice of the same size"),
        (made.times(float("nan")), "", "no numbers"),
        (
            made.model(
                made.node("Identity", ("x",), "y"),
                inputs=[made.value(*X, made.DOUBLE)],
                outputs=[made.value("y", X[1], made.DOUBLE)],
            ),
            "",
            "float32",
        ),
        (
            made.model(
                made.node("Identity", ("x",), "y"),
                inputs=[made.value("x", (1, 1, 64, 64))],
                outputs=[made.value("y", (1, 1, 64, 64))],
            ),
            "",
            "takes 64 × 64 pixels only",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_model_that_does_not_fit_is_refused_in_words_and_leaves_nothing(tmp_path, data, lines, said):
    with pytest.raises(InputError) as refused:
        taken(tmp_path, data, lines)
    assert said in str(refused.value)
    assert not (tmp_path / "dept").exists()


def test_a_model_that_takes_too_long_is_stopped(tmp_path):
    folder = taken(tmp_path, made.times(1))
    identity = enhance(volume(), model=folder).model
    with pytest.raises(InputError, match="The model “dept” was stopped"):
        clean(volume(), folder, identity.sha256, noise_sigma=1, limits=ProcessLimits(wall_seconds=0.01))


def test_another_file_than_the_adopted_one_is_not_run(tmp_path):
    folder = taken(tmp_path, made.times(1))
    (folder / "model.onnx").write_bytes(made.times(3))
    with pytest.raises(InputError, match="do not match their recorded SHA-256"):
        enhance(volume(), model=folder)


@pytest.mark.parametrize("line", ['output = "noise"', "slices = 3", "colour = 2"])
def test_other_settings_than_the_adopted_ones_are_not_used_and_said(tmp_path, line):
    folder = taken(tmp_path, made.times(1))
    assert weights_problem(folder) == ""
    with (folder / "config.toml").open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(InputError, match=r"config\.toml, do not match their recorded SHA-256"):
        enhance(volume(), model=folder)
    assert "do not match" in weights_problem(folder)
    (folder / "config.toml").unlink()
    assert weights_problem(folder) == "config.toml is not there; restore it."


def test_the_same_graph_with_other_settings_is_another_model(tmp_path):
    hashes = set()
    for name, line in (("one", ""), ("two", 'output = "noise"'), ("three", "# a comment")):
        (tmp_path / name).mkdir()
        hashes.add(read_identity(taken(tmp_path / name, made.times(1), line)).sha256)
    assert len(hashes) == 2


def test_a_magnitude_does_not_become_negative(tmp_path):
    assert enhance(volume(), model=taken(tmp_path, made.times(-1))).volume.array.max() == 0


@pytest.mark.parametrize("asked", [{"device": "cuda"}, {"parts": 3}, {"precision": "bfloat16"}], ids=str)
def test_what_a_model_in_onnx_cannot_do_is_refused(tmp_path, asked):
    folder = taken(tmp_path, made.times(1))
    with pytest.raises(InputError, match="leave out device, precision and parts"):
        enhance(volume(), model=folder, **asked)


def test_operators_in_graphs_within_graphs_are_found():
    inner = made.node("Evil", ("a",), "b", domain="org.evil")
    branch = made._bytes(5, made._bytes(1, "then_branch") + made._bytes(6, made._bytes(1, inner)))
    outer = made.node("If", ("x",), "y") + branch
    with pytest.raises(InputError, match=r"org\.evil\.Evil"):
        ensure_taken(asked_by(made.model(outer)))


def attribute(field: int, content: bytes) -> bytes:
    """Of a node."""
    return made._bytes(5, made._bytes(1, "value") + made._bytes(field, content))


@pytest.mark.parametrize(
    "data",
    [
        made.model(made.node("Mul", ("x", "c"), "y"), sparse_tensors=[made.sparse("c", external=True)]),
        made.model(made.node("Constant", (), "y") + attribute(22, made.sparse("", external=True))),
        made.model(made.node("Constant", (), "y") + attribute(23, made.sparse("", external=True))),
    ],
    ids=["initializer", "attribute", "attributes"],
)
def test_weights_of_sparse_tensors_in_other_files_are_found(data):
    with pytest.raises(InputError, match="export it as one file"):
        ensure_taken(asked_by(data))


def test_sparse_tensors_within_the_file_are_taken():
    ensure_taken(asked_by(made.model(made.node("Mul", ("x", "c"), "y"), sparse_tensors=[made.sparse("c")])))


@pytest.mark.parametrize("above", [1 << 32, 1 << 35, 1 << 60])
def test_what_stands_behind_longer_tags_is_not_passed_over(above):
    hidden = made.node("Gelu", ("x",), "y") + made._bytes(7, "com.microsoft", above=above)
    with pytest.raises(InputError, match="no ONNX model"):
        ensure_taken(asked_by(made.model(hidden)))


@pytest.mark.parametrize("names", [[f"N{n}" for n in range(3000)], ["N" * 10_000]], ids=["many", "long"])
def test_more_operators_than_there_are_and_endless_names_are_no_model(names):
    with pytest.raises(InputError, match="no ONNX model"):
        asked_by(made.model(*(made.node(name, ("x",), "y") for name in names)))


def test_a_model_is_run_from_a_folder_of_its_own(tmp_path, monkeypatch):
    folder, beside = taken(tmp_path, made.times(1)), []

    def confined(function, arguments, **others):
        beside.extend(file.name for file in Path(arguments["model"]).parent.iterdir())
        return run(function, arguments, **others)

    monkeypatch.setattr(onnx_run, "run", confined)
    enhance(volume(), model=folder)
    assert beside == ["model.onnx"]
