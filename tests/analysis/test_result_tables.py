"""Results as flat tables, and what page and report share: blinding, ranking, non-inferiority."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pandas as pd

from analysis.reading import analyse
from analysis.report import document, figures, forest
from analysis.report.result_tables import columns, result_tables


def ratings() -> pd.DataFrame:
    rows, position = [], 0
    for subject in range(6):
        for first, second in (("SOC", "FAST"), ("FAST-DL", "SOC"), ("FAST-DL", "FAST")):
            for reader in ("R1", "R2"):
                position += 1
                score = 3 + (subject + position + len(first)) % 3 - 1
                rows.append(
                    {
                        "subject": f"S{subject}",
                        "case": f"S{subject}-L",
                        "reader": reader,
                        "presentation": f"{reader}-{position}",
                        "position": position,
                        "kind": "main",
                        "comparison": f"{first} vs {second}",
                        "first": first,
                        "second": second,
                        "first_side": ("left", "right")[position % 2],
                        "criterion": "SNR",
                        "score": score,
                        "status": "rated",
                        "seconds": 10.0 + position,
                    }
                )
    return pd.DataFrame(rows)


def results(**more) -> dict:
    protocol = {
        "comparisons": [{"first": "SOC", "second": "FAST"}],
        "criteria": [{"id": "SNR"}],
        "margins": [{"on": "net_preference", "margin": 0.9, "kind": "noninferiority"}],
    }
    return analyse(ratings(), protocol=protocol, **more)


def guesses() -> pd.DataFrame:
    sides = [("left", "left"), ("right", "left"), ("unknown", "right"), ("right", "right")]
    rows = [
        {
            "reader": "R1",
            "subject": "S0",
            "case": "S0-L",
            "presentation": f"R1-{place}",
            "comparison": "SOC vs FAST",
            "study": "t",
            "guessed": guessed,
            "first_side": side,
        }
        for place, (guessed, side) in enumerate(sides)
    ]
    return pd.DataFrame(rows)


def test_every_number_has_its_columns_and_its_method():
    found = results(guesses=guesses())
    tables = result_tables(found)
    assert {
        "preference",
        "preference-readers",
        "margins",
        "agreement",
        "agreement-pairs",
        "readers",
        "ranking",
        "blinding",
    } <= set(tables)
    row, cell = tables["preference"][0], found["comparisons"][0]
    assert (row["first"], row["second"], row["criterion"]) == (cell["first"], cell["second"], "SNR")
    assert [row[f"n{score}"] for score in range(1, 6)] == cell["counts"]
    assert row["mean_estimate"] == cell["mean"]["estimate"]
    assert [row["mean_low"], row["mean_high"]] == cell["mean"]["ci"]
    assert [row["mean_low90"], row["mean_high90"]] == cell["mean"]["ci90"]
    for name, test in cell["tests"].items():
        assert row[f"tests_{name}_p"] == test["p"]
        assert row[f"tests_{name}_method"] == test["method"]
    assert row["p_bh_primary"] == cell["p_bh"]["primary"]
    assert row["regression_preference_reason"] == cell["regression"]["preference"]["reason"]
    for rows in tables.values():
        assert all(not isinstance(value, dict | list) for row in rows for value in row.values())
        assert len(columns(rows)) == len(set(columns(rows)))


def statistics(found, path=()):
    """The names that lead to each estimate and test of results."""
    if isinstance(found, dict):
        if "method" in found and {"estimate", "p"} & found.keys():
            yield path
        for name, own in found.items():
            yield from statistics(own, (*path, name))
    elif isinstance(found, list):
        for own in found:
            yield from statistics(own, path)


def test_the_docs_say_of_each_statistic_where_it_fails():
    told = (Path(__file__).parents[2] / "docs" / "statistics.md").read_text()
    section = told.split("## Where each fails")[1].split("\n## ")[0]
    names = set(re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in section.splitlines() if "`" in line)))
    some_missing = ratings()
    some_missing.loc[0, ["score", "status"]] = (None, "missing")
    studies = [results(guesses=guesses()), analyse(some_missing, protocol={"readers": "random"}, mixed=True)]
    found = list(statistics(studies))
    last = {next(name for name in reversed(path) if name not in ("test", "cells")) for path in found}
    assert len(last) > 50
    assert last <= names


def test_one_row_per_reader_holds_side_time_and_drift():
    rows = result_tables(results())["readers"]
    assert [row["reader"] for row in rows] == ["R1", "R2"]
    assert {"binomial_p", "threshold_shift_estimate", "time_median", "drift_seconds_estimate"} <= set(rows[0])


def test_the_report_shows_the_flow_from_subjects_to_scores_and_names_its_sources():
    found = results()
    page = re.sub(r">\s+<", "><", document.reading(found, sources={"ratings.csv": "ab" * 32}))
    flow = page[page.index('<div class="flow">') : page.index("</div></div>")]
    boxes = {"subjects": "subject", "cases": "case", "presentations": "pair", "ratings": "score"}
    places = [flow.index(f"<b>{found['n'][key]:,} {noun}") for key, noun in boxes.items()]
    assert places == sorted(places)
    assert "× 2 readers" in flow
    assert "ab" * 32 in page
    assert "SHA-256" not in document.reading(found)


def test_the_report_tells_of_blinding_and_shows_the_ranking():
    page = document.reading(results(guesses=guesses()))
    assert "<h2>Blinding</h2>" in page
    assert "Cannot tell".lower() in page
    assert "Log worth of the arms. SNR:" in page
    assert "n/a: " in document.reading(results())


def test_a_margin_of_non_inferiority_is_drawn_and_said():
    cells = results()["comparisons"][:1]
    drawn = forest.net_preference(cells, colours={})
    assert "stroke-dasharray" in drawn
    assert "−0.90" in drawn
    assert cells[0]["noninferiority"][0]["noninferior"]
    assert "SOC non-inferior to FAST" in ET.fromstring(drawn).get("aria-label")


def test_a_ranking_without_a_fit_says_why():
    undefined = {"estimate": None, "ci": None, "reason": "no ratings"}
    found = {"criteria": [{"criterion": "SNR", "arms": [{"arm": "SOC", "log_worth": undefined}]}]}
    assert "n/a: no ratings" in figures.ranking(found, colours={})
