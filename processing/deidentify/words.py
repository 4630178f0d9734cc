"""The rules in words, for who answers for privacy: what happens to each attribute, and the ten actions of MIDI-B."""

from __future__ import annotations

from collections.abc import Callable

from pydicom._dicom_dict import DicomDictionary

from processing.deidentify.rules import VERSION, Rule, rules
from processing.dicom.parameters import OLDEST

_TEXT = frozenset(("AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"))
_DATES = frozenset(("DA", "DT", "TM"))


def actions() -> str:
    """The ten actions that MIDI-B scores, as a table in Markdown: what is done here, and to which attributes."""
    listed = list(rules().values())
    texts = [tag for tag, entry in DicomDictionary.items() if entry[0] in _TEXT]
    unlisted = sum(tag not in rules() for tag in texts)
    dated = [rule for rule in listed if _vr(rule) in _DATES]

    def named(wanted: Callable[[Rule], bool]) -> str:
        return ", ".join(rule.keyword for rule in listed if wanted(rule))

    rows = [
        (
            "date shifted",
            "No date is shifted: none stays. Those that a file must have are emptied or say 1900; all others go with "
            f"their attribute. Age stays, from {OLDEST} years on as {OLDEST}",
            ", ".join(rule.keyword for rule in dated),
        ),
        (
            "UID changed",
            "A keyed hash (HMAC-SHA-256 under the study's own key) takes the place of each",
            named(lambda rule: rule.action == "uid"),
        ),
        (
            "UID consistent",
            "The same UID under the same key is the same everywhere: series, frames of reference and references "
            "between images hold within a study, and across its deliveries. Classes must be registered ones",
            named(lambda rule: rule.action in ("uid", "class")),
        ),
        (
            "patient ID consistent",
            "Eight hexadecimal digits, keyed like UIDs, one per patient and study",
            named(lambda rule: rule.action == "pseudonym"),
        ),
        (
            "text removed",
            f"Everything that no rule names: {unlisted:,} of the {len(texts):,} text attributes of the standard, all "
            "that is not in the standard, comments, overlays, curves, file meta and preamble",
            "names of persons, emptied: " + named(lambda rule: _vr(rule) == "PN"),
        ),
        (
            "text retained",
            "Only where the whole value is a known word or pattern; one that is not is removed, or becomes OTHER in a "
            "list of codes",
            named(lambda rule: rule.action == "keep" and rule.check.startswith("text")),
        ),
        (
            "text not null",
            "What a file may not leave empty gets a fixed value",
            named(lambda rule: rule.action == "set" or bool(rule.action == "keep" and rule.value)),
        ),
        (
            "tag retained",
            "Numbers within the range of the rule and as many as the standard allows; codes of the vocabulary",
            f"{sum(rule.action == 'keep' for rule in listed)} attributes, below",
        ),
        (
            "pixels retained",
            "Values never change. Bits above the stored ones, where overlays hide, are cleared; compressed pixels are "
            "decoded, and their comments go",
            named(lambda rule: rule.action == "pixels"),
        ),
        (
            "pixels hidden",
            "Nothing is painted over: a file that says that text is burned in is refused",
            "BurnedInAnnotation",
        ),
    ]
    return _table(("action", "what is done", "attributes"), rows)


def attributes() -> str:
    """Every attribute that may stay, by purpose, as tables in Markdown."""
    parts = []
    for purpose in dict.fromkeys(rule.purpose for rule in rules().values()):
        rows = [
            (f"({rule.tag.group:04X},{rule.tag.element:04X})", rule.keyword, _happens(rule))
            for rule in rules().values()
            if rule.purpose == purpose
        ]
        parts.append(f"### {purpose[0].upper()}{purpose[1:]}\n\n" + _table(("tag", "attribute", "what happens"), rows))
    return "\n\n".join(parts)


def page() -> str:
    """Both, as docs/deidentification.md holds them."""
    return f"Rules {VERSION}.\n\n{actions()}\n\n## What may stay\n\n{attributes()}\n"


def _happens(rule: Rule) -> str:
    kind, _, rest = rule.check.partition(" ")
    if rule.action == "keep":
        kept = {
            "number": f"kept if between {rest.replace(' ', ' and ')}",
            "integer": f"kept if whole and between {rest.replace(' ', ' and ')}",
            "code": "kept if a code of the vocabulary",
            "text": f"kept if it is a known {rest}",
            "age": f"kept; {OLDEST} for {OLDEST} and more",
            "sex": "kept if F, M or O",
            "pointer": "kept if it points to an attribute of the standard",
        }[kind]
        return f"{kept}, else {rule.value}" if rule.value else kept
    return {
        "uid": "keyed UID",
        "class": "kept if a registered UID",
        "pseudonym": "pseudonym",
        "region": "written anew from the region that was recognised",
        "set": f"always {rule.value}",
        "empty": "emptied",
        "descend": "items kept, each attribute in them by these rules",
        "pixels": "kept",
    }[rule.action]


def _vr(rule: Rule) -> str:
    return str(DicomDictionary[int(rule.tag)][0])


def _table(head: tuple[str, ...], rows: list[tuple[str, str, str]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    print(page(), end="")
