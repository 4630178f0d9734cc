"""The pages behind the first page of results: each a few tables of numbers that the analysis has computed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from analysis import verdict
from analysis.formats import number
from analysis.statistics.equivalence import CAVEAT
from readerstudy.protocol.models import Arm
from readerstudy.results import charts, show
from readerstudy.results.charts import Arms
from readerstudy.results.show import Shown

Names = Mapping[str, str]


@dataclass(frozen=True)
class Card:
    """One table with its title, what it holds, its conventions, and a figure above it on request.

    The first `words` columns are words. `reason` says why there is no table.
    """

    key: str
    title: str
    note: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Shown | str]]
    how: str = ""
    reason: str = ""
    words: int = 1
    figure: SafeString | str = ""
    legend: Sequence[Arm] = ()
    narrow: bool = False  # stands beside another


def _pair(cell: Mapping) -> str:
    return f"{cell['first']} vs {cell['second']}"


def _cell(cell: Mapping, names: Names) -> list[str]:
    return [_pair(cell), names.get(cell["criterion"], cell["criterion"])]


def tests(reading: dict, arms: Arms, names: Names) -> list[Card]:
    """Every test of every cell, the declared margins, the sensitivity analyses, and the ranking of the arms."""
    cells, how = reading["comparisons"], reading["conventions"]
    return [
        _every_test(cells, names, how),
        _margins(cells, names, how),
        *_models(cells, names, how),
        _ranking(reading["ranking"], arms, names),
    ]


def _every_test(cells: Sequence[Mapping], names: Names, how: Mapping[str, str]) -> Card:
    rows = []
    for cell in cells:
        t, holm, bh = cell["tests"], cell["p_holm"], cell["p_bh"]
        primary = t[cell["primary_test"]]
        rows.append(
            [
                *_cell(cell, names),
                show.test(t["as_published"]),
                show.adjusted(holm["as_published"], t["as_published"]),
                show.adjusted(bh["as_published"], t["as_published"]),
                *(show.test(t[name]) for name in ("cluster_sign_flip", "cluster_permutation", "datta_satten")),
                show.adjusted(holm["primary"], primary),
                show.adjusted(bh["primary"], primary),
                show.test(t["rank_sum_mirror"]),
            ]
        )
    heads = [
        "Comparison",
        "Criterion",
        "published",
        "Holm",
        "BH",
        "sign flip",
        "permutation",
        "Datta–Satten",
        "Holm",
        "BH",
        "mirror",
    ]
    words = (
        f"Published: {how['as_published']}. Sign flip, permutation, Datta–Satten: clusters are {how['clusters']}. "
        f"Second Holm and BH: of the primary test ({verdict.TESTS[how['primary_test']]}). {how['multiplicity']}. "
        f"Mirror: {how['rank_sum_mirror']}."
    )
    return Card(
        "tests", "Every test of every cell", "two-sided p of no preference; bold: p < 0.05", heads, rows, words, words=2
    )


def _margins(cells: Sequence[Mapping], names: Names, how: Mapping[str, str]) -> Card:
    declared = [(cell, claim) for cell in cells for claim in verdict.claims(cell)]
    rows = [
        [
            *_cell(cell, names),
            claim.name,
            claim.on.replace("_", " "),
            Shown(f"{claim.margin:g}"),
            show.estimate(claim.row, sign=True),
            show.interval({**claim.row, "ci": claim.row["ci90"]}, claim.digits, sign=True),
            show.test(claim.row),
            show.exact(claim.row),
            Shown("" if claim.shown is None else claim.verdict, claim.reason, bool(claim.shown), how=claim.reason),
        ]
        for cell, claim in declared
    ]
    heads = ["Comparison", "Criterion", "Claim", "On", "Margin", "Difference", "90 %", "p", "Exact p", "Verdict"]
    methods = dict.fromkeys(claim.row["method"] for _, claim in declared)
    words = (
        f"Margins as the protocol fixed them before opening, each cell by its own. {'; '.join(methods)}. Difference: "
        f"mean preference − 3, or net preference. “Not shown” is not “different”. P: {how.get('margins', CAVEAT)}."
    )
    reason = "" if rows else how.get("protocol", "the protocol declares no margin for a cell that was asked")
    return Card(
        "margins",
        "Equivalence and non-inferiority",
        "by the declared margins, not adjusted",
        heads,
        rows,
        words,
        reason,
        4,
    )


def _models(cells: Sequence[Mapping], names: Names, how: Mapping[str, str]) -> Iterable[Card]:
    rows = [
        [
            *_cell(cell, names),
            show.with_interval(cell["regression"]["preference"], sign=True),
            show.test(cell["regression"]["test"]),
            show.with_interval(cell["regression"]["side"], sign=True),
            show.test(cell["regression"]["readers"]),
        ]
        for cell in cells
    ]
    heads = ["Comparison", "Criterion", "Log odds, 95 %", "p", "Right side, 95 %", "Equal readers, p"]
    words = f"{how['regression']}. Above 0 favours the first arm, or the right image. Never the primary test."
    yield Card("regression", "Visual grading regression", "sensitivity analysis", heads, rows, words, words=2)
    random = [cell for cell in cells if cell["random_readers"]]
    if random:
        rows = [
            [
                *_cell(cell, names),
                show.with_interval(cell["random_readers"]["mean"]),
                show.with_interval(cell["random_readers"]["net_preference"], sign=True),
                show.test(cell["random_readers"]["test"]),
            ]
            for cell in random
        ]
        heads = ["Comparison", "Criterion", "Mean, 95 %", "Net, 95 %", "p"]
        yield Card(
            "random-readers",
            "Readers as random",
            "inference to readers like these, as the protocol declares",
            heads,
            rows,
            f"{how['random_readers']}.",
            words=2,
        )


def _ranking(found: Mapping, arms: Arms, names: Names) -> Card:
    codes = list(dict.fromkeys(arm["arm"] for row in found["criteria"] for arm in row["arms"]))
    rows = []
    for row in found["criteria"]:
        worths = {arm["arm"]: arm["log_worth"] for arm in row["arms"]}
        values = [worths.get(code) or {"reason": "not compared"} for code in codes] + [row["tie"], row["side"]]
        name = names.get(row["criterion"], row["criterion"])
        rows.append([name, *(show.with_interval(value, sign=True) for value in values)])
    words = f"Log worth against the mean of the arms, right is better; lines: 95 %. {found['conventions']}."
    figure = charts.ranking(found, arms, names) if found["criteria"] else ""
    return Card(
        "ranking",
        "Ranking of the arms",
        "Davidson's model over all comparisons of a criterion",
        ["Criterion", *codes, "Ties, log ν", "Right side, log γ"],
        rows,
        words,
        found["reason"] or "",
        figure=figure,
        legend=[arms[code] for code in codes if code in arms],
    )


ICC = ("ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k")


def agreement(reading: dict, arms: Arms, names: Names) -> list[Card]:
    """Pairs of readers, all readers together, and each reader with herself."""
    found = reading["agreement"]
    cells = [(["all cells pooled", ""], found["overall"]), *((_cell(cell, names), cell) for cell in found["cells"])]
    pairs = [
        [f"{row['reader_a']} · {row['reader_b']}",
         *(show.with_interval(row[key], digits) for key, digits in
           (("spearman", 3), ("percent", 2), ("kappa_linear", 2), ("kappa_quadratic", 2)))]
        for row in found["overall"]["pairs"]
    ]  # fmt: skip
    together = [
        [
            *label,
            *(show.with_interval(one[key]) for key in ("krippendorff_alpha", "gwet_ac2", "kendall_w")),
            *(show.with_interval(one["icc"][form]) for form in ICC),
        ]
        for label, one in cells
    ]
    words = (
        "Oriented scores. Spearman: Bonett–Wright interval. Equal: share of the same score, Clopper–Pearson. κ over "
        "the declared categories. Pooled values are inflated by differences between cell means; per cell: next "
        "table and the first page."
    )
    return [
        Card(
            "pairs",
            "Pairs of readers",
            "all cells pooled, as published",
            ["Readers", "Spearman", "Equal", "κ linear", "κ quadratic"],
            pairs,
            words,
            "" if pairs else found["reason"] or "agreement needs two readers",
        ),
        Card(
            "together",
            "All readers",
            "overall and per cell, 95 % below",
            ["Comparison", "Criterion", "α", "AC2", "W", *ICC],
            together,
            "α: Krippendorff, ordinal metric. AC2: Gwet, ordinal weights; high wherever nearly all "
            "answers are 3, never to be read alone. W: Kendall, corrected for ties. ICC: Shrout & Fleiss; ICC2 = "
            "ICC(A,1), k: of the mean of the readers.",
            words=2,
        ),
        _repeats(reading["repeats"]),
    ]


def _repeats(found: Mapping) -> Card:
    rows = [
        [
            row.get("reader", "all"),
            Shown(f"{row['n']:,}"),
            *(show.with_interval(row[key]) for key in ("percent", "kappa_linear", "kappa_quadratic", "spearman")),
        ]
        for row in [*found["readers"], *([found["overall"]] if found["overall"] else [])]
    ]
    heads = ["Reader", "Scores", "Equal", "κ linear", "κ quadratic", "Spearman"]
    return Card(
        "repeats",
        "The same reader again",
        "hidden repeats, sides swapped, against the main pair",
        heads,
        rows,
        "Oriented scores; pairs of scores in which both were rated.",
        found["reason"] or "",
    )


def readers(reading: dict, arms: Arms, names: Names) -> list[Card]:
    """Side, time, drift, screening, and what each reader said."""
    time, drift, screening = reading["time"], reading["drift"], reading["screening"]
    sides = [
        [
            row["reader"],
            *(Shown(f"{row[key]:,}") for key in ("left", "neutral", "right")),
            show.test(row["binomial"]),
            show.with_interval(row["threshold_shift"], sign=True),
        ]
        for row in reading["side_bias"]
    ]
    times = [
        [
            row.get("reader", "all"),
            Shown(f"{row['presentations']:,}"),
            *(Shown(number(row[key], 0)) for key in ("median", "q1", "q3")),
            Shown(number(row["total"] / 3600, 1)),
        ]
        for row in [*time["readers"], *([time["overall"]] if time["overall"] else [])]
    ]
    drifts = [
        [row["reader"], *(show.with_interval(row[key], sign=True) for key in ("seconds", "decided"))]
        for row in drift["readers"]
    ]
    flags = [
        [
            row["reader"],
            Shown(f"{row['n']:,}"),
            Shown(f"{row['high']:,}"),
            Shown(f"{row['low']:,}"),
            Shown(f"{100 * row['share']:.1f} %"),
            Shown("flag" if row["flag"] else "no flag", strong=row["flag"]),
        ]
        for row in screening["readers"]
    ]
    return [
        Card(
            "sides",
            "Left or right",
            "display scores of main pairs below 3, 3, above 3",
            ["Reader", "Left", "Neutral", "Right", "p", "Threshold shift, 95 %"],
            sides,
            "p: exact binomial test against ½, answers taken as independent. Threshold shift: probit units, averaged "
            "over both places of the first arm so that preference cancels; above 0 leans to the right image.",
            narrow=True,
        ),
        Card(
            "time",
            "Reading time",
            "active seconds per main pair",
            ["Reader", "Pairs", "Median", "Q1", "Q3", "Hours in all"],
            times,
            "Quartiles of type 7.",
            time["reason"] or "",
            narrow=True,
        ),
        Card(
            "drift",
            "Drift over the schedule",
            "Spearman correlation with the position, 95 % below",
            ["Reader", "Seconds per pair", "Share of answers other than 3"],
            drifts,
            "Below 0: faster, or more neutral, towards the end.",
            drift["reason"] or "",
            narrow=True,
        ),
        Card(
            "screening",
            "Screening",
            "a flag, never an exclusion: every reader stays in every number",
            ["Reader", "Units", "High", "Low", "Outside", ""],
            flags,
            "ITU-R BT.500, annex 1, 2.3: scores at least 2 SD (√20 SD where kurtosis is outside 2 to 4) from the mean "
            "of the readers; flagged above 5 % of scores, about as many high as low.",
            screening["reason"] or "",
            narrow=True,
        ),
        _reader_means(reading["comparisons"], names),
    ]


MANY = 12


def _reader_means(cells: Sequence[Mapping], names: Names) -> Card:
    people = [row["reader"] for row in cells[0]["readers"]]
    title, heads = "Preference of each reader", ["Comparison", "Criterion", *people]
    reason = "" if len(people) <= MANY else f"{len(people)} readers: see the file preference-readers.csv"
    rows = [] if reason else [[*_cell(c, names), *(show.with_interval(r["mean"]) for r in c["readers"])] for c in cells]
    return Card(
        "reader-means",
        title,
        "mean preference, patient bootstrap 95 % below",
        heads,
        rows,
        "Above 3 favours the first arm of the comparison.",
        reason,
        2,
    )


def subgroups(reading: dict, arms: Arms, names: Names) -> list[Card]:
    """One table per variable; exploratory."""
    found = reading["subgroups"]
    how = f"{found['conventions']}. Levels: mean preference, 95 % below (linearised t interval). Not adjusted."
    if found["reason"]:
        return [Card("subgroups", "Subgroups", "exploratory", [], [], reason=found["reason"])]
    return [
        Card(
            f"by-{variable['variable']}",
            f"By {variable['variable'].replace('_', ' ')}",
            "exploratory: to look for questions, not to answer them",
            ["Comparison", "Criterion", *variable["levels"], "Interaction, p"],
            [
                [*_cell(cell, names), *(_level(level) for level in cell["levels"]), show.test(cell["interaction"])]
                for cell in variable["cells"]
            ],
            how,
            words=2,
        )
        for variable in found["variables"]
    ]


def _level(level: Mapping[str, Any]) -> Shown:
    shown, net = show.with_interval(level["mean"]), show.estimate(level["net_preference"], sign=True)
    how = f"{level['subjects']} subjects; net preference {net.text or 'n/a'}; {shown.how}"
    return Shown(shown.text, shown.reason, how=how, below=shown.below)


SECTIONS: dict[str, tuple[str, Callable[[dict, Arms, Names], list[Card]] | None]] = {
    "tests": ("Tests", tests),
    "agreement": ("Agreement", agreement),
    "readers": ("Readers", readers),
    "integrity": ("Integrity and blinding", None),
    "subgroups": ("Subgroups", subgroups),
}
