"""Radiomic features: pyradiomics' execute against processing.radiomics, same values asked for.

    python -m benchmarks.radiomics [--data DIR] [--case brain1] [--runs N]

Both compute the features of the same image in memory under pyradiomics' default settings, in turn in one process;
medians. 93: without shape, whose one C function both share. Without --data a synthetic volume of the size of
brain1 (256 × 256 × 25, 4,137 voxels).
"""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path
from statistics import median

import numpy as np
import SimpleITK
from radiomics.featureextractor import RadiomicsFeatureExtractor

from processing.radiomics.extraction import extract
from processing.radiomics.settings import CLASSES, read_settings

TEXTURE = {name: None for name in CLASSES if not name.startswith("shape")}


def main() -> None:
    """Print one line per set of features."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder that has radiomics/CASE_image.nrrd")
    parser.add_argument("--case", default="brain1")
    parser.add_argument("--runs", type=int, default=15)
    arguments = parser.parse_args()
    logging.getLogger("radiomics").setLevel(logging.CRITICAL + 1)
    if arguments.data:
        folder = arguments.data / "radiomics"
        image, mask = (
            SimpleITK.ReadImage(str(folder / f"{arguments.case}_{what}.nrrd")) for what in ("image", "label")
        )
    else:
        image, mask = _synthetic()
    print(f"{'features':>8} {'execute':>11} {'no info':>11} {'here':>11} {'faster':>7} {'max |Δ|':>9} {'relative':>9}")
    for given in (TEXTURE, {**TEXTURE, "shape": None}):
        _compare(image, mask, given, arguments.runs)


def _synthetic() -> tuple[SimpleITK.Image, SimpleITK.Image]:
    rng = np.random.default_rng(0)
    z, y, x = np.mgrid[:25, :256, :256].astype(float)
    array = 700 + 200 * np.sin(x / 9) * np.cos(y / 11) + rng.normal(0, 60, x.shape)
    distance = ((x - 185) / 23) ** 2 + ((y - 120) / 33) ** 2 + ((z - 14) / 3.5) ** 2
    inside = np.zeros(x.size, np.uint8)
    inside[np.argsort(distance, axis=None, kind="stable")[:4137]] = 1
    image = SimpleITK.GetImageFromArray(array.astype(np.int16))
    mask = SimpleITK.GetImageFromArray(inside.reshape(x.shape))
    for one in (image, mask):
        one.SetSpacing((0.78125, 0.78125, 6.5))
    return image, mask


def _compare(image: SimpleITK.Image, mask: SimpleITK.Image, given: dict[str, None], runs: int) -> None:
    extractor = RadiomicsFeatureExtractor({"featureClass": given})
    settings = read_settings({"featureClass": given})
    seconds: dict[str, list[float]] = {"execute": [], "no info": [], "here": []}
    for _ in range(runs):
        for name, times in seconds.items():
            extractor.addProvenance(name == "execute")
            start = time.perf_counter()
            if name == "here":
                ours = extract(image, mask, settings=settings)
            else:
                theirs = extractor.execute(image, mask)
            times.append(time.perf_counter() - start)
    pairs = [(row.value, float(theirs[f"original_{row.feature}"])) for row in ours.rows if row.value is not None]
    absolute = max(abs(a - b) for a, b in pairs)
    relative = max(abs(a - b) / max(abs(b), 1e-300) for a, b in pairs)
    times = {name: 1000 * median(one) for name, one in seconds.items()}
    shown = " ".join(f"{one:8.1f} ms" for one in times.values())
    print(f"{len(pairs):8} {shown} {times['execute'] / times['here']:6.1f}× {absolute:9.1e} {relative:9.1e}")


if __name__ == "__main__":
    main()
