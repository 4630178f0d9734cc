"""Enhancing a series of 30 × 512 × 512 against the time that its arithmetic takes at the rate of matrix products.

    python -m benchmarks.enhance_speed [--model NAME] [--slices N] [--side N] [--threads N] [--repeats N]

The limit: floating-point operations of the network on these slices (torch's own count), once for each pass over a
slice, divided by the rate of a bfloat16 (where the processor has it, else float32) product of square matrices,
measured in the same process, in turns. Enhancing includes estimating the noise, scaling and copying. Also prints how
far the fast precision lies from float32 in PSNR against the truth of a synthetic spine, where there is no noise to
hide behind, and the largest memory of a process that enhances 300 slices.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from processing.enhancement.enhance import DEFAULT_MODEL, _load, enhance, fast_precision
from processing.enhancement.networks.store import folder_of, read_identity
from processing.noise import add_complex_noise
from processing.simulate.phantom import acquire, make_subject, protocol_for
from processing.volume import Volume

LIMIT, NOISE, MATRIX, LONG, MEMORY = 1.25, 50.0, 2048, 300, 2.0
LEVELS = (0.002, 0.01, 0.027, 0.03, 0.05, 0.10)  # also where integers begin


def main() -> None:
    """Print seconds, the arithmetic, their ratio, the cost of the fast precision, and memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--slices", type=int, default=30)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--memory", action="store_true", help="only enhance a long series once, and print the memory")
    arguments = parser.parse_args()
    if arguments.memory:
        print(_peak(arguments))
        return
    torch.set_num_threads(arguments.threads)
    noisy = _noisy(_anatomy(arguments.slices, arguments.side), NOISE)
    half = fast_precision("cpu")
    number = torch.bfloat16 if half == "bfloat16" else torch.float32
    operations = _operations(arguments)
    fastest = enhance(noisy, model=arguments.model).model.precision
    seconds: dict[tuple[str, int], list[float]] = {(fastest, 2): [], (half, 2): [], (half, 1): []}
    rates = []
    for _ in range(arguments.repeats):
        for (precision, passes), taken in seconds.items():
            rates.append(_rate(number))
            started = time.perf_counter()
            enhance(noisy, model=arguments.model, precision=precision, mirrored=passes == 2)
            taken.append(time.perf_counter() - started)
    rate = statistics.median(rates)
    print(f"{arguments.slices} x {arguments.side}², {arguments.threads} threads, by default in {fastest}")
    print(f"arithmetic of one pass {operations / 1e9:.0f} GFLOP at {rate / 1e9:.0f} GFLOP/s: {operations / rate:.2f} s")
    for (precision, passes), taken in seconds.items():
        median, least = statistics.median(taken), passes * operations / rate
        name = f"{precision}, " + ("with the mirror image" if passes == 2 else "one pass")
        print(f"{name}: {median:.2f} s, {median / least:.2f} times the arithmetic (limit {LIMIT})")
    for name, truth in _spines():
        for level in LEVELS:
            kind, lost = _lost(truth, level, arguments.model)
            print(f"{name}, {100 * level:g} % noise: {kind} costs {lost:+.3f} dB against float32 (limit 0.05)")
    command = [sys.executable, "-m", "benchmarks.enhance_speed", "--memory", "--model", arguments.model]
    peak = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"{LONG} x {arguments.side}²: {peak:.2f} GB at most (limit {MEMORY})")


def _anatomy(slices: int, side: int) -> np.ndarray:
    """Smooth shapes over most of the field, air around them."""
    z, y, x = np.ogrid[:slices, :side, :side]
    radius = np.hypot((y - side / 2) / (0.42 * side), (x - side / 2) / (0.35 * side))
    texture = 600 + 250 * np.sin(y / 19 + z / 5) * np.cos(x / 23) + 100 * np.sin(x / 7) * np.sin(y / 9)
    return np.where(radius < 1, texture, 0).astype(np.float32)


def _spines() -> Iterator[tuple[str, np.ndarray]]:
    """Three slices of synthetic spines that no training saw, without noise."""
    for weighting in ("sag-t2", "ax-t2"):
        protocol = replace(protocol_for(weighting), slices=3, noise=0.0)
        yield f"spine, synthetic {weighting}", acquire(make_subject(201), protocol, 1).array


def _noisy(truth: np.ndarray, sigma: float) -> Volume:
    rng = np.random.default_rng(0)
    return Volume(np.stack([add_complex_noise(s, sigma, rng)[0] for s in truth]), np.diag([0.5, 0.5, 4, 1]))


def _lost(truth: np.ndarray, level: float, model: str) -> tuple[str, float]:
    """The precision taken by default, and PSNR in dB of float32 less its own.

    level: noise as a share of the 99.9th percentile.
    """
    noisy = _noisy(truth, level * float(np.percentile(truth, 99.9)))
    exact, fast = (enhance(noisy, model=model, precision=precision) for precision in ("float32", None))
    return fast.model.precision, _psnr(truth, exact.volume.array) - _psnr(truth, fast.volume.array)


def _operations(arguments: argparse.Namespace) -> float:
    folder = folder_of(arguments.model)
    network = _load((folder, read_identity(folder).sha256), "cpu", "float32")
    side = arguments.side + -arguments.side % network.stride
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, network.slices, side, side), torch.zeros(1, 1, 1, 1))
    return float(counter.get_total_flops() * arguments.slices)


def _rate(kind: torch.dtype) -> float:
    """Floating-point operations per second of matrix products, the best of ten."""
    a, b = (torch.randn(MATRIX, MATRIX).to(kind) for _ in range(2))
    best = float("inf")
    for _ in range(10):
        started = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - started)
    return 2 * MATRIX**3 / best


def _psnr(truth: np.ndarray, output: np.ndarray) -> float:
    return float(10 * np.log10(truth.max() ** 2 / np.mean((truth - output) ** 2)))


def _peak(arguments: argparse.Namespace) -> float:
    """Largest resident memory in GB of this process, which enhances a long series."""
    array = np.random.default_rng(0).rayleigh(NOISE, (LONG, arguments.side, arguments.side)).astype(np.float32)
    enhance(Volume(array, np.diag([0.5, 0.5, 1, 1])), model=arguments.model, threads=arguments.threads)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


if __name__ == "__main__":
    main()
