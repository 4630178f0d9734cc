"""What a model folder tells, whole, in part and damaged."""

import json
import subprocess
import sys

import pytest

from processing.enhancement.enhance import DEFAULT_MODEL
from processing.enhancement.networks.model_record import find_models, read_record, weights_problem
from processing.enhancement.networks.store import SHIPPED
from processing.errors import InputError
from tests.material.models import make_model


def test_the_default_model_is_described_in_full():
    record = read_record(DEFAULT_MODEL)
    assert record.card.startswith(f"# {DEFAULT_MODEL} ")
    assert record.metrics["parameters"] > 10_000
    assert record.use
    assert record.limits
    assert record.groups
    assert record.measured("shipped")
    assert weights_problem(DEFAULT_MODEL) == ""


def test_curves_are_those_of_the_log_up_to_what_is_half_written(tmp_path):
    curves = read_record(make_model(tmp_path)).curves
    assert curves.loss == [(10, 0.5), (20, 0.2)]
    assert [step for step, _ in curves.validation["shapes at 5 %"]] == [10, 20]
    assert curves.validation["discs at 5 %"][0][1]["output_foreground"] == 17.0


def test_where_the_output_is_worse_is_named(tmp_path):
    assert read_record(make_model(tmp_path)).losses == ["discs at 5 %"]


def test_an_identity_alone_is_a_model_that_tells_little(tmp_path):
    folder = make_model(tmp_path)
    for name in ("card.md", "config.toml", "metrics.json", "log.jsonl", "model.safetensors"):
        (folder / name).unlink()
    record = read_record(folder)
    assert (record.card, record.curves, record.groups, record.measured("test")) == ("", None, [], [])
    assert weights_problem(folder) == "model.safetensors is not there; restore it."


@pytest.mark.parametrize("name", ["identity.json", "config.toml", "metrics.json"])
def test_a_damaged_file_is_a_sentence(tmp_path, name):
    folder = make_model(tmp_path)
    (folder / name).write_bytes(b"\xff{")
    with pytest.raises(InputError, match="restore"):
        read_record(folder)


def test_a_name_belongs_to_the_shipped_model_first(tmp_path):
    folder = make_model(tmp_path)
    identity = json.loads((folder / "identity.json").read_text())
    (folder / "identity.json").write_text(json.dumps(identity | {"name": DEFAULT_MODEL}))
    found, problems = find_models([tmp_path])
    assert found[DEFAULT_MODEL].parent == SHIPPED
    assert len(problems) == 1


def test_reading_records_loads_no_torch():
    code = (
        "import sys; from processing.enhancement.networks.model_record import read_record; read_record('denoise'); "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
