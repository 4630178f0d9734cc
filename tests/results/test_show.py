"""Numbers as the page writes them."""

import pytest

from readerstudy.results import show


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0009, "< 0.001"), (0.001, "0.001"), (0.0306, "0.031"), (0.0994, "0.099"), (0.41, "0.41"), (1.0, "1.00")],
)
def test_p_values(p, text):
    assert show.p_value(p) == text


def test_p_below_0_05_is_bold_as_computed_not_as_rounded():
    assert not show.test({"p": 0.05}).strong
    assert show.test({"p": 0.0499}).strong
    assert show.test({"p": 0.0499}).text == "0.0499"


def test_tiny_p_values_can_be_shown_in_full():
    assert show.exact_p({"p": 4.363e-12}).text == "4.4 × 10⁻¹²"
    assert show.exact_p({"p": 0.31}).text == "0.31"


def test_what_is_undefined_has_no_text_but_a_reason():
    assert show.test({"p": None, "reason": "every answer is 'no difference'"}) == show.Shown(
        "", "every answer is 'no difference'"
    )
    assert show.estimate(None) == show.Shown("", "not computed")
    assert show.adjusted(None, {"p": 0.2}).reason == "outside the family that the protocol declares"


@pytest.mark.parametrize(("value", "level"), [(-0.4, 0), (0.04, 0), (0.46, 5), (1.0, 10)])
def test_heat_has_eleven_depths_and_none_below_zero(value, level):
    assert show.heat({"estimate": value, "ci": None, "n": 10}).level == level
