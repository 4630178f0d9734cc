"""Guesses at the arm of a series, for a person to confirm: never taken for granted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from pydicom import Dataset

from processing.dicom.parameters import free_words
from processing.dicom.private import has_deep_learning

_STANDARD = {"soc", "ref", "reference", "standard", "conventional"}
_FAST = {"fast", "acc", "accelerated", "rapid"}
# "fast" as part of a sequence name says nothing about the arm.
SEQUENCES = {"fast spin", "fast se", "fast gre", "fast field", "fast gradient", "fast ir"}
_DEEP_LEARNING = {"dl", "dlr", "csai", "csai2", "smartspeedai", "deepresolve", "airrecon", "aice", "subtle"}
WORDS = frozenset(_STANDARD | _FAST | _DEEP_LEARNING)


def has_deep_learning_hint(dataset: Dataset) -> bool:
    """Whether vendor flags or whitelisted words say that deep learning made the series."""
    return has_deep_learning(dataset) or names_deep_learning(free_words(dataset))


def names_deep_learning(words: set[str]) -> bool:
    """Whether one of the words is a whitelisted name of deep-learning reconstruction."""
    return bool(words & _DEEP_LEARNING)


def arm_from_words(words: set[str], *, deep_learning: bool) -> str | None:
    """SOC, FAST, SOC-DL or FAST-DL if a whitelisted word names the acquisition; None otherwise."""
    acquisition = "SOC" if words & _STANDARD else "FAST" if words & _FAST and not words & SEQUENCES else None
    return f"{acquisition}-DL" if acquisition and deep_learning else acquisition


def arms_from_times(
    groups: Sequence[object], seconds: Sequence[float | None], deep_learning: Sequence[bool]
) -> list[str | None]:
    """Arms by acquisition time among series of one group (subject, region, plane, contrast).

    The longest without deep learning is SOC, a shorter one (under 90 % of it) FAST, with deep learning
    FAST-DL. None where a time is unknown, a group has one series or the times do not differ.
    """
    members: dict[object, list[int]] = defaultdict(list)
    for n, group in enumerate(groups):
        members[group].append(n)
    arms: list[str | None] = [None] * len(groups)
    for same in members.values():
        plain = [seconds[n] for n in same if not deep_learning[n]]
        if len(same) < 2 or not plain or any(seconds[n] is None for n in same):
            continue
        longest = max(time for time in plain if time is not None)
        for n in same:
            shorter = (seconds[n] or 0) < 0.9 * longest
            if deep_learning[n]:
                arms[n] = "FAST-DL" if shorter else "SOC-DL"
            elif shorter:
                arms[n] = "FAST"
            elif seconds[n] == longest and any((seconds[m] or 0) < 0.9 * longest for m in same):
                arms[n] = "SOC"
    return arms
