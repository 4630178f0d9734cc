"""The benchmark of manipulations: what it calls a success, and those of its trials that launder something."""

import pytest

from benchmarks.tampering import Outcome, main, verdict


def outcome(*, control: bool = False, caught: bool = True) -> Outcome:
    return Outcome("a score flipped", control, caught, "x" * caught)


CLEAN = outcome(control=True, caught=False)


def test_all_caught_and_no_false_alarm_is_a_success():
    both = {"SQLite": [CLEAN, outcome(), outcome()], "PostgreSQL": [CLEAN, outcome()]}
    assert verdict(both) == ("caught 2 of 2 on SQLite, 1 of 1 on PostgreSQL", 0)


@pytest.mark.parametrize(
    "found",
    [
        [CLEAN, outcome(), outcome(caught=False)],
        [outcome(control=True, caught=True), outcome()],
        [CLEAN],
        [],
    ],
    ids=["one missed", "a false alarm", "nothing tried", "nothing at all"],
)
def test_everything_else_is_none(found):
    assert verdict({"SQLite": [CLEAN, outcome()], "PostgreSQL": found})[1] == 1


@pytest.mark.slow
def test_no_manipulation_is_laundered_by_one_more_line(capsys):
    assert main(["--database", "SQLite", "--only", "one more line"]) == 0, capsys.readouterr().out
    said = capsys.readouterr().out
    assert "clean   one more line in every study" in said
    assert "caught  a confirmed score flipped, the chain rebuilt, one more line" in said
