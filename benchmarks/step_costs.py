"""Processor time of each step that one case costs, on one thread: what docs/scaling.md reckons with.

    python -m benchmarks.step_costs [--slices 30] [--side 512]

Noisy slices of the phantom's size. Processor time is the same on a machine that has other work, but for its caches.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from processing.volume import Volume


def main() -> None:
    """Print seconds for each step."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--slices", type=int, default=30)
    parser.add_argument("--side", type=int, default=512)
    options = parser.parse_args()
    import torch

    from processing.enhancement.enhance import enhance
    from processing.grid import common_grid, laid
    from processing.metrics.quality import compare
    from processing.pair import levelled, make_pair

    torch.set_num_threads(1)
    one, other = (_series(options.slices, options.side, seed) for seed in (1, 2))
    enhance(_series(2, 64, 0), threads=1)  # what is loaded once
    _seconds("one arm through the network `denoise`", lambda: enhance(one, threads=1))
    compare(_series(2, 64, 0), _series(2, 64, 1), threads=1)
    _seconds("metrics of two arms", lambda: compare(one, other, threads=1))

    def prepared() -> list:
        volumes, grid = laid({1: one, 2: other}, common_grid([one, other], plane="axial"))
        return levelled([make_pair(volumes[1], volumes[2], grid=grid)])

    pairs = _seconds("one comparison as pairs in both orders", prepared)
    size = sum(len(frame) for frames in pairs[0].frames.values() for frame in frames)
    print(f"{options.slices} × {options.side}²: the pair takes {size / 1e6:.1f} MB in both orders")


def _series(slices: int, side: int, seed: int) -> Volume:
    """An ellipsoid of tissue with texture and noise."""
    generator = np.random.default_rng(seed)
    z, y, x = np.mgrid[-1 : 1 : slices * 1j, -1 : 1 : side * 1j, -1 : 1 : side * 1j]
    tissue = 600 * (x**2 / 0.7 + y**2 / 0.8 + 0.2 * z**2 < 1) * (1 + 0.2 * np.sin(9 * x) * np.cos(7 * y))
    noise = generator.normal(0, 15, (2, *tissue.shape))
    return Volume(np.hypot(tissue + noise[0], noise[1]), np.diag([4.0, 0.5, 0.5, 1.0]))


def _seconds(what: str, step: Callable):
    started = time.process_time()
    found = step()
    print(f"{what}: {time.process_time() - started:.2f} s", flush=True)
    return found


if __name__ == "__main__":
    main()
