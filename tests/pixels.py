"""Small frames that really differ between arms: the smoother an arm, the smaller it packs."""

from __future__ import annotations

from itertools import accumulate

import numpy as np

from processing.pair import levelled, make_pair
from processing.volume import Volume
from readerstudy.archive.store import put_bytes
from readerstudy.protocol.models import ReaderStudy
from tests.factories import log_as_is

NOISE = {"SOC": 40, "FAST": 120, "FAST-DL": 8, "SOC-DL": 4}
SHAPE = (5, 48, 40)  # slices, rows, columns


def volume(noise: float, seed: int, shape: tuple[int, int, int] = SHAPE) -> Volume:
    """A pattern that differs in every slice, with noise."""
    k, j, i = np.indices(shape).astype(float)
    smooth = 400 + 250 * np.sin(j / 9 + k + seed % 7) * np.cos(i / (5 + seed % 5)) + 40 * k
    noisy = np.abs(smooth + np.random.default_rng(seed).normal(0, noise, shape))
    # Columns run to posterior, rows to the feet, slices to the left: sagittal.
    affine = np.array([[0, 0, 4.0, 0], [0.9, 0, 0, 0], [0, -0.9, 0, 0], [0, 0, 0, 1.0]])
    return Volume(noisy.astype(np.float32), affine)


def with_pixels(study: ReaderStudy, shape: tuple[int, int, int] = SHAPE) -> ReaderStudy:
    """Frames for every pair, levelled within their case as the job does it."""
    for case in study.cases.all():
        rows = list(case.pairs.select_related("comparison__first", "comparison__second"))
        volumes = {
            code: volume(noise, 10 * case.pk + number, shape) for number, (code, noise) in enumerate(NOISE.items())
        }
        made = [make_pair(volumes[r.comparison.first.code], volumes[r.comparison.second.code]) for r in rows]
        for row, pair in zip(rows, levelled(made), strict=True):
            row.geometry, row.order = pair.geometry, pair.order
            row.offsets = list(accumulate(map(len, pair.frames["first_left"]), initial=0))
            row.first_left_sha256 = put_bytes(b"".join(pair.frames["first_left"]))
            row.first_right_sha256 = put_bytes(b"".join(pair.frames["second_left"]))
            row.save()
    log_as_is(study)
    return study
