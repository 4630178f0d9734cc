"""The charter: every declaration of the protocol stands in it, nothing else does, and changes are named."""

import copy
import json
import re

import pytest

from analysis import protocol
from analysis.__main__ import main
from analysis.errors import InputError
from analysis.report import charter, charter_changes
from analysis.sample_size import Design, plan
from tests.analysis.test_result_tables import ratings

SCALE = ["left markedly better", "left better", "no difference", "right better", "right markedly better"]
PROTOCOL = {
    "study": "bash",
    "title": "Fast <spine> MRI",
    "arms": [
        {"id": "SOC", "acquisition": "reference", "reconstruction": "standard", "made_from": None, "model": None},
        {"id": "FAST", "acquisition": "accelerated", "reconstruction": "standard", "made_from": None, "model": None},
        {
            "id": "FAST-DL",
            "acquisition": "accelerated",
            "reconstruction": "dl",
            "made_from": "FAST",
            "model": "resunet",
        },
    ],
    "comparisons": [{"first": "FAST-DL", "second": "SOC", "question": "As good as the standard?"}],
    "criteria": [
        {"id": "snr", "name": "SNR", "asks": "How much noise", "better": "less", "anchors": SCALE, "regions": []},
        {
            "id": "cord",
            "name": "Cord",
            "asks": "Its border",
            "better": "clear",
            "anchors": SCALE,
            "regions": ["cervical"],
        },
    ],
    "primary": {"first": "FAST-DL", "second": "SOC", "criterion": "snr"},
    "primary_test": "datta_satten",
    "margins": [{"kind": "noninferiority", "on": "net_preference", "margin": 0.1}],
    "readers": "random",
    "reader_codes": ["R1", "R2"],
    "schedule": {"min_distance": 7, "repeat_share": 0.1, "parts": 2, "washout_days": 28},
    "questions": {"integrity": True, "cannot_judge": True, "guesses": 10, "all_slices": False},
    "seed": 4711,
    "amendments": [
        {
            "number": 1,
            "kind": "subject_withdrawn",
            "what": ["S07"],
            "reason": "Consent ended.",
            "at": "2026-12-02T10:00",
        }
    ],
}
PROTOCOL["sha256"] = protocol.sha256({name: value for name, value in PROTOCOL.items() if name != "amendments"})


def text(page: str) -> str:
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_every_declaration_of_the_protocol_stands_in_its_charter():
    said = text(charter.page(PROTOCOL))
    for declared in (
        "Fast &lt;spine&gt; MRI",
        "FAST-DL vs SOC: As good as the standard?",
        "from FAST by the model resunet",
        "2 readers, R1, R2. They stand for readers in general",
        "at least 7 positions apart",
        "10 % of the pairs come a second time",
        "2 parts with at least 28 days",
        "seed, 4711,",
        "guesses which image was which on 10 pairs",
        "without having seen every slice",
        "1 left markedly better; 2 left better; 3 no difference",
        "cervical",
        "FAST-DL and SOC are preferred equally often on SNR",
        "clustered signed rank of Datta and Satten",
        "non-inferiority: the first arm is not worse than the second: 0.1 on net preference (every cell)",
        "no simulation was taken into this charter",
        "1 2026-12-02 subject withdrawn S07 Consent ended.",
        PROTOCOL["sha256"],
    ):
        assert declared in said, declared
    assert "Simulated" not in said
    assert "diagnostic quality" not in said  # not asked for


def test_what_is_not_declared_is_said_not_to_be():
    said = text(charter.page({"comparisons": [], "criteria": []}))
    for words in (
        "No objective was written",
        "No primary hypothesis is declared",
        "No margin is declared: neither equivalence nor non-inferiority will be claimed",
        "There are no hidden repeats",
        "There are no practice pairs",
        "Readers are not asked to guess",
    ):
        assert words in said, words


def test_a_simulated_arm_is_said_to_be_simulated():
    found = copy.deepcopy(PROTOCOL)
    found["arms"][1] |= {"made_from": "SOC", "degrade": {"half_nex_fraction": 0.05, "seed": 12}}
    assert "Simulated, not acquired: FAST." in (said := text(charter.page(found)))
    assert "simulated from SOC: half nex fraction 0.05, seed 12" in said
    made = {"protocol": found, "made": {"FAST": "half NEX 5 %"}}
    assert "simulated from SOC: half NEX 5 %" in text(charter.page(made))


def test_the_sample_size_comes_with_its_simulation():
    design = Design(subjects=6, cases=6, readers=1, distribution=(0.0, 0.0, 0.0, 1.0, 0.0))
    said = text(charter.page({"protocol": PROTOCOL, "plan": plan(design, target=0.8, studies=10)}))
    assert "(10 studies, seed 0;" in said
    assert "6 subjects, 6 cases and 1 reader have 100 % power (69.2 % to 100 %) at 0.05" in said
    assert "80 % power needs 6 subjects with 6 cases" in said


def test_what_changed_since_a_version_is_named_place_by_place():
    earlier = {"protocol": copy.deepcopy(PROTOCOL), "version": {"number": 1}}
    now = copy.deepcopy(earlier) | {"version": {"number": 2}}
    assert charter_changes.differences(now, earlier) == []
    assert charter_changes.table(now, earlier).reason == "nothing differs from version 1"
    now["protocol"]["criteria"][0]["asks"] = "How grainy"
    now["protocol"]["seed"] = 1
    now["protocol"]["sha256"] = "0" * 64  # follows from the rest
    del now["protocol"]["margins"]
    assert [(one.where, one.before, one.now) for one in charter_changes.differences(now, earlier)] == [
        ("protocol, criteria snr, asks", "How much noise", "How grainy"),
        ("protocol, seed", "4711", "1"),
        ("protocol, margins noninferiority, net_preference, there", "yes", ""),
        ("protocol, margins noninferiority, net_preference, margin", "0.1", ""),
    ]
    assert "Changes since version 1" in text(charter.page(now, earlier=earlier))


def test_the_charter_of_an_amended_study_has_its_readers_and_their_lists():
    added = {**PROTOCOL["amendments"][0], "number": 2, "kind": "reader_added", "what": ["R3"]}
    amended = {**PROTOCOL, "amendments": [*PROTOCOL["amendments"], added]}
    made = {"pairs": 25, "each": 8, "fewest": 7, "most": 9}
    said = text(charter.page({"protocol": amended, "schedule": made}))
    assert "3 readers, R1, R2, R3 (added by amendment 2)." in said
    assert "25 pairs in all, 7 to 9 for each reader." in said
    assert "in each comparison, those of withdrawn subjects only until then." in said
    assert "pairs of a subject who is withdrawn are no longer read" in said
    plain = text(charter.page({"protocol": {**PROTOCOL, "amendments": []}, "schedule": {"pairs": 16, "each": 8}}))
    assert "2 readers, R1, R2." in plain
    assert "16 pairs in all, 8 for each reader." in plain
    assert "sees every case once in each comparison. Which" in plain


def test_an_uploaded_arm_is_not_said_to_come_from_a_scanner():
    said = text(charter.page({"protocol": PROTOCOL, "made": {"SOC": "simulated: phantom", "FAST-DL": "simulated: it"}}))
    assert "scanner gave" not in said
    assert "SOC reference standard uploaded; simulated: phantom" in said
    assert "FAST accelerated standard uploaded" in said
    assert "from FAST by the model resunet; simulated: it" in said


def test_a_margin_says_how_many_tests_it_has():
    asked = text(charter.page(PROTOCOL))
    assert "one one-sided test on subject means at 0.05" in asked
    assert "two one-sided tests" not in asked
    alike = text(charter.page({**PROTOCOL, "margins": [{**PROTOCOL["margins"][0], "kind": "equivalence"}]}))
    assert "two one-sided tests on subject means at 0.05, with the 90 % interval" in alike


def test_no_change_hides_behind_another_of_its_name():
    """The protocol has a schedule, and so has what the site adds; two margins may be of one comparison."""
    margins = [
        {"first": "FAST", "second": "SOC", "criterion": one, "kind": "equivalence", "on": "mean", "margin": 0.2}
        for one in ("snr", "cord")
    ]
    asked = {**PROTOCOL, "margins": margins, "comparisons": [{"first": "FAST", "second": "SOC", "question": ""}]}
    earlier = {"protocol": asked, "schedule": {"pairs": 10}}
    now = copy.deepcopy(earlier)
    now["schedule"]["pairs"] = 12
    now["protocol"]["schedule"] |= {"washout_days": 0, "min_distance": 1}
    now["protocol"]["margins"][0]["margin"] = 0.5
    now["protocol"]["comparisons"].append({"first": "FAST-DL", "second": "SOC", "question": ""})
    assert {(one.where, one.before, one.now) for one in charter_changes.differences(now, earlier)} == {
        ("schedule, pairs", "10", "12"),
        ("protocol, schedule, washout_days", "28", "0"),
        ("protocol, schedule, min_distance", "7", "1"),
        ("protocol, margins FAST vs SOC, snr, equivalence, mean, margin", "0.2", "0.5"),
        ("protocol, comparisons FAST-DL vs SOC, there", "", "yes"),
    }


@pytest.mark.parametrize("command", ["charter", "report"])
def test_a_protocol_that_was_changed_after_it_was_frozen_is_refused(tmp_path, capsys, command):
    said = {
        "exported": {**PROTOCOL, "set_aside": [{"case": "S1-L", "reason": "motion"}], "synthetic": True},
        "other margin": {**PROTOCOL, "margins": []},
        "another member": {**PROTOCOL, "family": []},
        "another test": {**PROTOCOL, "primary_test": "cluster_sign_flip"},
        "never frozen": {name: value for name, value in PROTOCOL.items() if name != "sha256"} | {"margins": []},
    }
    unnamed = {name: value for name, value in PROTOCOL.items() if name not in ("primary_test", "amendments", "sha256")}
    for test in ("cluster_sign_flip", "cluster_permutation"):
        said[f"unnamed {test}"] = {**unnamed, "sha256": protocol.sha256(unnamed), "primary_test": test}
    ratings().assign(criterion="snr").to_csv(tmp_path / "ratings.csv", index=False)
    found = {}
    for name, content in said.items():
        (tmp_path / "p.json").write_text(json.dumps(content))
        options = [str(tmp_path / "p.json")]
        if command == "report":
            options = [str(tmp_path / "ratings.csv"), "--protocol", *options]
        found[name] = main([command, *options, "--html", str(tmp_path / "out.html")])
    refused = {"other margin", "another member", "another test", "unnamed cluster_permutation"}
    assert {name for name, status in found.items() if status} == refused
    assert capsys.readouterr().err.count("p.json is not the protocol that was frozen") == len(refused)


def test_a_version_of_the_site_is_taken_only_as_it_was_kept(tmp_path):
    kept = {"protocol": PROTOCOL, "words": {"objective": "To see."}}
    version = {"number": 1, "sha256": protocol.sha256(kept)}
    (tmp_path / "c.json").write_text(json.dumps({**kept, "version": version}))
    assert charter.read(tmp_path / "c.json")["version"] == version
    (tmp_path / "c.json").write_text(json.dumps({**kept, "words": {"objective": "To prove."}, "version": version}))
    with pytest.raises(InputError, match="not the version that was kept"):
        charter.read(tmp_path / "c.json")


def test_a_study_of_images_alone_has_no_readers_in_its_charter():
    said = text(charter.page({**PROTOCOL, "images_only": True, "comparisons": [], "criteria": []}))
    assert "nobody reads in this study" in said
    assert not re.search(r"Readers and training|Schedule|Statistics", said)


def test_no_name_reaches_the_style_of_the_page():
    """The running head is a string of the style sheet: what would end it stands there by its number."""
    page = charter.page({**PROTOCOL, "title": 'a"; } </style><b>'})
    head = re.search(r'content: "([^"]*)"', page)[1]
    assert head == "Charter \\b7  a\\22 \\3b  \\7d  \\3c \\2f style\\3e \\3c b\\3e "
    assert page.count("</style>") == 1


def test_the_command_writes_the_page_and_refuses_what_is_no_protocol(tmp_path, capsys):
    (tmp_path / "protocol.json").write_text(json.dumps(PROTOCOL))
    assert (
        main(["charter", str(tmp_path / "protocol.json"), "--html", str(tmp_path / "c.html"), "--paper", "letter"]) == 0
    )
    assert "size: letter" in (tmp_path / "c.html").read_text()
    (tmp_path / "wrong.json").write_text("[1]")
    assert main(["charter", str(tmp_path / "wrong.json")]) == 2
    assert capsys.readouterr().err == "The charter must be a JSON object.\n"
    with pytest.raises(InputError, match="paper"):
        charter.page(PROTOCOL, paper="A5")
