"""The codebook of the tables of results: every column that a study's tables have is told in words."""

from analysis.report.result_codebook import BEGINNINGS, ENDS, codebook, described
from analysis.report.result_tables import columns, result_tables
from tests.analysis.test_missing import R1, R2, ratings
from tests.analysis.test_result_tables import guesses, results


def test_every_column_is_told_and_its_beginning_and_end_are_words_of_the_codebook():
    from analysis.reading import analyse

    study = results(guesses=guesses())
    tables = result_tables(study) | result_tables(analyse(ratings({"R1": R1, "R2": R2})))
    rows = codebook({name: columns(own) for name, own in tables.items()})
    assert {row["table"] for row in rows} == set(tables)
    assert all(row["description"] for row in rows)
    told = {(row["table"], row["column"]): row["description"] for row in rows}
    assert told["preference", "n3"] == "number of preferences of 3"
    assert told["preference", "mean_low"] == f"{BEGINNINGS['mean']}: lower end of the interval"
    assert told["preference", "p_hommel_primary"] == "p value adjusted by Hommel, primary"
    assert told["components", "variance_case_estimate"] == "variance between cases"
    assert (
        told["missing", "per_protocol_mean_n"]
        == "cases that every reader of the comparison answered, mean: how many entered"
    )
    assert told["margins", "estimate"] == "the number"


def test_a_column_without_words_stands_for_itself():
    assert described("something_new_low") == ENDS["_low"].format("something new")
