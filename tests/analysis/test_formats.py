"""Numbers as people read them."""

import pytest

from analysis import formats


@pytest.mark.parametrize(
    ("value", "text"), [(0.384, "+0.38"), (-0.046, "−0.05"), (0.0, "0.00"), (-0.001, "0.00"), (0.004, "0.00")]
)
def test_signed_numbers_have_a_true_minus_and_no_signed_zero(value, text):
    assert formats.number(value, plus=True) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(-3.2e-7, "−3.2 × 10⁻⁷"), (1.104e9, "1.104 × 10⁹"), (0.25, "0.25"), (-12.0, "−12"), (None, "n/a"), (0.0, "0")],
)
def test_a_number_of_any_size_is_in_powers_of_ten_where_it_must(value, text):
    assert formats.significant(value) == text


def test_what_is_not_there_is_said():
    assert (formats.number(None), formats.p_value(None)) == ("n/a", "n/a")
