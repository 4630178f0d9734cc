"""The rules of de-identification as data, and the checks that values of kept attributes must pass."""

from __future__ import annotations

import csv
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydicom.datadict import dictionary_has_tag, dictionary_VM
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag, Tag

_FOLDER = Path(__file__).parent
VERSION = "2"
METHOD = f"Deny by default: only listed attributes kept, rules {VERSION}"
LARGEST = 1e75  # Philips writes 7.23e75 where it has no value
ACTIONS = ("keep", "uid", "class", "pseudonym", "region", "set", "empty", "descend", "pixels")


@dataclass(frozen=True)
class Rule:
    """What happens to one attribute; `value` is what `set` writes, `check` what `keep` asks of each value."""

    tag: BaseTag
    keyword: str
    action: str
    value: str
    check: str
    purpose: str


@cache
def rules() -> Mapping[BaseTag, Rule]:
    """rules.csv by tag. Columns: tag, keyword, action (with the value of `set`), check, purpose."""
    found = {}
    with (_FOLDER / "rules.csv").open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            group, element = row["tag"].split(",")
            tag = Tag(int(group, 16), int(element, 16))
            action, _, value = row["action"].partition(" ")
            if action not in ACTIONS:
                raise ValueError(f"rules.csv: unknown action {action} at {row['tag']}")
            found[tag] = Rule(tag, row["keyword"], action, value, row["check"], row["purpose"])
    return found


@cache
def _by_keyword() -> Mapping[str, Rule]:
    return {rule.keyword: rule for rule in rules().values()}


@cache
def _vocabulary() -> tuple[frozenset[str], frozenset[str], Mapping[str, re.Pattern[str]]]:
    content = tomllib.loads((_FOLDER / "vocabulary.toml").read_text(encoding="utf-8"))
    codes = frozenset(content["codes"].split()) | frozenset(content["code_phrases"])
    patterns = {name: re.compile(text, re.IGNORECASE | re.ASCII) for name, text in content["patterns"].items()}
    return codes, frozenset(content["model_words"].split()), patterns


def _is_text(name: str, value: str) -> bool:
    _, model_words, patterns = _vocabulary()
    if name == "model":
        words = value.split()
        return bool(words) and all(w in model_words or re.fullmatch(r"\d(\.\d)?T", w) for w in words)
    return patterns[name].fullmatch(value) is not None


def vetted_text(keyword: str, value: Any) -> str | None:
    """A text value if the rule of its attribute lets it stay, values of a list joined by a space; else None."""
    kept = checked_value(_by_keyword()[keyword].check, value)
    if kept is None:
        return None
    return " ".join(str(part) for part in kept) if isinstance(kept, (list, MultiValue)) else str(kept) or None


def vetted_number(keyword: str, value: Any) -> float | None:
    """A number if the rule of its attribute lets it stay; else None: it is no measure, and may be another number."""
    kept = checked_value(_by_keyword()[keyword].check, value)
    return None if kept is None or float(kept) > LARGEST else float(kept)


def largest(keyword: str) -> float:
    """The largest number that the rule of an attribute lets stay."""
    return float(_by_keyword()[keyword].check.split()[2])


def checked_value(check: str, value: Any) -> Any:
    """The value if it passes the check of a `keep` rule, else None. Empty values pass.

    number LOW HIGH, integer LOW HIGH: each value is one in that range. code: each is a word of the
    vocabulary; in a list an unknown one becomes OTHER. text NAME: each matches the pattern NAME.
    age: as DICOM writes it, 090Y for 90 years and more. sex: F, M or O. pointer: a standard attribute.
    """
    if value is None or value == "" or (isinstance(value, Sequence) and not isinstance(value, str) and not value):
        return value
    kind, *arguments = check.split(" ", 1)
    several = isinstance(value, (list, tuple, MultiValue))
    parts = list(value) if several else [value]
    if kind in ("number", "integer"):
        low, high = (float(limit) for limit in arguments[0].split())
        return value if all(_in_range(part, low, high, whole=kind == "integer") for part in parts) else None
    if kind == "code":
        codes = _vocabulary()[0]
        known = [str(part).strip() if str(part).strip() in codes or not str(part).strip() else None for part in parts]
        if not several:
            return known[0]
        return [part if part is not None else "OTHER" for part in known]
    if kind == "text":
        return value if all(_is_text(arguments[0], str(part).strip()) for part in parts) else None
    if kind == "age":
        match = re.fullmatch(r"(\d{3})([DWMY])", str(value).strip())
        if match is None:
            return None
        return "090Y" if match[2] == "Y" and int(match[1]) >= 90 else match[0]
    if kind == "sex":
        return value if str(value).strip() in ("F", "M", "O") else None
    if kind == "pointer":
        return value if all(dictionary_has_tag(part) for part in parts) else None
    raise ValueError(f"rules.csv: unknown check {check}")


@cache
def most_values(tag: BaseTag) -> float:
    """How many values an attribute of the standard may have."""
    most = dictionary_VM(tag).rsplit("-", 1)[-1]
    return math.inf if "n" in most else int(most)


def _in_range(part: Any, low: float, high: float, *, whole: bool) -> bool:
    if isinstance(part, bytes):
        return False
    # A text value (IS, DS) is written back as it was read: nothing but one number may stand in it.
    text = str(getattr(part, "original_string", part)).strip()
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", text):
        return False
    number = float(text)
    # Eight digits of text, read as a number of eight bytes, are under 1e-30; letters are over 1e76.
    possible = low <= number <= high or LARGEST < number < LARGEST * 10
    return possible and (number == 0 or abs(number) > 1e-30) and (not whole or number == int(number))
