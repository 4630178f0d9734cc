"""How balanced the schedule is: sides, positions, distances and repeats per reader. No answer in it."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import groupby, pairwise
from operator import attrgetter
from statistics import fmean, median

from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.selectors import comparisons_of
from readerstudy.reading.models import Presentation
from readerstudy.reading.verify import schedule_problems

THIRDS = ("first third", "middle third", "last third")


def report(study: ReaderStudy) -> dict:
    """Everything that the balance report shows; presentations that are void do not count."""
    found = Presentation.objects.filter(study=study).exclude(state=Presentation.State.VOID)
    scheduled = set(found.order_by().values_list("comparison", flat=True).distinct())
    comparisons = {one.pk: one.code for one in comparisons_of(study) if one.pk in scheduled}
    rows = found.order_by("reader__code", "position").values_list(
        "reader__code",
        "position",
        "part",
        "kind",
        "comparison",
        "first_side",
        "case__subject",
        "repeat_of__position",
        "block",
        named=True,
    )
    of_readers = []
    shares: dict[tuple, list[float]] = defaultdict(list)
    for code, those in groupby(rows.iterator(), attrgetter("reader__code")):  # one list in memory, not all
        own = list(those)
        of_readers.append({"code": code, **_reader(own, comparisons)})
        for row in own:
            if row.kind == "main":
                shares[row.comparison, row.first_side].append((row.position - 0.5) / own[-1].position)
    return {
        "comparisons": list(comparisons.values()),
        "readers": of_readers,
        "worst": max((cell["difference"] for one in of_readers for cell in one["sides"]), default=0),
        "positions": _positions(shares, comparisons),
        "wanted": study.min_distance,
        "voided": Presentation.objects.filter(study=study, state=Presentation.State.VOID).count(),
        "problems": schedule_problems(study),
    }


def _reader(own: list, comparisons: Iterable[int]) -> dict:
    repeats = [row for row in own if row.kind == "repeat"]
    distances = _distances(own)
    return {
        "pairs": len(own),
        "training": sum(row.kind == "training" for row in own),
        "parts": len({row.part for row in own}),
        "sides": _sides(own, comparisons),
        "repeats": len(repeats),
        "repeat_sides": [sum(row.first_side == side for row in repeats) for side in ("left", "right")],
        "repeat_distance": [min(gaps), round(median(gaps)), max(gaps)]
        if (gaps := [row.position - row.repeat_of__position for row in repeats])
        else None,
        "distance": [min(distances), round(median(distances))] if distances else None,
    }


def _sides(own: list, comparisons: Iterable[int]) -> list[dict]:
    """First arm left and right among main presentations, per comparison."""
    first = min(row.block for row in own)  # above 0 for a reader who was added
    counts = Counter((row.comparison, row.first_side) for row in own if row.kind == "main" and row.block == first)
    cells = []
    for comparison in comparisons:
        left, right = counts[comparison, "left"], counts[comparison, "right"]
        cells.append({"left": left, "right": right, "difference": abs(left - right)})
    return cells


def _distances(own: list) -> list[int]:
    """Positions between neighbouring pairs of one subject within a part."""
    places = defaultdict(list)
    for row in own:
        if row.kind != "training":
            places[row.part, row.case__subject].append(row.position)
    return [b - a for found in places.values() for a, b in pairwise(found)]


def _positions(shares: dict[tuple, list[float]], comparisons: dict[int, str]) -> list[dict]:
    """Main presentations of each comparison and side by third of the list, all readers together, and mean position.

    shares: of the list that lies before each of them.
    """
    positions = []
    for comparison, code in comparisons.items():
        for side in ("left", "right"):
            found = shares[comparison, side]
            thirds = Counter(int(3 * share) for share in found)  # 0 to 2, as each share is below 1
            positions.append(
                {
                    "comparison": code,
                    "side": side,
                    "thirds": [thirds[third] for third in range(3)],
                    "mean": fmean(found) if found else None,
                }
            )
    return positions
