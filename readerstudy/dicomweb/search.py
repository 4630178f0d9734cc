"""Which of the rows in DICOM JSON a query means (PS3.18 8.3.4, PS3.4 C.2.2.2)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from rest_framework.exceptions import ValidationError

Row = dict[str, dict]
MOST = 1000  # rows of one answer
NOT_ATTRIBUTES = {"limit", "offset", "includefield", "fuzzymatching", "emptyvaluematching", "multiplevaluematching"}
MADE = {f"{tag_for_keyword(name):08X}" for name in ("RetrieveURL", "InstanceAvailability")}  # for each answer
DATES, TEXTS = ("DA", "TM", "DT"), ("AE", "AS", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT")


@dataclass(frozen=True)
class Query:
    """What is asked for: attributes by tag, which rows, which further attributes; said: what is not done of it."""

    wanted: dict[str, str] = field(default_factory=dict)
    limit: int = MOST
    offset: int = 0
    further: frozenset[str] = frozenset()
    everything: bool = False
    said: str = ""


def tag_named(name: str) -> str:
    """Eight hexadecimal digits of an attribute given by keyword or tag; ValidationError if there is no such one."""
    tag = int(name, 16) if re.fullmatch(r"[0-9A-Fa-f]{8}", name) else tag_for_keyword(name)
    if tag is None or not keyword_for_tag(tag):
        raise ValidationError(f"There is no attribute {name[:64]}.")
    return f"{tag:08X}"


def read_query(parameters: Mapping[str, list[str]]) -> Query:
    """A query string, by name. ValidationError where it cannot be understood."""
    wanted = {tag_named(name): values[-1] for name, values in parameters.items() if name not in NOT_ATTRIBUTES}
    for tag in MADE & wanted.keys():
        raise ValidationError(f"{keyword_for_tag(tag)} cannot be searched by.")
    further = {name for value in parameters.get("includefield", []) for name in value.split(",") if name}
    limit = _whole(parameters, "limit", MOST)
    return Query(
        wanted=wanted,
        limit=min(limit, MOST),
        offset=_whole(parameters, "offset", 0),
        further=frozenset(tag_named(name) for name in further - {"all"}),
        everything="all" in further,
        said="Names are matched as they are written." if "true" in parameters.get("fuzzymatching", []) else "",
    )


def _whole(parameters: Mapping[str, list[str]], name: str, default: int) -> int:
    text = parameters.get(name, [str(default)])[-1]
    if not re.fullmatch(r"\d{1,9}", text):
        raise ValidationError(f"{name} is a whole number from 0.")
    return int(text)


def fits(row: Row, wanted: Mapping[str, str]) -> bool:
    """Whether all attributes that are asked for are as asked. ValidationError if the rows do not have one of them."""
    return all(_fits(row, tag, asked) for tag, asked in wanted.items())


def _fits(row: Row, tag: str, asked: str) -> bool:
    vr = dictionary_VR(int(tag, 16))
    if vr == "SQ":
        raise ValidationError(f"{keyword_for_tag(int(tag, 16))} cannot be searched by.")
    if asked in ("", "*"):
        return True
    return any(_is(value, asked, vr) for value in _values(row, tag))


def _values(row: Row, tag: str) -> list[str]:
    values = row.get(tag, {}).get("Value", [])
    return [str(one.get("Alphabetic", "") if isinstance(one, dict) else one) for one in values]


def _is(value: str, asked: str, vr: str) -> bool:
    if vr == "UI":
        return value in re.split(r"[,\\]", asked)
    if vr in DATES and "-" in asked:
        first, _, last = asked.partition("-")
        return first <= value and (not last or value[: len(last)] <= last)
    if vr in TEXTS:
        return _matches(value.lower(), asked.lower()) if vr == "PN" else _matches(value, asked)
    try:
        return float(value) == float(asked)
    except ValueError:
        return value == asked


def _matches(text: str, pattern: str) -> bool:
    """Whether a text is as a pattern with * and ? says.

    Only the last * before a mismatch is ever tried anew, so the steps stay below the square of the text's length,
    whatever the pattern is; a regular expression would try all ways to share the text out.
    """
    if len(pattern) - pattern.count("*") > len(text):
        return False
    at = place = again = 0
    star = -1
    while at < len(text):
        if place < len(pattern) and pattern[place] == "*":
            star, again, place = place, at, place + 1
        elif place < len(pattern) and pattern[place] in ("?", text[at]):
            at, place = at + 1, place + 1
        elif star >= 0:
            again += 1
            at, place = again, star + 1
        else:
            return False
    return not pattern[place:].strip("*")


def chosen(row: Row, query: Query, standard: frozenset[str]) -> Row:
    """The attributes of a row that are always told, searched by, or asked for, in the order of their tags."""
    kept = standard | query.further | query.wanted.keys()
    return {tag: row[tag] for tag in sorted(row) if query.everything or tag in kept}
