"""From intensities to the greys of a screen."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

FUNCTIONS = ("linear", "linear-exact", "sigmoid")


def windowed(values: np.ndarray, *, centre: float, width: float, function: str = "linear") -> np.ndarray:
    """Map intensities through a window to 8 bits.

    Parameters
    ----------
    values : ndarray
        Intensities, any shape.
    centre, width : float
        Of the window, in the unit of the values; width from 1 (linear), or above 0.
    function : str
        One of `FUNCTIONS`.

    Returns
    -------
    ndarray of uint8
        0 at the dark end and below, 255 at the bright end and above.

    References
    ----------
    DICOM PS3.3 C.11.2.1.2 (VOI LUT Function LINEAR, LINEAR_EXACT, SIGMOID).

    Examples
    --------
    >>> windowed(np.array([0, 50, 100]), centre=50.5, width=101).tolist()
    [0, 128, 255]
    """
    if function == "sigmoid":
        share = expit(4 * (values - centre) / width)
    elif function == "linear-exact":
        share = (values - centre) / width + 0.5
    elif width == 1:
        share = (values > centre - 0.5).astype(float)
    else:
        share = (values - (centre - 0.5)) / (width - 1) + 0.5
    return np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
