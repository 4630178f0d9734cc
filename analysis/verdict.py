"""What results say, in words, labels and colours: by the declared test, its direction and adjustment, and by the
margins of each criterion. Every page, report, figure and table takes its verdicts from here, none from a neighbouring
number; where a mean or a share points another way than the test, that is said.

Cells are rows of ``comparisons`` in the results of ``analysis.reading``, of earlier versions too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from analysis import formats
from analysis.protocol import ALPHA
from analysis.statistics.values import negligible

Favours = Literal["first", "second", "neither"]
Kind = Literal["equivalence", "noninferiority"]
TESTS = {
    "cluster_permutation": "clustered signed rank, exact permutation",
    "cluster_sign_flip": "clustered signed rank, sign flip, normal z",
    "datta_satten": "clustered signed rank of Datta and Satten",
    "as_published": "pooled signed rank, as published",
}
ON = {"mean": "mean preference", "net_preference": "net preference"}
SHOWN = {"equivalence": "equivalent", "noninferiority": "noninferior"}


def favours(cell: Mapping[str, Any], *, adjusted: bool = True) -> Favours:
    """Which arm the cell's primary test rejects for: by Holm's p, or by its own as the one primary hypothesis does.

    "neither" where it does not reject, is undefined, or, adjusted, where the cell is outside the declared family.
    """
    name = cell["primary_test"]
    test = cell["tests"][name]
    p = cell["p_holm"]["primary"] if adjusted else test["p"]
    if p is None or p >= ALPHA:
        return "neither"
    statistic = test["statistic"]
    if name == "as_published":  # V, the sum of positive ranks, whose middle is half the sum of all ranks
        decided = sum(cell["counts"]) - cell["counts"][2]
        statistic -= decided * (decided + 1) / 4
    return _side(statistic)


def marked(cell: Mapping[str, Any]) -> Favours:
    """Which arm a figure marks: in the row of the primary hypothesis by its own p, in every other by Holm's."""
    return favours(cell, adjusted=not cell.get("primary"))


def arm(cell: Mapping[str, Any], which: Favours) -> str:
    """The name of the arm that is favoured, "" for neither."""
    return "" if which == "neither" else str(cell[which])


def _side(value: float) -> Favours:
    return "neither" if negligible(abs(value), 1) else "first" if value > 0 else "second"


@dataclass(frozen=True)
class MarginClaim:
    """One declared margin of one cell and what its test says: ``shown``, or None where it is undefined."""

    kind: Kind
    first: str
    second: str
    on: str
    margin: float
    shown: bool | None
    reason: str
    row: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What is claimed, and of which arm: "equivalence", "non-inferiority of A to B"."""
        return self.kind if self.kind == "equivalence" else f"non-inferiority of {self.first} to {self.second}"

    @property
    def words_if_shown(self) -> str:
        """What is said of it where it is shown: "equivalent", "A non-inferior to B"."""
        return "equivalent" if self.kind == "equivalence" else f"{self.first} non-inferior to {self.second}"

    @property
    def verdict(self) -> str:
        """In a table: what was shown, "not shown", or "n/a"."""
        return "n/a" if self.shown is None else self.words_if_shown if self.shown else "not shown"

    @property
    def limit(self) -> str:
        """What the claim says of its measure: "net preference within ±0.1"."""
        sign = "within ±" if self.kind == "equivalence" else f"above {formats.MINUS}"
        return f"{ON[self.on]} {sign}{self.margin:g}"

    @property
    def digits(self) -> int:
        """How many decimals tell the limits of its interval from the margin, at least two."""
        ends = [abs(end) for end in self.row.get("ci90") or ()]
        return next((n for n in range(2, 9) if all(round(e, n) != self.margin or e == self.margin for e in ends)), 2)


def claims(cell: Mapping[str, Any]) -> list[MarginClaim]:
    """Every margin that was declared for the cell, equivalence first."""
    kinds: tuple[Kind, ...] = ("equivalence", "noninferiority")
    return [
        MarginClaim(
            kind=kind,
            first=str(cell["first"]),
            second=str(cell["second"]),
            on=row["on"],
            margin=row["margin"],
            shown=row[SHOWN[kind]],
            reason=row["reason"] or "",
            row=row,
        )
        for kind in kinds
        for row in cell[kind]
    ]


def sentences(cell: Mapping[str, Any]) -> list[str]:
    """What the margins of a cell show, do not show, or cannot show and why; claims with the same outcome in one."""
    together: dict[tuple[str, bool | None, str], list[MarginClaim]] = {}
    for claim in claims(cell):
        reason = "" if claim.shown else claim.reason
        together.setdefault((claim.kind, claim.shown, reason), []).append(claim)
    said = []
    for (kind, shown, reason), same in together.items():
        limits = " and ".join(claim.limit for claim in same)
        if shown:
            arms = f"{cell['first']} and {cell['second']} are equivalent"
            said.append(
                f"{arms if kind == 'equivalence' else same[0].words_if_shown.replace(' non', ' is non')}: {limits}."
            )
        else:
            name = formats.capitalised(same[0].name)
            outcome = ": n/a" if shown is None else " is not shown"
            said.append(f"{name} ({limits}){outcome}{_because(reason, shown)}.")
    return said + _pooled_sentences(cell, claims(cell))


def _pooled(cell: Mapping[str, Any], claim: MarginClaim) -> float | None:
    """The estimate from all ratings, each weighed alike, on the scale of the claim: what the bars show."""
    estimate = cell[claim.on]["estimate"]
    return None if estimate is None else float(estimate) - (3 if claim.on == "mean" else 0)


def _pooled_beyond(cell: Mapping[str, Any], claim: MarginClaim) -> bool:
    pooled = _pooled(cell, claim)
    if pooled is None:
        return False
    return pooled <= -claim.margin or (claim.kind == "equivalence" and pooled >= claim.margin)


def _pooled_sentences(cell: Mapping[str, Any], declared: Sequence[MarginClaim]) -> list[str]:
    """What is said where a claim, which is on the mean of subject means, stands beside a pooled figure beyond it."""
    said: dict[str, None] = {}
    for claim in declared:
        pooled = _pooled(cell, claim)
        if claim.shown and pooled is not None and _pooled_beyond(cell, claim):
            own = formats.number(claim.row["estimate"], claim.digits, plus=True)
            other = formats.number(pooled, claim.digits, plus=True)
            name = formats.capitalised(ON[claim.on])
            said[f"{name} with subjects weighed alike, as the claim has it: {own}; ratings pooled: {other}."] = None
    return list(said)


def _because(reason: str, shown: bool | None) -> str:
    return f"{', ' if shown is None else ': '}{reason}" if reason else ""


def labels(cell: Mapping[str, Any]) -> list[str]:
    """What stands beside a cell in a figure of net preference: the arm that is favoured, then what margins show.

    A margin on the mean is named as such, and the size of one of several. What follows from another label is left out:
    an arm that is better, or equivalent by no wider a margin on the same measure, is non-inferior.
    """
    which = marked(cell)
    texts = [] if which == "neither" else [f"{arm(cell, which)} better"]
    if texts and _lean(cell["net_preference"], 0.0) != which:
        texts.append("net preference disagrees")
    declared = claims(cell)
    alike = [claim for claim in declared if claim.shown and claim.kind == "equivalence"]
    told: dict[str, list[str]] = {}
    for claim in declared:
        implied = which == "first" or any(one.on == claim.on and one.margin <= claim.margin for one in alike)
        if claim.shown and (claim.kind == "equivalence" or not implied):
            several = sum((one.kind, one.on) == (claim.kind, claim.on) for one in declared) > 1
            told.setdefault(claim.words_if_shown, []).append(
                claim.limit if several else "mean" if claim.on == "mean" else ""
            )
    for words, measures in told.items():
        named = [measure for measure in measures if measure]
        texts.append(f"{words} ({', '.join(named)}{' too' if '' in measures else ''})" if named else words)
    if any(claim.shown and _pooled_beyond(cell, claim) for claim in declared):
        texts.append("pooled ratings disagree")
    return texts


def _lean(found: Mapping[str, Any], middle: float) -> Favours:
    return "neither" if found["estimate"] is None else _side(found["estimate"] - middle)


def primary(results: Mapping[str, Any]) -> list[str]:
    """The primary hypothesis as sentences: its one test, mean and net preference where they disagree with it, and the
    margins declared for it. Empty where there is no primary hypothesis."""
    found = results["primary"]
    if found["reason"]:
        return []
    (cell,) = [
        cell
        for cell in results["comparisons"]
        if all(cell[key] == found[key] for key in ("first", "second", "criterion"))
    ]
    declared = claims(cell)
    words = []
    if found["result"]["p"] is None:
        words.append(f"No preference can be tested: {found['result']['reason']}.")
    elif (which := favours(cell, adjusted=False)) == "neither":
        words.append("No preference is shown.")
        if not any(claim.shown for claim in declared if claim.kind == "equivalence"):
            words.append("That does not say that the arms are equivalent.")
    else:
        better, other = (cell["first"], cell["second"])[:: 1 if which == "first" else -1]
        words.append(f"{better} is preferred to {other}.")
        words += disagreement(cell, which)
    return words + sentences(cell)


def disagreement(cell: Mapping[str, Any], which: Favours) -> list[str]:
    """Where the mean or net preference of a cell points another way than its test: a sentence for each arm that they
    lean to."""
    against: dict[str, list[str]] = {}
    for key, name, middle in (("mean", "the mean", 3.0), ("net_preference", "net preference", 0.0)):
        lean = _lean(cell[key], middle)
        if cell[key]["estimate"] is not None and lean != which:
            shown = _digits_beside(cell[key]["estimate"], middle)
            against.setdefault(arm(cell, lean) or "neither arm", []).append(f"with {name} ({shown})")
    return [
        f"The test disagrees {' and '.join(names)}: {'they lean' if len(names) > 1 else 'it leans'} to {side}."
        for side, names in against.items()
    ]


def _digits_beside(value: float, middle: float) -> str:
    """As many digits as tell a value from the middle, at least two."""
    digits = next((n for n in range(2, 9) if round(value, n) != middle), 2)
    return formats.number(value, digits, plus=middle == 0)


def caption(cells: Sequence[Mapping[str, Any]]) -> str:
    """How a figure of net preference is to be read: intervals, colour and words, and every declared margin."""
    words = [
        f"P(> 3) − P(< 3). Thick 90 %, thin 95 %, dashed if of few subjects. Colour and “better”: "
        f"{TESTS[cells[0]['primary_test']]}, Holm p < {ALPHA:g}"
        + (", in the row of the primary hypothesis its own p." if any(cell.get("primary") for cell in cells) else ".")
    ]
    declared = [claim for cell in cells for claim in claims(cell)]
    if not declared:
        return " ".join([*words, "No margin declared before opening applies here: no equivalence is claimed."])
    for kind, sign, what in (
        ("equivalence", "±", "Grey: {}, fixed before opening."),
        ("noninferiority", formats.MINUS, "Dashed: {} of non-inferiority of the first arm to the second."),
    ):
        net = {claim.margin for claim in declared if (claim.kind, claim.on) == (kind, "net_preference")}
        if net:
            words.append(what.format(f"margin {sign}{net.pop():g}" if len(net) == 1 else "each row's own margin"))
    mean = [claim for claim in declared if claim.on == "mean"]
    if mean:
        signs = {"equivalence": "±", "noninferiority": formats.MINUS}
        told = dict.fromkeys(f"{signs[claim.kind]}{claim.margin:g}" for claim in mean)
        words.append(f"Margins on the mean ({', '.join(told)}) were declared too: they are not drawn, but judged.")
    words.append("Margins are judged by the interval in the table of margins, not by the bars.")
    return " ".join([*words, "What margins show is not adjusted for multiplicity."])
