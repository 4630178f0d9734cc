"""The log of viewing, against what a hand makes of it."""

import zlib

import pandas as pd
import pytest

from analysis import tables
from analysis.errors import InputError
from analysis.viewing import IDLE, analyse, dwell, summary, time_to_first_answer, toggles
from analysis.viewing_log import is_piece, read_view, read_visit

ALL = "s4 v- k1 w100,50 i0 z100,0,0 c0 e- t- f1 n0"
# As the room writes it; its own tests hold the same text.
WRITTEN = "0 s4 v- k1 w100,50 i0 z100,0,0 c0 e- t- f1 n0;9 s5;1 s6,8 vr w60,30 z150,3,0;1 el truler n1;2"
END = "s6,8 vr k1 w60,30 i0 z150,3,0 c0 el truler f1 n1"


def visit_of(*pieces: str, end: str = ""):
    checksum = zlib.crc32("".join(f"{piece}\n" for piece in pieces).encode()) if end else None
    return read_visit(dict(enumerate(pieces)), end=end, checksum=checksum)


def test_what_the_room_writes_is_read():
    visit = visit_of(WRITTEN, end=END)
    assert [sample.seconds for sample in visit.samples] == [0, 2.25, 2.5, 2.75, 3.25]
    last = visit.samples[-1].view
    assert (last.left, last.right, last.swapped, last.enlarged) == (6, 8, "right", "left")
    assert (last.window, last.level, last.zoom, last.x, last.y) == (60, 30, 150, 3, 0)
    assert (last.tool, last.answers) == ("ruler", 1)
    assert (visit.whole, visit.agrees) == (True, True)
    assert time_to_first_answer([visit]) == 2.75


def test_dwell_counts_what_was_on_screen():
    # 2 s both on 4; swapped in the left pane: 1 s the right image alone; 3 s enlarged right; without focus nothing.
    piece = f"0 {ALL};8 vl;4 v- er s4,5;12 e- f0;40 f1;4"
    stayed = dwell([visit_of(piece)])
    assert stayed == {"left": {4: 2.0 + 1.0}, "right": {4: 2.0 + 1.0, 5: 3.0 + 1.0}}
    assert toggles([visit_of(piece)]) == 1


def test_a_difference_is_neither_image():
    assert dwell([visit_of(f"0 {ALL};8 tdifference;4 t-;2")])["left"] == {4: 2.0 + 0.5}


@pytest.mark.parametrize("tool", ["lens", "ruler", "angle", "cursor", "region", "difference"])
def test_tools_have_names_that_are_read(tool):
    assert read_view(ALL.replace("t-", f"t{tool}")).tool == tool


def test_a_view_that_nothing_changes_counts_for_a_minute():
    assert dwell([visit_of(f"0 {ALL};4000")])["left"] == {4: IDLE}


def test_a_lost_piece_leaves_a_gap_and_no_verdict():
    later = f"400 {ALL.replace('s4', 's7')};8"
    lost = read_visit({0: f"0 {ALL};8", 2: later}, end=ALL, checksum=1)
    assert (lost.whole, lost.agrees) == (False, None)
    assert dwell([lost])["left"] == {4: 2.0, 7: 2.0}
    kept = read_visit({0: f"0 {ALL};8", 1: later})
    assert dwell([kept])["left"] == {4: IDLE + 2.0, 7: 2.0}


@pytest.mark.parametrize(
    ("pieces", "end"),
    [(["0 " + ALL + ";1 s5"], ALL), (["0 " + ALL + ";1 s5", "9 " + ALL.replace("s4", "s6") + ";1"], ALL)],
)
def test_a_log_that_leads_elsewhere_is_found(pieces, end):
    visit = visit_of(*pieces, end=end)
    assert visit.whole
    assert visit.agrees is False
    assert summary([visit])["agrees"] is False


def test_a_piece_that_was_changed_on_the_way_is_not_whole():
    checksum = zlib.crc32(f"0 {ALL};1 s5\n".encode())
    assert not read_visit({0: f"0 {ALL};1 s6"}, end=ALL, checksum=checksum).whole


def test_looks_before_the_first_answer_count():
    first, second = visit_of(f"0 {ALL};20"), visit_of(f"0 {ALL};8 n1;4")
    assert time_to_first_answer([first, second]) == 7
    assert time_to_first_answer([first]) is None
    there_already = visit_of(f"0 {ALL.replace('n0', 'n3')};8 n4;4")
    assert time_to_first_answer([first, there_already]) is None


def test_the_summary_of_a_presentation():
    piece = f"0 {ALL};4 s5;4 s6 el;8 f0;4 f1;4 n2;4"
    end = "s6 v- k1 w100,50 i0 z100,0,0 c0 el t- f1 n2"
    assert summary([visit_of(piece, end=end)]) == {
        "seconds": {"left": 6.0, "right": 2.0},
        "slices_seen": {"left": 3, "right": 2},
        "both_sides": True,
        "toggles": 0,
        "first_answer": 6.0,
        "focus_lost": 1,
        "whole": True,
        "agrees": True,
    }


@pytest.mark.parametrize(
    "text", ["", "s5", f"{ALL}", f"0 {ALL};", f"0 {ALL};1 S5", f"0 {ALL};1  s5", f"0 {ALL};-1 s5", f"0 {ALL};1 earm"]
)
def test_what_is_no_piece_is_told(text):
    assert not is_piece(text)
    with pytest.raises(InputError):
        read_visit({0: text})
    if text != ALL:
        with pytest.raises(InputError):
            read_view(text)


def test_a_table_that_lacks_something_is_refused():
    row = {"reader": "R1", "presentation": "R1-0001", "visit": 1, "piece": 0, "seconds": 0.0}
    with pytest.raises(InputError, match="lacks the column left_slice"):
        analyse(pd.DataFrame([row]))
    full = row | dict.fromkeys(tables.column_names("interactions")[10:], "")
    with pytest.raises(InputError, match="without all that was on screen"):
        analyse(pd.DataFrame([full]))
