"""A map is built of a sheet step by step: what is clicked, chosen and typed."""

import base64

import pytest
import yaml

from analysis.convert import desk
from analysis.convert.mapping import read_map
from tests.analysis.test_convert import LONG, WIDE, xlsx

ORDER = (0, 1, 3, 4, 2, 5, 6)  # columns of LONG, in the order in which they are asked for
BLOCKS = [
    ["A reader study"],
    ["", "Set1"],
    ["image", "noise", "sharp"],
    ["SOC", 7, 4],
    ["FAST", 14, "n/a"],
    ["", "Set2"],
    ["image", "noise", "sharp"],
    ["SOC", 6, 9],
    ["FAST", 7, 5],
]


EMPTY = "design: pairs\n"


class Page:
    """The page's form: sends what it was given, with what is clicked or typed now. begun: the map that it begins with;
    without one a map is proposed."""

    def __init__(self, content: bytes, begun: str = EMPTY) -> None:
        self.content, self.shown = content, {"map": begun, "was": begun, "role": {"key": ""}}
        self.now()

    def now(self, **said: str) -> dict:
        kept = {name: self.shown[name] for name in ("map", "was")} | {"role": self.shown["role"]["key"]}
        arguments = {"sheet": base64.b64encode(self.content).decode(), "said": kept | said}
        self.shown = desk.look(arguments, lambda news: None)
        return self.shown

    def click(self, *columns: int, **said: str) -> dict:
        for column in columns:
            self.now(column=str(column), **said)
        return self.shown

    @property
    def map(self) -> dict:
        return yaml.safe_load(self.shown["map"])


@pytest.fixture
def long() -> Page:
    return Page(LONG.encode("utf-16"))


def test_what_is_needed_is_asked_for_one_after_the_other(long):
    asked = [long.shown["role"]["key"]]
    for column in ORDER:
        asked.append(long.click(column)["role"]["key"])
    assert asked == ["subject", "reader", "first", "second", "criterion", "side", "scores", "scores"]
    assert long.shown["sides"] == [{"text": "links", "side": ""}, {"text": "rechts", "side": ""}]
    shown = long.now(**{"side-0": "left", "side-of-0": "links", "side-1": "right", "side-of-1": "rechts"})
    assert shown["ratings"]["rows"] == 4
    assert shown["ratings"]["counts"] == {"reader": 1, "subject": 2, "comparison": 1, "criterion": 2}
    assert "UTF-16, separated by semicolons" in shown["how"]
    assert shown["preview"]["columns"][6]["says"] == "scores"
    made = desk.make({"sheet": base64.b64encode(long.content).decode(), "map": shown["map"]}, lambda news: None)
    assert (made["rows"], made["cells"]) == (4, 2)
    assert made["ratings"].count("imported") == 4


def test_a_map_is_proposed_by_names_and_values_and_can_be_corrected():
    page = Page(LONG.encode("utf-16"), begun="")
    assert page.shown["proposed"] is True
    assert page.map["columns"] == {
        "subject": "Patient", "reader": "Leser", "criterion": "Kriterium", "first": "Erstes", "second": "Zweites",
        "side": "Seite",
    }  # fmt: skip
    assert (page.map["sides"], page.map["scores"]) == ({"links": "left", "rechts": "right"}, [{"column": "Note"}])
    assert page.shown["ratings"]["rows"] == 4
    page.now(forget="side")
    assert (page.shown["proposed"], page.shown["ratings"]) == (False, None)
    assert "side" not in page.map["columns"]


def test_rows_of_titles_columns_of_scores_and_readers_by_their_values_are_seen():
    wide = Page(xlsx(WIDE), begun="").map
    assert (wide["design"], wide["header"], wide["columns"]) == ("single", 2, {"subject": "Case", "arm": "Arm"})
    assert wide["scores"][1] == {"column": "R2 noise", "reader": "R2", "criterion": "noise"}
    rows = [f"{n},P{n % 3},R{n % 2 + 1},links,{n % 5 + 1},{n % 4 + 1}\n" for n in range(1, 9)]
    page = Page(("no,Patient ID,who,where,Sharpness,Noise\n" + "".join(rows)).encode(), begun="")
    assert page.map["columns"] == {"subject": "Patient ID", "reader": "who", "side": "where"}
    assert [score["criterion"] for score in page.map["scores"]] == ["Sharpness", "Noise"]  # the rows counted are none


@pytest.mark.parametrize("names", ["a,b,c", "time,mood,size"])
def test_nothing_is_proposed_of_columns_that_name_nobody(names):
    page = Page(f"{names}\n1,2,3\n2,3,4\n2,2,2\n".encode(), begun="")
    assert (page.map, page.shown["proposed"]) == ({"design": "pairs"}, False)


def test_what_a_score_means_is_never_proposed():
    rows = "".join(f"o1,s{n},A,B,{n % 2}\n" for n in range(4))
    page = Page(f"observer,scene,condition_A,condition_B,selected\n{rows}".encode(), begun="")
    assert page.map["columns"] == {
        "reader": "observer", "subject": "scene", "first": "condition_A", "second": "condition_B"
    }  # fmt: skip
    assert not {"favours", "meanings", "scale", "always"} & page.map.keys()
    assert [word["text"] for word in page.shown["words"]] == ["0", "1"]  # asked
    assert page.shown["ratings"] is None


def test_encoding_and_separator_are_chosen_where_what_was_found_is_wrong():
    page = Page("Subject|a;Méthode\n1|2;3\n4|5;6\n".encode("cp1252"), begun="")
    assert list(page.shown["separators"].values()) == ["as found", "semicolons", "commas", "tabs", "bars"]
    page.now(separator=";")
    assert (page.map["separator"], page.shown["preview"]["columns"][0]["name"]) == (";", "Subject|a")
    page.now(encoding="utf-8-sig")
    assert page.shown["wrong"] == "The file is not UTF-8 text; save it as CSV UTF-8."
    assert "encoding" not in page.map
    page.now(encoding="cp1252", separator=";")
    assert (page.shown["encoding"], page.shown["preview"]["columns"][1]["name"]) == ("cp1252", "Méthode")
    page.now(encoding="", separator="|")
    page.now(separator="")
    assert not {"encoding", "separator"} & page.map.keys()
    page.now(map="separator: ab\n")
    assert page.shown["wrong"] == "The separator 'ab' is no single character."
    assert Page(xlsx(WIDE)).shown["encodings"] == {}


def test_a_second_click_takes_it_back_and_a_role_can_be_asked_for_and_forgotten(long):
    long.click(0)
    assert long.map["columns"] == {"subject": "Patient"}
    long.now(ask="subject")
    assert long.shown["role"]["key"] == "subject"
    long.click(0)
    assert "columns" not in long.map
    long.click(3, role="subject")
    assert long.now(forget="subject")["role"]["key"] == "subject"
    assert "columns" not in long.map


def test_several_columns_say_it_together(long):
    long.click(0)
    assert long.now(ask="subject")["joins"] is True
    assert long.now(join="on")["join"] is True
    long.click(5, role="subject", join="on")
    assert long.map["columns"] == {"subject": ["Patient", "Seite"]}
    long.click(0, role="subject", join="on")
    assert long.map["columns"] == {"subject": "Seite"}
    long.click(5, role="subject")
    assert "columns" not in long.map


def test_choices_between_two_and_numbers_outside_the_scale_are_asked_about():
    def asked(*scores: str) -> list[str]:
        rows = "".join(f"S{n};R;noise;FAST;SOC;links;{score}\n" for n, score in enumerate(scores))
        page = Page((LONG.partition("\n")[0] + "\n" + rows).encode())
        page.now(ask="scores")
        return [word["text"] for word in page.click(6)["words"]]

    assert asked("0", "1", "1") == ["0", "1"]
    assert asked("1", "2", "3", "5", "99") == ["99"]
    assert asked("1", "2", "-", "4,5") == ["1", "2", "4,5"]
    assert asked("1", "2", "3") == []


def test_the_same_in_every_row(long):
    long.click(0)
    assert long.now(always="R7")["role"]["key"] == "first"
    assert long.map["always"] == {"reader": "R7"}
    long.now(role="reader", always="")
    assert "always" not in long.map


def test_labels_above_the_rows_and_columns_of_scores_with_fields_of_their_own():
    page = Page(xlsx(BLOCKS))
    page.now(row="3")
    page.now(design="single")
    assert page.shown["role"]["key"] == "subject"
    assert page.now(begins="Set")["begins"] == "Set"
    page.click(1, begins="Set")
    assert page.map["above"] == {"subject": {"column": "noise", "begins": "Set"}}
    page.now(always="R1")
    page.click(0)
    assert page.shown["role"]["key"] == "criterion"
    page.now(ask="scores")
    page.click(1, 2)
    assert [one["name"] for one in page.shown["fields"]] == ["criterion"]
    page.now(each="criterion")
    assert page.map["scores"] == [{"column": "noise", "criterion": "noise"}, {"column": "sharp", "criterion": "sharp"}]
    page.now(**{"criterion-1": "sharpness"})
    assert page.map["scores"][1]["criterion"] == "sharpness"
    assert [one["criterion"] for one in page.shown["criteria"]] == ["", "noise", "sharpness"]
    page.now(**{"of-0": "noise", "scale-0": "1 to 14", "best-0": "7", "of-1": "sharpness", "scale-1": "1–5"})
    assert page.map["scale"] == {"noise": [1, 14], "sharpness": [1, 5]}
    assert page.map["best"] == {"noise": 7}
    assert page.shown["words"] == []  # neither the labels nor the header that comes again
    assert any("9 is outside the scale 1 to 5" in slip for slip in page.shown["slips"])
    assert page.shown["arms"] == ["FAST", "SOC"]
    page.now(**{"compare": "1", "compare-first": "FAST", "compare-second": "SOC"})
    assert page.shown["comparisons"] == ["FAST vs SOC"]
    assert page.shown["ratings"]["rows"] == 4
    page.now(drop="0")
    assert "comparisons" not in page.map


def test_fields_of_a_column_of_scores_may_stand_in_other_columns():
    page = Page(xlsx(WIDE), begun="{design: single, header: 2}\n")
    page.click(0)
    page.now(ask="scores")
    page.click(2, 3)
    page.now(**{"reader-0": "R1", "arm-0": "[B]", "criterion-0": "noise"})
    page.now(**{"reader-1": "R2", "arm-1": "[B]", "criterion-1": "noise"})
    assert page.shown["unfinished"] is False
    assert page.shown["preview"]["columns"][1]["says"] == "arm"
    assert page.shown["ratings"]["rows"] == 4
    page.now(marked="1,5")
    assert page.map["marked"] == 1.5


def test_words_get_a_meaning():
    page = Page(LONG.replace("links;2", "links;gut").encode())
    page.click(*ORDER)
    assert page.shown["words"] == [{"text": "gut", "meaning": ""}]
    assert page.shown["steps"]["5"] == "5 right image markedly better"
    page.now(favours="first", **{"word-0": "gut", "meaning-0": "5"})
    assert page.map["meanings"] == {"gut": 5}
    assert page.shown["steps"]["5"] == "5 first arm markedly better"
    page.now(**{"word-0": "gut", "meaning-0": "cannot_judge"})
    assert page.map["meanings"] == {"gut": "cannot_judge"}


def test_columns_that_another_row_does_not_name_go_and_so_does_what_the_other_design_has(long):
    long.click(*ORDER)
    long.now(design="single")
    assert set(long.map["columns"]) == {"subject", "reader", "criterion"}
    long.now(row="2")
    assert "columns" not in long.map
    assert long.map["header"] == 2


def test_the_text_of_the_map_may_be_changed_and_a_wrong_one_stays_to_be_mended(long):
    text = "columns: {subject: Patient, reader: Leser}\nscores: [Note]\n"
    long.now(map=text.replace("\n", "\r\n"))
    assert [role["told"] for role in long.shown["roles"][:2]] == ["Patient", "Leser"]
    assert long.shown["wrong"] == ""
    wrong = long.now(map="columns: [")
    assert "is no YAML" in wrong["wrong"]
    assert (wrong["map"], read_map(wrong["was"])) == ("columns: [", read_map(text))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"scale-0": "much"}, "'much' is no scale: write its lowest and its highest score"),
        ({"scale-0": "5 to 1"}, "the lowest score comes first"),
        ({"scale-0": "1 to 5", "best-0": "loud"}, "'loud' is no number; the best score is one"),
        ({"word-0": "gut", "meaning-0": "great"}, "'great' is no number"),
        ({"marked": "0"}, "is above 0"),
        ({"compare": "1", "compare-first": "FAST", "compare-second": "FAST"}, "A comparison has two arms"),
    ],
)
def test_what_cannot_be_said_is_refused_in_a_sentence_and_changes_nothing(long, said, why):
    before = long.shown["map"]
    after = long.now(**said)
    assert why in after["wrong"]
    assert after["map"] == before


def test_a_file_that_is_none_is_refused_and_a_map_of_another_file_is_begun_anew(long):
    assert desk.look({"sheet": "", "said": {}}, lambda news: None) == {"refused": "The file is empty."}
    book = xlsx(WIDE, Second=WIDE)
    page = Page(book)
    page.now(sheet="Second")
    assert page.map["sheet"] == "Second"
    page.content = xlsx(WIDE)
    page.now()
    assert "sheet" not in page.map
    made = desk.make({"sheet": base64.b64encode(book).decode(), "map": "design: pairs"}, lambda news: None)
    assert made["refused"].startswith("The map does not say yet")
