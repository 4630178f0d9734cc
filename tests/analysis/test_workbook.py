"""The workbook: every table with its types, a head that stays, a codebook, and no formula from anybody's text."""

import io
import zipfile
from datetime import UTC, datetime, timedelta, timezone

import openpyxl
import pytest

from analysis.__main__ import main
from analysis.report import workbook
from tests.analysis.test_result_tables import ratings

EVIL = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")', "'=1"]
BOOK = [{"column": "arm", "type": "string", "description": "=2+2"}]


def written(*sheets: workbook.Sheet):
    file = io.BytesIO()
    workbook.write(file, sheets, readme=["A study", "=3+3"])
    return file.getvalue(), openpyxl.load_workbook(io.BytesIO(file.getvalue()))


def test_no_text_is_a_formula_wherever_it_stands():
    content, found = written(workbook.Sheet("=cmd", ["arm", "=h"], [{"arm": text, "=h": text} for text in EVIL], BOOK))
    assert [row[0].value for row in found["=cmd"].iter_rows(min_row=2)] == EVIL
    cells = [cell for sheet in found for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheets = [archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/")]
    assert len(sheets) == 3
    assert not any(b"<f>" in sheet for sheet in sheets)


def test_a_formula_would_be_noticed(monkeypatch):
    """The guard can fail: a cell that is left to the library becomes a formula."""
    monkeypatch.setattr(workbook, "_cell", lambda page, value: workbook.WriteOnlyCell(page, value))
    _, found = written(workbook.Sheet("t", ["arm"], [{"arm": "=1+1"}]))
    assert found["t"]["A2"].data_type == "f"


def test_values_keep_their_types_heads_stay_and_the_codebook_names_every_sheet():
    later = datetime(2026, 11, 30, 18, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=2)))
    rows = [{"n": 3, "p": 0.0441, "yes": True, "at": later, "none": None, "text": "ü\x00"}]
    _, found = written(workbook.Sheet("a/b", list(rows[0]), rows, BOOK), workbook.Sheet("empty", ["x"], []))
    assert found.sheetnames == ["README", "codebook", "a-b", "empty"]
    values = [cell.value for cell in found["a-b"][2]]
    assert values == [3, 0.0441, True, datetime(2026, 11, 30, 16, 0, 0, 250_000), None, "ü"]
    assert later.astimezone(UTC).replace(tzinfo=None) == values[3]
    assert found["a-b"].freeze_panes == "A2"
    assert found["a-b"]["A1"].font.bold
    assert [cell.value for cell in found["codebook"][2]] == ["a-b", "arm", "string", "=2+2"]


def test_no_character_makes_the_file_unreadable_and_what_is_cut_says_so():
    texts = ["a\ufffeb", "a\uffffb", "a\ud800b", "x" * 32_767, "x" * 40_000, "😀" * 16_383, "😀" * 20_000]
    _, found = written(workbook.Sheet("t", ["a"], [{"a": text} for text in texts]))
    told = [row[0].value for row in found["t"].iter_rows(min_row=2)]
    assert told[:4] == ["ab", "ab", "ab", texts[3]]
    assert told[5] == texts[5]
    assert all(cut.endswith("characters)") and len(cut.encode("utf-16-le")) <= 2 * 32_767 for cut in (told[4], told[6]))
    assert "cut: a cell holds 32,767 of its 40,000 characters" in told[4]


def test_a_long_table_goes_on_in_another_sheet(monkeypatch):
    monkeypatch.setattr(workbook, "MOST_ROWS", 60)
    _, found = written(workbook.Sheet("t", ["n"], ({"n": n} for n in range(150))))
    assert found.sheetnames[2:] == ["t", "t 2", "t 3"]
    told = [row[0].value for name in found.sheetnames[2:] for row in found[name].iter_rows(min_row=2)]
    assert told == list(range(150))
    assert {found[name]["A1"].value for name in found.sheetnames[2:]} == {"n"}


def test_the_command_writes_every_table_of_results(tmp_path):
    ratings().to_csv(tmp_path / "ratings.csv", index=False)
    out = tmp_path / "out.xlsx"
    assert main(["reading", str(tmp_path / "ratings.csv"), "--xlsx", str(out), "--json", str(tmp_path / "r.json")]) == 0
    found = openpyxl.load_workbook(out)
    assert {"README", "codebook", "preference", "agreement", "readers"} <= set(found.sheetnames)
    heads = {name: {cell.value for cell in found[name][1]} for name in found.sheetnames[2:]}
    told: dict[str, set] = {name: set() for name in heads}
    for sheet, column, *_ in found["codebook"].iter_rows(min_row=2, values_only=True):
        told[sheet].add(column)
    assert told == heads


@pytest.mark.parametrize("rows", [0, 20_000])
def test_rows_are_taken_one_by_one(rows):
    """Nothing keeps them: while row n is written at most those that decide widths are alive."""
    alive = {"now": 0, "most": 0}

    class Counted(dict):
        def __init__(self, n: int) -> None:
            super().__init__(n=n)
            alive["now"] += 1
            alive["most"] = max(alive.values())

        def __del__(self) -> None:
            alive["now"] -= 1

    workbook.write(io.BytesIO(), [workbook.Sheet("t", ["n"], (Counted(n) for n in range(rows)))], readme=[])
    assert alive["most"] <= workbook.LOOKED_AT + 2
