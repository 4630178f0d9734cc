"""What the privacy officer reads is what the rules do."""

from pathlib import Path

import pytest

from processing.deidentify import rules, words

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "deidentification.md"
MIDI_B = ("date shifted", "UID changed", "UID consistent", "patient ID consistent", "text removed", "text retained")
MIDI_B += ("text not null", "tag retained", "pixels retained", "pixels hidden")


def test_the_document_is_printed_from_the_rules() -> None:
    assert DOCUMENT.read_text(encoding="utf-8").endswith(words.page())


def test_another_rule_is_another_page(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = dict(rules.rules())
    changed.popitem()
    monkeypatch.setattr(words, "rules", lambda: changed)
    assert not DOCUMENT.read_text(encoding="utf-8").endswith(words.page())


def test_each_action_and_each_rule_has_its_line() -> None:
    lines = words.page().splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines[4:14]] == list(MIDI_B)
    assert sum(line.startswith("| (") for line in lines) == len(rules.rules())
