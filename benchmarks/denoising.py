"""Denoising of held-out series: the shipped model against non-local means and BM3D.

    python -m benchmarks.denoising [--data DIR] [--slices N] [--model NAME] [--json FILE]

Rician noise of 3, 5 and 10 % of the 99.9th percentile is added to series of subjects that training did not
see. The opponents get the true noise level and Rician bias correction (the square root of x² − σ², Nowak 1999);
the model estimates the level itself. PSNR and SSIM as in processing.quality (range: maximum of the truth), for
the whole series and its foreground. BM3D takes part where the package bm3d is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from skimage.restoration import denoise_nl_means

from processing import series
from processing.enhance import DEFAULT_MODEL, enhance
from processing.noise import add_complex_noise
from processing.phantom import acquire, make_subject, protocol_for
from processing.quality import compare
from processing.volume import Volume

LEVELS = (0.03, 0.05, 0.10)
REAL = {
    "brain T1 (open_ms 20)": "training/open_ms/patient20/study2_T1W.nii.gz",
    "brain FLAIR (open_ms 09)": "training/open_ms/patient09/study2_FLAIR.nii.gz",
    "brain T1 (pyradiomics)": "radiomics/brain1_image.nrrd",
    "spine T2* axial (SCT)": "nifti_spine/t2s/t2s_uncropped.nii.gz",
    "brain T1 sagittal (Siemens)": "dicom/siemens_prisma_sag_t1_HFS",
    "brain PD oblique (GE)": "dicom/ge_signa_fse_pd_oblique",
}


def main() -> None:
    """Print one line per series, noise level and method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("READERSTUDY_DATA", "../shared/data")))
    parser.add_argument("--slices", type=int, default=5, help="per series, around its middle")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = []
    print(f"{'series':28} {'noise':>5} {'method':8} {'PSNR':>6} {'fg':>6} {'SSIM':>6} {'fg':>6} {'ms/slice':>8}")
    for name, truth in _series(arguments.data, arguments.slices):
        scale = float(np.percentile(truth.array, 99.9))
        for level in LEVELS:
            rng = np.random.default_rng(1)
            sigma = level * scale
            noisy = truth.with_array(np.stack([add_complex_noise(s, sigma, rng)[0] for s in truth.array]))
            for method, run in _methods(arguments.model).items():
                started = time.perf_counter()
                output = run(noisy, sigma)
                milliseconds = 1e3 * (time.perf_counter() - started) / truth.shape[0]
                found = compare(truth, truth.with_array(output))
                row = {
                    "series": name,
                    "noise": level,
                    "method": method,
                    "psnr": found.volume["psnr"],
                    "foreground_psnr": found.foreground["psnr"],
                    "ssim": found.volume["ssim"],
                    "foreground_ssim": found.foreground["ssim"],
                    "milliseconds": milliseconds,
                }
                rows.append(row)
                print(
                    f"{name:28} {100 * level:4.0f}% {method:8} {row['psnr']:6.2f} {row['foreground_psnr']:6.2f} "
                    f"{row['ssim']:6.3f} {row['foreground_ssim']:6.3f} {milliseconds:8.0f}",
                    flush=True,
                )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


def _series(data: Path, count: int) -> Iterator[tuple[str, Volume]]:
    """Named truths, cut to `count` slices around the middle; the phantom's is free of noise."""
    for name, path in REAL.items():
        if not (data / path).exists():
            print(f"{name}: not here ({path}), left out", file=sys.stderr)
            continue
        volume = series.read(data / path)
        start = max((volume.shape[0] - count) // 2, 0)
        yield name, replace(volume, array=volume.array[start : start + count])
    for name in ("sag-t2", "ax-t2"):
        protocol = replace(protocol_for(name), slices=min(count, 5), noise=0.0)
        yield f"spine {name} (phantom)", acquire(make_subject(202), protocol, 1)


def _methods(model: str) -> dict[str, Callable[[Volume, float], np.ndarray]]:
    methods: dict[str, Callable[[Volume, float], np.ndarray]] = {
        "noisy": lambda noisy, sigma: noisy.array,
        "model": lambda noisy, sigma: enhance(noisy, model=model).volume.array,
        "NLM": lambda noisy, sigma: np.stack([_unbiased(_nlm(s, sigma), sigma) for s in noisy.array]),
    }
    if importlib.util.find_spec("bm3d"):
        methods["BM3D"] = lambda noisy, sigma: np.stack([_unbiased(_bm3d(s, sigma), sigma) for s in noisy.array])
    return methods


def _unbiased(slice_: np.ndarray, sigma: float) -> np.ndarray:
    return np.sqrt(np.maximum(slice_.astype(np.float64) ** 2 - sigma**2, 0))


def _nlm(slice_: np.ndarray, sigma: float) -> np.ndarray:
    return denoise_nl_means(slice_, patch_size=5, patch_distance=6, h=0.8 * sigma, sigma=sigma, fast_mode=True)


def _bm3d(slice_: np.ndarray, sigma: float) -> np.ndarray:
    import bm3d

    return bm3d.bm3d(slice_.astype(np.float64), sigma_psd=sigma)


if __name__ == "__main__":
    main()
