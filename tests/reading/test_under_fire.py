"""Readers lose nothing while web server, database and Redis are killed: the small version of the benchmark."""

from pathlib import Path

import pytest

from benchmarks import fires
from benchmarks.reading_under_fire import FACTS, run

pytestmark = pytest.mark.slow


def test_every_answer_is_there_once_and_in_order_after_three_kills_and_a_restart():
    found = run(subjects=2, cases=3, readers=2, kills=4, repeats=0.25, lit=(), say=lambda text: None)
    assert found["killed"] == ["web", "database", "redis", "restart"]
    assert {name: value for name, value in found.items() if name not in FACTS and value} == {}
    assert found["ratings"] > 100


@pytest.mark.parametrize("fault", fires.PLANTS)
def test_each_fault_that_the_benchmark_plants_has_its_place_in_the_site(fault: str, tmp_path: Path):
    name, _, wrong = fires.PLANTS[fault]
    assert wrong in (fires.planted(tmp_path, fault) / "readerstudy" / name).read_text()
