"""Speed and memory of the analysis of a reader study.

    python -m benchmarks.analysis_speed [--runs 5] [--rows 1000000]

Full analysis of a study of the size of Bash et al. (111 cases of 61 subjects × 3 comparisons × 8 criteria × 3 readers,
7,992 ratings) against a NumPy multinomial bootstrap of its 24 cells alone, 2,000 resamples, in turn in one
process, medians: at most 4 times that plus one second (processor time tells the same on a busy machine). The exact
permutation test of one cell alone, 333 ratings of 61 subjects, none neutral: at most 3 ms of processor time. Then the
peak memory of ``python -m analysis reading`` on --rows ratings in a child process: at most 1.5 GB.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from analysis import reading, tables
from analysis.statistics.preference import cluster_signed_rank

COMPARISONS = (("SOC", "FAST"), ("FAST-DL", "SOC"), ("FAST-DL", "FAST"))
CRITERIA = ("snr", "resolution", "artifacts", "cord", "contrast", "disc", "bone", "facet")
RESAMPLES = 2_000
PROTOCOL = {
    "comparisons": [{"first": first, "second": second} for first, second in COMPARISONS],
    "criteria": [{"id": criterion} for criterion in CRITERIA],
    "margins": [{"on": "mean", "margin": 0.2}, {"on": "net_preference", "margin": 0.15}],
    "readers": "random",
}


def main() -> None:
    """Print both measurements and whether they hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    study = tables.check_ratings(ratings(subjects=61, cases=111, readers=3))
    reading.analyse(study, protocol=PROTOCOL)
    work = {
        "bootstrap": lambda run: bootstrap_alone(study, seed=run),
        "analysis": lambda run: reading.analyse(study, protocol=PROTOCOL),
    }
    print(f"{len(study):,} ratings, bootstrap of {RESAMPLES:,} resamples, median of {options.runs}")
    clocks = {"wall clock": time.perf_counter, "processor": time.process_time}
    seconds: dict[tuple[str, str], list[float]] = {(clock, name): [] for clock in clocks for name in work}
    for run in range(options.runs):
        for name, function in work.items():
            began = {clock: read() for clock, read in clocks.items()}
            function(run)
            for clock, read in clocks.items():
                seconds[clock, name].append(read() - began[clock])
    for clock in clocks:
        alone, full = (median(seconds[clock, name]) for name in work)
        limit = 4 * alone + 1
        verdict = "held" if full <= limit else "MISSED"
        print(f"{clock:10} bootstrap of 24 cells alone {alone:.3f} s, full analysis {full:.3f} s", end="; ")
        print(f"limit 4 × + 1 s = {limit:.3f} s: {verdict}")
    _exact(options.runs)
    _large(options.rows)


def _exact(runs: int) -> None:
    random = np.random.default_rng(0)
    subject = np.repeat(np.sort(np.arange(111) % 61), 3)
    x = random.choice([-2.0, -1, 1, 2], subject.size)
    seconds = []
    for _ in range(20 * runs):
        began = time.process_time()
        cluster_signed_rank(x, subject, method="permutation")
        seconds.append(time.process_time() - began)
    took = 1000 * median(seconds)
    print(
        f"exact permutation test of one cell: {took:.2f} ms of processor time: {'held' if took <= 3 else 'MISSED'} (3)"
    )


def ratings(*, subjects: int, cases: int, readers: int, after: int = 0) -> pd.DataFrame:
    """A made-up ratings table with every column of the exported one: main presentations of readers ``after`` + 1 …"""
    random = np.random.default_rng(after)
    shape = (readers, cases, len(COMPARISONS), len(CRITERIA))
    reader, case, pair, criterion = (axis.ravel() for axis in np.indices(shape))
    owner = np.sort(np.arange(cases) % subjects)
    taste = np.random.default_rng(0).normal(0, 0.4, (subjects, len(COMPARISONS), len(CRITERIA)))
    latent = taste[owner[case], pair, criterion] + 0.2 + random.normal(0, 0.6, case.size)
    right = (random.random(shape[:3]) < 0.5)[reader, case, pair]
    preference = np.clip(np.round(3 + latent), 1, 5).astype(int)
    presentation = (case * len(COMPARISONS) + pair).astype(str)
    names = {
        "study": "speed",
        "site": "A",
        "region": np.where(case % 2, "lumbar", "cervical"),
        "plane": "sagittal",
        "weighting": np.where(case % 3, "T2", "T1"),
        "scanner": "Maker Model",
        "field_strength": 1.5,
        "part": 1,
        "kind": "main",
        "repeat_of": None,
        "status": "rated",
        "revision": 1,
        "seconds": 25.0,
        "confirmed_at": "2026-11-20T10:00:00Z",
        "rated_at": "2026-11-20T09:59:00Z",
        "subject": np.char.add("S", owner[case].astype(str)),
        "case": np.char.add("C", case.astype(str)),
        "reader": np.char.add("R", (reader + after + 1).astype(str)),
        "position": case * len(COMPARISONS) + pair + 1,
        "presentation": np.char.add(np.char.add((reader + after).astype(str), "-"), presentation),
        "comparison": np.array([f"{first} vs {second}" for first, second in COMPARISONS])[pair],
        "first": np.array([first for first, _ in COMPARISONS])[pair],
        "second": np.array([second for _, second in COMPARISONS])[pair],
        "first_side": np.where(right, "right", "left"),
        "criterion": np.array(CRITERIA)[criterion],
        "score": np.where(right, preference, 6 - preference),
    }
    return pd.DataFrame(names)[tables.column_names("ratings")]


def bootstrap_alone(study: pd.DataFrame, *, seed: int) -> np.ndarray:
    """95 % intervals of the mean and the net preference of every cell: multinomial weights times sums per subject."""
    cell = study.groupby(["comparison", "criterion"], observed=True).ngroup().to_numpy()
    subject = study["subject"].cat.codes.to_numpy().astype(int)
    x = np.where(study["first_side"] == "right", study["score"], 6 - study["score"]) - 3
    k, cells = subject.max() + 1, cell.max() + 1
    place = subject * cells + cell
    count, total, net = (
        np.bincount(place, weights, minlength=k * cells).reshape(k, cells) for weights in (None, x, np.sign(x))
    )
    drawn = np.random.default_rng(seed).multinomial(k, np.full(k, 1 / k), size=RESAMPLES).astype(float)
    means = drawn @ np.hstack([total, net]) / (drawn @ np.hstack([count, count]))
    return np.quantile(means, [0.025, 0.975], axis=0)


def _large(rows: int) -> None:
    readers = 20
    cases = max(2, round(rows / readers / (len(COMPARISONS) * len(CRITERIA))))
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder, "ratings.csv"), Path(folder, "out.json")
        for reader in range(readers):  # piece by piece: a child's peak starts at the size of its parent
            table = ratings(subjects=max(2, cases // 2), cases=cases, readers=1, after=reader)
            table.to_csv(path, mode="a", header=reader == 0, index=False)
        size, count = path.stat().st_size / 1e6, readers * len(table)
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "analysis", "reading", str(path), "--json", str(out)], check=True)
        seconds = time.perf_counter() - began
        n = json.loads(out.read_text())["n"]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9
    print(f"\n{count:,} ratings of {n['readers']} readers and {n['subjects']:,} subjects, {size:.0f} MB of CSV")
    print(
        f"python -m analysis reading: {seconds:.0f} s, peak {peak:.2f} GB: {'held' if peak <= 1.5 else 'MISSED'} (1.5)"
    )


if __name__ == "__main__":
    main()
