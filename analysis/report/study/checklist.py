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
    ("6", "How the numbers of subjects, raters and replicates were chosen", "", "the charter: sample size"),
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


@dataclass(frozen=True)
class ChecklistItem:
    """One item; ``section``: key of the section that answers it, "" where none does."""

    number: str
    asks: str
    section: str
    more: str


def grras(sections: Collection[str]) -> Sequence[ChecklistItem]:
    """All items; a section that this report lacks answers nothing, and that is said."""
    return [
        ChecklistItem(item, asks, section if section in sections else "", more or _lacking(section, sections))
        for item, asks, section, more in GRRAS
    ]


def _lacking(section: str, sections: Collection[str]) -> str:
    return "" if section in sections else "not in this report"
