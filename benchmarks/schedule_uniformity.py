"""Sides and positions over many seeds, and the schedule's rules at every size.

    python -m benchmarks.schedule_uniformity [--seeds N]

Over N seeds (10,000): chi-square tests that the first arm stands left as often as right at every position, that every
case comes at every position equally often, and that every comparison does. Then the rules (once each, balance to ±1 of
sides per comparison and per part, distance, repeats later and swapped) for sizes from one case to 500, 1 to 5
comparisons, 1 to 20 readers. Exit status 1 if a p-value is below 0.001 or a rule is broken.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

import numpy as np
from scipy.stats import chisquare

from readerstudy.reading.schedule import Schedule, ScheduledCase, generate, smallest_distance

COMPARISONS = ["SOC vs FAST", "FAST-DL vs SOC", "FAST-DL vs FAST"]
SIZES = [
    # subjects, cases of each, comparisons, readers, repeat share, parts
    (1, 1, 1, 1, 0.0, 1), (1, 1, 5, 20, 0.0, 5), (2, 1, 2, 3, 0.5, 1), (7, 3, 3, 5, 0.1, 2), (61, 2, 3, 3, 0.1, 1),
    (61, 2, 3, 3, 0.1, 3), (500, 1, 5, 2, 0.1, 5), (250, 2, 3, 20, 0.1, 1), (100, 5, 4, 4, 0.25, 2),
]  # fmt: skip


def material(subjects: int, each: int) -> list[ScheduledCase]:
    return [ScheduledCase(f"S{s:03d}-{n}", f"S{s:03d}") for s in range(subjects) for n in range(each)]


def uniformity(seeds: int) -> dict[str, float]:
    """p-values over seeds of a list of 6 subjects × 2 cases × 3 comparisons: 36 positions."""
    cases = material(6, 2)
    size = len(cases) * len(COMPARISONS)
    left, where = np.zeros(size), np.zeros((len(cases), size))
    asked = np.zeros((len(COMPARISONS), size))
    number = {case.code: place for place, case in enumerate(cases)}
    for seed in range(seeds):
        for entry in generate(seed=seed, readers=["R1"], cases=cases, comparisons=COMPARISONS).entries:
            left[entry.position - 1] += entry.first_side == "left"
            where[number[entry.case], entry.position - 1] += 1
            asked[COMPARISONS.index(entry.comparison), entry.position - 1] += 1
    sides = np.stack([left, seeds - left])
    return {
        "sides by position": chisquare(sides.ravel(), np.full(2 * size, seeds / 2), ddof=size - 1).pvalue,
        "cases by position": chisquare(where.ravel(), ddof=len(cases) + size - 2).pvalue,
        "comparisons by position": chisquare(asked.ravel(), ddof=len(COMPARISONS) + size - 2).pvalue,
    }


def broken(
    schedule: Schedule, cases: list[ScheduledCase], names: list[str], readers: list[str], parts: int
) -> list[str]:
    """Which rules a schedule breaks, in words."""
    found = []
    wanted = Counter((case.code, name) for case in cases for name in names)
    for reader in readers:
        own = [entry for entry in schedule.entries if entry.reader == reader]
        mains = {entry.position: entry for entry in own if entry.kind == "main"}
        if Counter((entry.case, entry.comparison) for entry in mains.values()) != wanted:
            found.append(f"{reader}: not every pair once")
        sides = Counter((e.comparison, e.part, e.first_side) for e in mains.values())
        whole = Counter((e.comparison, e.first_side) for e in mains.values())
        for name in names:
            if abs(whole[name, "left"] - whole[name, "right"]) > 1:
                found.append(f"{reader}: sides of {name}")
            for part in range(1, parts + 1):
                if abs(sides[name, part, "left"] - sides[name, part, "right"]) > 1:
                    found.append(f"{reader}: sides of {name} in part {part}")
        for entry in own:
            first = mains.get(entry.repeat_of or 0)
            if entry.kind == "repeat" and (
                first is None or first.position >= entry.position or first.first_side == entry.first_side
            ):
                found.append(f"{reader}: repeat at {entry.position}")
        for part in range(1, parts + 1):
            gap = smallest_distance([entry.case.split("-")[0] for entry in own if entry.part == part])
            if gap is not None and gap < (schedule.distance or 0):
                found.append(f"{reader}: distance {gap} in part {part}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10_000)
    options = parser.parse_args()
    began, failed = time.monotonic(), False
    for what, p in uniformity(options.seeds).items():
        failed |= p < 0.001
        print(f"{what}: chi-square p = {p:.3f} over {options.seeds:,} seeds", flush=True)
    print(f"{time.monotonic() - began:.0f} s")
    for subjects, each, count, many, share, parts in SIZES:
        names, readers = [f"c{n}" for n in range(count)], [f"R{n}" for n in range(1, many + 1)]
        began = time.monotonic()
        made = generate(
            seed=subjects,
            readers=readers,
            cases=material(subjects, each),
            comparisons=names,
            repeat_share=share,
            parts=parts,
        )
        problems = broken(made, material(subjects, each), names, readers, parts)
        failed |= bool(problems)
        print(
            f"{subjects * each} cases of {subjects} subjects, {count} comparisons, {many} readers, "
            f"{share:.0%} repeats, {parts} parts: {len(made.entries):,} pairs, distance {made.distance}, "
            f"{time.monotonic() - began:.1f} s: {'; '.join(problems[:3]) or 'every rule holds'}",
            flush=True,
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
