"""Readers lose nothing while web server, database and Redis are killed: the small version of the benchmark."""

import pytest

from benchmarks.reading_under_fire import FACTS, run

pytestmark = pytest.mark.slow


def test_every_answer_is_there_once_and_in_order_after_three_kills():
    found = run(subjects=2, cases=3, readers=2, kills=3, repeats=0.25, say=lambda text: None)
    assert found["killed"] == ["web", "database", "redis"]
    assert {name: value for name, value in found.items() if name not in FACTS and value} == {}
    assert found["ratings"] > 100
