"""Display checks and the log of viewing as tables."""

import json

import pytest

from analysis.__main__ import main
from readerstudy.reading.models import Presentation
from readerstudy.reading.services import start
from readerstudy.results.exports import table_lines
from readerstudy.viewing import replay, tables
from tests import factories
from tests.once import made_once
from tests.tampering import run as tamper

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@made_once()
def study():
    return factories.open_(factories.make_study(subjects=1, readers=1))


@pytest.fixture
def pair(study) -> Presentation:
    return start(presentation=study.presentations.get(position=1))


def test_a_check_is_a_row(study):
    reader = study.memberships.get(role="reader")
    factories.check_display(reader, missed=[1, 17], bright=False, discs=[[32, 3, 1, 2]] * 12)
    [row] = tables.display_checks(study)
    assert (row["reader"], row["passed"], row["missed_borders"], row["discs_found"]) == ("R1", False, "1 17", 0)
    assert row["discs"].startswith("32:3:1:2 ")


def test_a_browser_is_no_formula(study):
    reader = study.memberships.get(role="reader")
    factories.check_display(reader)
    tamper("UPDATE viewing_displaycheck SET browser = %s", "=HYPERLINK(1)")
    assert "'=HYPERLINK(1)" in list(table_lines(study, "display_checks"))[1]


def test_the_log_is_a_row_per_moment_in_terms_of_the_screen(pair):
    view = factories.VIEW
    factories.keep_log(pair, f"0 {view};8 s2,0 vl;4", f"300 {view.replace('s1', 's2')};4 er;2", end=view)
    factories.keep_log(pair)
    rows = list(tables.interactions(pair.study))
    assert [(row["visit"], row["piece"], row["seconds"]) for row in rows] == [
        (1, 0, 0.0),
        (1, 0, 2.0),
        (1, 0, 3.0),
        (1, 1, 75.0),
        (1, 1, 76.0),
        (1, 1, 76.5),
        (2, 0, 0.0),
        (2, 0, 2.0),
        (2, 0, 3.0),
    ]
    assert (rows[1]["left_slice"], rows[1]["right_slice"], rows[1]["swapped"]) == (2, 0, "left")
    assert {row["presentation"] for row in rows} == {"R1-0001"}
    arms = {pair.comparison.first.code, pair.comparison.second.code}
    assert not arms & set(map(str, rows[0].values()))


def test_the_command_says_of_the_exported_log_what_the_page_says(pair, tmp_path, capsys):
    view = factories.VIEW
    factories.keep_log(pair, f"0 {view};8 s2,0 vl;4 v- er tlens;6 f0 n2;4", end=view)
    factories.keep_log(pair)
    path = tmp_path / "interactions.csv"
    path.write_text("".join(table_lines(pair.study, "interactions")))
    assert main(["viewing", str(path)]) == 0
    [said] = json.loads(capsys.readouterr().out)["presentations"]
    [line] = replay.lines([pair])
    for key in ("seconds", "slices_seen", "both_sides", "toggles", "first_answer", "focus_lost", "whole"):
        assert said[key] == line[key], key
    path.write_text(path.read_text().replace("true", "", 1))
    assert main(["viewing", str(path)]) == 0  # what is not said to be whole is not
    assert not json.loads(capsys.readouterr().out)["presentations"][0]["whole"]


def test_a_void_pair_is_in_no_log(pair):
    factories.keep_log(pair)
    Presentation.objects.filter(pk=pair.pk).update(state="void", void_reason="withdrawn")
    assert list(tables.interactions(pair.study)) == []
