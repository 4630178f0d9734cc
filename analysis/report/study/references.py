"""The sources of the methods that a report names: numbered as they come, and as BibTeX."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

BIB = Path(__file__).with_name("references.bib")
ENTRY = re.compile(r"@(?:article|book)\{(\w+), (.*)\}\n")
FIELD = re.compile(r"(\w+) = \{((?:[^{}]|\{[^{}]*\})*)\}")
ACCENTS = {r"{\'e}": "é", r"{\'o}": "ó", r"{\o}": "ø", "--": "–", "{": "", "}": ""}


@dataclass(frozen=True)
class Reference:
    """One source, in words and as its entry of BibTeX."""

    key: str
    words: str
    doi: str
    bibtex: str


@cache
def all_references() -> dict[str, Reference]:
    """Every source that a report may name, by key."""
    found = {}
    for entry in ENTRY.finditer(BIB.read_text(encoding="utf-8")):
        said = {name: _plain(value) for name, value in FIELD.findall(entry[2])}
        authors = said["author"].split(" and ")
        names = ", ".join(_name(author) for author in authors[:3]) + (" et al." if len(authors) > 3 else "")
        where = (
            f"{said['journal']} {said['year']}; {said['volume']}: {said['pages']}"
            if "journal" in said
            else f"{said['edition']} edition. {said['address']}: {said['publisher']} {said['year']}"
        )
        words = f"{names.removesuffix('.')}. {said['title']}. {where}."
        found[entry[1]] = Reference(entry[1], words, said.get("doi", ""), entry[0].strip())
    return found


def bibtex(keys: Iterable[str]) -> str:
    """The entries of these keys, each once, in their order."""
    return "".join(f"{all_references()[key].bibtex}\n" for key in dict.fromkeys(keys))


def _plain(text: str) -> str:
    for coded, letter in ACCENTS.items():
        text = text.replace(coded, letter)
    return text


def _name(author: str) -> str:
    """Rosner, Bernard -> Rosner B."""
    family, _, given = author.partition(", ")
    return f"{family} {''.join(part[0] for part in re.split('[ -]', given))}"
