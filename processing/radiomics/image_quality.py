"""Two image-quality features of Moummad et al. 2022: high over low wavelet frequencies, of the image and of the volume.

The paper says no more than that ratio, "local" in the volume of interest and "global" in the whole image; in the
published workbook the global one is the same for every lesion of an image. Here: one level of the stationary transform,
the energy (sum of squares) of the seven bands with a high pass over that of the low-pass band; the local one sums over
the voxels of the volume. Wavelet (`iqWavelet`), level and norm are ours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK
from radiomics import imageoperations

from processing.volume import Array


def wavelet_ratios(image: SimpleITK.Image, inside: Array, *, names: list[str], wavelet: str) -> dict[str, float]:
    """`global` and `local` as asked for, of an image without NaN; NaN where the low-pass band is empty."""
    energy = {name: [0.0, 0.0] for name in names}
    bands: Any = imageoperations.getWaveletImage(image, None, wavelet=wavelet)
    for filtered, kind, _ in bands:
        squares = np.square(SimpleITK.GetArrayViewFromImage(filtered), dtype=np.float64)
        low = set(kind.rpartition("-")[2]) == {"L"}
        for name in names:
            energy[name][low] += float(squares.sum() if name == "global" else squares[inside].sum())
    return {name: high / low if low else np.nan for name, (high, low) in energy.items()}
