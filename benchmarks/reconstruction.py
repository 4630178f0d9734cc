"""Reconstruction of held-out series from a part of k-space: zero filling, compressed sensing, the deep cascade.

    python -m benchmarks.reconstruction [--data DIR] [--slices N] [--model NAME] [--markdown FILE]
    python -m benchmarks.reconstruction --tune [--data DIR]
    python -m benchmarks.reconstruction --pictures FOLDER [--data DIR] [--model NAME]

K-space of truths with little noise, of subjects that training did not see, is simulated with a smooth random phase;
phase and lines are those of the series, by a seed of its own, and the same for all methods. PSNR and SSIM as in
processing.metrics.quality, of the whole slices and their foreground, range: maximum of the truth. Seconds are of
processor time. --tune prints how near compressed sensing comes with other weights, on the validation part of the
cascade's configuration, as the mean of its groups. --pictures shows what becomes of real k-space (0.055 T, one coil;
one slice of eight coils): whole, then each method at 4 and at 8.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import loadmat

from processing import series
from processing.enhancement.networks import samples, store
from processing.enhancement.networks.kspace_samples import coarsened, lines_of, scale_of_use
from processing.metrics.quality import compare
from processing.noise import estimate_noise
from processing.reconstruction.cascade import DEFAULT_MODEL
from processing.reconstruction.compressed_sensing import (
    IMAGINARY_WEIGHT,
    VARIATION_WEIGHT,
    WAVELET_WEIGHT,
    compressed_sensing,
)
from processing.reconstruction.reconstruct import METHODS, reconstruct
from processing.reconstruction.signal import Signal, simulated
from processing.simulate.kspace import CENTRE, sampled_lines, smooth_phase
from processing.simulate.phantom import acquire, make_subject, protocol_for
from processing.volume import Volume

SEED = 20261130  # of the first series; the next ones count on
# Path, and share of rows and columns in which it is shown: a coarser matrix has less noise.
REAL = {
    "brain T1 sagittal (Siemens)": ("dicom/siemens_prisma_sag_t1_HFS", 1.0),
    "brain T1 (pyradiomics 1)": ("radiomics/brain1_image.nrrd", 0.6),
    "brain T1 (pyradiomics 2)": ("radiomics/brain2_image.nrrd", 0.6),
    "spine axial, MT off (sub-03)": ("training/spine_generic/sub-03_acq-MToff_MTS.nii.gz", 1.0),
    "spine axial, MT on (sub-03)": ("training/spine_generic/sub-03_acq-MTon_MTS.nii.gz", 1.0),
}
PHANTOM = {
    "phantom lumbar sag-t2": ("lumbar", "sag-t2", 201),
    "phantom lumbar ax-t2": ("lumbar", "ax-t2", 201),
    "phantom cervical sag-t1": ("cervical", "sag-t1", 202),
}
GOAL = {"zero-filled": 4.0, "compressed-sensing": 1.5}  # dB at 4, of the cascade
# Weights that are tried.
WAVELETS, VARIATIONS, IMAGINARIES = (0, 0.0005), (0.00075, 0.0015, 0.003, 0.006), (0, 0.01, 0.03, 0.1, 0.3)


@dataclass(frozen=True)
class Row:
    """One series at one undersampling by one method. own: estimated noise of the truth, as a share of its maximum.
    lines: how many of how many. seconds: of processor time, per slice."""

    name: str
    own: float
    factor: int
    method: str
    lines: str
    psnr: float
    foreground_psnr: float
    ssim: float
    foreground_ssim: float
    seconds: float

    @property
    def real(self) -> bool:
        """Whether a scanner acquired it."""
        return self.name in REAL


def main() -> None:
    """Print one line per series, undersampling and method; write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("READERSTUDY_DATA", "../shared/data")))
    parser.add_argument("--slices", type=int, default=3, help="per series, around its middle")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="name or folder of the cascade")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file")
    parser.add_argument("--tune", action="store_true", help="weights of compressed sensing")
    parser.add_argument("--pictures", type=Path, help="of real k-space, into this folder")
    arguments = parser.parse_args()
    if arguments.tune:
        _tune(arguments.data)
        return
    if arguments.model == DEFAULT_MODEL and not (store.SHIPPED / DEFAULT_MODEL / "identity.json").exists():
        arguments.model = ""
    if arguments.pictures:
        _picture_real(arguments.data / "more", arguments.pictures, arguments.model)
        return
    rows = []
    for name, own, truth in _truths(arguments.data, arguments.slices):
        for row in _measured(name, own, truth, arguments.model):
            rows.append(row)
            print(
                f"{row.name:30} {100 * own:4.2f}% R={row.factor} ({row.lines}) {row.method:20} {row.psnr:6.2f} "
                f"{row.foreground_psnr:6.2f} {row.ssim:6.3f} {row.foreground_ssim:6.3f} {row.seconds:6.2f} s",
                flush=True,
            )
    if arguments.markdown:
        arguments.markdown.write_text(_document(rows, arguments))


def _truths(data: Path, count: int) -> Iterator[tuple[str, float, Volume]]:
    """Name, estimated noise and `count` slices around the middle; the phantom's are free of noise."""
    for name, (path, share) in REAL.items():
        if not (data / path).exists():
            print(f"{name}: not here ({path}), left out", file=sys.stderr)
            continue
        volume = series.read(data / path)
        rows, columns = (round(n * share) for n in volume.shape[1:])
        array = np.maximum(volume.array, 0)
        sigma = share * estimate_noise(array).sigma
        start = (len(array) - count) // 2
        if share < 1:
            array = np.stack([coarsened(slice_, rows, columns) for slice_ in array])
        affine = volume.affine.copy()
        affine[:3, :2] /= share
        shown = array[start : start + count]
        yield name, sigma / float(shown.max()), Volume(shown, affine)
    for name, (region, protocol, seed) in PHANTOM.items():
        wanted = replace(protocol_for(protocol, region=region), slices=count, noise=0.0)
        yield name, 0.0, acquire(make_subject(seed, region), wanted, 1)


def _measured(name: str, own: float, truth: Volume, model: str) -> Iterator[Row]:
    seed = _seed(name)
    signal = simulated(truth, seed)
    methods = METHODS if model else METHODS[:-1]
    reconstruct(signal, method=methods[-1], undersample=4, model=model)  # loads libraries and weights
    for factor, method in product(CENTRE, methods):
        started = time.process_time()
        found = reconstruct(signal, method=method, undersample=factor, seed=seed, model=model)
        seconds = time.process_time() - started
        marks = compare(truth, found.volume)
        yield Row(
            name, own, factor, method, f"{found.lines} of {found.of}",
            marks.volume["psnr"], marks.foreground["psnr"], marks.volume["ssim"], marks.foreground["ssim"],
            seconds / len(truth.array),
        )  # fmt: skip


def _seed(name: str) -> int:
    """Of phase and lines of a series, whichever others are here."""
    return SEED + [*REAL, *PHANTOM].index(name)


def _document(rows: list[Row], arguments: argparse.Namespace) -> str:
    methods = list(dict.fromkeys(row.method for row in rows))
    trained = "cascade" in methods
    parameters = _parameters(arguments.model) if trained else 0
    kinds = {"Real series": [row for row in rows if row.real], "Phantoms": [row for row in rows if not row.real]}
    means = [f"## {title}\n\n{_table(of, methods, parameters)}" for title, of in kinds.items() if of]
    parts = [
        "# Reconstruction from a part of k-space",
        f"Made by `python -m benchmarks.reconstruction --slices {arguments.slices} --markdown "
        "docs/reconstruction.md`. Series of subjects that training never saw, with at most 0.5 % of noise of "
        "their own (two shown in 0.6 of their matrix, which lowers it), and phantoms without noise. K-space "
        "is simulated: each series gets a smooth random phase. Of its lines those in the middle (8 % at R = 4,"
        " 4 % at R = 8) and others at random are kept, one in R on average, as in fastMRI; the same for all "
        "slices and methods, another draw for each series. PSNR (dB) and SSIM: range = maximum of the truth; so is "
        "the truth's own noise, in brackets as the PSNR that it alone would give. Seconds are of processor time.",
        f"Compressed sensing: total variation ({VARIATION_WEIGHT[4]:g} of the range at R = 4, "
        f"{VARIATION_WEIGHT[8]:g} at 8), Daubechies-4 wavelets ({WAVELET_WEIGHT[4]:g}, "
        f"{WAVELET_WEIGHT[8]:g}) and squares of what is imaginary ({IMAGINARY_WEIGHT[4]:g}, {IMAGINARY_WEIGHT[8]:g}) "
        "of the image turned by the phase of the sampled middle (Lustig et al. 2007), by FISTA, weights tuned on other "
        "subjects. Cascade: one network for both R "
        "(Schlemper et al. 2017: small networks with data consistency between them; acquired lines come back "
        "unchanged).",
        *means,
        "## Each series",
        _each(rows, methods),
        "## The goal",
        _goal(rows) if trained else "No cascade is shipped yet; trained ones take part by `--model FOLDER`.",
    ]
    return "\n\n".join(parts) + "\n"


def _parameters(model: str) -> int:
    return json.loads((store.folder_of(model) / "metrics.json").read_text())["parameters"]


def _mean(rows: list[Row]) -> Row:
    figures = {
        key: statistics.fmean(getattr(row, key) for row in rows)
        for key in ("psnr", "foreground_psnr", "ssim", "foreground_ssim", "seconds")
    }
    return replace(rows[0], **figures)


def _table(rows: list[Row], methods: list[str], parameters: int) -> str:
    """The mean of the series."""
    lines = [
        f"Mean of {len({row.name for row in rows})}.",
        "",
        "| R | method | PSNR | foreground PSNR | SSIM | foreground SSIM | seconds per slice | parameters |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for factor, method in product(CENTRE, methods):
        row = _mean([row for row in rows if (row.factor, row.method) == (factor, method)])
        size = f"{parameters:,}" if row.method == "cascade" else ""
        lines.append(
            f"| {row.factor} | {row.method} | {row.psnr:.2f} | {row.foreground_psnr:.2f} | {row.ssim:.3f} "
            f"| {row.foreground_ssim:.3f} | {row.seconds:.2f} | {size} |"
        )
    return "\n".join(lines)


def _each(rows: list[Row], methods: list[str]) -> str:
    """PSNR and foreground PSNR of every method."""
    lines = [
        "| series | truth's own noise | R | lines | " + " | ".join(methods) + " |",
        "|---|---|---|---|" + "---|" * len(methods),
    ]
    for name, factor in dict.fromkeys((row.name, row.factor) for row in rows):
        these = [row for row in rows if (row.name, row.factor) == (name, factor)]
        cells = " | ".join(f"{row.psnr:.2f} / {row.foreground_psnr:.2f}" for row in these)
        lines.append(f"| {name} | {_noise(these[0].own)} | {factor} | {these[0].lines} | {cells} |")
    return "\n".join(["PSNR of the whole slice / of its foreground.", "", *lines])


def _noise(own: float) -> str:
    return f"{100 * own:.2f} % ({-20 * math.log10(own):.1f} dB)" if own else "none"


def _goal(rows: list[Row]) -> str:
    """By how much the cascade is ahead at 4, as the mean over the real series and where it is least."""
    at_4 = [row for row in rows if row.factor == 4 and row.real]
    if not at_4:
        return "No real series was here to judge it on."
    lines = []
    for method, wanted in GOAL.items():
        gain = [
            ours.psnr - theirs.psnr
            for ours in at_4
            for theirs in at_4
            if ours.name == theirs.name and (ours.method, theirs.method) == ("cascade", method)
        ]
        mean, least = statistics.fmean(gain), min(gain)
        reached = "reached" if mean >= wanted else f"missed by {wanted - mean:.2f} dB"
        lines.append(
            f"- R = 4, over {method}: {mean:+.2f} dB in the mean of the real series, {least:+.2f} dB at least; wanted "
            f"{wanted:+.1f} dB, {reached}."
        )
    return "\n".join(lines)


def _tune(data: Path) -> None:
    settings = store.read_config(store.SHIPPED / DEFAULT_MODEL)
    sources = samples.load(data, settings["data"], "validation", smallest=128, seed=settings["seed"])
    truths = list(samples.validation_slices(sources, settings["validation"]["slices"]))
    for factor in CENTRE:
        measured = [(group, *_lines(stack[0], factor, index)) for index, (group, _, stack) in enumerate(truths)]
        for weights in product(WAVELETS, VARIATIONS, IMAGINARIES):
            named = dict(zip(("wavelet_weight", "variation_weight", "imaginary_weight"), weights, strict=True))
            found: dict[str, list[float]] = {}
            for group, truth, sampled, lines in measured:
                wrong = np.abs(compressed_sensing(lines, sampled, **named)) - truth
                found.setdefault(group, []).append(20 * math.log10(truth.max() / np.sqrt(np.mean(wrong**2))))
            means = {group: statistics.fmean(several) for group, several in found.items()}
            print(
                f"R = {factor}, wavelets {weights[0]:g}, variation {weights[1]:g}, imaginary {weights[2]:g}: "
                f"{statistics.fmean(means.values()):.2f} dB; "
                + ", ".join(f"{group} {mean:.2f}" for group, mean in means.items()),
                flush=True,
            )


def _lines(truth: np.ndarray, factor: int, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A truth at the scale at which it is reconstructed, which of its lines are sampled, and those lines."""
    rng = np.random.default_rng([SEED, factor, index])
    sampled = sampled_lines(len(truth), factor, rng)
    turned = truth * smooth_phase(truth.shape, rng)
    scale = scale_of_use(turned, sampled)
    return truth * scale, sampled, lines_of(scale * turned[None], sampled[None])[0]


def _picture_real(data: Path, out: Path, model: str) -> None:
    out.mkdir(parents=True, exist_ok=True)
    kspaces = {
        "sagittal": _ulf(data / "kspace_ulf/vol_fig4A_3DGRE_sagittal_kspace.mat").transpose(2, 1, 0)[None, 4:5],
        "lesion": _ulf(data / "kspace_ulf/patient_S6A_FSE_kspace.mat").transpose(2, 0, 1)[None, 1:2],
        "eight-coils": np.load(data / "kspace_sigpy/cartesian_ksp.npy")[:, None],
    }
    for name, kspace in kspaces.items():
        axes = (2, 3)
        images = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(kspace, axes), norm="ortho"), axes).astype(np.complex64)
        whole = Volume(np.sqrt((np.abs(images) ** 2).sum(axis=0)), np.eye(4))
        shown = [whole] + [
            reconstruct(
                Signal(images, whole, "acquired"), method=method, undersample=factor, seed=1, model=model
            ).volume
            for factor, method in product(CENTRE, METHODS if model else METHODS[:-1])
        ]
        row = np.hstack([volume.array[0] for volume in shown]) / np.percentile(whole.array, 99.5)
        Image.fromarray((255 * np.clip(row, 0, 1)).astype(np.uint8)).save(out / f"{name}.png")


def _ulf(path: Path) -> np.ndarray:
    """The one array of a MATLAB file."""
    return next(value for name, value in loadmat(path).items() if not name.startswith("_"))


if __name__ == "__main__":
    main()
