"""The items of GRRAS (Kottner et al. 2011), each with the section that answers it or who has to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

AUTHORS = "for the authors to write"
# Item, what it asks in few words, key of the section that answers it, what has to be added.
GRRAS: tuple[tuple[str, str, str, str], ...] = (
    ("1", "Title and abstract say that reliability or agreement was studied", "", AUTHORS),
    ("2", "The rating is named and described", "criteria", ""),
    ("3", "The subjects of interest", "cohort", "who was eligible: the charter"),
    ("4", "The raters of interest", "flow", "qualification and training: the charter"),
    ("5", "What is known of reliability, and why this study", "", AUTHORS),
    ("6", "How the numbers of subjects, raters and replicates were chosen", "methods", ""),
    ("7", "How subjects and raters were sampled", "flow", "the charter: subjects, readers"),
    ("8", "How rating went: time between repeats, what was known, blinding", "methods", ""),
    ("9", "Whether ratings were independent", "methods", ""),
    ("10", "The statistical analysis", "methods", ""),
    ("11", "Numbers of raters, subjects and replicates", "flow", ""),
    ("12", "What the subjects and raters are like", "cohort", "raters: the charter"),
    ("13", "Reliability and agreement with their uncertainty", "agreement", ""),
    ("14", "What the results mean in practice", "", AUTHORS),
    ("15", "Detailed results", "preference", "every number as a table: results.json"),
)
TOLD = ("6", "8", "9")  # by a sentence of the methods, where the study knows


@dataclass(frozen=True)
class ChecklistItem:
    """One item; ``section``: key of the section that answers it, "" where none does."""

    number: str
    asks: str
    section: str
    more: str


def grras(sections: Collection[str], told: Collection[str]) -> Sequence[ChecklistItem]:
    """All items; a section that this report lacks answers nothing, and that is said. ``told``: the items that sentences
    of the methods answer."""
    return [_item(*item, sections, told) for item in GRRAS]


def _item(
    number: str, asks: str, section: str, more: str, sections: Collection[str], told: Collection[str]
) -> ChecklistItem:
    if number in TOLD and number not in told:
        return ChecklistItem(number, asks, "", AUTHORS)
    if section in sections:
        return ChecklistItem(number, asks, section, more)
    return ChecklistItem(number, asks, "", more or "not in this report")
