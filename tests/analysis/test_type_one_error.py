"""The benchmark of type I error sees a test that takes ratings for subjects, and one that never rejects."""

import pytest

from analysis.statistics.preference import signed_rank
from benchmarks import type_one_error
from benchmarks.type_one_error import BAND, Found, main

QUICK = ["--studies", "250", "--tests", "Datta", "--setups", "0"]


def test_a_test_that_takes_ratings_for_subjects_fails(capsys, monkeypatch):
    assert main(QUICK) == 0
    assert "0 beyond their band: held" in capsys.readouterr().out
    monkeypatch.setattr(type_one_error, "cluster_signed_rank", lambda x, subject, method="normal": signed_rank(x))
    assert main(QUICK) == 1
    assert "Datta–Satten                               0.01–0.06     MISSED 0." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rejected", "studies", "beyond"),
    [
        (0.06, 300, False),
        (0.09, 300, False),
        (0.12, 300, True),
        (0.066, 20_000, True),
        (0.0, 300, False),
        (0.0, 2_000, True),
    ],
)
def test_only_what_chance_explains_is_within_the_band(rejected, studies, beyond):
    assert Found(rejected, 0.0, studies).beyond(BAND) is beyond
    assert not Found(rejected, 0.0, studies).beyond(None)
