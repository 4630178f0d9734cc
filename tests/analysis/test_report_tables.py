"""The tables of the report: what is missing says why, what is named is escaped, arms keep their order."""

import re
from dataclasses import replace

from analysis.report import render
from analysis.report.table import Table, TableCell
from analysis.report.tables import agreement, integrity, preference
from analysis.report.tables.manuscript import manuscript
from tests.analysis.test_result_tables import results


def test_a_criterion_that_a_comparison_was_not_asked_is_an_undefined_cell():
    asked, other, *_ = preference.preferences(results(), {}, {})
    other = replace(other, criterion="noise")
    table = preference.side_by_side([asked, other], ("mean_sd", "p"), key="wide")
    missing = TableCell(reason="not asked")
    assert [row[1:] for row in table.rows] == [
        [asked.mean_sd, asked.p, missing, missing],
        [missing, missing, other.mean_sd, other.p],
    ]


def test_names_are_escaped_and_an_undefined_cell_says_why():
    cells = [TableCell("<b>"), TableCell(reason="a < b"), TableCell("0.1", how='"t"', below="<0")]
    page = render.table(Table("key", "", heads=["<i>", "n", "p"], rows=[cells]))
    page = re.sub(r"\s+>", ">", re.sub(r"\s+", " ", page))
    assert "<b>" not in page
    assert "<i>" not in page
    assert 'title="a &lt; b"> n/a<span class="vh">: a &lt; b</span>' in page
    assert 'title="&#34;t&#34;"> 0.1 <small>&lt;0</small>' in page


def test_a_table_that_cannot_be_made_says_why_and_keeps_its_conventions():
    page = render.table(Table("key", "Blinding", how="Bang: 0 is chance.", reason="nobody was asked"))
    assert "<table" not in page
    assert "n/a: nobody was asked." in page
    assert "Bang: 0 is chance." in page


def test_arms_stand_in_the_order_of_their_colours():
    share = {"yes": 1, "no": 1, "unanswered": 2, "share": {"estimate": 0.5, "ci": [0.1, 0.9]}}
    answers = {"arms": [{"arm": arm, **share} for arm in ("A", "B", "C")], "overall": share, "reason": None}
    table = integrity.integrity({"integrity": answers, "diagnostic": {"reason": "n"}}, {"C": "soc", "A": "fast"})
    assert [row[0].text for row in table.rows] == ["C", "A", "B", "all"]
    assert [cell.text for cell in table.rows[0][1:4]] == ["1 of 2", "10.0 to 90.0 %", "2"]
    assert table.rows[0][4].reason == "not asked"


def test_of_many_readers_the_range_of_their_correlations_is_shown(monkeypatch):
    found = results()
    each = agreement.by_cell(found, {})
    monkeypatch.setattr(agreement, "MOST_PAIRS", len(found["agreement"]["overall"]["pairs"]) - 1)
    table = agreement.by_cell(found, {})
    assert table.heads[2:5] == list(agreement.RANGE)
    assert table.heads[5:] == each.heads[-2:]
    for wide, short in zip(each.rows, table.rows, strict=True):
        values = sorted(float(cell.text.replace("−", "-")) for cell in wide[2:-2] if cell.text)
        assert [float(cell.text.replace("−", "-")) for cell in short[2:5] if cell.text] == (
            [values[0], values[(len(values) - 1) // 2], values[-1]] if values else []
        )
    copied = next(one for one in manuscript(found, preference.preferences(found, {}, {}), {}) if one.key == "table-3")
    assert [len(row) for row in copied.rows] == [6] * len(table.rows)
