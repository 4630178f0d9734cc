"""The table of what the choices of a training do: each choice can be trained, and the table has one place."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.training_choices import BEGIN, CHOICES, END, between_marks, configuration, document
from processing.enhancement.networks.registry import build
from processing.enhancement.training_config import read_config
from processing.errors import InputError

ROW = {"name": "plane: axial", "own": 1.0, "patch": 2.0, "judged": -0.5, "least": -1.0, "seconds": 3.0}


def test_each_choice_is_a_configuration_that_differs_from_the_first(tmp_path: Path) -> None:
    texts = []
    for choice in CHOICES.values():
        file = tmp_path / "config.toml"
        file.write_text(configuration(choice, 10))
        settings, text = read_config(file, "inpaint")
        assert settings["sampling"]["patch"] % build(settings["network"]).stride == 0
        texts.append(text)
    assert len(set(texts)) == len(texts)


def test_the_table_is_put_between_its_marks() -> None:
    table = document([ROW], 10, "cpu")
    assert "| plane: axial | +1.00 | +2.00 | -0.50 | -1.00 | 3.0 |" in table
    assert between_marks(f"a\n{BEGIN}\nold\n{END}\nb", table) == f"a\n{BEGIN}\n{table}\n{END}\nb"
    with pytest.raises(InputError, match="does not mark"):
        between_marks("a", table)
