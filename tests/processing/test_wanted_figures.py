"""What is wanted of the networks is reached in the documents, or stands in benchmarks/missed_figures.py."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks import restoration
from benchmarks.missed_figures import MISSED_FIGURES, OF_DENOISING
from benchmarks.reconstruction import GOAL
from processing.enhancement.networks.store import shipped_models

DOCUMENTS = Path(__file__).parents[2] / "docs"
BANDS = (0.93, 1.07)
MOST_CHANGED, MOST_GB, TIMES = 0.30, 2.0, 2.0
Check = Callable[[str], Iterator[str]]


def text(name: str) -> str:
    return (DOCUMENTS / f"{name}.md").read_text(encoding="utf-8")


def table(document: str, head: str) -> list[list[str]]:
    """Cells of the rows below each heading line that begins with `head`."""
    found, inside = [], False
    for line in document.splitlines():
        if not line.startswith("|"):
            inside = False
        elif line.startswith(f"| {head}"):
            inside = True
        elif inside and not line.startswith("|--"):
            found.append([cell.strip() for cell in line.split("|")[1:-1]])
    assert found, head
    return found


def number(cell: str) -> float:
    return float(re.sub(r"[^-+.\d]", "", cell.replace("−", "-").split("/")[0]))


def wrong_of_restoration(document: str) -> Iterator[str]:
    rows = table(document, "network | what")
    for task, case, key, opponents, _ in restoration.GOALS:
        words = restoration.words_of(case, key, opponents)
        if not any(row[:2] == [task, words] for row in rows):
            yield f"{words}: not in the document"
    for _, words, group, wanted, reached, _, name in rows:
        limit, value = number(wanted), number(reached)
        missed = value > limit if "≤" in wanted else value < limit
        listed = restoration.MISSED.get((words, group), "")
        if missed != (name in MISSED_FIGURES) or name != listed:
            yield f"{words}, {group}: {wanted}, {reached}, “{name}”"


def wrong_of_cost(document: str) -> Iterator[str]:
    cost = {row[0]: [number(cell) for cell in row[2:]] for row in table(document, "model | parameters")}
    for network in shipped_models():
        seconds, memory = cost[network.name]
        if seconds > TIMES * cost["denoise"][0] or memory > MOST_GB:
            yield f"{network.name}: {seconds} s, {memory} GB"


def wrong_of_reconstruction(document: str) -> Iterator[str]:
    head = next(line for line in document.splitlines() if line.startswith("| series | truth's own noise | R"))
    methods = [cell.strip() for cell in head.split("|")[5:-1]]
    groups: dict[bool, list[dict[str, float]]] = {}
    for row in table(document, "series | truth's own noise | R"):
        if row[2] == "4":
            psnr = dict(zip(methods, map(number, row[4:]), strict=True))
            groups.setdefault(row[1] == "none", []).append(psnr)
    assert set(groups) == {False, True}  # real, and phantoms
    for phantom, several in groups.items():
        for method, wanted in GOAL.items():
            gain = statistics.fmean(one["cascade"] - one[method] for one in several)
            if gain < wanted:
                yield f"cascade over {method}, {'phantoms' if phantom else 'real'}: {gain:.2f}"


def wrong_of_denoising(document: str) -> Iterator[str]:
    behind, outside, changed = set(), set(), set()
    for row in table(document, "series | truth's own noise | noise | whole"):
        if number(row[4]) < 0:
            behind.add((row[0], row[2]))
    for name, _, *levels, undegraded, _ in table(document, "series | truth's own noise | 3 %"):
        ratios = zip(("3 %", "5 %", "10 %"), map(number, levels), strict=True)
        outside |= {(name, level) for level, ratio in ratios if not BANDS[0] <= ratio <= BANDS[1]}
        changed |= {(name, "")} if number(undegraded) > MOST_CHANGED else set()
    for kind, found in zip(OF_DENOISING, (behind, outside, changed), strict=True):
        listed = {place for place, name in OF_DENOISING[kind].items() if name in MISSED_FIGURES}
        yield from (f"{kind}: {place} missed, and not listed" for place in sorted(found - listed))
        yield from (f"{kind}: {place} listed, but reached" for place in sorted(listed - found))


CHECKS = {
    wrong_of_restoration: "restoration",
    wrong_of_cost: "restoration",
    wrong_of_reconstruction: "reconstruction",
    wrong_of_denoising: "denoising",
}


@pytest.mark.parametrize("check", CHECKS)
def test_what_is_wanted_is_reached_or_listed_with_its_reason(check: Check) -> None:
    assert list(check(text(CHECKS[check]))) == []


@pytest.mark.parametrize(
    ("check", "line", "cell", "value", "said"),
    [
        (wrong_of_restoration, "| restore | half matrix, k-space: dB over input, bicubic", 5, "0.10", "0.10"),
        (wrong_of_restoration, "| restore | motion of 3 pixels: dB over input", 5, "1.30", "1.30"),
        (wrong_of_cost, "| cascade |", 3, "99.0", "cascade: 99.0 s"),
        (wrong_of_cost, "| inpaint | 432,844", 4, "2.4", "2.4 GB"),
        (wrong_of_reconstruction, "| brain T1 sagittal (Siemens) | 0.08 % (61.5 dB) | 4", 7, "25 / 25", "real"),
        (wrong_of_reconstruction, "| phantom lumbar sag-t2 | none | 4", 7, "20 / 20", "phantoms"),
        (
            wrong_of_denoising,
            "| brain T1 (open_ms 20) | 1.2 % | 3 %",
            5,
            "-0.01",
            "('brain T1 (open_ms 20)', '3 %') missed",
        ),
        (wrong_of_denoising, "| brain T1 (open_ms 20) | 1.2 % | 1.00", 4, "1.08 / 1.00", "'5 %') missed"),
        (wrong_of_denoising, "| brain T1 (open_ms 20) | 1.2 % | 1.00", 6, "0.31 %", "'') missed"),
        (wrong_of_denoising, "| spine T2* axial (SCT) | 2.5 % | 3 %", 5, "+0.41", "'3 %') listed, but reached"),
    ],
)
def test_a_figure_that_falls_below_is_named(check: Check, line: str, cell: int, value: str, said: str) -> None:
    lines = text(CHECKS[check]).splitlines()
    at = next(number for number, one in enumerate(lines) if one.startswith(line))
    cells = lines[at].split("|")
    cells[cell] = f" {value} "
    lines[at] = "|".join(cells)
    assert any(said in sentence for sentence in check("\n".join(lines)))


def test_a_goal_that_the_document_does_not_name_is_named() -> None:
    without = text("restoration").replace("dB over moummad-unet", "dB over another")
    assert list(wrong_of_restoration(without)) == ["half matrix, k-space: dB over moummad-unet: not in the document"]
