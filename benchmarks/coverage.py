"""Whether 95 % intervals of mean and net preference cover the truth, for even and uneven subjects.

    python -m benchmarks.coverage [--studies 20000] [--method jackknife|percentile]

Simulated studies of 12 to 200 subjects with 3, with 3 to 9 or with 3 to 18 ratings each, few or many neutral answers,
answers that are alike within a subject or not. Prints the share of intervals that cover, with its Monte Carlo error, of
those that the results do not mark as of few subjects; and, for comparison, of those that they mark. Exit status 1 where
intervals of a design cover less than 93.5 or more than 96.5 %, beyond three Monte Carlo errors. Only designs with 95 of
100 studies unmarked are judged, and by all their studies: the mark picks studies, and those picked cover otherwise.
--method percentile: the patient bootstrap instead, which must fail.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import sys
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from analysis.few_subjects import ENOUGH, differing_subjects
from analysis.statistics import jackknife

LEAST, MOST = 0.935, 0.965
SIZES = {"3": [3], "3 to 9": [3, 3, 3, 6, 6, 9], "3 to 18": [3, 3, 3, 6, 6, 9, 18]}
ANSWERS = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
SHAPES = {"symmetric": [0.1, 0.4, 0.4, 0.1], "skewed": [0.02, 0.08, 0.6, 0.3], "one-sided": [0.0, 0.0, 0.8, 0.2]}
JUDGED = 0.95  # of the studies of a design, unmarked
FEWEST = 500  # unmarked, or marked, studies of a design: of fewer nothing is said
AT_ONCE = 2_000
RESAMPLES = 1_000


class Design(NamedTuple):
    """What is simulated: subjects, their numbers of ratings, share of neutral answers, shape, answers all alike."""

    subjects: int
    sizes: str
    neutral: float
    shape: str
    alike: float


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=20_000)
    parser.add_argument("--method", choices=["jackknife", "percentile"], default="jackknife")
    asked = parser.parse_args(arguments)
    print("subjects  ratings  neutral  answers    alike  of    unmarked: covered      marked: covered")
    missed = sum(_row(design, asked) for design in designs())
    print(f"{missed} designs beyond {LEAST:.1%} to {MOST:.1%}: {'not held' if missed else 'held'}")
    return 1 if missed else 0


def designs() -> Iterator[Design]:
    """All that are simulated."""
    for one in itertools.product((12, 24, 45, 120, 200), SIZES, (0.2, 0.6, 0.85), SHAPES, (0.2, 0.8)):
        yield Design(*one)


def _row(design: Design, asked: argparse.Namespace) -> int:
    generator = np.random.default_rng(_seed(design))
    counts = {what: np.zeros((2, 2)) for what in ("mean", "net")}  # marked or not: covered, all
    for start in range(0, asked.studies, AT_ONCE):
        studies = min(AT_ONCE, asked.studies - start)
        for what, covered, enough in simulated(design, studies, generator, asked.method):
            for marked in (0, 1):
                own = enough == (not marked)
                counts[what][marked] += covered[own].sum(), own.sum()
    missed = 0
    for what, ((hits, n), (few_hits, few)) in counts.items():
        words = [_share(hits, n), _share(few_hits, few)]
        beyond = False
        if n >= JUDGED * (n + few):
            share, error = (hits + few_hits) / (n + few), _error(hits + few_hits, n + few)
            beyond = not LEAST - 3 * error <= share <= MOST + 3 * error
        missed += beyond
        print(
            f"{design.subjects:8}  {design.sizes:7}  {design.neutral:7.2f}  {design.shape:9}  {design.alike:5.1f}  "
            f"{what:4}  {words[0]:20}  {words[1]}{'  MISSED' if beyond else ''}",
            flush=True,
        )
    return missed


def _seed(design: Design) -> int:
    return int.from_bytes(hashlib.sha256(repr(design).encode()).digest()[:8], "big")


def _share(hits: float, n: float) -> str:
    return f"{hits / n:.3f} ± {_error(hits, n):.3f} of {n:.0f}" if n >= FEWEST else "-"


def _error(hits: float, n: float) -> float:
    share = (hits + 1) / (n + 2)
    return float(np.sqrt(share * (1 - share) / n))


def simulated(
    design: Design, studies: int, generator: np.random.Generator, method: str
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Of mean and net preference: which studies' intervals cover the truth, and which have enough subjects."""
    n = np.resize(SIZES[design.sizes], design.subjects)
    p = np.insert(np.array(SHAPES[design.shape]) * (1 - design.neutral), 2, design.neutral)
    shape = (design.subjects, studies)
    total, net, differing = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    own = generator.choice(ANSWERS, p=p, size=shape)
    for rating in range(n.max()):
        there = (n > rating)[:, None]
        fresh = generator.choice(ANSWERS, p=p, size=shape)
        answer = np.where(generator.random(shape) < design.alike, own, fresh) * there
        total, net, differing = total + answer, net + np.sign(answer), differing + (answer != 0)
    count = np.repeat(n[:, None].astype(np.float64), studies, axis=1)
    enough = differing_subjects(count, differing) >= ENOUGH
    for what, sums, truth in (("mean", total, float(ANSWERS @ p)), ("net", net, float(np.sign(ANSWERS) @ p))):
        low, high = BOUNDS[method](sums, count)
        yield what, (low <= truth) & (truth <= high), enough


def _percentile(sums: np.ndarray, count: np.ndarray) -> np.ndarray:
    subjects = len(sums)
    drawn = np.random.default_rng(0).multinomial(subjects, np.full(subjects, 1 / subjects), size=RESAMPLES)
    return np.quantile((drawn @ sums) / (drawn @ count), [0.025, 0.975], axis=0)


BOUNDS = {
    "jackknife": lambda sums, count: jackknife.ratio_bounds(sums, count, confidence=0.95),
    "percentile": _percentile,
}


if __name__ == "__main__":
    sys.exit(main())
