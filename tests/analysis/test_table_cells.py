"""Numbers as tables write them."""

import pytest

from analysis import formats
from analysis.report import table_cells
from analysis.report.table import TableCell


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0009, "< 0.001"), (0.001, "0.001"), (0.0306, "0.031"), (0.0994, "0.099"), (0.41, "0.41"), (1.0, "1.00")],
)
def test_p_values(p, text):
    assert formats.p_value(p) == text


def test_p_below_0_05_is_bold_as_computed_not_as_rounded():
    assert not table_cells.p_of_test({"p": 0.05}).strong
    assert table_cells.p_of_test({"p": 0.0499}).strong
    assert table_cells.p_of_test({"p": 0.0499}).text == "0.0499"


def test_tiny_p_values_can_be_shown_in_full():
    assert table_cells.p_of_test_in_full({"p": 4.363e-12}).text == "4.4 × 10⁻¹²"
    assert table_cells.p_of_test_in_full({"p": 0.31}).text == "0.31"


def test_what_is_undefined_has_no_text_but_a_reason():
    assert table_cells.p_of_test({"p": None, "reason": "every answer is 'no difference'"}) == TableCell(
        "", "every answer is 'no difference'"
    )
    assert table_cells.estimate(None) == TableCell("", "not computed")
    assert table_cells.adjusted_p(None, {"p": 0.2}).reason == "outside the family that the protocol declares"


@pytest.mark.parametrize(("value", "depth"), [(-0.4, 0), (0.04, 0), (0.46, 5), (1.0, 10)])
def test_heat_has_eleven_depths_and_none_below_zero(value, depth):
    assert table_cells.heat({"estimate": value, "ci": None, "n": 10}).heat == depth
