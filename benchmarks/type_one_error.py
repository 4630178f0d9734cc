"""Type I error of every test that is offered, in simulated studies without any preference.

    python -m benchmarks.type_one_error [--studies 10000] [--fitted 1000] [--seed 0]

Answers are a normal score cut symmetrically: a part of the subject, one of the case, one of the single answer; several
cases per subject, every reader reads every case. Each column is one set-up, each row one test at a nominal 0.05 with
the functions that analyse real studies. Fitted models run on the first --fitted studies. Random readers have leanings
of their own with mean 0. Equivalence and non-inferiority have a benchmark of their own, equivalence_level: their level
is that at the margin, where answers are not symmetric.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.ranking import davidson
from analysis.sample_size import Design, answers, subjects
from analysis.statistics import jackknife
from analysis.statistics.ordinal import regression
from analysis.statistics.preference import cluster_signed_rank, rank_sum_mirror, signed_rank
from analysis.statistics.random_readers import random_readers
from analysis.statistics.result import Result
from analysis.subgroups import interaction

LEANING = 0.3  # SD of the readers' own leanings where readers are random
SPREAD = (0.05, 0.15, 0.6, 0.15, 0.05)
NEUTRAL = (0.01, 0.07, 0.84, 0.07, 0.01)
BASH = Design(subjects=61, cases=111, readers=3, distribution=SPREAD, subject_correlation=0.3, case_correlation=0.5)
SETUPS = {
    "61 subjects, 111 cases": BASH,
    "… mostly neutral": replace(BASH, distribution=NEUTRAL),
    "… independent": replace(BASH, subject_correlation=0.0, case_correlation=0.0),
    "20 subjects, 60 cases": replace(BASH, subjects=20, cases=60),
    "12 subjects, 12 cases": replace(BASH, subjects=12, cases=12),
}
FITTED = ("visual grading regression", "Davidson, an arm's worth", "Davidson, the side")


def main() -> None:
    """Print one line per test."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=10_000)
    parser.add_argument("--fitted", type=int, default=1_000, help="studies for fitted models")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.perf_counter()
    columns = [_column(design, options) for design in SETUPS.values()]
    print(f"{options.studies} studies ({options.fitted} for fitted models), seed {options.seed}; share with p < 0.05;")
    print(f"in brackets: undefined, counted as not rejected; {time.perf_counter() - began:.0f} s\n")
    print(" " * 40 + "".join(f"{name:>25}" for name in SETUPS))
    for test in columns[0]:
        print(f"{test:40}" + "".join(f"{_shown(column[test]):>25}" for column in columns))


def _shown(found: tuple[float, float]) -> str:
    share, undefined = found
    return f"{share:.3f}" + (f" [{undefined:.3f}]" if undefined else "")


def _column(design: Design, options: argparse.Namespace) -> dict[str, tuple[float, float]]:
    random = np.random.default_rng(options.seed)
    tests = dict(_tests(design, options))
    p: dict[str, list[float | None]] = {name: [] for name in tests}
    x = answers(design, studies=options.studies, random=random)
    leaning = answers(replace(design, reader_sd=LEANING), studies=options.studies, random=random)
    for number in range(options.studies):
        study = x[number].astype(np.float64).ravel()
        for name, test in tests.items():
            if name in FITTED and number >= options.fitted:
                continue
            given = leaning[number].astype(np.float64).ravel() if "random" in name else study
            p[name].append(test(given).p)
    shares = {
        name: (
            float(np.mean([one is not None and one < 0.05 for one in found])),
            float(np.mean([one is None for one in found])),
        )
        for name, found in p.items()
    }
    return {**shares, "interval of the mean": (_outside(design, x), 0.0)}


def _tests(
    design: Design, options: argparse.Namespace
) -> Iterator[tuple[str, Callable[[NDArray[np.float64]], Result]]]:
    subject = np.repeat(subjects(design), design.readers)
    reader = np.tile(np.arange(design.readers), design.cases)
    generator = np.random.default_rng(options.seed)
    right = generator.random(subject.size) < 0.5
    half = (subject % 2).astype(np.intp)
    yield "as published (pooled signed rank)", signed_rank
    yield "rank sum against the mirror image", rank_sum_mirror
    yield "cluster sign flip, normal z", lambda x: cluster_signed_rank(x, subject)
    yield "cluster permutation, exact (primary)", lambda x: cluster_signed_rank(x, subject, method="permutation")
    yield "Datta–Satten", lambda x: cluster_signed_rank(x, subject, method="datta_satten")
    yield "interaction, two levels", lambda x: interaction(x, half, subject)
    yield "random readers", lambda x: random_readers(x, reader, subject)
    yield "… fixed-reader sign flip of random ones", lambda x: cluster_signed_rank(x, subject)
    yield FITTED[0], lambda x: regression(x, reader, right, subject).preference
    for name, place in ((FITTED[1], 0), (FITTED[2], 2)):
        yield name, lambda x, place=place: _davidson(x, right, subject, place)


def _davidson(x: NDArray[np.float64], right: NDArray[np.bool_], subject: NDArray[np.intp], place: int) -> Result:
    first, second = np.zeros(x.size, dtype=np.intp), np.ones(x.size, dtype=np.intp)
    fit = davidson(first, second, np.sign(x).astype(np.intp), right, subject, arms=2)
    if fit.estimates is None or fit.covariance is None:
        return Result(reason=fit.reason)
    t = fit.estimates[place] / np.sqrt(fit.covariance[place, place])
    return Result(p=2 * special.stdtr(fit.clusters - 1, -abs(t)))


def _outside(design: Design, x: NDArray[np.int8]) -> float:
    """Share of studies whose 95 % interval of the mean leaves out 0."""
    owner = subjects(design)
    starts = np.searchsorted(owner, np.arange(design.subjects))
    totals = np.add.reduceat(x.sum(axis=2, dtype=np.float64), starts, axis=1).T
    counts = np.broadcast_to(np.bincount(owner)[:, None] * float(design.readers), totals.shape)
    low, high = jackknife.ratio_bounds(totals, counts, level=0.95)
    return float(((low > 0) | (high < 0)).mean())


if __name__ == "__main__":
    main()
