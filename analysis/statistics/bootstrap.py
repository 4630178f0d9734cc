"""Patient bootstrap: subjects are resampled whole, as multinomial weights, for all cells at once."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2_000


@lru_cache(maxsize=2)
def weights(subjects: int, *, resamples: int = RESAMPLES, seed: int = 0) -> NDArray[np.float64]:
    """Multinomial weights, resamples × subjects: how often each subject is drawn in each resample.

    Kept for the next statistic of the same subjects, hence read-only.
    """
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(subjects, np.full(subjects, 1 / subjects), size=resamples)
    result = drawn.astype(np.float64)
    result.setflags(write=False)
    return result


def ratios(
    drawn: NDArray[np.float64], numerator: NDArray[np.float64], denominator: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Resampled ratios of sums, resamples × cells; NaN where a resample holds nothing of a cell.

    ``numerator`` and ``denominator`` are sums per subject, subjects × cells.
    """
    below = drawn @ denominator
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(below > 0, (drawn @ numerator) / below, np.nan)


def interval(values: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    """Percentile interval per column (linear quantiles, type 7), 2 × cells; NaN values are left out."""
    tail = (1 - level) / 2
    if not np.isnan(values).any():
        return np.quantile(values, [tail, 1 - tail], axis=0)
    bounds = np.full((2, values.shape[1]) if values.ndim > 1 else 2, np.nan)
    some = ~np.isnan(values).all(axis=0)
    bounds[:, some] = np.nanquantile(values[..., some], [tail, 1 - tail], axis=0)
    return bounds
