"""Figures that were wanted of the networks and are not reached: what was tried, and what would be needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Missed:
    """reached: the mean, a name of the table of figures, or what was measured elsewhere. tried: each way with its
    result."""

    figure: str
    wanted: str
    reached: str
    tried: tuple[str, str, str]
    needed: str


MOTION, PHASE, TEXTURE, EXACT = "motion", "ghosts of a phase", "texture", "exact inverse"

MISSED_FIGURES = {
    MOTION: Missed(
        "motion, dB over the input",
        "≥ 1",
        "0.00",
        (
            "autofocus by entropy of slopes: six of eight slices 1 to 6 dB worse, two 0.4 and 2 dB better",
            "a network of its own, 6,500 steps: +0.1 to +0.3 dB on brains",
            "the linear filter that is best on average over paths: −0.5 to +0.5 dB",
        ),
        "complex images or navigators; with the path known 4 to 7 dB are won",
    ),
    PHASE: Missed(
        "ghosts at 40° of images with a phase, noise of 1 %, dB over the input: spine; synthetic spine",
        "≥ 3",
        "0.00; 2.97",
        (
            "one cross term for all of the slice: found in 4 of 96",
            "the ghost's power taken off without a cross term: −2.6 to +1.8 dB",
            "a linear phase fitted, which is used: found in 50 of 64, median +5.4 dB",
        ),
        "complex images; with the phase known 4 to 42 dB are won",
    ),
    TEXTURE: Missed(
        "Gibbs, share of all that is wrong beside edges: brain; spine (the ringing of edges alone is reached)",
        "≤ 0.5",
        "0.82; 0.93",
        (
            "subvoxel-shifts, told the share: 1.40 and 1.17, and 2 and 1 dB lost elsewhere",
            "espcn: 3.83 and 2.21, and 5 and 3 dB lost elsewhere",
            "the network in the doubled matrix, which is used: 0.82 and 0.93",
        ),
        "truths without noise, as half to nearly all of that error is texture and noise that were cut off",
    ),
    EXACT: Missed(
        "ghosts in phase, odd lines, dB over the inverse that is told the lines: brain; synthetic spine",
        "≥ 0",
        "−70.8; −102.4",
        (
            "the dimmest of bright pixels' ghosts, as that inverse does: has to be told the lines",
            "the most frequent ratio of a histogram: known to 0.01",
            "a line through the pixels of air and a fit of the cross term, which is used: 64 and 54 dB",
        ),
        "nothing to be seen: what is left is 0.06 and 0.2 % of the range, and that inverse is exact",
    ),
    "undegraded": Missed(
        "denoise, change of an undegraded input, T2* of the neck, % of the 99.9th percentile",
        "≤ 0.3",
        "1.49",
        (
            "all of the change: 1.89",
            "a share of it that keeps to 0.3: tissue with more noise then comes out with less",
            "the share that leaves in tissue what is left of noise of 2.6 %, which is used: 1.49",
        ),
        "a truth with less noise: that one's own is 2.5 %, and it is what is taken off",
    ),
    "noisy truth": Missed(
        "noise estimate over what was added, T2* of the neck at 3 and 5 %",
        "0.93 to 1.07",
        "1.21; 1.11",
        (
            "counted with the truth's own noise: 0.93 and 0.99",
            "second differences of every second pixel: 1.65 and 1.30",
            "second differences of neighbours: 1.34 and 1.16; Rayleigh air, which is used: 1.21 and 1.11",
        ),
        "a truth without noise of its own, which no estimate can tell from what was added",
    ),
    "coils": Missed(
        "noise estimate over what was added, sum of squares of 32 coils, 5 %, eight series",
        "0.93 to 1.07",
        "0.90 to 1.00",
        (
            "second differences of all pixels above a tenth of the brightest: 0.71 to 0.75",
            "every second pixel: 0.91 to 1.51",
            "pixels like the darkest windows left out, which is used: 0.90 to 1.00",
        ),
        "the number of coils, to take off what their noise adds to dim tissue",
    ),
    "linear": Missed(
        "noise estimate over that of the interpolated picture, twice the matrix by linear interpolation, 5 %",
        "0.93 to 1.07",
        "0.92 to 1.16",
        (
            "second differences of neighbours: 0.06 to 0.08",
            "of every second pixel: 0.54 to 0.62",
            "of every third pixel, which is used and called a bound: 0.92 to 1.16",
        ),
        "the matrix that was acquired, which such pictures do not show",
    ),
}

# On the card of whose network each stands.
CARDS = {
    "restore": (MOTION, PHASE, TEXTURE, EXACT),
    "denoise": ("undegraded", "noisy truth", "coils", "linear"),
}


def table(missed: Sequence[Missed]) -> str:
    """Markdown."""
    lines = ["| figure | wanted | reached | three ways tried | needed |", "|---" * 5 + "|"]
    lines += [
        f"| {one.figure} | {one.wanted} | {one.reached} | {'; '.join(one.tried)} | {one.needed} |" for one in missed
    ]
    return "\n".join(lines)
