"""Other people's sheets: every encoding and layout, what is refused in words, and real sheets with their real slips."""

import io
import zipfile

import pandas as pd
import pytest
from openpyxl import Workbook

from analysis.__main__ import main
from analysis.convert import sheet as sheets
from analysis.convert.mapping import SheetMap, read_map, write_map
from analysis.convert.ratings import Conversion, convert
from analysis.convert.sheet import letter, read_sheet
from analysis.errors import InputError
from analysis.reading import analyse
from analysis.slips import slips

LONG = """Patient;Leser;Kriterium;Erstes;Zweites;Seite;Note
S1;Müller;Schärfe;FAST;SOC;links;2
S1;Müller;Rauschen;FAST;SOC;links;3
S2;Müller;Schärfe;FAST;SOC;rechts;5
S2;Müller;Rauschen;FAST;SOC;rechts;-
"""
PAIRS = """
columns: {subject: Patient, reader: Leser, criterion: Kriterium, first: Erstes, second: Zweites, side: Seite}
scores: [Note]
sides: {links: left, rechts: right}
"""
WIDE = [
    ["Reader study, hospital A"],
    ["Case", "Arm", "R1 noise", "R2 noise", "R1 sharp", "R2 sharp"],
    ["C1", "SOC", 3.5, 4, 4, 4],
    ["C1", "FAST", 3, 4, 5, "n/a"],
    ["C2", "SOC", 2, 2.5, 9, 1],
    ["C2", "FAST", 4, 3, 4, 2],
]
SINGLE = """
design: single
header: 2
columns: {subject: Case, arm: Arm}
scores:
  - {column: R1 noise, reader: R1, criterion: noise}
  - {column: R2 noise, reader: R2, criterion: noise}
  - {column: R1 sharp, reader: R1, criterion: sharpness}
  - {column: R2 sharp, reader: R2, criterion: sharpness}
scale: [1, 5]
best: {noise: low, sharpness: high}
marked: 2
comparisons: [[FAST, SOC]]
"""
EXCHANGED = [("S1", "S１", "full-width digits"), ("S1", "S٣", "Arabic digits"), ("S1", "S\u200b1", "nobody sees")]


def xlsx(rows: list[list], **others: list[list]) -> bytes:
    book = Workbook()
    pages = {book.active.title: rows} | others
    for title, content in pages.items():
        page = book[title] if title in book.sheetnames else book.create_sheet(title)
        for row in content:
            page.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def made(content: bytes | str, text: str) -> Conversion:
    found = read_map(text)
    raw = content.encode() if isinstance(content, str) else content
    return convert(read_sheet(raw, sheet=found.sheet), found)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_sheet_is_the_same_in_every_encoding(encoding):
    sheet = read_sheet(LONG.replace("\n", "\r\n").encode(encoding))
    assert sheet.rows[1] == ["S1", "Müller", "Schärfe", "FAST", "SOC", "links", "2"]
    assert "semicolons" in sheet.how


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_are_found_beside_decimal_commas(separator):
    rows = ["case,arm,noise", *(f'C{n},SOC,"{n},5"' for n in range(5))]
    text = "\n".join(row.replace(",", separator, 2).replace('"', "" if separator != "," else '"') for row in rows)
    assert read_sheet(text.encode()).rows[3] == ["C2", "SOC", "2,5"]


def test_pairs_become_ratings_as_they_were_displayed():
    table = made(LONG, PAIRS).table()
    assert list(table["first_side"]) == ["left", "left", "right", "right"]
    assert table["score"].tolist()[:3] == [2, 3, 5]
    assert list(table["status"]) == ["rated", "rated", "rated", "missing"]
    assert list(table["presentation"]) == ["Müller-0001", "Müller-0001", "Müller-0002", "Müller-0002"]
    assert set(table["study"]) == {"imported"}


def test_a_score_that_favours_an_arm_is_turned_by_its_side():
    table = made(LONG, PAIRS + "favours: first\n").table()
    oriented = [
        score if side == "right" else 6 - score for score, side in zip(table["score"], table["first_side"], strict=True)
    ]
    assert oriented[:3] == [2, 3, 5]


def test_a_score_that_favours_a_side_needs_the_sides():
    text = PAIRS.replace(", side: Seite", "")
    assert made(LONG, text).problems == ["The map does not say yet where the sheet has side of the first arm."]
    assert any("means nothing" in slip for slip in made(LONG, text + "favours: second\n").slips)


def test_single_images_in_a_wide_sheet_become_pairs():
    result = made(xlsx(WIDE), SINGLE)
    table = result.table()
    said = table.set_index(["subject", "reader", "criterion"])["score"]
    assert said["C1", "R1", "noise"] == 4  # FAST 3 against 3.5, low is best
    assert said["C1", "R2", "noise"] == 3
    assert said["C2", "R1", "noise"] == 1  # 4 against 2
    assert said["C1", "R1", "sharpness"] == 4
    statuses = table.set_index(["subject", "reader", "criterion"])["status"]
    assert statuses["C1", "R2", "sharpness"] == statuses["C2", "R1", "sharpness"] == "missing"
    assert "Row 5, column E (R1 sharp): 9 is outside the scale 1 to 5; it was left out." in result.slips
    assert any("Nobody compared two images" in note for note in result.notes)
    assert analyse(table)["n"]["ratings"] == 6


def test_the_best_score_may_lie_within_the_scale():
    text = SINGLE.replace("noise: low", "noise: 3.5")
    said = made(xlsx(WIDE), text).table().set_index(["subject", "reader", "criterion"])["score"]
    assert said["C1", "R1", "noise"] == 2  # 3 is farther from 3.5 than 3.5
    assert said["C2", "R1", "noise"] == 4  # 4 is nearer than 2


def test_blocks_under_labels_with_the_header_again():
    rows = [["Set1", ""], ["image", "score"], ["SOC", 3], ["FAST", 4], [None, None], ["Set2", ""], ["image", "score"]]
    text = """
    design: single
    header: 2
    columns: {arm: image}
    always: {reader: R1, criterion: quality}
    above: {subject: {column: image, begins: Set}}
    scores: [score]
    """
    table = made(xlsx([*rows, ["SOC", 2], ["FAST", 2]]), text).table()
    assert list(table["subject"]) == ["Set1", "Set2"]
    assert table["score"].tolist() == [2, 3]


def test_arms_in_both_orders_are_told_and_turned_where_the_map_names_one():
    both = LONG + "S3;Müller;Schärfe;SOC;FAST;links;1\n"
    assert any(slip.startswith("FAST vs SOC (4 rows) stands beside SOC vs FAST") for slip in made(both, PAIRS).slips)
    result = made(both, PAIRS + "comparisons: [[FAST, SOC]]\n")
    last = result.table().iloc[-1]
    assert (last["first"], last["first_side"], last["score"]) == ("FAST", "right", 1)  # SOC, left, was better
    assert not any("stands beside" in slip for slip in result.slips)
    assert "1 rows compared the arms in the other order and were turned." in result.notes


def test_without_sides_a_turned_row_keeps_the_first_arm_on_the_right():
    sheet = "Patient;Reader;Asked;Image 1;Image 2;Score\nS1;R1;snr;DL;SOC;4\nS2;R1;snr;SOC;DL;4\n"
    text = """
    design: pairs
    columns: {subject: Patient, reader: Reader, criterion: Asked, first: Image 1, second: Image 2}
    scores: [Score]
    favours: first
    scale: [1, 5]
    comparisons: [[DL, SOC]]
    """
    table = made(sheet, text).table()
    assert list(table["first_side"]) == ["right", "right"]
    assert list(table["score"]) == [4, 2]


def test_a_second_rating_is_a_repeat():
    result = made(LONG + "S1;Müller;Schärfe;FAST;SOC;rechts;4\n", PAIRS)
    last = result.table().iloc[-1]
    assert (last["kind"], last["repeat_of"]) == ("repeat", "Müller-0001")
    assert result.slips[0].startswith("1 of 5 ratings are of what the same reader had rated before")


@pytest.mark.parametrize(("old", "new", "said"), EXCHANGED)
def test_characters_that_look_alike_are_refused_in_words(old, new, said):
    result = made(LONG.replace(old, new, 1), PAIRS)
    assert result.ratings is None
    assert result.problems[0].startswith("Row 2, column G (Note), subject: ")
    assert said in result.problems[0]


@pytest.mark.parametrize(
    ("score", "said"),
    [
        ("２", "'２' holds full-width digits; write them as 0 to 9"),
        ("٢", "'٢' holds Arabic digits"),
        ("gut", "'gut' is no number; say under meanings what it stands for"),
        ("2,5", "'2,5' is no whole step of the scale"),
        ("=1+1", "begins like a formula"),
        ("+1|x", "begins like a formula"),
    ],
)
def test_a_score_that_is_none_is_refused_in_words(score, said):
    problem = made(LONG.replace("links;2", f"links;{score}"), PAIRS).problems[0]
    assert problem.startswith("Row 2, column G (Note): ")
    assert said in problem


def test_words_have_the_meanings_of_the_map():
    result = made(LONG.replace("links;2", "links;gut"), PAIRS + "meanings: {gut: 5, '3': cannot_judge}\n")
    assert list(result.table()["status"]) == ["rated", "cannot_judge", "rated", "missing"]


def test_a_day_with_dots_is_no_iso_8601():
    dated = LONG.replace("Note\n", "Note;Tag\n").replace(";2\n", ";2;01.02.2026\n")
    text = PAIRS.replace("{subject", "{rated_at: Tag, subject")
    assert "'01.02.2026' is not ISO 8601" in made(dated, text).problems[0]
    assert made(dated, text + 'times: "%d.%m.%Y"\n').table()["rated_at"].iloc[0] == "2026-02-01T00:00:00"


def test_nul_is_refused_with_its_row():
    with pytest.raises(InputError, match="Row 3 holds a NUL character"):
        read_sheet(LONG.replace("Rauschen", "Rau\0schen", 1).encode())


def test_a_damaged_or_hostile_file_is_refused(monkeypatch):
    good = xlsx(WIDE)
    with pytest.raises(InputError, match="damaged"):
        read_sheet(good[: len(good) // 2])
    with pytest.raises(InputError, match="old Excel file"):
        read_sheet(sheets.OLD_EXCEL + b"x" * 600)
    with pytest.raises(InputError, match="no XLSX file"):
        read_sheet(zipped({"content.xml": b"<a/>"}))
    parts = {
        name: zipfile.ZipFile(io.BytesIO(good)).read(name) for name in zipfile.ZipFile(io.BytesIO(good)).namelist()
    }
    cells = parts["xl/worksheets/sheet1.xml"]
    with pytest.raises(InputError, match="XML entities"):
        read_sheet(zipped(parts | {"xl/worksheets/sheet1.xml": b'<!DOCTYPE a [<!ENTITY b "c">]>' + cells}))
    with pytest.raises(InputError, match="unpacks to over"):
        read_sheet(zipped(parts | {"bomb.bin": b"\0" * (sheets.MOST_UNPACKED + 1)}))
    far = cells.replace(b'<row r="6"', b'<row r="1048576"')
    assert far != cells
    with pytest.raises(InputError, match="cut it into several"):
        read_sheet(zipped(parts | {"xl/worksheets/sheet1.xml": far}))
    monkeypatch.setattr(sheets, "MOST_BYTES", 100)
    with pytest.raises(InputError, match="take what is no rating out"):
        read_sheet(good)


def zipped(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize("text", [PAIRS, SINGLE])
def test_a_map_is_written_as_it_is_read(text):
    assert read_map(write_map(read_map(text))) == read_map(text)
    assert read_map(write_map(SheetMap())) == SheetMap()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("columns: [", "is no YAML, line"),
        ("colums: {}", "has no key 'colums'"),
        ("columns: {patient: A}", "names the field 'patient'"),
        ("columns: {arm: A}", "names the field 'arm'; in pairs there are"),
        ("scale: [5, 1]", "its lowest and its highest"),
        ("scale: 5", "wrong form"),
        ("header: 0", "1 or more"),
        ("comparisons: [[A, A]]", "compares A with itself"),
        ("columns: {reader: A}\nalways: {reader: R1}", "says reader twice"),
        ("!!python/object/apply:os.getcwd []", "is no YAML"),
        ("scale: &a [1, 5]\nbest: *a", "repeats a part by an alias"),
        ("!!bool maybe", "is no YAML"),
        (f"? 0x{'f' * 5000}\n: 1", "number of over 300 digits"),
    ],
)
def test_a_wrong_map_says_what_is_wrong(text, said):
    with pytest.raises(InputError, match=said.replace("(", r"\(")):
        read_map(text)


def test_columns_of_one_name_are_told_apart_by_letter():
    assert [letter(n) for n in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
    result = made(LONG.replace("Seite", "Note"), PAIRS.replace("Seite", "'[F]'"))
    assert result.problems == ["2 columns are named 'Note': name one by its letter, [F], [G]."]


def test_slips_in_any_table_of_ratings():
    rows = [("S1", "R1", "lumbar"), ("S1", "r1", "cervical"), ("S2", "R 1", "lumbar"), ("S10", "R2", "lumbar")]
    columns = {"subject": [r[0] for r in rows], "case": [r[0] for r in rows], "reader": [r[1] for r in rows]}
    shared = {"first": "A", "second": "B", "criterion": "snr", "kind": "main"}
    found = slips(pd.DataFrame(columns).assign(region=[r[2] for r in rows], **shared))
    assert "Reader R1 stands beside r1: is it the same reader?" in found
    assert "Case S1 has the regions cervical, lumbar: a case has one region." in found
    assert not any("S10" in sentence for sentence in found)


def test_the_command(tmp_path, capsys):
    (tmp_path / "sheet.csv").write_bytes(LONG.encode("utf-16"))
    (tmp_path / "map.yaml").write_text(PAIRS)
    out = tmp_path / "ratings.csv"
    arguments = ["convert", str(tmp_path / "sheet.csv"), "--map", str(tmp_path / "map.yaml"), "--out", str(out)]
    assert main(arguments) == 0
    assert "Read as text in UTF-16, separated by semicolons." in capsys.readouterr().out
    assert main(["reading", str(out), "--json", str(tmp_path / "results.json")]) == 0
    (tmp_path / "map.yaml").write_text(PAIRS.replace("[Note]", "[Grade]"))
    assert main(arguments) == 2
    assert "No column is named 'Grade'" in capsys.readouterr().err


BLOCKS = "\n".join(
    f'  - {{column: "[{column}]", reader: R{reader}, arm: "[{arm}]", criterion: {criterion}}}'
    for reader, arm, columns in ((1, "D", "EFG"), (2, "H", "IJK"), (3, "L", "MNO"))
    for column, criterion in zip(columns, ("noise", "contrast", "structure"), strict=True)
)
REAL_BLOCKS = f"""
design: single
sheet: SHEET
header: 5
above: {{subject: {{column: "[E]", begins: Set}}}}
scores:
{BLOCKS}
scale: {{noise: [1, 14], contrast: [1, 5], structure: [1, 5]}}
best: {{noise: 7, contrast: high, structure: high}}
comparisons: [[NDCT, LDCT]]
"""


@pytest.mark.parametrize(("organ", "outside"), [("Abdomen", 1), ("Brain", 13)])
def test_real_sheets_of_three_readers_with_their_slips(real_data, organ, outside):
    path = real_data / "reader_tables" / "mtdgan_ldct_3readers" / f"{organ.upper()}_Blind_Reader_Study_OMR.xlsx"
    result = made(path.read_bytes(), REAL_BLOCKS.replace("SHEET", f"{organ}_Reader_Sheet"))
    assert len(result.table()) == 15 * 3 * 3
    assert sum("is outside the scale 1 to 5" in slip for slip in result.slips) == outside
    assert "Subject Set112 stands between Set11 and Set13, where Set12 would be." in result.slips


def test_a_real_sheet_of_forced_choices(real_data):
    path = real_data / "reader_tables" / "pwcmp_pairwise_MIT" / "ex3_tmo_cmp_data.csv"
    text = """
    columns: {subject: scene, reader: observer, criterion: criterion, first: condition_A, second: condition_B}
    scores: [is_A_selected]
    favours: first
    meanings: {1: 4, 0: 2}
    """
    result = made(path.read_bytes(), text)
    table = result.table()
    assert len(table) == 1213
    assert int((table["score"] == 4).sum()) == 640  # as in the sheet
    assert "So do 18 more pairs of arms." in result.slips
