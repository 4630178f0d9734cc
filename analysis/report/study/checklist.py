"""The items of GRRAS (Kottner et al. 2011) and CLAIM (Tejani et al. 2024), each with what answers it or who has to.

What an item asks for is said in words of ours. CLAIM's 44 were compared, number by number, with a published summary of
the update of 2024, not with the article itself: authors fill in the journal's own form by the article.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

AUTHORS = "for the authors to write"
WORDS = (
    "What this report answers of each item, and what is left to its authors. What an item asks for is said in words of "
    "this report; the list's own are in its source."
)
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
# The same of CLAIM, for a study with arms that a network made.
CLAIM: tuple[tuple[str, str, str, str], ...] = (
    ("1–3", "Title, abstract, background: the technology and its intended use", "", AUTHORS),
    ("4", "Aims and hypotheses", "methods", "the charter: objective"),
    ("5–6", "Prospective or retrospective, goal", "", AUTHORS),
    ("7", "Where the data are from", "cohort", ""),
    ("8", "Who was included and who was not", "flow", "the charter: subjects"),
    ("9", "How images were processed before they were read", "", "the charter: display"),
    ("10", "How subsets of the data were selected", "flow", ""),
    ("11", "How identity was removed", "", "the charter: data handling"),
    ("12", "How missing data were handled", "sensitivity", ""),
    ("13", "How images were acquired", "cohort", "each series: series.csv"),
    (
        "14–17",
        "The reference standard and who annotated it",
        "",
        "none: two images of one case are compared with each other",
    ),
    ("18", "Variability between and within readers", "agreement", ""),
    ("19–20", "How data were divided for training and testing, and at which level", "", "the documents of the model"),
    ("21", "The intended size of the sample that tests, and how it was chosen", "methods", ""),
    ("22", "What the model is", "models", "the documents of the model"),
    ("23", "Software", "provenance", ""),
    ("24–27", "How the model was initialised, trained, chosen, combined", "", "the documents of the model"),
    ("28", "Measures of performance", "criteria", ""),
    ("29", "Tests and uncertainty", "methods", ""),
    ("30", "Robustness, sensitivity analyses", "sensitivity", ""),
    ("31", "How the model's output is explained, if it is", "", AUTHORS),
    ("32–34", "Internal and external testing, registration as a trial", "", AUTHORS),
    ("35", "Numbers included and excluded", "flow", ""),
    ("36", "What subjects and cases are like", "cohort", ""),
    ("37", "Performance of the model, in subgroups too", "preference", ""),
    ("38", "Diagnostic accuracy with its uncertainty", "", "not measured: there is no reference standard"),
    ("39", "Where it failed, with examples", "integrity", ""),
    ("40–41", "Limitations, what it means in practice", "", AUTHORS),
    ("42", "The full protocol", "provenance", "protocol.json, the charter"),
    ("43–44", "Availability of model and data, funding", "", AUTHORS),
)
TOLD = ("6", "8", "9")  # of GRRAS: by a sentence of the methods, where the study knows
SAMPLE_SIZE = {"21": "6"}  # of CLAIM, by the sentence that answers this one of GRRAS


@dataclass(frozen=True)
class ChecklistItem:
    """One item; ``section``: key of the section that answers it, "" where none does."""

    number: str
    asks: str
    section: str
    more: str


@dataclass(frozen=True)
class Checklist:
    """A checklist with the key of its section."""

    key: str
    items: Sequence[ChecklistItem]


def grras(sections: Collection[str], told: Collection[str]) -> Checklist:
    """All items; a section that this report lacks answers nothing, and that is said. ``told``: the items that sentences
    of the methods answer."""
    return Checklist("grras", [_item(*item, sections, item[0] not in TOLD or item[0] in told) for item in GRRAS])


def claim(sections: Collection[str], told: Collection[str]) -> Checklist:
    """The same of CLAIM; ``told``: items of GRRAS."""
    told_of = {number: own in told for number, own in SAMPLE_SIZE.items()}
    return Checklist("claim", [_item(*item, sections, told_of.get(item[0], True)) for item in CLAIM])


def _item(number: str, asks: str, section: str, more: str, sections: Collection[str], told: bool) -> ChecklistItem:
    if not told:
        return ChecklistItem(number, asks, "", AUTHORS)
    if section in sections:
        return ChecklistItem(number, asks, section, more)
    return ChecklistItem(number, asks, "", more or "not in this report")
