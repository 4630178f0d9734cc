"""SSIM of a pair of volumes: scikit-image against processing.metrics.structural_similarity, same settings, same cores.

    python -m benchmarks.ssim_speed [--reference FILE --test FILE] [--slices N] [--size N] [--runs N] [--cores N]

Settings: Gaussian weights, sigma 1.5, population covariance, range = maximum of the reference, mean without the 5-pixel
border. Each round runs every contestant once, in turn, so that a busy machine is busy for all; medians of the rounds.
"processor" is the time of all threads together: what other programs take does not count. scikit-image is given each
slice, in float64 (as it takes integers) and in float32 (as volumes are kept here), by one thread and by one thread per
core. Without --reference a synthetic pair of 30 × 512 × 512. Cores: the first of those that this process may use (2).
Wanted: 25 times as fast as scikit-image by itself, in float64 and in float32.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import numpy as np

WANTED = 25


def main() -> None:
    """Print the differences and one line per contestant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--test", type=Path)
    parser.add_argument("--slices", type=int, default=30)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cores])
    if arguments.reference:
        from processing import series

        x, y = (series.read(path).array for path in (arguments.reference, arguments.test))
    else:
        x, y = _synthetic(arguments.slices, arguments.size)
    _run(x, y, arguments.runs)


def _synthetic(slices: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    tissue = (rows**2 + columns**2 < 0.6) * (700 + 200 * np.cos(25 * rows) * np.sin(31 * columns))
    clean = np.stack([tissue * (1 + 0.01 * n) for n in range(slices)])
    noisy = np.hypot(clean + rng.normal(0, 50, clean.shape), rng.normal(0, 50, clean.shape))
    return clean.astype(np.float32), noisy.astype(np.float32)


def _run(x: np.ndarray, y: np.ndarray, runs: int) -> None:
    from skimage.metrics import structural_similarity

    from processing.metrics.structural_similarity import Bench, ssim

    peak, cores = float(x.max()), len(os.sched_getaffinity(0))
    doubles = x.astype(np.float64), y.astype(np.float64)

    def one(a: np.ndarray, b: np.ndarray, *, full: bool = False) -> float | tuple[float, np.ndarray]:
        return structural_similarity(
            a, b, data_range=peak, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=full
        )

    def theirs(a: np.ndarray, b: np.ndarray, threads: int) -> float:
        if threads == 1:
            return float(np.mean([one(s, t) for s, t in zip(a, b, strict=True)]))
        with ThreadPoolExecutor(threads) as pool:
            return float(np.mean(list(pool.map(one, a, b))))

    contestants: dict[str, Callable[[], float | None]] = {
        "here": lambda: ssim(x, y, data_range=peak),
        "here, 1 thread": lambda: ssim(x, y, data_range=peak, threads=1),
        "scikit-image": lambda: theirs(*doubles, 1),
        "scikit-image, float32": lambda: theirs(x, y, 1),
        f"scikit-image, {cores} threads": lambda: theirs(*doubles, cores),
        f"scikit-image, float32, {cores} threads": lambda: theirs(x, y, cores),
    }
    values = {name: float(run() or 0) for name, run in contestants.items()}  # warms up too
    wall: dict[str, list[float]] = {name: [] for name in contestants}
    busy: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(runs):
        for name, run in contestants.items():
            start, used = time.perf_counter(), time.process_time()
            run()
            wall[name].append(time.perf_counter() - start)
            busy[name].append(time.process_time() - used)
    bench, inner = Bench(), (slice(5, -5), slice(5, -5))
    pixel = max(
        float(np.abs(bench.map(a, b, peak) - one(s, t, full=True)[1][inner]).max())
        for a, b, s, t in zip(x, y, *doubles, strict=True)
    )
    print(f"{' × '.join(map(str, x.shape))}, range {peak:g}, {cores} cores, {runs} rounds")
    print(f"SSIM {values['scikit-image']:.9f}; difference {abs(values['here'] - values['scikit-image']):.1e}", end="")
    print(f" (scikit-image in float32 {abs(values['scikit-image, float32'] - values['scikit-image']):.1e})", end="")
    print(f", largest of a pixel {pixel:.1e}")
    print(f"{'':38} {'median':>9} {'least':>9} {'processor':>10} {'here is faster by':>18}")
    for name, times in wall.items():
        ratio = median(times) / median(wall["here"])
        work = median(busy[name])
        print(f"{name:38} {1e3 * median(times):6.1f} ms {1e3 * min(times):6.1f} ms {1e3 * work:7.1f} ms {ratio:17.1f}×")
    for name in ("scikit-image", "scikit-image, float32"):
        ratio = median(wall[name]) / median(wall["here"])
        print(f"{'reached' if ratio >= WANTED else 'missed'}: {WANTED}× against {name} ({ratio:.1f}×)")


if __name__ == "__main__":
    main()
