"""The schedule: who sees which pair at which position, which arm on which side. Pure and seeded.

Rule: per reader every case × comparison once as main; sides balanced to ±1 within each comparison among main
presentations; hidden repeats with sides swapped, balanced as a block of their own; training first; presentations
of one subject at least `distance` apart. Positions are uniform: a cyclic order is mixed by swaps that keep the
distance, then rotated at random (greedy spacing dead-ends; a rotated cycle cannot).
"""

import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import floor

SWAPS_PER_ITEM = 20


@dataclass(frozen=True)
class Entry:
    """One presentation. `repeat_of` is the position of the main presentation that it repeats."""

    reader: str
    position: int
    kind: str
    case: str
    comparison: str
    first_side: str
    repeat_of: int | None = None


@dataclass(frozen=True)
class Schedule:
    """All entries by reader and position; `distance` is the smallest one kept, None if no subject comes twice."""

    entries: tuple[Entry, ...]
    distance: int | None

    @property
    def sha256(self) -> str:
        rows = [asdict(entry) for entry in self.entries]
        return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True)
class ScheduledCase:
    code: str
    subject: str
    training: bool = False


def balanced_sides(count: int, rng: random.Random) -> list[str]:
    """`count` sides, left and right equally often to ±1, in random order."""
    sides = ["left", "right"] * (count // 2) + rng.sample(["left", "right"], count % 2)
    rng.shuffle(sides)
    return sides


def smallest_distance(subjects: Sequence[str]) -> int | None:
    """The smallest cyclic distance between two items of one subject."""
    places = defaultdict(list)
    for place, subject in enumerate(subjects):
        places[subject].append(place)
    gaps = [
        (b - a) % len(subjects)
        for found in places.values()
        if len(found) > 1
        for a, b in zip(found, found[1:] + found[:1], strict=True)
    ]
    return min(gaps) if gaps else None


def spread(subjects: Sequence[str], rng: random.Random) -> list[int]:
    """Item numbers in a cyclic order that keeps items of one subject about as far apart as possible.

    Items, grouped by subject with the most frequent first, are dealt to as many rounds as the most frequent
    subject has items; neighbours of one subject then lie a round apart.
    """
    groups = defaultdict(list)
    for item, subject in enumerate(subjects):
        groups[subject].append(item)
    named = sorted(groups)
    rng.shuffle(named)
    for name in named:
        rng.shuffle(groups[name])
    dealt = [item for name in sorted(named, key=lambda name: -len(groups[name])) for item in groups[name]]
    count = max(len(group) for group in groups.values())
    rounds = [dealt[start::count] for start in range(count)]
    return [item for one in rounds for item in one]


def mix(order: list[int], subjects: Sequence[str], distance: int, rng: random.Random) -> list[int]:
    """Random swaps that never bring two items of one subject closer than `distance` on the cycle."""
    size = len(order)
    at = [subjects[item] for item in order]

    def fits(place: int, subject: str, other: int) -> bool:
        return all(
            at[(place + step) % size] != subject or (place + step) % size in (place, other)
            for step in range(1 - distance, distance)
        )

    for _ in range(SWAPS_PER_ITEM * size):
        a, b = rng.randrange(size), rng.randrange(size)
        if at[a] == at[b]:
            order[a], order[b] = order[b], order[a]
        elif fits(a, at[b], b) and fits(b, at[a], a):
            order[a], order[b] = order[b], order[a]
            at[a], at[b] = at[b], at[a]
    return order


def _for_reader(
    reader: str,
    cases: Sequence[ScheduledCase],
    comparisons: Sequence[str],
    distance: int,
    share: float,
    rng: random.Random,
) -> tuple[list[Entry], int | None]:
    entries: list[Entry] = []
    training = [(case.code, comparison) for comparison in comparisons for case in cases if case.training]
    rng.shuffle(training)
    for pair, side in zip(training, balanced_sides(len(training), rng), strict=True):
        entries.append(Entry(reader, len(entries) + 1, "training", *pair, side))

    subject_of = {case.code: case.subject for case in cases}
    items: list[tuple[str, str, str]] = []  # case, comparison, side of the main presentation
    for comparison in comparisons:
        read = [case.code for case in cases if not case.training]
        items += [(case, comparison, side) for case, side in zip(read, balanced_sides(len(read), rng), strict=True)]
    mains = len(items)
    for comparison in comparisons:
        for side in ("left", "right"):
            pool = [n for n in range(mains) if items[n][1:] == (comparison, side)]
            items += [items[n] for n in rng.sample(pool, floor(len(pool) * share + 0.5))]
    subjects = [subject_of[case] for case, _, _ in items]
    if not items:
        return entries, None
    order = spread(subjects, rng)
    feasible = smallest_distance([subjects[item] for item in order])
    order = mix(order, subjects, min(distance, feasible or 1), rng)
    start = rng.randrange(len(order))
    order = order[start:] + order[:start]
    seen: dict[tuple[str, str], int] = {}
    for item in order:
        case, comparison, side = items[item]
        position, main = len(entries) + 1, seen.get((case, comparison))
        if main is None:
            seen[case, comparison] = position
            entries.append(Entry(reader, position, "main", case, comparison, side))
        else:
            swapped = {"left": "right", "right": "left"}[side]
            entries.append(Entry(reader, position, "repeat", case, comparison, swapped, main))
    return entries, smallest_distance([subjects[item] for item in order])


def generate(
    *, seed: int, readers: Sequence[str], cases: Sequence[ScheduledCase], comparisons: Sequence[str],
    distance: int = 5, repeat_share: float = 0,
) -> Schedule:  # fmt: skip
    """The schedule of all readers. The same arguments give the same schedule, byte for byte.

    distance: wished smallest number of positions between two pairs of one subject; where it cannot be had the
    largest that the construction reaches is kept and reported. repeat_share: 0 to 1.
    """
    entries: list[Entry] = []
    distances = []
    cases = sorted(cases, key=lambda case: case.code)
    for reader in sorted(readers):
        rng = random.Random(f"{seed}:{reader}")  # noqa: S311  reproducible on purpose
        own, kept = _for_reader(reader, cases, comparisons, distance, repeat_share, rng)
        entries += own
        distances += [kept] if kept is not None else []
    return Schedule(tuple(entries), min(distances, default=None))
