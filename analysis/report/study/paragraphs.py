"""Methods and results in sentences fit for a paper: each number points to its row, each method to its source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis import verdict
from analysis.family import OUTSIDE
from analysis.formats import number, p_value, percent
from analysis.protocol import ALPHA, Margin, Protocol, parse_protocol
from analysis.report import charter_statistics
from analysis.report.study_size import counted
from analysis.report.table import Names, Results
from analysis.report.table_cells import FEW, MARK

SOURCES = {
    "cluster_permutation": ("rosner2006",),
    "cluster_sign_flip": ("rosner2006",),
    "datta_satten": ("datta2008",),
    "as_published": ("wilcoxon1945",),
}


@dataclass(frozen=True)
class Sentence:
    """A sentence; ``row``: the place in the report that has its numbers; ``sources``: keys of references; ``answers``:
    items of GRRAS."""

    words: str
    row: str = ""
    sources: Sequence[str] = ()
    answers: Sequence[str] = ()


def row_of(place: int) -> str:
    """The place of a comparison at a criterion in the table of preference, counted from 0."""
    return f"preference-{place + 1}"


def methods(
    results: Results, protocol: Mapping[str, Any], names: Names, plan: Mapping[str, Any] | None = None
) -> list[Sentence]:
    """How the study was done and analysed, from the protocol, from what the analysis did, and from the sample size."""
    declared, n = parse_protocol(protocol or None), results["n"]
    asked = protocol.get("questions") or {}
    scheduled = protocol.get("seed") is not None
    said = [
        Sentence(
            f"In a {'blinded, randomised ' if scheduled else ''}study of paired preference, "
            f"{counted(n['readers'], 'reader')} saw {counted(n['cases'], 'case')} of "
            f"{counted(n['subjects'], 'subject')} as pairs of images side by side and rated "
            "each pair on a scale from 1 (left markedly better) to 5 (right markedly better), 3 being no difference; "
            "scores were turned so that values above 3 favour the first arm of a comparison."
        )
    ]
    if plan:
        said.append(Sentence(" ".join(charter_statistics.sample_size(plan)), answers=("6",)))
    if scheduled:
        said += _scheduled(protocol.get("schedule") or {})
    if not results["blinding"]["reason"]:
        said.append(
            Sentence(
                "Blinding was assessed by the readers' guesses of which image was which, with Bang's and James' "
                "indices.",
                "section-integrity",
                ("bang2004", "james1996"),
            )
        )
    test = results["conventions"]["primary_test"]
    said.append(
        Sentence(
            f"Preference was tested by the {verdict.TESTS[test]}, with subjects as clusters, two-sided at {ALPHA:g}; "
            f"p values of {_family(declared)} were adjusted by Holm and, as exploration, by Benjamini and Hochberg.",
            "section-tests",
            (*SOURCES[test], "holm1979", "benjamini1995"),
        )
    )
    if declared.primary and not results["primary"]["reason"]:
        first, second, criterion = declared.primary
        said.append(
            Sentence(
                f"The primary hypothesis, declared in the protocol, was that of no preference between {first} "
                f"and {second} on {names.get(criterion, criterion)}; it was tested once and not adjusted.",
                "section-summary",
            )
        )
    cells = [(cell["first"], cell["second"], cell["criterion"]) for cell in results["comparisons"]]
    said += [_judged(one, names) for one in declared.margins if any(one.applies_to(cell) for cell in cells)]
    said.append(
        Sentence(
            "Net preference is the share of ratings above 3 less the share below 3; 95 % intervals leave out each "
            "subject once.",
            "section-preference",
        )
    )
    if n["readers"] > 1:
        said.append(
            Sentence(
                "Agreement between readers was measured by weighted kappa, Krippendorff's ordinal alpha, Gwet's AC2 "
                "and intraclass correlation, per comparison and criterion and pooled.",
                "section-agreement",
                ("cohen1968", "hayes2007", "gwet2014", "shrout1979"),
            )
        )
    stated = {
        "integrity": "whether anatomy or pathology was lost, corrupted, altered, created or exaggerated",
        "diagnostic": "whether each image was of diagnostic quality",
    }
    told = [words for name, words in stated.items() if asked.get(name) or not results[name]["reason"]]
    if told:
        said.append(Sentence(f"For each pair readers stated {', and '.join(told)}.", "section-integrity"))
    return said


def _scheduled(rules: Mapping[str, Any]) -> list[Sentence]:
    """How a schedule of the site was drawn and read."""
    repeats, distance = rules.get("repeat_share"), rules.get("min_distance")
    days = rules.get("washout_days") or 0 if rules.get("parts", 1) > 1 else 0
    return [
        Sentence(
            "Side and order were randomised with a stored seed, sides balanced within each comparison"
            + (f"; {percent(repeats)} of the pairs came again, hidden, with sides swapped" if repeats else "")
            + (f"; pairs of one subject lay at least {distance} positions apart where feasible" if distance else "")
            + (f"; parts of the reading lay at least {counted(days, 'day')} apart" if days else "")
            + "."
        ),
        Sentence(
            "Readers were told the criteria with their anchors, and nothing of which arm an image was.",
            answers=("8",),
        ),
        Sentence(
            "Each reader read a list of their own and saw neither the answers of others nor results before the study "
            "was closed.",
            answers=("9",),
        ),
    ]


def _family(declared: Protocol) -> str:
    if declared.family is None:
        return "all comparisons and criteria"
    return f"the {counted(len(declared.family), 'cell')} (comparison and criterion) of the declared family"


def _judged(margin: Margin, names: Names) -> Sentence:
    """By which margin, where, and by how many tests: equivalence by two one-sided ones, non-inferiority by one."""
    alike = margin.kind == "equivalence"
    arms = " vs ".join(filter(None, (margin.first, margin.second)))
    criterion = names.get(margin.criterion, margin.criterion) if margin.criterion else ""
    where = ", ".join(filter(None, (arms, criterion)))
    return Sentence(
        f"{'Equivalence' if alike else 'Non-inferiority of the first arm to the second'} was judged by a margin of "
        f"{margin.margin:g} on {verdict.ON[margin.on]}{f' ({where})' if where else ''}, by "
        f"{'two one-sided tests' if alike else 'one one-sided test'} on subject means.",
        "section-tests",
        ("schuirmann1987",) if alike else (),
    )


def synthetic(protocol: Mapping[str, Any]) -> list[str]:
    """What is said of a study of synthetic images alone, as the protocol of its export tells; empty of any other."""
    return ["Synthetic images: nothing here is evidence about patients."] if protocol.get("synthetic") else []


def not_acquired(results: Results, protocol: Mapping[str, Any]) -> list[str]:
    """What is said of images that no scanner acquired."""
    return [*synthetic(protocol), *(words for words in results["warnings"] if words.startswith("Simulated"))]


def findings(results: Results, names: Names, protocol: Mapping[str, Any]) -> list[Sentence]:
    """What was found, the primary hypothesis first; images that no scanner acquired are said before anything else."""
    said = [Sentence(words) for words in not_acquired(results, protocol)]
    cells = results["comparisons"]
    order = sorted(range(len(cells)), key=lambda place: not cells[place].get("primary"))
    for place in order:
        cell = cells[place]
        said.append(Sentence(_of_cell(cell, names), row_of(place)))
        if cell.get("primary"):
            said += [Sentence(words, "margins") for words in verdict.sentences(cell)]
    overall = results["agreement"]["overall"]
    alpha = overall["krippendorff_alpha"]
    if alpha["estimate"] is not None:
        said.append(
            Sentence(
                f"Over all comparisons and criteria Krippendorff's alpha was {_with_interval(alpha)} and Gwet's AC2 "
                f"{_with_interval(overall['gwet_ac2'])}.",
                "section-agreement",
            )
        )
    if any(MARK in one.words for one in said):
        said.append(Sentence(f"{FEW}."))
    for question, words in (("integrity", "without a finding"), ("diagnostic", "of diagnostic quality")):
        shares = [
            f"{arm['arm']} {percent(arm['share']['estimate'])}"
            for arm in results[question].get("arms", [])
            if arm["share"]["estimate"] is not None
        ]
        if shares:
            said.append(Sentence(f"Panels {words}: {', '.join(shares)}.", "section-integrity"))
    return said


def _of_cell(cell: Mapping[str, Any], names: Names) -> str:
    where = f"{names.get(cell['criterion'], cell['criterion'])}, {cell['first']} vs {cell['second']}"
    which = verdict.marked(cell)
    better = verdict.arm(cell, which)
    primary, test = bool(cell.get("primary")), cell["tests"][cell["primary_test"]]
    p = test["p"] if primary else cell["p_holm"]["primary"]
    mean, sd = cell["mean"]["estimate"], cell["sd"]
    numbers = (
        f"net preference {_with_interval(cell['net_preference'], sign=True)}; mean {number(mean, 2)} ± {number(sd, 2)}"
    )
    if p is None:
        reason = test["reason"] if test["p"] is None else OUTSIDE
        return f"{where}: not tested: {reason} ({numbers})."
    told = f"{better} was preferred" if better else "no preference was shown"
    kind = "primary hypothesis, p" if primary else "p by Holm"
    tested = p_value(p) if p < 0.001 else f"= {p_value(p)}"
    against = verdict.disagreement(cell, which) if better else []
    return " ".join([f"{where}: {told} ({numbers}; {kind} {tested}).", *against])


def _with_interval(found: Mapping[str, Any], *, sign: bool = False) -> str:
    if found["estimate"] is None:
        return f"n/a ({found['reason']})"
    value = number(found["estimate"], 2, plus=sign)
    if not found["ci"]:
        return f"{value} (no interval)"
    low, high = (number(end, 2, plus=sign) for end in found["ci"])
    return f"{value}, 95 % {low} to {high}{f' {MARK}' if found.get('caution') else ''}"
