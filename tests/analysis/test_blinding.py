"""Blinding indices against the CRISP trial of Bang et al. (2004) and the R package BI 1.2.0."""

import numpy as np
import pandas as pd
import pytest

from analysis import tables
from analysis.__main__ import main
from analysis.blinding import NO_GUESSES, bang, blinding, james
from analysis.errors import InputError

# Guesses (treatment, placebo, do not know) by truth, and what BI 1.2.0 says: estimate, 95 % interval.
CRISP = [[82, 27], [25, 29], [170, 83]]
TABLES = [
    (CRISP, (0.747927537452, 0.705323019999, 0.790532054904),
     [(0.2057761732852, 0.1367127450391, 0.2748396015313), (0.0143884892086, -0.0911025787794, 0.1198795571966)]),
    ([[12, 5], [6, 14], [2, 1]], (0.3506039531479, 0.2027911731139, 0.4984167331819),
     [(0.3, -0.0944351432595, 0.6944351432595), (0.45, 0.0710877101182, 0.8289122898818)]),
    ([[30, 2], [3, 25], [0, 0]], (0.0838926174497, 0.0135359665405, 0.1542492683588),
     [(0.818181818182, 0.622013697461, 1.014349938903), (0.851851851852, 0.654283470109, 1.049420233595)]),
]  # fmt: skip


def guesses(counts: list[list[int]], *, reader: str = "R1", comparison: str = "A vs B") -> pd.DataFrame:
    said, truth = ("left", "right", "unknown"), ("left", "right")
    rows = [
        {"reader": reader, "comparison": comparison, "guessed": said[i], "first_side": truth[j]}
        for i in range(3)
        for j in range(2)
        for _ in range(counts[i][j])
    ]
    return tables.check(pd.DataFrame(rows), "guesses")


@pytest.mark.parametrize(("counts", "expected_james", "expected_bang"), TABLES)
@pytest.mark.reference("blinding", "BI, R", version="1.2.0")
def test_both_indices_and_their_intervals_are_those_of_the_r_package(counts, expected_james, expected_bang):
    found = blinding(guesses(counts))["overall"]
    estimate, low, high = expected_james
    assert found["james"]["estimate"] == pytest.approx(estimate, abs=1e-11)
    assert found["james"]["ci"] == pytest.approx([low, high], abs=1e-11)
    for side, (estimate, low, high) in zip(found["sides"], expected_bang, strict=True):
        assert side["bang"]["estimate"] == pytest.approx(estimate, abs=1e-11)
        assert side["bang"]["ci"] == pytest.approx([low, high], abs=1e-11)


@pytest.mark.reference("blinding", "Bang et al., CRISP", version="2004")
def test_the_published_rounded_values_of_crisp():
    assert round(bang(82, 25, 170).estimate, 2) == 0.21
    assert round(bang(29, 27, 83).estimate, 2) == 0.01
    assert round(james(np.array(CRISP)).estimate, 2) == 0.75


@pytest.mark.parametrize(("counts", "estimate"), [((9, 0, 0), 1), ((0, 9, 0), -1), ((0, 0, 9), 0), ((4, 4, 9), 0)])
def test_the_ends_of_bangs_index(counts, estimate):
    found = bang(*counts)
    assert found.estimate == estimate
    assert (found.ci is None) == (len({n for n in counts if n}) == 1 and 0 in counts and counts != (4, 4, 9))


def test_nothing_to_compare_is_undefined_with_its_reason():
    assert bang(0, 0, 0).as_estimate()["reason"] == "nobody guessed"
    assert james(np.array([[5, 0], [0, 0], [1, 0]])).reason == "all guesses and all truths are of one kind"
    assert james(np.array([[0, 0], [0, 0], [4, 3]])).estimate == 1
    assert blinding(None) == {"reason": NO_GUESSES}
    assert blinding(guesses(CRISP).iloc[:0]) == {"reason": NO_GUESSES}


def test_comparisons_and_readers_are_told_apart():
    both = pd.concat([guesses(CRISP), guesses([[1, 0], [0, 1], [0, 0]], reader="R2", comparison="B vs C")])
    found = blinding(both)
    assert [row["comparison"] for row in found["comparisons"]] == ["A vs B", "B vs C"]
    assert [(row["reader"], row["correct"], row["wrong"], row["unknown"]) for row in found["readers"]] == [
        ("R1", 111, 52, 253),
        ("R2", 2, 0, 0),
    ]


def test_a_guess_that_is_no_side_is_refused(tmp_path):
    path = tmp_path / "g.csv"
    path.write_text("reader,comparison,guessed,first_side\nR1,A vs B,middle,left\n")
    with pytest.raises(InputError, match="guessed"):
        tables.read_guesses(path)


def test_the_command_takes_guesses(tmp_path, capsys):
    ratings, path = tmp_path / "r.csv", tmp_path / "g.csv"
    columns = "subject,case,reader,presentation,kind,comparison,first,second,first_side,criterion,score,status\n"
    ratings.write_text(
        columns + "".join(f"S{n},C{n},R1,R1-{n:04d},main,A vs B,A,B,left,snr,{n % 5 + 1},rated\n" for n in range(8))
    )
    guesses(CRISP).to_csv(path, index=False)
    assert main(["reading", str(ratings), "--guesses", str(path)]) == 0
    assert '"james"' in capsys.readouterr().out
