"""Methods and results in sentences fit for a paper: each number points to its row, each method to its source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis import verdict
from analysis.formats import number, p_value, percent
from analysis.protocol import ALPHA, parse_protocol
from analysis.report.study_size import counted
from analysis.report.table import Names, Results

SOURCES = {
    "cluster_permutation": ("rosner2006",),
    "cluster_sign_flip": ("rosner2006",),
    "datta_satten": ("datta2008",),
    "as_published": ("wilcoxon1945",),
}


@dataclass(frozen=True)
class Sentence:
    """A sentence; ``row``: the place in the report that has its numbers; ``sources``: keys of references."""

    words: str
    row: str = ""
    sources: Sequence[str] = ()


def row_of(place: int) -> str:
    """The place of a comparison at a criterion in the table of preference, counted from 0."""
    return f"preference-{place + 1}"


def methods(results: Results, protocol: Mapping[str, Any], names: Names) -> list[Sentence]:
    """How the study was done and analysed, from the protocol and from what the analysis did."""
    declared, n = parse_protocol(protocol or None), results["n"]
    rules, asked = protocol.get("schedule") or {}, protocol.get("questions") or {}
    said = [
        Sentence(
            f"In a blinded, randomised study of paired preference, {counted(n['readers'], 'reader')} saw "
            f"{counted(n['cases'], 'case')} of {counted(n['subjects'], 'subject')} as pairs of images side by side and "
            "rated each pair on a scale from 1 (left markedly better) to 5 (right markedly better), 3 being no "
            "difference; scores were turned so that values above 3 favour the first arm of a comparison."
        )
    ]
    if protocol.get("seed") is not None:
        repeats, apart = rules.get("repeat_share"), rules.get("washout_days")
        said.append(
            Sentence(
                "Side and order were randomised with a stored seed, sides balanced within each comparison"
                + (f"; {percent(repeats)} of the pairs came again, hidden, with sides swapped" if repeats else "")
                + (f"; parts of the reading lay at least {apart} days apart" if apart else "")
                + "."
            )
        )
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
            "p values of all comparisons and criteria were adjusted by Holm and, as exploration, by Benjamini and "
            "Hochberg.",
            "section-tests",
            (*SOURCES[test], "holm1979", "benjamini1995"),
        )
    )
    if declared.primary:
        first, second, criterion = declared.primary
        said.append(
            Sentence(
                f"The primary hypothesis, declared in the protocol, was that of no preference between {first} "
                f"and {second} on {names.get(criterion, criterion)}; it was tested once and not adjusted.",
                "section-summary",
            )
        )
    said += [
        Sentence(
            f"{'Equivalence' if one.kind == 'equivalence' else 'Non-inferiority'} was judged by a margin of "
            f"{one.margin:g} on {verdict.ON[one.on]}, by two one-sided tests on subject means.",
            "section-tests",
            ("schuirmann1987",),
        )
        for one in declared.margins
    ]
    said.append(
        Sentence(
            "Net preference is the share of ratings above 3 less the share below 3; 95 % intervals leave out each "
            "subject once.",
            "section-preference",
        )
    )
    said.append(
        Sentence(
            "Agreement between readers was measured by weighted kappa, Krippendorff's ordinal alpha, Gwet's AC2 and "
            "intraclass correlation, per comparison and criterion and pooled.",
            "section-agreement",
            ("cohen1968", "hayes2007", "gwet2008", "shrout1979"),
        )
    )
    if asked.get("integrity") or not results["integrity"]["reason"]:
        said.append(
            Sentence(
                "For each pair readers stated whether anatomy or pathology was lost, corrupted, altered, created or "
                "exaggerated, and whether each image was of diagnostic quality.",
                "section-integrity",
            )
        )
    return said


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
    primary = bool(cell.get("primary"))
    own = cell["tests"][cell["primary_test"]]["p"]
    p = own if primary else cell["p_holm"]["primary"]
    told = f"{better} was preferred" if better else "no preference was shown"
    tested = "n/a" if p is None else p_value(p) if p < 0.001 else f"= {p_value(p)}"
    kind = "primary hypothesis, p" if primary else "p by Holm"
    mean, sd = cell["mean"]["estimate"], cell["sd"]
    return (
        f"{where}: {told} (net preference {_with_interval(cell['net_preference'], sign=True)}; mean "
        f"{number(mean, 2)} ± {number(sd, 2)}; {kind} {tested})."
    )


def _with_interval(found: Mapping[str, Any], *, sign: bool = False) -> str:
    if found["estimate"] is None:
        return f"n/a ({found['reason']})"
    value = number(found["estimate"], 2, plus=sign)
    if not found["ci"]:
        return f"{value} (no interval)"
    low, high = (number(end, 2, plus=sign) for end in found["ci"])
    return f"{value}, 95 % {low} to {high}"
