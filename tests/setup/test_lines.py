"""The gate on lines of templates and stylesheets goes red for what it is for."""

from pathlib import Path

import pytest

from tests.lines import faults


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("a.html", "<p>\n" + "x" * 121, (2, "121 characters, 120 are allowed")),
        ("a.html", "<table><tr>\n", (1, "a block element and something else")),
        ("a.html", "</li> <b>and</b>\n", (1, "a block element and something else")),
        ("a.css", "p { color: red }\n", (1, "more than one declaration or rule")),
        ("a.css", "p {\n  color: red; top: 0;\n}\n", (2, "more than one declaration or rule")),
    ],
)
def test_a_planted_line_is_found(tmp_path: Path, name: str, text: str, fault: tuple[int, str]) -> None:
    (tmp_path / name).write_text(text)
    assert list(faults(tmp_path / name)) == [fault]


def test_plain_lines_pass(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<p>\n  a <b>word</b>\n</p>\n")
    (tmp_path / "a.css").write_text('p {\n  content: "{;} x"; /* { and more */\n}\n')
    assert [*faults(tmp_path / "a.html"), *faults(tmp_path / "a.css")] == []
