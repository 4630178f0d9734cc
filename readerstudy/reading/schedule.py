"""The schedule: who sees which pair at which position, which arm on which side. Pure and seeded.

Rule: per reader every case × comparison once as main; sides balanced to ±1 within each comparison among main
presentations; hidden repeats with sides swapped, balanced as a block of their own; training first; presentations
of one subject at least `distance` apart. Positions are uniform: a cyclic order is mixed by swaps that keep the
distance, then rotated at random (greedy spacing dead-ends; a rotated cycle cannot).

With several parts the comparisons of one case are dealt to different parts as far as there are parts, so that a case
comes again only after the washout; a hidden repeat lies in the part after its twin's. Each part has a cyclic order of
its own, and sides are balanced within it as well as over all.
"""

import hashlib
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from math import floor

from processing.errors import InputError

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
    part: int = 1


@dataclass(frozen=True)
class Schedule:
    """All entries by reader and position; `distance` is the smallest one kept within a part, None if no subject comes
    twice; `notes` say which wishes could not be granted and what is possible."""

    entries: tuple[Entry, ...]
    distance: int | None
    notes: tuple[str, ...] = ()

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


@dataclass(frozen=True)
class _Item:
    """One pair to be placed: side of the main presentation, and the part it belongs to."""

    case: str
    comparison: str
    side: str
    part: int


def _items(
    cases: Sequence[ScheduledCase], comparisons: Sequence[str], parts: int, share: float, rng: random.Random
) -> list[_Item]:
    """Every case × comparison once, and its hidden repeats: sides and parts balanced."""
    read = [case.code for case in cases if not case.training]
    if parts == 1:
        items = [
            _Item(case, comparison, side, 1)
            for comparison in comparisons
            for case, side in zip(read, balanced_sides(len(read), rng), strict=True)
        ]
    else:
        # A Latin square: case n starts in part n + k, its comparisons go round from there.
        shuffled = rng.sample(read, len(read))
        start = {case: number % parts for number, case in enumerate(shuffled)}
        items = []
        for number, comparison in enumerate(comparisons):
            dealt = [(start[case] + number) % parts + 1 for case in shuffled]
            order = sorted(range(len(shuffled)), key=lambda n: (dealt[n], rng.random()))
            first = rng.randrange(2)
            items += [
                _Item(shuffled[n], comparison, ("left", "right")[(place + first) % 2], dealt[n])
                for place, n in enumerate(order)
            ]
    mains = list(items)
    for (comparison, side), count in _dealt(floor(len(mains) * share + 0.5), comparisons, rng).items():
        pool = [item for item in mains if (item.comparison, item.side) == (comparison, side)]
        early = [item for item in pool if item.part < parts or parts == 1]
        chosen = rng.sample(early, min(len(early), count))
        items += [replace(item, part=min(item.part + 1, parts)) for item in chosen]
    return items


def _dealt(total: int, comparisons: Sequence[str], rng: random.Random) -> dict[tuple[str, str], int]:
    """So many repeats over comparisons and sides: each gets the same number to ±1, and so do the sides in all."""
    if not comparisons:
        return {}
    named = rng.sample(list(comparisons), len(comparisons))
    sides = rng.sample(["left", "right"], 2)
    cells = [(name, sides[(place + turn) % 2]) for turn in range(2) for place, name in enumerate(named)]
    return {cell: total // len(cells) + (place < total % len(cells)) for place, cell in enumerate(cells)}


def _in_turn(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The same pairs of case and comparison, in rounds: no case comes again before every other one has come."""
    earlier: Counter[str] = Counter()
    rounds = []
    for pair in pairs:
        rounds.append(earlier[pair[0]])
        earlier[pair[0]] += 1
    return [pair for _, pair in sorted(zip(rounds, pairs, strict=True), key=lambda item: item[0])]


def _for_reader(
    reader: str,
    cases: Sequence[ScheduledCase],
    comparisons: Sequence[str],
    *,
    distance: int,
    share: float,
    parts: int,
    practice: int | None,
    rng: random.Random,
) -> tuple[list[Entry], list[int]]:
    """The list of one reader, and the smallest distance that each part keeps."""
    entries: list[Entry] = []
    training = [(case.code, comparison) for comparison in comparisons for case in cases if case.training]
    rng.shuffle(training)
    if practice is not None:
        training = _in_turn(training)[:practice]
    for pair, side in zip(training, balanced_sides(len(training), rng), strict=True):
        entries.append(Entry(reader, len(entries) + 1, "training", *pair, side))

    subject_of = {case.code: case.subject for case in cases}
    items = _items(cases, comparisons, parts, share, rng)
    seen: dict[tuple[str, str], int] = {}
    kept = []
    for part in range(1, parts + 1):
        own = [item for item in items if item.part == part]
        if not own:
            continue
        subjects = [subject_of[item.case] for item in own]
        order = spread(subjects, rng)
        feasible = smallest_distance([subjects[n] for n in order])
        order = mix(order, subjects, min(distance, feasible or 1), rng)
        start = rng.randrange(len(order))
        order = order[start:] + order[:start]
        for item in (own[n] for n in order):
            position, main = len(entries) + 1, seen.get((item.case, item.comparison))
            if main is None:
                seen[item.case, item.comparison] = position
                entries.append(Entry(reader, position, "main", item.case, item.comparison, item.side, part=part))
            else:
                swapped = {"left": "right", "right": "left"}[item.side]
                entries.append(Entry(reader, position, "repeat", item.case, item.comparison, swapped, main, part))
        gap = smallest_distance([subjects[n] for n in order])
        kept += [gap] if gap is not None else []
    return entries, kept


def generate(
    *,
    seed: int,
    readers: Sequence[str],
    cases: Sequence[ScheduledCase],
    comparisons: Sequence[str],
    distance: int = 5,
    repeat_share: float = 0,
    parts: int = 1,
    practice: int | None = None,
) -> Schedule:
    """The schedule of all readers. The same arguments give the same schedule, byte for byte.

    distance: wished smallest number of positions between two pairs of one subject; where it cannot be had the
    largest that the construction reaches is kept and reported. repeat_share: 0 to 1. parts: of each reader's list, one
    after the other. practice: largest number of pairs for training, None for each of their cases in every comparison.
    Raises InputError if there are more parts than pairs.
    """
    entries: list[Entry] = []
    distances: list[int] = []
    cases = sorted(cases, key=lambda case: case.code)
    pairs = sum(not case.training for case in cases) * len(comparisons)
    if parts > max(pairs, 1):
        raise InputError(f"{parts} parts need at least {parts} pairs; each reader has {pairs}.")
    for reader in sorted(readers):
        rng = random.Random(f"{seed}:{reader}")  # noqa: S311  reproducible on purpose
        own, kept = _for_reader(
            reader, cases, comparisons, distance=distance, share=repeat_share, parts=parts, practice=practice, rng=rng
        )
        entries += own
        distances += kept
    least = min(distances, default=None)
    return Schedule(tuple(entries), least, tuple(_notes(entries, least, distance, repeat_share, parts)))


def _notes(entries: Sequence[Entry], kept: int | None, distance: int, share: float, parts: int) -> Iterator[str]:
    if kept is not None and kept < distance:
        yield (
            f"Pairs of one subject can lie {kept} position{'s' if kept > 1 else ''} apart; {distance} were wished. "
            "More subjects, fewer cases of each or fewer repeats allow more."
        )
    if share and entries and not any(entry.kind == "repeat" for entry in entries):
        yield f"A share of {share:.0%} of so few pairs is none: there are no hidden repeats."
    comparisons = {entry.comparison for entry in entries}
    if parts > 1 and len(comparisons) > parts:
        yield (
            f"{len(comparisons)} comparisons in {parts} parts: some pairs of one case lie in the same part. "
            f"{len(comparisons)} parts would keep them apart."
        )
