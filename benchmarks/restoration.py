"""Restoration of held-out series: the shipped models against what needs no training.

    python -m benchmarks.restoration [--data DIR] [--slices N] [--models DIR] [--peer DIR …] [--rows FILE]
                                     [--markdown FILE] [--write]

Series of subjects that training did not see are degraded by processing.simulate at the strengths below, which were
frozen before any network was trained to its end; ghosts under noise and with an image phase came later. Every opponent
starts from the same samples. PSNR and SSIM as in processing.metrics.quality, range: maximum of the truth. The ceiling
is the PSNR that the truth's own noise leaves to whoever shows the patient without it: −20 log10 of that noise over the
range. With --rows each row is written down as it is measured, and one that is there is not measured again: who was
interrupted goes on. Rows are known by names: throw the file away when a network or a strength changes. --write keeps
what is wanted of the models, and where they lose, in their folders and on their cards.

Exit status 0 when each figure that is wanted (`GOALS`) is reached, or is listed with its reason as missed (`MISSED`);
1 when one is missed and not listed, or listed and reached by now: the list is then to be corrected. Where a network is
below the best of its opponents, of which some are told what was done, a sentence on stderr says so.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from scipy import ndimage
from skimage.restoration import denoise_tv_chambolle, inpaint_biharmonic

from benchmarks.denoising import PHANTOM, truths
from benchmarks.missed_figures import EXACT, MEANS, MISSED_FIGURES, PHASE, TEXTURE
from benchmarks.missed_figures import MOTION as UNMOVED
from benchmarks.missed_figures import table as missed_table
from benchmarks.subvoxel_shifts import unringed
from processing import series
from processing.enhancement import figures
from processing.enhancement.enhance import enhance
from processing.enhancement.networks.store import SHIPPED, read_config, read_identity
from processing.enhancement.tasks import RECONSTRUCT, task_of
from processing.metrics.quality import compare, foreground
from processing.noise import estimate_noise
from processing.percentile import high_percentile
from processing.reconstruction.reconstruct import reconstruct
from processing.reconstruction.signal import simulated
from processing.simulate.degrade import Degradation, degrade, ghost_weights
from processing.simulate.thickness import interpolated, means
from processing.volume import Volume

SEED = 7
HALF, LINEAR = "half matrix, k-space", "half matrix, linear"
OF_MEANS = ("bicubic of the means", "spline of the means", "zero filling of the means")
BAR, MOTION, PLACED = "one bar per slice", "motion of 3 pixels", "biharmonic, told the place"
CUT = 0.3
GIBBS, SHIFTS = f"Gibbs, {CUT:g} of the frequencies", "subvoxel-shifts, told the share"
GHOSTING = "ghosting of 0.4"
EVEN = ", even lines"
RESTORED = {
    HALF: Degradation(half_matrix="kspace", seed=SEED),
    LINEAR: Degradation(half_matrix="linear", seed=SEED),
    GIBBS: Degradation(gibbs=CUT, seed=SEED),
    GHOSTING: Degradation(ghosting=0.4, seed=SEED),
    f"{GHOSTING} at 40°": Degradation(ghosting=0.4, ghosting_phase=40.0, seed=SEED),
    f"{GHOSTING}{EVEN}": Degradation(ghosting=0.4, ghosting_lines="even", seed=SEED),
    f"{GHOSTING} at 40°{EVEN}": Degradation(ghosting=0.4, ghosting_lines="even", ghosting_phase=40.0, seed=SEED),
    MOTION: Degradation(motion=3.0, seed=SEED),
}
NOISY_GHOSTS = (("", 0.01), ("", 0.03), (", image phase", 0.0), (", image phase", 0.01), (", image phase", 0.03))
NOISY_HALF = (0.01, 0.02, 0.04)
UNTOUCHED = "dicom/toshiba_titan_abdomen_ax_t2"  # fades as a half matrix does
BARS = Degradation(patches=True, seed=SEED)
THICK = {f"×{n}": Degradation(thick=n, seed=SEED) for n in (2, 3)}
THIN = {
    "T1 (FNNDSC MEMPRAGE)": "more/brain3d/fnndsc_adi_memprage.nii.gz",
    "FLAIR (MS 26)": "more/ms_cross/cs_patient26_FLAIR.nii.gz",
}
THIN_SLICES = 48  # of a volume, around its middle
CHANGED = 0.01  # dB: by rounding to bfloat16 less
CORRECTIONS = 4  # of a spline, until its means are those of the thick slices
ORIGINAL, INPUT, INVERSE = "truth itself", "input", "estimated inverse"
_QUARTER = (0.0, -9 / 128, 111 / 128, 29 / 128, -3 / 128)  # of cubic convolution, a quarter to the right
EDGE = 0.1  # of the range per pixel: a slope that rings
NEAR = (2, 8)  # pixels beside such an edge, where it rings; beyond is elsewhere
FLATTENED = 0.05  # of total variation: of a truth that has kept its edges alone
TOUCHED = 0.005  # of the range: a bar changes a pixel by more
SPEED = (30, 512, 512)
AT_MOST = {
    "ringing": "share of the ringing left",
    "beside": "share of the whole error beside edges left",
    "outside": "RMS outside the bars, %",
}
SAID = {"inside": ", inside the bars", "elsewhere": ", away from edges"}
# Instead of what is wanted else:
OF_GROUP = {(case, group, 1.0): 0.5 for case in (HALF, LINEAR) for group in ("spine", PHANTOM)}
GOALS = (  # network, case, what is measured, over which opponents, how much is wanted
    ("restore", HALF, "foreground_psnr", (INPUT, "bicubic", "spline"), 1.0),
    ("restore", HALF, "foreground_ssim", (INPUT, "bicubic", "spline"), 0.0),
    *(("restore", HALF, "foreground_psnr", (peer,), 0.0) for peer in ("espcn", "moummad-unet")),
    ("restore", LINEAR, "foreground_psnr", (INPUT,), 1.0),
    ("restore", LINEAR, "foreground_psnr", OF_MEANS, 0.0),
    *(("restore", name, "foreground_psnr", (INPUT,), 3.0) for name in RESTORED if name.startswith(GHOSTING)),
    *(("restore", name, "foreground_psnr", (INVERSE,), 0.0) for name in RESTORED if name.startswith(GHOSTING)),
    ("restore", f"{GHOSTING} at 40°, image phase, noise of 1 %", "foreground_psnr", (INPUT,), 3.0),
    ("restore", GIBBS, "ringing", (), 0.5),
    ("restore", GIBBS, "elsewhere", (), -0.1),
    ("restore", GIBBS, "beside", (), 0.5),
    ("restore", MOTION, "foreground_psnr", (INPUT,), 1.0),
    ("inpaint", BAR, "inside", (INPUT,), 8.0),
    ("inpaint", BAR, "inside", (PLACED,), 0.0),
    ("inpaint", BAR, "outside", (), 0.3),
    *(("thin-slices", name, "foreground_psnr", ("cubic spline",), 1.0) for name in THICK),
)


_GHOST_OF_PHASE = f"{GHOSTING} at 40°, image phase, noise of 1 %: dB over input"
_GROUPS = ("brain", "spine", PHANTOM)
MISSED = (  # what is measured, of which group, and its row of MISSED_FIGURES
    {(_GHOST_OF_PHASE, group): PHASE for group in ("spine", PHANTOM)}
    | {(f"{GHOSTING}: dB over {INVERSE}", group): EXACT for group in ("brain", PHANTOM)}
    | {(f"{MOTION}: dB over input", group): UNMOVED for group in _GROUPS}
    | {(f"{LINEAR}: dB over {', '.join(OF_MEANS)}", "spine"): MEANS}
    | {(f"{GIBBS}: {AT_MOST['beside']}", group): TEXTURE for group in ("brain", "spine")}
)


NOT_REACHED = """## What is not reached

TABLE

Motion comes back as it is. Where the path of the subject is known, ten rounds between what was measured and what is
real and not negative win 4 to 7 dB at each of the eight slices, so that all hangs on the path, which a magnitude does
not tell. Three ways were tried. By autofocus, the path with the least entropy of squared slopes (sines and cosines of
up to nine half waves, L-BFGS from eight starts): six of eight slices came out worse, by 1 to 6 dB, two better by 0.4
and 2 dB, as wrong paths have less entropy than the true one, of slices without motion too; where the path had to
explain what was measured as well, two of three came out worse. By a network of its own (residual U-Net of 433,000
parameters, 6,500 steps, 40 minutes): +0.1 to +0.3 dB on brains of the validation. By the linear filter that is best
on average over paths: −0.5 to +0.5 dB. Needed: what a magnitude has lost, that is complex images, or navigators.

Ringing of edges goes to 0.2 of its energy on brains, to 0.4 on the neck: the network works in twice the matrix that
was acquired, estimated from where k-space ends. All that is wrong beside edges goes to 0.8 and 0.9 alone, as most of
it is texture and noise of the truth that was cut off and cannot be known (the ringing of edges is 5 to 48 % of it).
Two brains of five come out 0.2 and 0.3 dB worse in the foreground. Tried besides: local subvoxel-shifts (Kellner et
al. 2016), which take as much of the ringing but blur, so that all that is wrong beside edges rises to 1.4 and away
from them 2 dB are lost; the same after the network; and networks that were taught ringing with other kinds, as
follows. Needed: a network that is taught many ends of k-space, and images whose truth has no noise.

Networks that were taught all kinds at once learnt to change nothing: by L1 (3,600 steps), by the root of the squared
error, by the decibels up to 40 dB, told how k-space fades, with the half matrix first and the rest later, with slices
that need no change taught late, with several residuals of which the estimate chooses, and with a gate learnt from it
(300 to 2,000 steps each). Taught the half matrix alone, the same network gained 1.0 dB in 600.

Ghosts: what the estimate solves is how processing.simulate makes them, and what it wins there says little of scanners.
With noise of 3 % they are left. Of images with a phase three ways were tried. One cross term for all of the
slice, where its quarters agree about it: found in 4 of 96. The ghost's power taken off without a cross term: −2.6 to
+1.8 dB in 24 slices without noise. A phase that is linear across half the field of view, fitted so that fewest edges
lie at the same places, which is used: found in 50 of the 64 with noise up to 1 %, −0.0 to +11.4 dB, median +5.4. At
40° with 1 % brains win 3.3 dB, the synthetic spine 2.97, the neck none, where what is bright beside the patient does
not tell how strong the ghost is. How bright the slice was is not to be told from the fit, and the middle of what is
possible is taken; foreground apart, little is won by it at 40°. Of images without a phase that have noise of 1 % one
of 32 comes out 1.3 dB worse, as a phase is fitted to it. With the phase known the 24 slices without noise win 4 to 42
dB. Needed: complex images.

In 16 more series, whose ghosts nobody had looked at (ten of thighs, one slice each, four ghosts of 0.4 at 0° and 40°
with noise of 0.5 % and a phase), 33 of 64 were found, +0.9 to +15.4 dB, median +4.5. Where the brightness of both is
fitted first, which leaves their shape alone, −2.6 to +15.0 dB, median +2.1, 5 of 33 worse.

A leg that a coil leaves dim, half a field of view from the other, is told from a ghost by texture: an opposite that
looks like nothing but the ghost must show at least 0.7 of its source's. Thighs of 20 series were put there again at 0.2
to 0.4, as they were, mirrored or moved by a few pixels: of 1,800 such pictures none is taken for a ghost. By the share
of pixels that have the ratio, which was tried before, 44 were, most of them moved by a few rows, and holes drawn into
muscle; at most 0.65 of the texture was there again. None is taken for one, too, of 2,400 of other slices at 0.25 to
0.5, looked at once that was chosen. Ghosts with noise of 3 % fail it (2 of 32 were found by share, +2 dB), and some
weak ones of legs and phantoms. None was seen in the 6,752 slices, and slices on their side, of 62 series without one;
by neither, in 38 of 1,682 of them, of thighs all. It was chosen on these series and those of this benchmark: other
anatomy may still be taken for a ghost. Where even lines are the weaker ones, either of two roots may be right beneath a
ghost. All thresholds of the estimate, and that of the end of k-space, were chosen while series of this benchmark were
looked at: an independent set may show less.

A half matrix that was acquired with noise is raised the less the more noise there was: the network was taught with
the little that its truths have. Needed: noise in its training.

inpaint's network takes bright anatomy for bars; of its change is kept what a bar explains: a straight outline with
round ends inside the slice, the step across it the same all around. Outline and brightness are then fitted, so that
without the bar fewest edges are left about it, and what it added is subtracted: as processing.simulate adds bars, that
gives back the slice beneath and leaves what is beside it as it was; of other bright lines it says little. Only where
the sum was cut at the maximum the network's word is shown. Where more than 0.63 of the edges are left, no bar is taken
off: on 44 slices of training and validation volumes of the network and of phantom 101, none of them of this benchmark,
on which that was chosen, bars left 0.12 to 0.57, and all nine that were seen in slices without one at least 0.65. Nine
of the 44 bars are not found by the network, in five slices something else is found and left, in one something else is
taken off as well (0.9 % outside). With noise of 3 % ten of 24 leave too many edges and stay. Of a bar that ends on
tissue as bright as itself a part of the end can stay. Tried before: thresholds on the change alone (false bars are as
strong as true ones), outline and step, and the network's change within the outline (0.33 and 0.52 % outside the bars
of the spines, and 0.9 dB behind biharmonic inpainting on phantoms).

Moummad's U-Net and espcn had fewer steps than restore (see above); with as many they may come nearer."""


@dataclass(frozen=True)
class Sample:
    """A truth and what was made of it; sides even. range: maximum of the truth."""

    group: str
    name: str
    case: str
    truth: Volume
    input: Volume

    @property
    def range(self) -> float:
        return float(self.truth.array.max())

    @property
    def ceiling(self) -> float:
        """PSNR of the truth's own noise, as far as it can be estimated."""
        own = 0.0 if self.group == PHANTOM else estimate_noise(self.truth.array).sigma / self.range
        return -20 * float(np.log10(own)) if own > 0 else float("inf")


Method = Callable[[Sample], Volume]


class Rows:
    """What is measured, and was before an interruption: one JSON object a line of `path`, if there is one."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        lines = path.read_text().splitlines() if path and path.exists() else []
        self.known = {self._key(row): row for row in map(json.loads, lines)}

    @staticmethod
    def _key(row: dict) -> tuple[str, ...]:
        return tuple(row[name] for name in ("task", "group", "series", "case", "method"))

    def row(self, sample: Sample, task: str, method: str, measure: Callable[[], dict]) -> dict:
        """That of a sample: as it was measured before, or measured, written down and printed."""
        row = self.known.get((task, sample.group, sample.name, sample.case, method))
        if row is None:
            row = measure()
            if self.path:
                with self.path.open("a") as file:
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
        numbers = "  ".join(f"{k} {v:.3f}" for k, v in row.items() if isinstance(v, float))
        said = f"{row['group'] + ' ' + row['series']:34.34} {row['case']:34.34} {row['method']:26.26}"
        print(f"{said} {numbers}", flush=True)
        return row


def main() -> int:
    """Print one line per series, degradation and method; write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("READERSTUDY_DATA", "../shared/data")))
    parser.add_argument("--slices", type=int, default=3, help="per series, around its middle")
    parser.add_argument("--models", type=Path, default=SHIPPED, help="folder of the folders restore, inpaint and so on")
    parser.add_argument("--peer", type=Path, action="append", default=[], help="folder of another network for restore")
    parser.add_argument("--rows", type=Path, help="file of the rows that are measured already, in which others are put")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file")
    parser.add_argument("--write", action="store_true", help="keep the figures in the folders of the models")
    arguments = parser.parse_args()
    kept = Rows(arguments.rows)
    there = {name: arguments.models / name for name in ("restore", "inpaint", "thin-slices")}
    there = {name: folder for name, folder in there.items() if (folder / "identity.json").exists()}
    rows = [row for name in there for row in _JUDGED[name](arguments, there[name], kept)]
    parts = [_introduction(arguments)]
    goals = reached(rows)
    parts.append(_goals(goals))
    parts += [_ghosts(rows)] if "restore" in there else []
    parts += [_table(name, rows) for name in there]
    parts.append(_speed({"denoise": SHIPPED / "denoise"} | there | {"cascade": SHIPPED / "cascade"}))
    parts.append(NOT_REACHED.replace("TABLE", missed_table(list(MISSED_FIGURES.values()))))
    if arguments.markdown:
        arguments.markdown.write_text("\n\n".join(parts) + "\n")
    if arguments.write:
        for name, folder in there.items():
            figures.write(folder, on_card(name, rows), _command(arguments))
    beaten = below_the_best(rows)
    for sentence in beaten:
        print(f"not the best: {sentence}", file=sys.stderr)
    wrong = unlisted(goals)
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    return 1 if wrong else 0


def _samples(arguments: argparse.Namespace, cases: dict[str, Degradation]) -> Iterator[Sample]:
    for group, name, whole in truths(arguments.data, arguments.slices):
        rows, columns = (n - n % 8 for n in whole.shape[1:])
        truth = replace(whole, array=np.maximum(whole.array[1:-1, :rows, :columns], 0), padding=None)
        pixels = replace(truth, affine=np.eye(4))  # strengths are in pixels
        for case, degradation in cases.items():
            yield Sample(group, name, case, truth, truth.with_array(degrade(pixels, degradation).array))


def _restored(arguments: argparse.Namespace, folder: Path, kept: Rows) -> Iterator[dict]:
    networks = {"restore": folder} | {read_identity(path).name: path for path in arguments.peer}
    for sample in _samples(arguments, RESTORED):
        methods: dict[str, Method] = {INPUT: lambda s: s.input}
        if sample.case == HALF:
            methods |= {"bicubic": _each(_bicubic), "spline": _each(_spline)}
        if sample.case == LINEAR:
            fills = (bicubic_of_means, spline_of_means, zeros_of_means)
            methods |= {name: _of_means(fill) for name, fill in zip(OF_MEANS, fills, strict=True)}
        if sample.case == GIBBS:
            methods[SHIFTS] = _each(lambda image: np.maximum(unringed(image, 1 - CUT), 0))
        if sample.case.startswith(GHOSTING):
            methods[INVERSE] = _each(partial(unghosted, even=sample.case.endswith(EVEN)))
        methods |= {name: lambda s, path=path: enhance(s.input, model=path).volume for name, path in networks.items()}
        for name, method in methods.items():
            yield kept.row(sample, "restore", name, partial(_judged_restored, sample, name, method))
    for sample in _complex_samples(arguments):
        complex_methods: dict[str, Method] = {
            INPUT: lambda s: s.input,
            "restore": lambda s: enhance(s.input, model=folder).volume,
        }
        for name, method in complex_methods.items():
            yield kept.row(sample, "restore", name, partial(_judged_restored, sample, name, method))
    for sample in _samples(arguments, {ORIGINAL: RESTORED[HALF]}):
        yield kept.row(sample, "restore", "restore", partial(_unharmed, sample, "restore", folder))
    if (arguments.data / UNTOUCHED).exists():
        whole = series.read(arguments.data / UNTOUCHED)
        rows, columns = (n - n % 8 for n in whole.shape[1:])
        middle = whole.array[whole.shape[0] // 2 :][: arguments.slices, :rows, :columns]
        truth = replace(whole, array=np.maximum(middle, 0), padding=None)
        abdomen = Sample("abdomen", "T2 (Toshiba)", ORIGINAL, truth, truth)
        yield kept.row(abdomen, "restore", "restore", partial(_unharmed, abdomen, "restore", folder))


def _judged_restored(sample: Sample, name: str, method: Method) -> dict:
    found = method(sample)
    row = _row(sample, "restore", name, found)
    return row | _ringing(sample, sample.input.array, found.array) if sample.case == GIBBS else row


def _complex_samples(arguments: argparse.Namespace) -> Iterator[Sample]:
    """Ghosts of noisy images and of images with a smooth phase, and a half matrix that was acquired with noise, which
    processing.simulate, whose steps start from magnitudes, does not make. Noise: of the 99.9th percentile, in the real
    and the imaginary channel."""
    for sample in _samples(arguments, {ORIGINAL: RESTORED[HALF]}):
        shape = sample.truth.shape
        rng = np.random.default_rng([SEED, 3])
        noise = high_percentile(sample.truth.array, 99.9) * (rng.normal(size=shape) + 1j * rng.normal(size=shape))
        turned = simulated(sample.truth, SEED).images[0]
        cases = {}
        for name, how in RESTORED.items():
            if how.ghosting:
                weights = ghost_weights(shape[1], how)[:, None]
                for words, level in NOISY_GHOSTS:
                    image = turned if words else sample.truth.array
                    said = f", noise of {100 * level:g} %" if level else ""
                    cases[f"{name}{words}{said}"] = _weighted(image, weights) + level * noise
        half = np.outer(*(np.abs(np.fft.fftfreq(n)) < 0.25 for n in shape[1:]))
        for level in NOISY_HALF:
            cases[f"{HALF}, noise of {100 * level:g} %"] = _weighted(sample.truth.array + 2 * level * noise, half)
        for case, image in cases.items():
            bad = sample.truth.with_array(np.abs(image).astype(np.float32))
            yield replace(sample, case=case, input=bad)


def _weighted(images: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.fft.ifft2(np.fft.fft2(images) * weights)


def _inpainted(arguments: argparse.Namespace, folder: Path, kept: Rows) -> Iterator[dict]:
    for sample in _samples(arguments, {BAR: BARS}):
        touched = np.abs(sample.input.array - sample.truth.array) > TOUCHED * sample.range
        methods: dict[str, Method] = {
            INPUT: lambda s: s.input,
            PLACED: lambda s, there=touched: s.input.with_array(_biharmonic(s.input.array, there)),
            "inpaint": lambda s: enhance(s.input, model=folder).volume,
        }
        for name, method in methods.items():
            yield kept.row(sample, "inpaint", name, partial(_judged_inpainted, sample, name, method, touched))
    for sample in _samples(arguments, {ORIGINAL: BARS}):
        yield kept.row(sample, "inpaint", "inpaint", partial(_unharmed, sample, "inpaint", folder))


def _judged_inpainted(sample: Sample, name: str, method: Method, touched: np.ndarray) -> dict:
    found = method(sample)
    error = (found.array - sample.truth.array) / sample.range
    return _row(sample, "inpaint", name, found) | {
        "inside": -10 * float(np.log10(np.mean(error[touched] ** 2))),
        "outside": 100 * float(np.sqrt(np.mean(error[~touched] ** 2))),
    }


def _thinned(arguments: argparse.Namespace, folder: Path, kept: Rows) -> Iterator[dict]:
    for name, path in THIN.items():
        if not (arguments.data / path).exists():
            print(f"{name}: not here ({path}), left out", file=sys.stderr)
            continue
        whole = series.read(arguments.data / path)
        start = (whole.shape[0] - THIN_SLICES) // 2
        truth = replace(whole, array=np.maximum(whole.array[start : start + THIN_SLICES], 0))
        for case, degradation in THICK.items():
            thick = degrade(truth, degradation)
            sample = Sample("head", name, case, truth, thick)
            parts = degradation.thick or 1
            methods: dict[str, Method] = {
                "cubic spline": partial(_between, interpolated, parts),
                "cubic spline, means kept": partial(_between, means_kept, parts),
                "thin-slices": lambda s, parts=parts: enhance(s.input, model=folder, parts=parts).volume,
            }
            for method, make in methods.items():
                yield kept.row(
                    sample,
                    "thin-slices",
                    method,
                    lambda s=sample, method=method, make=make: _row(s, "thin-slices", method, make(s)),
                )


def _between(filter_: Callable[[np.ndarray, int], np.ndarray], parts: int, sample: Sample) -> Volume:
    return sample.truth.with_array(np.maximum(filter_(sample.input.array, parts), 0))


_JUDGED = {"restore": _restored, "inpaint": _inpainted, "thin-slices": _thinned}


def _row(sample: Sample, task: str, method: str, found: Volume) -> dict:
    seen = compare(sample.truth, sample.truth.with_array(found.array))
    return {
        "task": task,
        "group": sample.group,
        "series": sample.name,
        "case": sample.case,
        "method": method,
        "ceiling": sample.ceiling,
        "foreground_psnr": seen.foreground["psnr"],
        "psnr": seen.volume["psnr"],
        "foreground_ssim": seen.foreground["ssim"],
    }


def _unharmed(sample: Sample, task: str, folder: Path) -> dict:
    """How much a network changes what was not degraded, in % of the range."""
    found = enhance(sample.truth, model=folder).volume.array
    change = 100 * float(np.sqrt(np.mean((found - sample.truth.array) ** 2))) / sample.range
    return {
        "task": task,
        "group": sample.group,
        "series": sample.name,
        "case": ORIGINAL,
        "method": task,
        "change": change,
    }


def _each(filter_: Callable[[np.ndarray], np.ndarray]) -> Method:
    return lambda s: s.input.with_array(np.stack([filter_(image) for image in s.input.array]).astype(np.float32))


def _half(image: np.ndarray) -> np.ndarray:
    """The half matrix as it was acquired: the zero-filled one at every second pixel, which holds all of it."""
    return image[::2, ::2]


def _bicubic(image: np.ndarray) -> np.ndarray:
    """Cubic convolution (Keys 1981, a = −1/2) between the pixels of the half matrix."""
    for axis in (0, 1):
        known = np.moveaxis(image, axis, 0)[::2] if axis else _half(image)
        padded = np.pad(known, ((1, 2), (0, 0)), mode="edge")
        between = (9 * (padded[1:-2] + padded[2:-1]) - padded[:-3] - padded[3:]) / 16
        filled = np.empty((2 * len(known), *known.shape[1:]), np.float32)
        filled[::2], filled[1::2] = known, between
        image = np.moveaxis(filled, 0, axis) if axis else np.repeat(filled, 2, axis=1)
    return np.maximum(image, 0)


def _spline(image: np.ndarray) -> np.ndarray:
    """Cubic spline through the pixels of the half matrix."""
    places = np.meshgrid(*(np.arange(n) / 2 for n in image.shape), indexing="ij")
    return np.maximum(ndimage.map_coordinates(_half(image), places, order=3, mode="nearest"), 0)


def _of_means(fill: Callable[[np.ndarray], np.ndarray]) -> Method:
    """From the means of two by two pixels, between which the linear half matrix is interpolated."""
    return lambda s: s.truth.with_array(
        np.stack([fill(image.reshape(len(image) // 2, 2, -1, 2).mean(axis=(1, 3))) for image in s.truth.array])
    )


def bicubic_of_means(means: np.ndarray) -> np.ndarray:
    """Cubic convolution (Keys 1981, a = −1/2) a quarter of their distance aside of the means of pairs."""
    for axis in (0, 1):
        pair = [ndimage.correlate1d(means, taps, axis, mode="nearest") for taps in (_QUARTER[::-1], _QUARTER)]
        means = np.stack(pair, axis=axis + 1).reshape(*(n * (1 + (k == axis)) for k, n in enumerate(means.shape)))
    return np.maximum(means, 0).astype(np.float32)


def spline_of_means(means: np.ndarray) -> np.ndarray:
    """Cubic spline through the means of pairs."""
    places = np.meshgrid(*(np.arange(2 * n) / 2 - 0.25 for n in means.shape), indexing="ij")
    return np.maximum(ndimage.map_coordinates(means, places, order=3, mode="nearest"), 0).astype(np.float32)


def zeros_of_means(means: np.ndarray) -> np.ndarray:
    """The k-space of the means of pairs, moved by half a pixel, with zeros around it."""
    lines = np.fft.fft2(means)
    for axis, size in enumerate(means.shape):
        lines = lines * np.expand_dims(np.exp(-0.5j * np.pi * np.fft.fftfreq(size)), 1 - axis)
    padded = np.pad(np.fft.fftshift(lines), [(n - n // 2, n // 2) for n in means.shape])
    return np.maximum(np.fft.ifft2(np.fft.ifftshift(padded)).real * 4, 0).astype(np.float32)


def unghosted(image: np.ndarray, *, even: bool) -> np.ndarray:
    """The image less its ghost, whose share is estimated where a bright pixel's ghost lies on the darkest ground.

    m = (x + r x′) / (1 + r) with x′ half a field of view away gives x = (m − r m′) / (1 − r), exactly where the lines'
    phase is right; how wrong it is a magnitude image does not tell. Of even lines the ghost is negative: it also
    darkens tissue, so that its share is the most frequent ratio, and m is negative where there is little else.
    """
    away = np.roll(image, len(image) // 2, axis=0)
    bright = away > 0.3 * np.percentile(image, 99.9)
    ratios = image[bright] / away[bright]
    share = float(np.percentile(ratios, 2))
    if even:
        counts, edges = np.histogram(ratios, bins=100, range=(0.02, 0.98))
        middle = edges[counts.argmax()] + 0.005
        share = float(np.median(ratios[np.abs(ratios - middle) < 0.01]))
        image = np.where((image > 0.5 * share * away) & (image < 1.05 * share * away), -image, image)
        away, share = np.roll(image, len(image) // 2, axis=0), -share
    return np.maximum((image - share * away) / (1 - abs(share)), 0)


def means_kept(thick: np.ndarray, parts: int) -> np.ndarray:
    """The cubic spline between the middles of thick slices, corrected until its means are the thick slices again."""
    found = interpolated(thick, parts)
    for _ in range(CORRECTIONS):
        found += interpolated(thick - means(found, parts), parts)
    return found


def _biharmonic(array: np.ndarray, there: np.ndarray) -> np.ndarray:
    scale = float(array.max())
    return np.stack(
        [inpaint_biharmonic(image / scale, mask) * scale for image, mask in zip(array, there, strict=True)]
    ).astype(np.float32)


def _ringing(sample: Sample, before: np.ndarray, after: np.ndarray) -> dict[str, float]:
    """What is left of ringing beside steep edges, and of all that is wrong there, and dB won or lost farther off in the
    patient.

    Ringing is what cutting k-space does to the edges alone, that is to the truth with little of its total variation
    left; of it stays the square of the error's regression on it. The whole error beside edges has in it also what was
    cut of texture and of the truth's own noise.
    """
    truth = sample.truth.array / sample.range
    steep = np.stack([np.hypot(*np.gradient(image)) > EDGE for image in truth])
    away = np.stack(
        [ndimage.distance_transform_edt(~image) if image.any() else np.full(image.shape, 99) for image in steep]
    )
    patient = foreground(sample.truth.array)
    beside, elsewhere = (away >= NEAR[0]) & (away <= NEAR[1]), patient & (away > NEAR[1])
    edges = sample.truth.with_array(np.stack([denoise_tv_chambolle(image, weight=FLATTENED) for image in truth]))
    rung = (degrade(replace(edges, affine=np.eye(4)), RESTORED[GIBBS]).array - edges.array)[beside]
    old, new = ((array - sample.truth.array) / sample.range for array in (before, after))
    left = float((rung * new[beside]).sum() / (rung * old[beside]).sum())
    old, new = old**2, new**2
    return {
        "ringing": left**2,
        "beside": float(new[beside].sum() / max(old[beside].sum(), 1e-12)),
    } | ({"elsewhere": _decibels(old[elsewhere], new[elsewhere])} if elsewhere.any() else {})


def _decibels(old: np.ndarray, new: np.ndarray) -> float:
    return 10 * float(np.log10(old.mean() / max(new.mean(), 1e-12)))


def _introduction(arguments: argparse.Namespace) -> str:
    compared = [arguments.models / "restore", *arguments.peer] if arguments.peer else []
    return (
        "# Restoration: the shipped models and others\n\n"
        f"Made by `{_command(arguments)}`. "
        "Series of subjects that training never saw, degraded by processing.simulate at strengths that were fixed "
        "before any network was trained to its end (ghosts under noise and with an image phase came later); every "
        "method starts from the same samples, and no network is told what was done. The inverse of ghosting is told "
        "which lines they are; for odd ones whose phase is right it is "
        "exact. Subvoxel-shifts are told which share of k-space was kept. Opponents of the linear half matrix are told "
        "that it was interpolated between means of two by two pixels, and start from these. Motion has no opponent but "
        "the input. Ringing: the error's regression on what cutting k-space does to the edges of the "
        "truth alone, squared; a blur takes it too, at the cost of what is elsewhere. Error beside edges: all that is "
        "wrong there, texture that was cut included. PSNR in dB of the foreground, range: maximum of the truth. The "
        "ceiling is what the truth's own noise leaves to whoever shows the patient without it. Few subjects: "
        "descriptive, not a proof."
        + "".join(_training(folder) for folder in compared if (folder / "metrics.json").exists())
    )


def _command(arguments: argparse.Namespace) -> str:
    peers = "".join(f" --peer {read_identity(peer).name}" for peer in arguments.peer)
    return f"python -m benchmarks.restoration --slices {arguments.slices}{peers} --markdown docs/restoration.md"


def on_card(task: str, rows: Sequence[dict]) -> list[dict]:
    """Means in dB before and after a network, by group: of what is wanted of it, and of all else where it loses."""
    wanted = {case for network, case, *_ in GOALS if network == task}
    found = []
    for case, group in dict.fromkeys((row["case"], row["group"]) for row in rows if row["task"] == task):
        some = [r for r in rows if (r["task"], r["case"], r["group"]) == (task, case, group) and "psnr" in r]
        if not some:
            continue
        before = INPUT if any(row["method"] == INPUT for row in some) else "cubic spline"
        row: dict = {"name": f"{case}, {group}"}
        for kind, method in (("input", before), ("output", task)):
            for end, key in (("", "psnr"), ("_foreground", "foreground_psnr")):
                row[kind + end] = round(statistics.fmean(r[key] for r in some if r["method"] == method), 2)
        worse = any(row[f"output{end}"] < row[f"input{end}"] for end in ("", "_foreground"))
        if case in wanted or worse:
            found.append(row)
    return found


def _training(folder: Path) -> str:
    """How long a network was trained, and whether it sees where a ghost comes from."""
    steps = json.loads((folder / "metrics.json").read_text())["steps"]
    told = " and what is estimated of the whole of it" if read_config(folder)["network"].get("estimates") else ""
    return f" `{read_identity(folder).name}` was trained for {steps:,} steps and sees a slice{told}."


def below_the_best(rows: Sequence[dict]) -> list[str]:
    """Where a network's mean foreground PSNR is below that of the best opponent: a sentence for each."""
    found: dict[tuple[str, str, str], dict[str, list[float]]] = {}
    for row in rows:
        if "psnr" in row:
            methods = found.setdefault((row["task"], row["case"], row["group"]), {})
            methods.setdefault(row["method"], []).append(row["foreground_psnr"])
    sentences = []
    for (task, case, group), methods in found.items():
        mean = {name: statistics.fmean(values) for name, values in methods.items()}
        ours = mean.pop(task)
        best = max(mean, key=mean.__getitem__)
        if ours < mean[best]:
            sentences.append(f"{case}, {group}: {task} {ours:.2f} dB, {best} {mean[best]:.2f} dB")
    return sentences


_COLUMNS: dict[str, Sequence[tuple[str, str, str]]] = {
    "restore": (
        ("ringing", "ringing left", ".2f"),
        ("beside", "error beside edges left", ".2f"),
        ("elsewhere", "elsewhere, dB", "+.2f"),
    ),
    "inpaint": (("inside", "inside the bars, dB", ".2f"), ("outside", "RMS outside, %", ".2f")),
    "thin-slices": (),
}


def _table(task: str, rows: Sequence[dict]) -> str:
    """Means over the series of a group, and how much the truth itself is changed."""
    mine = [row for row in rows if row["task"] == task]
    judged = [row for row in mine if "psnr" in row]
    extra = [column for column in _COLUMNS[task] if any(column[0] in row for row in judged)]
    head = ["degradation", "series", "ceiling", "method", "foreground PSNR", "PSNR", "foreground SSIM"]
    head += [words for _, words, _ in extra]
    lines = [f"## {task}", "", "| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for case in dict.fromkeys(row["case"] for row in judged):
        for group in dict.fromkeys(row["group"] for row in judged):
            for method in dict.fromkeys(row["method"] for row in judged if row["case"] == case):
                some = [r for r in judged if (r["case"], r["group"], r["method"]) == (case, group, method)]
                cells = [case, f"{group} ({len(some)})", _mean(some, "ceiling", ".1f"), method]
                cells += [_mean(some, "foreground_psnr", ".2f"), _mean(some, "psnr", ".2f")]
                cells += [_mean(some, "foreground_ssim", ".3f")]
                cells += [_mean(some, name, form) if name in some[0] else "" for name, _, form in extra]
                lines.append("| " + " | ".join(cells) + " |")
    changes = [row["change"] for row in mine if "change" in row]
    if changes:
        lines += [
            "",
            f"What was not degraded is changed by {min(changes):.2f} to {max(changes):.2f} % of the range (RMS).",
        ]
    return "\n".join(lines)


@dataclass(frozen=True)
class Reached:
    """What was wanted of a network on one group of series, what the mean is, and how much that lacks; not above 0 where
    it is reached."""

    task: str
    case: str
    group: str
    words: str
    wanted: str
    reached: float
    lacks: float


def words_of(case: str, key: str, opponents: Sequence[str]) -> str:
    """What is wanted, as the document says it."""
    unit = "SSIM" if key.endswith("ssim") else "dB"
    over = f"{unit} over {', '.join(opponents)}" if opponents else unit
    return f"{case}: {AT_MOST.get(key, over)}{SAID.get(key, '')}"


def reached(rows: Sequence[dict]) -> list[Reached]:
    """Each of GOALS on each group of series."""
    found = []
    for task, case, key, opponents, wanted in GOALS:
        for group in dict.fromkeys(r["group"] for r in rows if (r["task"], r["case"]) == (task, case)):
            some = [r for r in rows if (r["case"], r["group"]) == (case, group) and key in r]
            mean = {
                name: statistics.fmean(r[key] for r in some if r["method"] == name)
                for name in (task, *opponents)
                if any(r["method"] == name for r in some)
            }
            if task not in mean or (opponents and len(mean) == 1):
                continue
            value = mean.pop(task) - max(mean.values(), default=0.0)
            most, limit = key in AT_MOST, OF_GROUP.get((case, group, wanted), wanted)
            words = words_of(case, key, tuple(mean))
            lacks = value - limit if most else limit - value
            found.append(Reached(task, case, group, words, f"{'≤' if most else '≥'} {limit:g}", value, lacks))
    return found


def unlisted(goals: Sequence[Reached]) -> list[str]:
    """What is missed without a reason, or has one though it is reached: a sentence for each."""
    return [
        f"{goal.words}, {goal.group}: {'missed, and not listed' if goal.lacks > 0 else 'listed as missed, but reached'}"
        for goal in goals
        if (goal.lacks > 0) != ((goal.words, goal.group) in MISSED)
    ]


def _goals(goals: Sequence[Reached]) -> str:
    lines = ["## Wanted and reached", "", "| network | what | series | wanted | reached | lacks | row below |"]
    lines.append("|---" * 7 + "|")
    for goal in goals:
        cells = [goal.task, goal.words, goal.group, goal.wanted, f"{goal.reached:.2f}"]
        cells += [f"{goal.lacks:.2f}" if goal.lacks > 0 else "–", MISSED.get((goal.words, goal.group), "")]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _ghosts(rows: Sequence[dict]) -> str:
    """In how many of the series a ghost was found, and what was won there: of real images, then of those with a
    phase."""
    lines = ["## Ghosts: found in how many", "", "| degradation | found | of | median dB | least | most |"]
    lines += ["|---" * 6 + "|"]
    psnr = {(row["case"], row["series"], row["method"]): row.get("foreground_psnr") for row in rows}
    for case in dict.fromkeys(row["case"] for row in rows if row["case"].startswith(GHOSTING)):
        gains = [psnr[case, name, "restore"] - value for (c, name, m), value in psnr.items() if (c, m) == (case, INPUT)]
        found = [gain for gain in gains if abs(gain) > CHANGED]
        cells = (
            [f"{value:+.2f}" for value in (statistics.median(found), min(found), max(found))] if found else ["–"] * 3
        )
        lines.append(f"| {case} | {len(found)} | {len(gains)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _mean(rows: Sequence[dict], name: str, form: str) -> str:
    mean = statistics.fmean(row[name] for row in rows)
    return "–" if mean == float("inf") else f"{mean:{form}}"


def _speed(folders: dict[str, Path]) -> str:
    """Processor time of 30 slices of 512 × 512 for each network, of which the best of two counts, and the most memory
    of the process that does it."""
    lines = ["## Time and memory", "", "| model | parameters | processor seconds for 30 × 512² | GB at most |"]
    lines.append("|---" * 4 + "|")
    for name, folder in folders.items():
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            seconds, memory = alone.submit(_cost, folder).result()
        parameters = json.loads((folder / "metrics.json").read_text())["parameters"]
        lines.append(f"| {name} | {parameters:,} | {seconds:.1f} | {memory:.1f} |")
        print(lines[-1], flush=True)
    lines += [
        "",
        "thin-slices makes 60 slices of 30 here, and works on planes in two directions. cascade: R = 4, one coil.",
    ]
    return "\n".join(lines)


def _cost(folder: Path) -> tuple[float, float]:
    """Seconds and GB; the kernel's VmHWM, as ru_maxrss is also that of the process that started this one."""
    rng = np.random.default_rng(0)
    array = ndimage.gaussian_filter(rng.random(SPEED, np.float32), (0, 3, 3)) + 0.05 * rng.random(SPEED, np.float32)
    volume = Volume(array, np.diag([1, 1, 2, 1]))
    seconds = []
    for _ in range(2):
        started = time.process_time()
        if task_of(read_config(folder)) == RECONSTRUCT:
            reconstruct(simulated(volume, SEED), method="cascade", undersample=4, model=folder)
        else:
            enhance(volume, model=folder)
        seconds.append(time.process_time() - started)
    return min(seconds), _peak() * 1024 / 1e9


def _peak() -> int:
    """kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


if __name__ == "__main__":
    sys.exit(main())
