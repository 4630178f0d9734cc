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
NECK, LUMBAR, MEANS = "behind BM3D", "lumbar", "linear half matrix"

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
    MEANS: Missed(
        "linear half matrix, dB over the best of bicubic, spline and zero filling of its means, spine",
        "≥ 0",
        "−0.23",
        (
            "shown to the network as it came, as 1.0 did: 1.3 behind, as it came back unchanged",
            "espcn, shown it as it came: 1.0 behind",
            "brought back to its means and shown in twice their matrix, which is used: 0.23 behind, brains 0.02 ahead",
        ),
        "a network that is taught it, as this one was taught the crop of k-space alone; a real spine with less noise",
    ),
    LUMBAR: Missed(
        "denoise, foreground dB over unbiased BM3D that is told the noise, eight real lumbar volumes at 3, 5 and 10 %",
        "≥ 1.1; 1.3; 1.7",
        "not measured",
        (
            "eight real limbs in their place: +0.57, +0.72, +0.96",
            "synthetic spines, sagittal and axial: +0.83, +1.05, +1.34",
            "T2* of the neck: −0.41, +0.05, +0.45",
        ),
        "real lumbar volumes, which are not among the data that are here",
    ),
    NECK: Missed(
        "denoise, foreground dB over unbiased BM3D told the noise: T2* of the neck at 3 %; limb STS 001 at 3, 5 %",
        "≥ 0",
        "−0.41; −0.91, −0.33",
        (
            "told what was added, as BM3D is: +0.21; +0.03, +0.02",
            "in float32, estimated, the neck: −0.42",
            "second differences of neighbours in the place of Rayleigh air: 1.34 of the noise is taken off, not 1.21",
        ),
        "truths without noise of their own: that of 2.5 and 2.7 % is taken off with the rest, and counts as error",
    ),
    "undegraded": Missed(
        "denoise, change of an undegraded input, % of the 99.9th percentile: T2* of the neck; limbs STS 001, 028, 036",
        "≤ 0.3",
        "1.49; 1.77, 0.32, 0.51",
        (
            "all of the change, the neck: 1.89",
            "a share of it that keeps to 0.3: tissue with more noise then comes out with less",
            "the share that leaves in tissue what is left of noise of 2.6 %, which is used: 1.49",
        ),
        "truths with less noise: their own is 2.5; 2.7, 0.7, 1.1 %, and it is what is taken off",
    ),
    "noisy truth": Missed(
        "noise estimate over what was added, at 3 and 5 %: T2* of the neck; limb STS 001",
        "0.93 to 1.07",
        "1.21, 1.11; 1.29, 1.14",
        (
            "counted with the truth's own noise: 0.93, 0.99; 0.96, 1.00",
            "second differences of every second pixel, the neck: 1.65, 1.30",
            "second differences of neighbours, the neck: 1.34, 1.16; Rayleigh air, which is used: 1.21, 1.11",
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

# Where denoising falls short in its document: of which series at which noise, and the row above.
_NECK, _LIMB = "spine T2* axial (SCT)", "limb T1 (STS 001)"
OF_DENOISING = {
    "behind BM3D": {(_NECK, "3 %"): NECK, (_LIMB, "3 %"): NECK, (_LIMB, "5 %"): NECK},
    "noise estimate": {(name, level): "noisy truth" for name in (_NECK, _LIMB) for level in ("3 %", "5 %")},
    "undegraded": {(name, ""): "undegraded" for name in (_NECK, _LIMB, "limb T1 (STS 028)", "limb T1 (STS 036)")},
}

# On the card of whose network each stands.
CARDS = {
    "restore": (MOTION, PHASE, TEXTURE, EXACT, MEANS),
    "denoise": (LUMBAR, NECK, "undegraded", "noisy truth", "coils", "linear"),
}


def table(missed: Sequence[Missed]) -> str:
    """Markdown."""
    lines = ["| figure | wanted | reached | three ways tried | needed |", "|---" * 5 + "|"]
    lines += [
        f"| {one.figure} | {one.wanted} | {one.reached} | {'; '.join(one.tried)} | {one.needed} |" for one in missed
    ]
    return "\n".join(lines)
