"""Denoising of held-out series: the shipped model against classical methods and other networks.

    python -m benchmarks.denoising [--data DIR] [--slices N] [--model NAME] [--peer DIR …] [--markdown FILE]
                                   [--json FILE] [--write]

Rician noise of 3, 5 and 10 % of the 99.9th percentile is added to series of subjects that training did not see.
Every opponent gets the true noise level; those marked “unbiased” also the correction of the Rician bias (the
square root of x² − σ², Nowak 1999). The model estimates the level itself, and once more is told it. PSNR and SSIM
as in processing.metrics.quality, of the whole slices and their foreground, range: maximum of the truth, and 2¹⁶ as in
Moummad et al. BM3D takes part where the package bm3d is installed; --peer adds what benchmarks.train_peers trained.
Rows that stand in --json already are not measured again: throw the file away when a network or a method changes.
--write keeps the means of each group in the folder of the model and on its card.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import ndimage
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle, denoise_wavelet

from processing import series
from processing.enhancement import figures
from processing.enhancement.enhance import DEFAULT_MODEL, enhance
from processing.enhancement.networks.store import folder_of, read_identity
from processing.metrics.quality import compare
from processing.noise import add_complex_noise, estimate_noise
from processing.simulate.phantom import acquire, make_subject, protocol_for
from processing.volume import Volume

LEVELS = (0.03, 0.05, 0.10)
REAL = {
    "brain": {
        "T1 (open_ms 20)": "training/open_ms/patient20/study2_T1W.nii.gz",
        "FLAIR (open_ms 09)": "training/open_ms/patient09/study2_FLAIR.nii.gz",
        "T1 (pyradiomics)": "radiomics/brain1_image.nrrd",
        "T1 sagittal (Siemens)": "dicom/siemens_prisma_sag_t1_HFS",
        "PD oblique (GE)": "dicom/ge_signa_fse_pd_oblique",
    },
    "spine": {"T2* axial (SCT)": "nifti_spine/t2s/t2s_uncropped.nii.gz"},
}
LIMBS = {  # and trunk walls, with a sarcoma; for this benchmark alone, as the others are of heads and spines
    f"T1 (STS {number:03})": f"more/sts_limb_T1/STS_{number:03}_MR_T1_image.nii.gz"
    for number in (1, 4, 5, 10, 28, 34, 36, 38)
}
PHANTOM = "spine, synthetic"
BM3D = "BM3D unbiased"
TOLD = ", told the noise"
EXACT = ", in float32"
WIDE = 2.0**16


@dataclass(frozen=True)
class Sample:
    """A truth with one more slice at either end, as neighbours; only what lies between is judged.

    sigma: of the noise that was added; own: of the truth's own noise as far as it can be estimated, as a fraction of
    the 99.9th percentile.
    """

    group: str
    name: str
    truth: Volume
    noisy: Volume
    sigma: float
    own: float

    def inner(self, array: np.ndarray) -> Volume:
        """Those slices of an array of the whole sample, or of just them."""
        inside = array if len(array) == self.truth.shape[0] - 2 else array[1:-1]
        return replace(self.truth, array=np.asarray(inside, np.float32))


Method = Callable[[Sample], np.ndarray]


def main() -> None:
    """Print one line per series, noise level and method; write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("READERSTUDY_DATA", "../shared/data")))
    parser.add_argument("--slices", type=int, default=5, help="per series, around its middle")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--peer", type=Path, action="append", default=[], help="folder of another trained model")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file")
    parser.add_argument("--json", type=Path, help="file of every number: those of before, and the new ones")
    parser.add_argument("--write", action="store_true", help="keep the means in the folder of the model")
    arguments = parser.parse_args()
    rows: list[dict] = []
    known = json.loads(arguments.json.read_text()) if arguments.json and arguments.json.exists() else []
    before = {_key(row): row for row in known}
    methods, loaded = _methods(arguments.model, arguments.peer), set[str]()
    print(f"{'series':28} {'noise':>5} {'method':24} {'PSNR':>6} {'fg':>6} {'SSIM':>6} {'fg':>6} {'ms/slice':>8}")
    for sample, level in _samples(arguments.data, arguments.slices):
        for name, method in methods.items():
            row = before.get((sample.group, sample.name, level, name))
            if row is None:
                if name not in loaded:
                    method(sample)  # loads libraries and weights
                    loaded.add(name)
                row = _measured(sample, level, name, method)
            rows.append(row)
            _say(row)
        if arguments.json:
            arguments.json.write_text(
                json.dumps([*(before | {_key(row): row for row in rows}).values()], indent=1) + "\n"
            )
    if arguments.markdown:
        arguments.markdown.write_text(_document(rows, arguments, list(methods)))
    if arguments.write:
        figures.write(folder_of(arguments.model), on_card(rows, arguments.model), _command(arguments))


def _key(row: dict) -> tuple[str, str, float, str]:
    return row["group"], row["series"], row["noise"], row["method"]


def _command(arguments: argparse.Namespace) -> str:
    peers = "".join(f" --peer {read_identity(peer).name}" for peer in arguments.peer)
    return f"python -m benchmarks.denoising --slices {arguments.slices}{peers} --markdown docs/denoising.md"


def on_card(rows: Sequence[dict], model: str) -> list[dict]:
    """Means in dB before and after the model, by group and level."""
    found = []
    for group, noise in dict.fromkeys((row["group"], row["noise"]) for row in rows):
        row: dict = {"name": f"{group} at {100 * noise:g} %"}
        for kind, method in (("input", "noisy"), ("output", model)):
            some = [r for r in rows if (r["group"], r["noise"], r["method"]) == (group, noise, method)]
            row[kind] = round(statistics.fmean(r["psnr"] for r in some), 2)
            row[f"{kind}_foreground"] = round(statistics.fmean(r["foreground_psnr"] for r in some), 2)
        found.append(row)
    return found


def _samples(data: Path, count: int) -> Iterator[tuple[Sample, float]]:
    for group, name, truth in [*truths(data, count), *limbs(data, count)]:
        scale = float(np.percentile(truth.array, 99.9))
        own = 0.0 if group == PHANTOM else estimate_noise(truth.array).sigma / scale
        for level in LEVELS:
            rng, sigma = np.random.default_rng(1), level * scale
            noisy = np.stack([add_complex_noise(slice_, sigma, rng)[0] for slice_ in truth.array])
            yield Sample(group, name, truth, truth.with_array(noisy), sigma, own), level


def truths(data: Path, count: int) -> Iterator[tuple[str, str, Volume]]:
    """`count` slices around the middle and one more at either end; the phantom's are free of noise."""
    for group, paths in REAL.items():
        yield from _real(data, count, group, paths)
    for name in ("sag-t2", "ax-t2"):
        protocol = replace(protocol_for(name), slices=min(count, 5) + 2, noise=0.0)
        yield PHANTOM, name, acquire(make_subject(202), protocol, 1)


def limbs(data: Path, count: int) -> Iterator[tuple[str, str, Volume]]:
    """The same of limbs, which no training saw."""
    yield from _real(data, count, "limb", LIMBS)


def _real(data: Path, count: int, group: str, paths: dict[str, str]) -> Iterator[tuple[str, str, Volume]]:
    for name, path in paths.items():
        if not (data / path).exists():
            print(f"{group} {name}: not here ({path}), left out", file=sys.stderr)
            continue
        volume = series.read(data / path)
        start = max((volume.shape[0] - count - 2) // 2, 0)
        yield group, name, replace(volume, array=volume.array[start : start + count + 2])


def _methods(model: str, peers: Sequence[Path]) -> dict[str, Method]:
    methods: dict[str, Method] = {
        "noisy": lambda s: s.inner(s.noisy.array).array,
        model: lambda s: enhance(s.noisy, model=model).volume.array,
        model + TOLD: lambda s: enhance(s.noisy, model=model, noise_sigma=s.sigma).volume.array,
        model + EXACT: lambda s: enhance(s.noisy, model=model, precision="float32").volume.array,
    }
    for peer in peers:
        methods[read_identity(peer).name] = lambda s, peer=peer: enhance(s.noisy, model=peer).volume.array
    methods |= {
        "median 3 × 3": _each(lambda image, sigma: ndimage.median_filter(image, 3)),
        "wavelet unbiased": _each(_unbiased(_wavelet)),
        "total variation unbiased": _each(_unbiased(_total_variation)),
        "NLM unbiased": _each(_unbiased(_nlm)),
    }
    if importlib.util.find_spec("bm3d"):
        methods |= {"BM3D": _each(_bm3d), BM3D: _each(_unbiased(_bm3d))}
    return methods


Filter = Callable[[np.ndarray, float], np.ndarray]


def _each(filter_: Filter) -> Method:
    return lambda s: np.stack([filter_(image, s.sigma) for image in s.inner(s.noisy.array).array])


def _unbiased(filter_: Filter) -> Filter:
    return lambda image, sigma: np.sqrt(np.maximum(filter_(image, sigma).astype(np.float64) ** 2 - sigma**2, 0))


def _wavelet(image: np.ndarray, sigma: float) -> np.ndarray:
    """BayesShrink (Chang et al. 2000) on db4."""
    return denoise_wavelet(image.astype(np.float64), sigma=sigma, wavelet="db4", method="BayesShrink", mode="soft")


def _total_variation(image: np.ndarray, sigma: float) -> np.ndarray:
    """Chambolle 2004; the weight that was best on the training's validation slices."""
    return denoise_tv_chambolle(image.astype(np.float64) / sigma, weight=0.6) * sigma


def _nlm(image: np.ndarray, sigma: float) -> np.ndarray:
    return denoise_nl_means(image, patch_size=5, patch_distance=6, h=0.8 * sigma, sigma=sigma, fast_mode=True)


def _bm3d(image: np.ndarray, sigma: float) -> np.ndarray:
    import bm3d

    return bm3d.bm3d(image.astype(np.float64), sigma_psd=sigma)


def _measured(sample: Sample, level: float, name: str, method: Method) -> dict:
    seconds = []
    while sum(seconds) < 1 and len(seconds) < 5:  # what is short is repeated, as machines are noisy
        started = time.perf_counter()
        output = method(sample)
        seconds.append(time.perf_counter() - started)
    truth, test = sample.inner(sample.truth.array), sample.inner(output)
    found, wide = compare(truth, test), compare(truth, test, data_range=WIDE)
    return {
        "group": sample.group,
        "series": sample.name,
        "own_noise": sample.own,
        "noise": level,
        "method": name,
        "psnr": found.volume["psnr"],
        "foreground_psnr": found.foreground["psnr"],
        "ssim": found.volume["ssim"],
        "foreground_ssim": found.foreground["ssim"],
        "wide_psnr": wide.volume["psnr"],
        "wide_ssim": wide.volume["ssim"],
        "seconds": statistics.median(seconds) / len(output),
        "pixels": int(np.prod(truth.shape[1:])),
    }


def _say(row: dict) -> None:
    print(
        f"{row['group'] + ' ' + row['series']:28.28} {100 * row['noise']:4.0f}% {row['method']:24} {row['psnr']:6.2f} "
        f"{row['foreground_psnr']:6.2f} {row['ssim']:6.3f} {row['foreground_ssim']:6.3f} {1e3 * row['seconds']:8.0f}",
        flush=True,
    )


def _document(rows: list[dict], arguments: argparse.Namespace, methods: Sequence[str]) -> str:
    """The tables: what was gained over BM3D, every method by group, every series."""
    sizes = {name: _parameters(name, arguments) for name in methods}
    parts = [
        "# Denoising: the shipped model and others",
        f"Made by `{_command(arguments)}`. "
        "Series of subjects that training never saw, with Rician noise of the given standard deviation (% of the "
        "99.9th percentile). Every classical method is told the true noise level; “unbiased” ones also get the Rician "
        "bias taken off. The networks estimate the level unless a row says that it was told, and clean each slice and "
        "its mirror image; they compute in what is fastest here unless a row says float32. Range of PSNR (dB) and "
        "SSIM: maximum of the truth; the two last columns use 2¹⁶ as in Moummad et al. (2022), which inflates both. "
        "Brains: five subjects. Spine: one subject, two phantoms. Limbs: eight subjects, resampled, so that their own "
        "noise is smooth; no real lumbar series is here. Descriptive, not a proof. A truth has noise of its "
        "own, which counts as error of whoever takes it away with the rest; the column gives its estimate. Times are "
        "of one run, and double where the machine does other work beside.",
    ]
    for peer in arguments.peer:
        report = json.loads((peer / "metrics.json").read_text())
        parts.append(
            f"`{read_identity(peer).name}` was trained by `benchmarks.train_peers` for {report['steps']:,} steps on "
            f"{len(report['volumes']['train'])} volumes, which may be far from all it can reach."
        )
    if BM3D in methods:
        parts += ["## Against unbiased BM3D that knows the noise", _gains(rows, arguments.model)]
    parts.append(estimated(arguments.data, arguments.slices, arguments.model))
    for group in dict.fromkeys(row["group"] for row in rows):
        parts += [f"## {group.capitalize()}", _group(rows, group, sizes)]
    return "\n\n".join(parts) + "\n"


def estimated(data: Path, count: int, model: str) -> str:
    """How far the estimated noise is from what was added, and what an undegraded series is changed by."""
    lines = [
        "## The estimated noise, and series to which none was added",
        "",
        "Estimate over truth, without and with the truth's own noise, which a zeroed background does not have. Change: "
        "root mean square, % of the 99.9th percentile, of a series to which no noise was added. Below 2.6 % of noise "
        "it is kept to 0.3 %, but tissue with more noise does not come out with less, which counts for more. In air it "
        "does: there the network leaves almost nothing once all is taken off.",
        "",
        "| series | truth's own noise | 3 % | 5 % | 10 % | undegraded: changed by | with its noise stated |",
        "|---|---|---|---|---|---|---|",
    ]
    for group, name, truth in [*truths(data, count), *limbs(data, count)]:
        scale = float(np.percentile(truth.array, 99.9))
        found = estimate_noise(truth.array).sigma
        own = 0.0 if group == PHANTOM else found
        ratios = []
        for level in LEVELS:
            rng, sigma = np.random.default_rng(1), level * scale
            noisy = np.stack([add_complex_noise(slice_, sigma, rng)[0] for slice_ in truth.array])
            sigmas = estimate_noise(noisy).sigma / np.array([sigma, np.hypot(sigma, own)])
            ratios.append(" / ".join(f"{ratio:.2f}" for ratio in sigmas))
        changes = [
            100 / scale * float(np.sqrt(np.mean((made - truth.array) ** 2)))
            for made in (enhance(truth, model=model, noise_sigma=sigma).volume.array for sigma in (None, found))
        ]
        cells = [f"{100 * own / scale:.1f} %", *ratios, *(f"{c:.2f} %" for c in changes)]
        lines.append(f"| {group} {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _parameters(name: str, arguments: argparse.Namespace) -> str:
    models = {arguments.model: folder_of(arguments.model)} | {read_identity(p).name: p for p in arguments.peer}
    folder = models.get(name.removesuffix(TOLD).removesuffix(EXACT))
    return f"{json.loads((folder / 'metrics.json').read_text())['parameters']:,}" if folder else ""


def _gains(rows: list[dict], model: str) -> str:
    """Model minus BM3D, series by series, and the mean of each group."""
    lines = [
        "| series | truth's own noise | noise | whole dB | foreground dB | SSIM | foreground SSIM | told: whole dB "
        "| told: foreground dB | times faster |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    by = {(row["group"], row["series"], row["noise"], row["method"]): row for row in rows}
    gains: dict[tuple[str, float], list[list[float]]] = {}
    for group, name, noise, method in by:
        if method != BM3D:
            continue
        theirs, ours, told = (by[group, name, noise, kind] for kind in (BM3D, model, model + TOLD))
        gain = [ours[key] - theirs[key] for key in ("psnr", "foreground_psnr", "ssim", "foreground_ssim")]
        gain += [told[key] - theirs[key] for key in ("psnr", "foreground_psnr")]
        gain.append(theirs["seconds"] / ours["seconds"])
        gains.setdefault((group, noise), []).append(gain)
        lines.append(_gain(f"{group} {name} | {100 * theirs['own_noise']:.1f} %", noise, gain))
    for (group, noise), several in gains.items():
        if len(several) > 1:
            mean = [statistics.fmean(column) for column in zip(*several, strict=True)]
            lines.append(_gain(f"{group}, mean of {len(several)} |", noise, mean))
    return "\n".join(lines)


def _gain(name: str, noise: float, gain: Sequence[float]) -> str:
    cells = [f"{d:+.{places}f}" for d, places in zip(gain, (2, 2, 3, 3, 2, 2), strict=False)]
    return f"| {name} | {100 * noise:g} % | " + " | ".join([*cells, f"{gain[-1]:.0f}"]) + " |"


def _group(rows: list[dict], group: str, sizes: dict[str, str]) -> str:
    lines = [
        "| noise | method | PSNR | foreground PSNR | SSIM | foreground SSIM | ms per 256² | parameters "
        "| PSNR, 2¹⁶ | SSIM, 2¹⁶ |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for noise in LEVELS:
        for method, size in sizes.items():
            chosen = [r for r in rows if (r["group"], r["noise"], r["method"]) == (group, noise, method)]
            mean = {
                key: statistics.fmean(r[key] for r in chosen)
                for key in ("psnr", "foreground_psnr", "ssim", "foreground_ssim", "wide_psnr", "wide_ssim")
            }
            pace = statistics.median(1e3 * r["seconds"] * 256**2 / r["pixels"] for r in chosen)
            lines.append(
                f"| {100 * noise:g} % | {method} | {mean['psnr']:.2f} | {mean['foreground_psnr']:.2f} "
                f"| {mean['ssim']:.3f} | {mean['foreground_ssim']:.3f} | {pace:.0f} | {size} "
                f"| {mean['wide_psnr']:.1f} | {mean['wide_ssim']:.4f} |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
