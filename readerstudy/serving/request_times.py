"""How many requests were answered, how, and how fast: counted over all processes of the web server.

The counters lie in memory that the processes share, as the first of them imports this and the others are its forks.
Each has a row of its own, so that none waits for another; one that ends leaves its counts.
"""

import mmap
import os
from threading import Lock

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
CLASSES = (2, 3, 4, 5)  # hundreds of the status
ROWS = 64
_WIDTH = len(BOUNDS) + 1 + len(CLASSES) + 1  # times, those above all bounds, classes, microseconds in all
_counts = memoryview(mmap.mmap(-1, ROWS * _WIDTH * 8)).cast("Q")
_lock = Lock()


def note(seconds: float, status: int) -> None:
    """A request was answered."""
    row = os.getpid() % ROWS * _WIDTH
    time = next((place for place, bound in enumerate(BOUNDS) if seconds <= bound), len(BOUNDS))
    kind = CLASSES.index(status // 100) if status // 100 in CLASSES else len(CLASSES) - 1
    with _lock:
        _counts[row + time] += 1
        _counts[row + len(BOUNDS) + 1 + kind] += 1
        _counts[row + _WIDTH - 1] += int(seconds * 1e6)


def _total(place: int) -> int:
    return sum(_counts[place::_WIDTH])


def histogram() -> tuple[list[int], float]:
    """Requests of up to each of BOUNDS, and of any time; and the seconds that all took."""
    found, so_far = [], 0
    for place in range(len(BOUNDS) + 1):
        so_far += _total(place)
        found.append(so_far)
    return found, _total(_WIDTH - 1) / 1e6


def by_class() -> dict[str, int]:
    """Requests by the hundred of their status: `2xx` and so on."""
    return {f"{hundred}xx": _total(len(BOUNDS) + 1 + place) for place, hundred in enumerate(CLASSES)}


def within(share: float) -> float | None:
    """The least of BOUNDS within which this share of requests was answered; None where none says so."""
    counts, _ = histogram()
    enough = max(1, share * counts[-1])
    return next((bound for bound, count in zip(BOUNDS, counts, strict=False) if count >= enough), None)
