"""The report: every number is tied to its row, every method to its source, nothing is left to a hover."""

import re
from html import unescape

import numpy as np
import pandas as pd
import pytest

from analysis import in_volumes, reading, sample_size, stability
from analysis.formats import number
from analysis.report import pdf, render
from analysis.report.study import checklist, flow, notes, page, paragraphs, references
from analysis.report.table import ColumnHead, Table, TableCell
from analysis.report.table_cells import FEW
from analysis.sample_size import Design
from tests import simulated_study
from tests.analysis.test_charter import PROTOCOL, text
from tests.analysis.test_result_tables import guesses, ratings

DECLARED = {
    **PROTOCOL,
    "comparisons": [{"first": "SOC", "second": "FAST"}],
    "criteria": [{"id": "SNR", "name": "Signal"}],
    "primary": {"first": "FAST-DL", "second": "SOC", "criterion": "SNR"},
    "margins": [{"kind": "equivalence", "on": "mean", "margin": 0.5}],
    "set_aside": [{"case": "S9-L", "reason": "motion"}],
}
SERIES = pd.DataFrame(
    {
        "subject": ["S0", "S0"],
        "site": ["A", "A"],
        "case": ["S0-L", "S0-L"],
        "arm": ["SOC", "FAST"],
        "series": ["1", "2"],
        "simulated": [None, "half NEX, seed 1"],
    }
)
CASES = flow.cases_of(ratings(), None)


@pytest.fixture(scope="module")
def results() -> dict:
    return reading.analyse(ratings(), protocol=DECLARED, series=SERIES, guesses=guesses())


@pytest.fixture(scope="module")
def made(results) -> str:
    return page.page(results, page.Sources(CASES, DECLARED, SERIES, files={"ratings.csv": "ab" * 32}))


def test_every_link_leads_to_a_place_of_the_page_and_no_place_is_there_twice(made):
    places = re.findall(r'\bid="([^"]+)"', made)
    assert len(places) == len(set(places))
    links = set(re.findall(r'href="#([^"]+)"', made))
    assert len(links) > 20
    assert links <= set(places)
    assert 'href="http' not in made


def test_the_numbers_of_a_sentence_stand_in_the_row_that_it_points_to(results, made):
    rows = dict(re.findall(r'<tr\s+id="(preference-\d+)"\s*>(.*?)</tr>', made, re.DOTALL))
    told = [
        one for one in paragraphs.findings(results, {"SNR": "Signal"}, DECLARED) if one.row.startswith("preference-")
    ]
    assert len(told) == len(results["comparisons"]) == len(rows)
    for sentence in told:
        row = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", rows[sentence.row])))
        arms = re.search(r"(\S+ vs \S+):", sentence.words)[1]
        net, mean = re.search(r"net preference (\S+),.*mean ([\d.]+ ± [\d.]+)", sentence.words).groups()
        assert all(part in row for part in (arms, net, mean)), (sentence.words, row)


def test_the_primary_hypothesis_comes_first_with_its_own_p_and_simulation_before_all(results):
    simulated, first, *_ = paragraphs.findings(results, {"SNR": "Signal"}, DECLARED)
    assert simulated.words == "Simulated, not acquired: FAST in 1 of 1 series (half NEX, seed 1)."
    assert first.words.startswith("Signal, FAST-DL vs SOC: ")
    own = results["primary"]["result"]["p"]
    assert f"primary hypothesis, p = {number(own, 2)}" in first.words


def test_a_preference_is_told_only_where_the_test_rejects(results):
    """The sentence follows from the test: with its p planted on either side of the level it changes."""
    cell = {**results["comparisons"][0], "primary": True}
    test = cell["tests"][cell["primary_test"]]
    for p, told in ((0.049, "FAST was preferred"), (0.051, "no preference was shown")):
        planted = {**cell, "tests": {**cell["tests"], cell["primary_test"]: {**test, "p": p, "statistic": -2.0}}}
        assert told in paragraphs.findings({**results, "comparisons": [planted]}, {}, DECLARED)[1].words


def test_methods_say_what_was_declared_each_with_its_source(results):
    said = paragraphs.methods(results, DECLARED, {"SNR": "Signal"})
    words = " ".join(one.words for one in said)
    assert "10 % of the pairs came again" in words
    assert "at least 28 days apart" in words
    assert "the clustered signed rank of Datta and Satten" in words
    assert "no preference between FAST-DL and SOC on Signal" in words
    assert "a margin of 0.5 on mean preference" in words
    assert {"datta2008", "holm1979", "schuirmann1987", "gwet2014", "bang2004"} <= {
        k for one in said for k in one.sources
    }
    undeclared = paragraphs.methods(reading.analyse(ratings()), {}, {})
    words = " ".join(one.words for one in undeclared)
    assert not re.search("margin|seed|primary hypothesis|guesses", words)


def test_every_source_that_is_named_is_there_and_is_an_entry_of_bibtex():
    found = references.all_references()
    assert found["datta2008"].words == (
        "Datta S, Satten GA. A signed-rank test for clustered data. Biometrics 2008; 64: 501–507."
    )
    assert found["kottner2011"].words.startswith("Kottner J, Audigé L, Brorson S et al. Guidelines for Reporting")
    assert len(found) == len(re.findall("^@", references.BIB.read_text(), re.MULTILINE))
    assert found["gwet2014"].words == (
        "Gwet KL. Handbook of Inter-Rater Reliability. Fourth edition. Gaithersburg: Advanced Analytics 2014."
    )
    assert found["james1996"].doi == "10.1002/(SICI)1097-0258(19960715)15:13<1421::AID-SIM266>3.0.CO;2-H"
    assert references.bibtex(["holm1979", "gwet2014", "holm1979"]).count("\n") == 2
    for one in found.values():
        assert one.bibtex.count("{") == one.bibtex.count("}")


def test_the_flow_loses_nobody_without_a_reason(results):
    stages = flow.stages(results, DECLARED, SERIES, CASES)
    assert [one.count for one in stages] == [
        "7 subjects",
        "7 cases",
        "2 series",
        "36 pairs shown",
        "36 questions",
        "36 scores",
    ]
    assert stages[0].left_out == ["1 subject withdrawn", "1: Consent ended. (S07)"]
    assert stages[1].detail == "of 6 subjects whose pairs were read"
    assert stages[1].left_out == ["1 case set aside", "1: motion (S9-L)"]
    assert "1 of them simulated" in stages[2].detail
    missing = {**results, "n": {**results["n"], "cannot_judge": 3, "missing": 2, "ratings": 31}}
    assert flow.stages(missing, {}, None, CASES)[-2].left_out == ["3 the reader could not judge", "2 no answer"]


def test_the_flow_begins_with_those_who_were_screened_and_not_included(results):
    excluded = [{"reason": "claustrophobia", "subjects": 7}, {"reason": "metal", "subjects": 2}]
    first, second, *_ = flow.stages(results, {**DECLARED, "screening": excluded}, SERIES, CASES)
    assert (first.count, first.detail, second.count) == ("16 subjects", "screened", "7 subjects")
    assert first.left_out == ["9 subjects not included", "7: claustrophobia", "2: metal"]


def test_who_was_screened_are_those_for_training_alone_too(results):
    """T1 and T2 were for training alone; T1 was withdrawn."""
    trained = ratings().iloc[:1].assign(subject="T2", case="T2-L", kind="training")
    amended = [*DECLARED["amendments"], {**DECLARED["amendments"][0], "what": ["T1"], "training": True}]
    protocol = {**DECLARED, "amendments": amended, "screening": [{"reason": "metal", "subjects": 4}]}
    first, second, *_ = flow.stages(results, protocol, SERIES, flow.cases_of(pd.concat([ratings(), trained]), None))
    assert (first.count, second.count) == ("13 subjects", "7 subjects")
    assert first.left_out == ["4 subjects not included", "4: metal", "2 subjects for training alone"]


def test_the_flow_counts_neither_training_nor_loses_who_was_never_read(results):
    """S8 was never read, T1 was for training alone and was withdrawn, S0 has another case that nobody read."""
    read = ratings()
    trained = read.iloc[:1].assign(subject="T2", case="T2-L", kind="training")
    more = [("S8", "S8-L"), ("T2", "T2-L"), ("S0", "S0-R"), ("S9", "S9-L")]
    series = pd.concat([SERIES, *(SERIES.iloc[:1].assign(subject=one, case=case) for one, case in more)])
    cases = flow.cases_of(pd.concat([read, trained]), series)
    amended = [*DECLARED["amendments"], {**DECLARED["amendments"][0], "what": ["T1"], "training": True}]
    protocol = {**DECLARED, "amendments": amended}
    first, second, third, *_ = flow.stages(results, protocol, flow.of_read_cases(series, cases), cases)
    assert (first.count, second.count, third.count) == ("9 subjects", "8 cases", "2 series")
    assert first.left_out == [
        "1 subject withdrawn",
        "1: Consent ended. (S07)",
        "1 subject with every case set aside: S9",
        "1 subject never read: S8",
    ]
    assert second.left_out == ["1 case set aside", "1: motion (S9-L)", "1 case never read: S0-R"]


def test_synthetic_images_are_said_before_all_and_over_every_table(results):
    plain = page.page(results, page.Sources(CASES, DECLARED))
    assert "Synthetic" not in plain
    said = "Synthetic images: nothing here is evidence about patients."
    synthetic = {**DECLARED, "synthetic": True}
    assert paragraphs.findings(results, {}, synthetic)[0].words == said
    made = page.page(results, page.Sources(CASES, synthetic))
    assert made.index(said) < made.index('id="section-summary"')
    for one in page.sections(results, page.Sources(CASES, synthetic), {}):
        if one.key in ("preference", "manuscript", "tests"):
            assert all(said in noted.table.note for noted in one.tables), one.key


def test_nothing_is_left_to_a_hover(made):
    tables = "".join(re.findall(r'<div class="tabled.*?</table>', made, re.DOTALL))
    assert "<table" in tables
    assert re.findall(r'<(?:td|th|abbr)[^>]*title="', tables) == []


def test_a_note_stands_at_the_head_where_a_column_says_one_thing_else_at_the_cell():
    rows = [
        [TableCell("A"), TableCell("1", how="m"), TableCell("2", how="x")],
        [TableCell("B"), TableCell("3", how="m"), TableCell(reason="none asked")],
        [TableCell("C"), TableCell("4", how="m"), TableCell("5", how="95 % interval 1 to 2, n = 9")],
    ]
    found = notes.noted(Table("k", "T", heads=["", "p", ColumnHead("q", about="what q is")], rows=rows))
    assert found.table.heads == ["", "p ᵃ", "q ᵇ"]
    assert [[cell.text for cell in row] for row in found.table.rows] == [
        ["A", "1", "2 ᶜ"],
        ["B", "3", "n/a ᵈ"],
        ["C", "4", "5 ᵉ"],
    ]
    assert found.table.rows[2][2].below == "1 to 2"
    assert list(found.notes) == ["ᵃ m", "ᵇ what q is", "ᶜ x", "ᵈ none asked", "ᵉ n = 9"]
    many = [[TableCell("1", how=str(place))] for place in range(60)]
    assert len(set(notes.noted(Table("k", "T", heads=[""], rows=many)).notes)) == 60


def test_a_method_is_noted_once_however_many_scores_a_row_has():
    rows = [[TableCell("1", how=f"signed rank; n = {n}; exact")] for n in ("1,005", "329", "333")]
    rows += [[TableCell("2", how="other; n = 4")]]
    found = notes.noted(Table("k", "T", heads=["p"], rows=rows))
    assert list(found.notes) == ["ᵃ signed rank; n = 329 to 1,005; exact", "ᵇ other; n = 4"]


def test_the_checklist_has_all_items_and_points_only_to_what_is_there():
    none = checklist.grras([], []).items
    assert [one.number for one in none] == [str(number) for number in range(1, 16)]
    assert not any(one.section for one in none)
    assert {one.more for one in none if one.number in ("10", "13")} == {"not in this report"}
    assert {one.section for one in checklist.grras(["agreement"], []).items} == {"", "agreement"}


def test_an_item_of_the_checklist_points_to_the_methods_only_where_they_answer_it(results):
    """A sample size, blinding and independence are known of a study of the site, not of a table alone."""
    plan = sample_size.plan(Design(subjects=6, cases=6, readers=1, distribution=(0, 0, 0, 1, 0)), studies=10)
    for protocol, size, answered in (
        ({}, None, set()),
        (DECLARED, None, {"8", "9"}),
        (DECLARED, plan, {"6", "8", "9"}),
    ):
        told = {item for one in paragraphs.methods(results, protocol, {}, size) for item in one.answers}
        assert told == answered
        found = {one.number: one for one in checklist.grras(["methods"], told).items if one.number in checklist.TOLD}
        assert {number for number, one in found.items() if one.section == "methods"} == answered
        assert {one.more for number, one in found.items() if number not in answered} <= {checklist.AUTHORS}
    assert any("6 subjects, 6 cases and 1 reader" in one.words for one in paragraphs.methods(results, {}, {}, plan))


def test_methods_say_only_what_was_done(results):
    """Parts, statements, tests of margins and the family: each as it was declared, none because it is usual."""
    cell = {"first": "FAST-DL", "second": "SOC", "criterion": "SNR"}
    margins = [{**DECLARED["margins"][0], "kind": "noninferiority"}, {**DECLARED["margins"][0], "criterion": "none"}]
    asked = {**DECLARED["questions"], "integrity": True, "diagnostic": False}
    rules = {**DECLARED["schedule"], "parts": 1}
    found = {**DECLARED, "family": [cell], "margins": margins, "questions": asked, "schedule": rules}
    words = " ".join(one.words for one in paragraphs.methods(results, found, {}))
    assert "days apart" not in words
    assert "diagnostic quality" not in words
    assert "exaggerated." in words
    assert "by one one-sided test on subject means" in words
    assert "two one-sided" not in words
    assert "none" not in words
    assert "p values of the 1 cell (comparison and criterion) of the declared family were adjusted" in words
    first, *_ = paragraphs.methods(results, {}, {})
    assert first.words.startswith("In a study of paired preference")


def test_a_cell_without_a_test_is_not_told_to_show_nothing(results):
    cell = results["comparisons"][0]
    test = {**cell["tests"][cell["primary_test"]], "p": None, "statistic": None, "reason": "all answers alike"}
    untested = {**cell, "tests": {**cell["tests"], cell["primary_test"]: test}, "p_holm": {"primary": None}}
    outside = {**cell, "p_holm": {"primary": None}}
    told = [one.words for one in paragraphs.findings({**results, "comparisons": [untested, outside]}, {}, {})]
    assert "SNR, SOC vs FAST: not tested: all answers alike (net preference" in told[1]
    assert "not tested: outside the family that the protocol declares (" in told[2]
    assert not any("no preference" in words for words in told)


def test_a_sentence_says_where_its_numbers_disagree_with_its_test_and_are_of_few(results):
    cell = {**results["comparisons"][0], "primary": True}
    test = {**cell["tests"][cell["primary_test"]], "p": 0.01, "statistic": 5.0}
    net = {**cell["net_preference"], "estimate": -0.2, "ci": (-0.4, -0.1), "caution": "few"}
    mean = {**cell["mean"], "estimate": 2.7}
    cell |= {"tests": {**cell["tests"], cell["primary_test"]: test}, "net_preference": net, "mean": mean}
    told = [one.words for one in paragraphs.findings({**results, "comparisons": [cell]}, {}, {})]
    assert "SOC was preferred (net preference −0.20, 95 % −0.40 to −0.10 †;" in told[1]
    assert "The test disagrees with the mean (2.70) and with net preference (−0.20): they lean to FAST." in told[1]
    assert f"{FEW}." in told


def test_names_are_escaped_in_the_report(results):
    said = page.page(results, page.Sources(CASES, {**DECLARED, "title": "<script>"}))
    assert "<script>" not in said
    assert "&lt;script&gt;" in text(said)


def test_every_colour_of_a_figure_reaches_paper(made):
    """What a style sheet gives figures by variables is resolved within each, where WeasyPrint looks."""
    inside = re.search(r"<svg[^>]*><style>(.*?)</style>", pdf.with_styled_figures(made))[1]
    assert ".fast{fill:#b26a14}" in inside
    assert "var(" not in inside
    style = render.HERE.joinpath("report.css").read_text()
    assert inside.count("{") == len(re.findall(r"^svg ", style, re.MULTILINE))


def test_a_study_with_radiomics_has_a_section_of_it_with_tables_figures_and_limits(results):
    features = simulated_study.tables()["features"]
    stable = stability.analyse(features, reference="SOC", restores=[("FAST", "FAST-DL")])
    measured = pd.DataFrame(
        {"subject": f"S{subject}", "roi": "disc", "arm": arm, "measure": "cv", "value": 0.1 + subject * step}
        for subject in range(4)
        for arm, step in (("SOC", 0.01), ("FAST", 0.02))
    )
    volumes = in_volumes.analyse(measured, reference="SOC")
    assert "section-radiomics" not in page.page(results, page.Sources(CASES, DECLARED))
    made = page.page(results, page.Sources(CASES, DECLARED, stability=stable, volumes=volumes))
    section = made.split('id="section-radiomics"')[1].split("</section>")[0]
    assert {"unstable", "restored", "summary", "volumes", "volumes-tests"} <= set(
        re.findall(r'<table[^>]* id="([^"]+)"', section)
    )
    assert section.count("<svg") == 5
    assert "Limits: paired_t 0.05, ccc 0.85, icc 0.9" in section
    assert "Concordance" not in section
    assert {"lin1989", "shrout1979"} <= {one.key for one in page.cited(results, page.Sources(CASES, stability=stable))}
    assert "lin1989" not in {one.key for one in page.cited(results, page.Sources(CASES))}


def test_claim_stands_there_only_where_a_network_made_an_arm_and_its_models_are_named(results):
    assert "section-claim" not in page.page(results, page.Sources(CASES, {}))
    series = pd.DataFrame(
        {
            "subject": "S0",
            "case": "S0-L",
            "arm": "FAST-DL",
            "model_name": name,
            "model_sha256": 64 * sha,
            "processing_seconds": took,
        }
        for name, sha, took in (("resunet 1", "a", 3.0), ("resunet 1", "a", 5.0), ("resunet 2", "b", None))
    )
    made = text(page.page(results, page.Sources(CASES, DECLARED, series)))
    assert f"FAST-DL FAST resunet 1 {64 * 'a'} 2 4.0" in made
    assert f"FAST-DL FAST resunet 2 {64 * 'b'} 1 n/a" in made
    items = {one.number: one for one in checklist.claim(["models", "flow", "methods"], ["6"]).items}
    assert (items["22"].section, items["21"].section, items["18"].more) == ("models", "methods", "not in this report")
    assert (
        checklist.claim(["methods"], []).items[13].more == checklist.AUTHORS
    )  # the sample size, of which nothing is told
    numbers = [part for one in items for part in re.findall(r"\d+", one)]
    assert (numbers[0], numbers[-1]) == ("1", "44")
    spans = [range(int(one.split("–")[0]), int(one.split("–")[-1]) + 1) for one in items]
    assert [number for span in spans for number in span] == list(range(1, 45))


def test_the_report_names_the_versions_that_computed_it(made):
    for name, version in (("numpy", np.__version__), ("pandas", pd.__version__)):
        assert f"{name} {version}" in text(made)
