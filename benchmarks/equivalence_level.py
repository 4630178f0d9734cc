"""Level and power of equivalence and non-inferiority where answers are ordinal and mostly neutral.

    python -m benchmarks.equivalence_level [--studies 20000] [--cells 0 7 …] [--seed 0] [--plant]

Answers 1 … 5 are a normal score, part of the subject and part of the answer, cut so that the true mean (or net
preference) *is* the margin, once each sign. Per cell and sign: how many of --studies are called "not beyond this
margin" at 0.05. That is the claim of non-inferiority and half of the claim of equivalence, which is made no more often.
The upper 99 % limit (Clopper–Pearson, one-sided) of that share may be 0.06 at most, in every cell.

Then subjects of two populations: most neutral with a little symmetric noise, a small share at the end of the scale
throughout, which alone makes the mean the margin. Where samples mostly hold somebody of that share, the same is asked.
Where they often hold nobody, no test can know that anybody is missing, short of never claiming anything there: "beyond
what a sample can tell" prints those rates, and asks nothing of them. ``p_exact`` holds its level there too.

Power, with a true value of 0, is asked where 20 subjects or more are informative (give an answer other than 3, on
average), and subjects are at least 0.6 times as many as show this margin where every answer is neutral: with fewer, the
sample cannot rule out such a minority, and level comes before power. Both claims are to be made at least 0.8 times as
often as by a t test whose critical value was set, by the studies at the margin, to reject 0.05 of them; that of
equivalence where that t test makes it in 0.4 of studies or more, for a smaller design is none for this claim.

--plant puts the plain t test in the place of the product's: it must fail. Exit status 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.statistics.bounded_mean import p_exact
from analysis.statistics.equivalence import p_below, subjects_needed, t_below
from analysis.statistics.proportions import clopper_pearson

LEVEL, MOST, KEPT = 0.05, 0.06, 0.8
INFORMATIVE, LEAST_POWER, LEAST_SUBJECTS = 20, 0.4, 0.6
POWER_STUDIES = 5_000
BLOCK = 4_000_000
PATTERNS = {"6 each": (6,), "1 to 12": (1, 3, 6, 9, 12), "1 each": (1,), "18 each": (18,)}
Test = Callable[[NDArray[np.float64], float, float], NDArray[np.float64]]


@dataclass(frozen=True)
class Cell:
    """``strong``: share of 1 and 5 among the answers other than 3. ``correlation``: of the scores of one subject."""

    on: str
    subjects: int
    pattern: str
    neutral: float
    margin: float
    strong: float
    correlation: float

    @property
    def bound(self) -> float:
        return 2.0 if self.on == "mean" else 1.0

    def shares(self, truth: float) -> tuple[float, ...]:
        """Shares of the answers 1 … 5 with this true mean or net preference."""
        answered = 1 - self.neutral
        lean = truth / (1 + self.strong) if self.on == "mean" else truth
        worse, better = (answered - lean) / 2, (answered + lean) / 2
        if min(worse, better) < 0:
            raise ValueError(f"no answers have {truth:g} as true value in {self}")
        weak = 1 - self.strong
        return worse * self.strong, worse * weak, self.neutral, better * weak, better * self.strong


@dataclass(frozen=True)
class Minority:
    """``share`` of the subjects at the bound throughout, the others ±1 in a share ``noise`` of their ``answers``."""

    on: str
    subjects: int
    answers: int
    noise: float
    share: float

    @property
    def bound(self) -> float:
        return 2.0 if self.on == "mean" else 1.0

    @property
    def margin(self) -> float:
        return self.share * self.bound

    def means(self, sign: int, studies: int, random: np.random.Generator) -> NDArray[np.float64]:
        """Subject means of simulated studies, studies × subjects, with ``sign`` times the margin as true mean."""
        shares = (self.noise / 2, self.noise / 2, 1 - self.noise)
        counts = random.multinomial(self.answers, shares, size=(studies, self.subjects))
        usual = (counts[..., 0] - counts[..., 1]) / self.answers
        return np.where(random.random(usual.shape) < self.share, sign * self.bound, usual)


def minorities() -> tuple[list[Minority], list[Minority]]:
    """Designs where the level is to hold, and those beyond what a sample can tell."""
    held = [
        *(("net", *one) for one in ((20, 18, 0.1, 0.05), (30, 18, 0.05, 0.03), (30, 18, 0.1, 0.03), (30, 3, 0.3, 0.05),
          (40, 18, 0.05, 0.03), (61, 18, 0.2, 0.05), (61, 6, 0.3, 0.02))),
        *(("mean", *one) for one in ((20, 18, 0.1, 0.05), (20, 18, 0.2, 0.1), (30, 18, 0.05, 0.03), (30, 18, 0.1, 0.03),
          (30, 18, 0.1, 0.05), (30, 18, 0.2, 0.05), (40, 18, 0.05, 0.03), (40, 18, 0.2, 0.05), (61, 18, 0.2, 0.05))),
    ]  # fmt: skip
    beyond = [
        *(("net", *one) for one in ((20, 18, 0.2, 0.1), (20, 6, 0.3, 0.05), (30, 18, 0.1, 0.05), (30, 18, 0.2, 0.05),
          (40, 18, 0.2, 0.05), (40, 18, 0.3, 0.03), (61, 18, 0.2, 0.02))),
        *(("mean", *one) for one in ((20, 6, 0.3, 0.05), (30, 6, 0.3, 0.05), (30, 3, 0.3, 0.05), (40, 18, 0.3, 0.03),
          (40, 6, 0.3, 0.05), (61, 18, 0.2, 0.02), (61, 18, 0.3, 0.03), (61, 6, 0.3, 0.02))),
    ]  # fmt: skip
    return [Minority(*one) for one in held], [Minority(*one) for one in beyond]


def cells() -> list[Cell]:
    """Every number of subjects, share of neutral answers and pattern; margin, strength and correlation take turns.

    After them those that are hardest: on level with many answers a subject, on power with just 20 informative subjects.
    """
    patterns = ("6 each", "1 to 12", "1 each")
    planned = product(("net", "mean"), (8, 12, 20, 30, 40, 61), patterns, (0.6, 0.75, 0.87, 0.93, 0.95))
    made = []
    for turn, (on, subjects, pattern, neutral) in enumerate(planned):
        margin = round((1 - neutral) * (0.9, 0.6, 0.4)[turn % 3], 3)
        strong = 0.0 if on == "net" else (0.2, 0.0, 0.6)[turn // 3 % 3]
        made.append(Cell(on, subjects, pattern, neutral, margin, strong, (0.2, 0.5, 0.85)[turn // 2 % 3]))
    hard = [
        ("net", 61, "1 to 12", 0.87, 0.127, 0.0, 0.2),
        ("net", 61, "1 each", 0.7, 0.105, 0.0, 0.0),
        ("net", 30, "18 each", 0.87, 0.127, 0.0, 0.2),
        ("net", 61, "18 each", 0.93, 0.049, 0.0, 0.5),
        ("mean", 40, "6 each", 0.8, 0.19, 0.2, 0.85),
        ("mean", 30, "18 each", 0.87, 0.127, 0.6, 0.5),
        ("mean", 40, "18 each", 0.93, 0.042, 0.2, 0.2),
        ("mean", 40, "18 each", 0.93, 0.069, 0.6, 0.2),
        ("mean", 30, "18 each", 0.87, 0.127, 0.6, 0.3),
        ("mean", 61, "18 each", 0.93, 0.025, 0.2, 0.3),
        ("mean", 61, "18 each", 0.95, 0.049, 0.2, 0.5),
        ("net", 24, "18 each", 0.87, 0.065, 0.0, 0.3),
        ("net", 30, "18 each", 0.93, 0.035, 0.0, 0.2),
        ("net", 30, "1 to 12", 0.75, 0.125, 0.0, 0.2),
        ("net", 30, "6 each", 0.8, 0.1, 0.0, 0.3),
        ("net", 40, "6 each", 0.87, 0.065, 0.0, 0.3),
        ("mean", 30, "6 each", 0.8, 0.12, 0.2, 0.3),
        ("mean", 30, "1 to 12", 0.6, 0.2, 0.2, 0.3),
        ("mean", 40, "6 each", 0.87, 0.078, 0.2, 0.3),
        ("mean", 61, "6 each", 0.87, 0.065, 0.2, 0.3),
    ]
    return made + [Cell(*values) for values in hard]


def subject_means(
    cell: Cell, truth: float, studies: int, random: np.random.Generator
) -> tuple[NDArray[np.float64], float]:
    """Subject means of simulated studies, studies × subjects, and how many subjects are informative on average."""
    sizes = np.resize(PATTERNS[cell.pattern], cell.subjects)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    cuts = special.ndtri(np.clip(np.cumsum(cell.shares(truth))[:4], 0, 1)).astype(np.float32)
    own, shared = np.sqrt(np.float32([1 - cell.correlation, cell.correlation]))
    means, informative = [], 0
    block = max(1, BLOCK // int(sizes.sum()))
    for start in range(0, studies, block):
        count = min(block, studies - start)
        score = own * random.standard_normal((count, sizes.sum()), dtype=np.float32)
        score += np.repeat(shared * random.standard_normal((count, sizes.size), dtype=np.float32), sizes, axis=1)
        x = sum((score > cut).astype(np.int8) for cut in cuts) - np.int8(2)
        informative += int((np.add.reduceat(x != 0, starts, axis=1, dtype=np.int64) > 0).sum())
        x = np.sign(x) if cell.on == "net" else x
        means.append(np.add.reduceat(x, starts, axis=1, dtype=np.int64) / sizes)
    return np.concatenate(means), informative / studies


def offered(means: NDArray[np.float64], margin: float, bound: float) -> NDArray[np.float64]:
    """The product's p of "the mean is at least ``margin``"; where the t test alone does not reject, that one's."""
    return p_below(means, margin, bound=bound, worth=LEVEL)


def planted(means: NDArray[np.float64], margin: float, bound: float) -> NDArray[np.float64]:
    """The same of the plain t test."""
    return t_below(means, margin)


def examine(cell: Cell, test: Test, studies: int, random: np.random.Generator) -> tuple[str, bool]:
    """One line on a cell, and whether all that is asked of it holds."""
    words, holds, levels = [], True, []
    for sign in (-1, 1):
        means, _ = subject_means(cell, sign * cell.margin, studies, random)
        means *= sign
        rejected = int((test(means, cell.margin, cell.bound) < LEVEL).sum())
        upper = clopper_pearson(rejected, studies, confidence=0.98)[1]
        holds &= upper <= MOST
        words.append(f"{rejected:6} {rejected / studies:6.4f} {upper:6.4f}{'' if upper <= MOST else ' MISSED':7}")
        levels.append(t_below(means, cell.margin))
    critical = float(np.quantile(np.concatenate(levels), LEVEL))
    means, informative = subject_means(cell, 0.0, min(studies, POWER_STUDIES), random)
    words.append(f"{informative:5.1f}")
    if informative >= INFORMATIVE:
        asked = cell.subjects >= LEAST_SUBJECTS * subjects_needed(cell.margin, bound=cell.bound)
        sides = [(t_below(side, cell.margin), test(side, cell.margin, cell.bound)) for side in (-means, means)]
        for name, ours, theirs, least in (
            ("non-inferiority", sides[0][1], sides[0][0], 0.0),
            ("equivalence", *(np.maximum(sides[0][place], sides[1][place]) for place in (1, 0)), LEAST_POWER),
        ):
            got, could = float((ours < LEVEL).mean()), float((theirs < critical).mean())
            enough = got >= KEPT * could or could < least or not asked
            holds &= enough
            words.append(f"{name} {got:.3f} of {could:.3f}{'' if enough else ' MISSED'}")
        words += [] if asked else ["not asked: too few subjects for this margin"]
    return "  ".join(words), holds


def examine_minority(cell: Minority, test: Test, studies: int, random: np.random.Generator) -> tuple[str, bool]:
    """One line on a design with a strongly differing minority, and whether the level holds."""
    words, holds = [], True
    for sign in (-1, 1):
        means = sign * cell.means(sign, studies, random)
        rejected = int((test(means, cell.margin, cell.bound) < LEVEL).sum())
        upper = clopper_pearson(rejected, studies, confidence=0.98)[1]
        holds &= upper <= MOST
        words.append(f"{rejected:6} {rejected / studies:6.4f} {upper:6.4f}")
    words.append(f"nobody of it in {(1 - cell.share) ** cell.subjects:.3f} of samples")
    return "  ".join(words), holds


def minority_table(title: str, designs: Sequence[Minority], test: Test, options: argparse.Namespace) -> int:
    """Print one part on minorities; how many miss the level."""
    print(f"\n{title}\n      on, subjects, answers, noise, share, margin", end="  ")
    print("truth −margin: rejected, share, limit", "truth +margin", sep="  ")
    missed = 0
    for number, cell in enumerate(designs):
        random = np.random.default_rng([options.seed, 1, number, cell.subjects])
        line, holds = examine_minority(cell, test, options.studies, random)
        missed += not holds
        print(f"       {cell.on:4} {cell.subjects:3} {cell.answers:3} {cell.noise:5.2f} {cell.share:5.2f}", end=" ")
        print(f"{cell.margin:6.3f}   {line}{'' if holds else '  above'}", flush=True)
    return missed


def exact(means: NDArray[np.float64], margin: float, bound: float) -> NDArray[np.float64]:
    """``p_exact`` of each study."""
    return np.array([p_exact(row, margin, bound=bound) for row in means])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print every cell; 1 where one misses a limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=20_000)
    parser.add_argument("--cells", type=int, nargs="+", help="only these, by number")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plant", action="store_true", help="the plain t test instead: must fail")
    options = parser.parse_args(arguments)
    began, missed, all_cells = time.process_time(), 0, cells()
    test = planted if options.plant else offered
    chosen = range(len(all_cells)) if options.cells is None else options.cells
    what = "plain t test" if options.plant else "test as offered"
    print(f"{options.studies} studies per cell and sign, seed {options.seed}, {what}\n")
    print("cell   on, subjects, answers, neutral, margin, strong, correlation", end="  ")
    print(
        "truth −margin: rejected, share, limit", "truth +margin", "informative, power (ours of calibrated t)", sep="  "
    )
    for number in chosen:
        cell = all_cells[number]
        random = np.random.default_rng([options.seed, number])
        line, holds = examine(cell, test, options.studies, random)
        missed += not holds
        print(f"{number:4}   {cell.on:4} {cell.subjects:3} {cell.pattern:8} {cell.neutral:5.2f}", end=" ")
        print(f"{cell.margin:6.3f} {cell.strong:4.1f} {cell.correlation:5.2f}   {line}", flush=True)
    held, beyond = minorities()
    count = len(chosen)
    if options.cells is None:
        count += len(held)
        missed += minority_table("A strongly differing minority", held, test, options)
        minority_table("Beyond what a sample can tell: nothing is asked", beyond, test, options)
        fewer = argparse.Namespace(seed=options.seed, studies=min(options.studies, 2_000))
        minority_table(f"The same by p_exact, {fewer.studies} studies", beyond, exact, fewer)
    limits = f"{missed} miss a limit ({MOST:g} at the margin, {KEPT:g} of the power)"
    print(f"\n{count} cells, {limits}: {'MISSED' if missed else 'held'}", end="; ")
    print(f"{time.process_time() - began:.0f} s of processor")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
