"""What may be a slip in a table of ratings: nothing that stops an analysis, but what somebody should look at."""

import re
from collections import Counter
from itertools import combinations, pairwise

import pandas as pd

CODES = ("reader", "subject", "case", "criterion", "site")
OF_A_CASE = ("region", "plane", "weighting")
SHOWN = 3  # of one kind of slip
NUMBERED = re.compile(r"(.*?)(\d{1,9})", re.DOTALL)
FEWEST_NUMBERED = 5
MOSTLY = 0.6  # of the steps from one code to the next are by one


def slips(ratings: pd.DataFrame) -> list[str]:
    """One sentence for each: arms compared in both orders, codes that differ in writing alone, a case whose region,
    plane or weighting varies, a number out of its order."""
    return [*_both_orders(ratings), *_alike(ratings), *_varying(ratings), *_out_of_order(ratings)]


def _some(sentences: list[str], what: str) -> list[str]:
    more = len(sentences) - SHOWN
    return sentences[:SHOWN] + ([f"So do {more} more {what}."] if more > 0 else [])


def _both_orders(ratings: pd.DataFrame) -> list[str]:
    counts = Counter(zip(ratings["first"].astype(str), ratings["second"].astype(str), strict=True))
    found = [
        f"{first} vs {second} ({count:,} rows) stands beside {second} vs {first} ({counts[second, first]:,} rows): "
        "they are analysed as two comparisons."
        for place, ((first, second), count) in enumerate(counts.items())
        if (second, first) in list(counts)[place + 1 :]
    ]
    return _some(found, "pairs of arms")


def _alike(ratings: pd.DataFrame) -> list[str]:
    found = []
    codes = {name: ratings[name] for name in _own_codes(ratings, *CODES)}
    arms = pd.concat([ratings["first"].astype(str), ratings["second"].astype(str)])
    for name, column in (codes | {"arm": arms}).items():
        groups: dict[str, list[str]] = {}
        for code in column.dropna().astype(str).unique():
            groups.setdefault(_spelling(code), []).append(code)
        found += _some(
            [
                f"{name.capitalize()} {one} stands beside {other}: is it the same {name}?"
                for group in groups.values()
                for one, other in combinations(sorted(group)[:SHOWN], 2)
            ],
            f"{name}s",
        )
    return found


def _spelling(code: str) -> str:
    """The same for R1, r 1, R-1 and R01, for FAST-DL and fast dl; not for S1-11 and S11-1."""
    joined = re.sub(r"(?<=[^\W\d_])[\W_]+(?=[^\W_])", "", code.casefold())
    return re.sub(r"(?<!\d)0+(?=\d)", "", joined)


def _varying(ratings: pd.DataFrame) -> list[str]:
    found = []
    for name in OF_A_CASE:
        if name not in ratings or ratings[name].isna().all():
            continue
        said = ratings.dropna(subset=name).groupby(["subject", "case"], observed=True, sort=False)[name].unique()
        found += _some(
            [
                f"Case {case} has the {name}s {', '.join(sorted(map(str, values)))}: a case has one {name}."
                for case, values in zip(said.index.get_level_values("case"), said, strict=True)
                if len(values) > 1
            ],
            "cases",
        )
    return found


def _out_of_order(ratings: pd.DataFrame) -> list[str]:
    """Set112 between Set11 and Set13, in a table that else goes by number."""
    found = []
    for name in _own_codes(ratings, "subject", "case"):
        numbered: dict[str, list[int]] = {}
        for code in ratings[name].dropna().astype(str).unique():
            if match := NUMBERED.fullmatch(code):
                numbered.setdefault(match[1], []).append(int(match[2]))
        for prefix, numbers in numbered.items():
            steps = sum(after == before + 1 for before, after in pairwise(numbers))
            if len(numbers) < FEWEST_NUMBERED or steps < MOSTLY * (len(numbers) - 1):
                continue
            found += [
                f"{name.capitalize()} {prefix}{number} stands between {prefix}{before} and {prefix}{after}, "
                f"where {prefix}{before + 1} would be."
                for before, number, after in zip(numbers, numbers[1:], numbers[2:], strict=False)
                if after == before + 2 and number != before + 1
            ]
    return _some(found, "codes")


def _own_codes(ratings: pd.DataFrame, *names: str) -> list[str]:
    """Those of the columns that are there; not the cases where they are the subjects."""
    same = (ratings["case"].astype(str) == ratings["subject"].astype(str)).all()
    return [name for name in names if name in ratings and not (same and name == "case")]
