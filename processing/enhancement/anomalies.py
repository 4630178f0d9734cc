"""What is not expected: the difference between an image and itself, inpainted hole by hole, or to what is around."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from processing.enhancement.enhance import enhance
from processing.enhancement.networks import store
from processing.enhancement.tasks import INPAINT, task_of
from processing.errors import InputError
from processing.metrics.quality import foreground
from processing.percentile import high_percentile
from processing.volume import Array, Volume

LOCAL_CONTRAST = "local-contrast"  # the name of the map that needs no network
LOCAL_CONTRAST_FOUND = store.SHIPPED / "local-contrast.json"  # as store.ANOMALIES of a model, without weights
THRESHOLD = 4.0  # robust standard deviations of the map in the patient
_THICKNESS = 1 / 16  # of the rows: holes are bars half as thick as the thickest that the network knows
_APART = 4  # thicknesses from hole to hole, in both directions: the network knows one in a slice
_WINDOW = 11  # pixels of the median that is expected where nothing is inpainted
_FINE = 1.0  # pixels: standard deviation of the Gaussian over the image, against noise, before it is compared with that
_SMOOTHING = 1.0  # thicknesses / 4: standard deviation of the Gaussian over the differences

Fill = Callable[[Volume], Array]


@dataclass(frozen=True)
class Anomalies:
    """Where an image differs from what was expected.

    map: smoothed difference in robust standard deviations, 0 outside the patient; flagged: share of the patient's
    voxels above THRESHOLD; worst: index (slice, row, column) and value of the largest, one per slice, largest first.
    """

    map: Volume
    flagged: float
    worst: list[tuple[tuple[int, int, int], float]]


def filled_by(model: str | Path) -> Fill:
    """Fill holes with a model.

    Parameters
    ----------
    model : str or Path
        Name of a shipped model, or the folder of a trained one, for the task "inpaint".

    Returns
    -------
    callable
        From a series with holes to an array without.

    Raises
    ------
    InputError
        For an unknown model, or one of another task.
    """
    folder = store.folder_of(model)
    if task_of(store.read_config(folder)) != INPAINT:
        raise InputError(f"The model “{store.read_identity(folder).name}” does not inpaint; name one that does.")
    return lambda holes: enhance(holes, model=folder, mirrored=False, only_bars=False).volume.array


def found_by_local_contrast() -> dict[str, Any]:
    """What local contrast finds of planted lesions and where there are none, as `benchmarks.anomalies --write` kept it;
    empty if it never ran."""
    found: dict[str, Any] = json.loads(LOCAL_CONTRAST_FOUND.read_text()) if LOCAL_CONTRAST_FOUND.exists() else {}
    return found


def find_anomalies(
    volume: Volume, *, fill: Fill | None, progress: Callable[[int, int], None] | None = None
) -> Anomalies:
    """Cover a series with holes, have them filled, and compare; or compare each pixel with what is around it.

    Parameters
    ----------
    volume : Volume
        A magnitude series.
    fill : callable, optional
        From a series with bright holes to an array without them, as `filled_by` gives; None for local contrast.
    progress : callable, optional
        Called with passes done and in all.

    Returns
    -------
    Anomalies
        Map, share that is flagged, and the worst places.

    Raises
    ------
    InputError
        For a series that is no magnitude, or shows nothing.

    Notes
    -----
    A hole is a bar as bright as the 99.9th percentile, which hides what is beneath. Holes of one pass lie far apart;
    shifted passes let each pixel lie in several holes, and the mean of what is found there is expected. The absolute
    difference is smoothed, and the map is its distance from the median in the patient, in units of 1.4826 times the
    median absolute deviation. Local contrast, which needs no network: the absolute difference between the slightly
    smoothed slice and its median over 11 × 11 pixels, in the same units. That unit is of the same image: a threshold
    means the same in none but similar ones.

    Examples
    --------
    >>> import numpy as np
    >>> from processing.enhancement.anomalies import find_anomalies
    >>> from processing.volume import Volume
    >>> rng = np.random.default_rng(0)
    >>> usual = 100 + rng.normal(0, 1, (1, 64, 64))
    >>> seen = usual.copy()
    >>> seen[0, 30:36, 40:46] += 20
    >>> found = find_anomalies(Volume(seen, np.eye(4)), fill=lambda holes: np.full_like(usual, 100))
    >>> [round(n / 4) for n in found.worst[0][0]]
    [0, 8, 11]
    """
    volume.require_magnitude()
    bright = high_percentile(volume.measured, 99.9)
    if bright <= 0:
        raise InputError("The series shows nothing; there is nothing to compare it with.")
    patient = foreground(volume.array)
    smooth = _local_contrast(volume.array) if fill is None else _unexpected(volume, fill, bright, progress)
    usual = float(np.median(smooth[patient]))
    unit = 1.4826 * float(np.median(np.abs(smooth[patient] - usual)))
    if unit <= 0:
        raise InputError("The series differs from what is expected nowhere or everywhere alike; no map can be made.")
    score = np.where(patient, (smooth - usual) / unit, 0).astype(np.float32)
    tops = [np.unravel_index(int(slice_.argmax()), slice_.shape) for slice_ in score]
    worst = [((k, int(r), int(c)), round(float(score[k, r, c]), 2)) for k, (r, c) in enumerate(tops)]
    flagged = float(np.mean(score[patient] > THRESHOLD))
    return Anomalies(volume.with_array(score), flagged, sorted(worst, key=lambda place: -place[1]))


def _local_contrast(array: Array) -> Array:
    """How far each pixel of a slice, smoothed against noise, lies from the median around it."""
    fine = ndimage.gaussian_filter(array, (0, _FINE, _FINE))
    return np.abs(fine - ndimage.median_filter(array, (1, _WINDOW, _WINDOW)))


def _unexpected(volume: Volume, fill: Fill, bright: float, progress: Callable[[int, int], None] | None) -> Array:
    """The smoothed difference to what is found in holes."""
    thick = max(round(volume.shape[1] * _THICKNESS), 2)
    expected, covered = (np.zeros(volume.shape, np.float32) for _ in range(2))
    passes = [(row, column) for row in range(0, _APART * thick, thick) for column in range(0, _APART * thick, thick)]
    for done, (row, column) in enumerate(passes, 1):
        holes = np.broadcast_to(_bars(volume.shape[1:], thick, row, column), volume.shape)
        filled = fill(volume.with_array(np.where(holes, bright, volume.array)))
        expected[holes] += filled[holes]
        covered += holes
        if progress is not None:
            progress(done, len(passes))
    difference = np.abs(volume.array - expected / np.maximum(covered, 1))
    return ndimage.gaussian_filter(difference, (0, _SMOOTHING * thick / 4, _SMOOTHING * thick / 4))


def _bars(shape: tuple[int, ...], thick: int, row: int, column: int) -> Array:
    """Bars of twice their thickness in a grid, shifted by row and column; every pixel lies in two of a full set."""
    down, right = np.arange(shape[0])[:, None] - row, np.arange(shape[1])[None] - column
    return (down % (_APART * thick) < thick) & (right % (_APART * thick) < 2 * thick)


def dice(flagged: Array, lesion: Array) -> float | None:
    """Share of agreement of two masks; None where both are empty."""
    both = int(flagged.sum()) + int(lesion.sum())
    return 2 * int((flagged & lesion).sum()) / both if both else None


def area_under_curve(score: Array, lesion: Array) -> float | None:
    """Chance that a voxel of the lesion has a higher score than one beside it (Mann–Whitney); None without either.

    Parameters
    ----------
    score, lesion : ndarray, shape (n,)
        Values, and whether they are of the lesion.

    Returns
    -------
    float or None
        0 to 1; ties count half.
    """
    inside = int(lesion.sum())
    outside = lesion.size - inside
    if not inside or not outside:
        return None
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return (float(ranks[place][lesion].sum()) - inside * (inside + 1) / 2) / (inside * outside)
