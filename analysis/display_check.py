"""Is a display fit for reading? Patterns, what each asks of display, room and eyes, and when a check is passed.

The patterns follow the quality control image of AAPM: steps from black to white, a 5 % patch on black, a 95 % patch on
white, and discs of falling size and contrast in noise. All but the steps are answered by a quarter of the field, so
that an answer can be wrong and guessing shows. No luminance is measured: a person with a meter does that.

References
----------
.. [1] Samei E, et al. Assessment of display performance for medical imaging systems: executive summary of AAPM TG18
   report. Med Phys 2005;32:1205–1225 (TG18-QC: steps, 5 % and 95 % patches).
.. [2] Bevins NB, et al. Display quality assurance: the report of AAPM Task Group 270. 2019 (TG270-pQC; a check by eye
   before reading).
.. [3] DICOM PS3.14, Grayscale Standard Display Function: the JND index of a luminance.
"""

from collections.abc import Collection, Sequence

import numpy as np

STEPS = 18  # equal steps of drive from 0 to 100 %: as in TG18-QC, with one more at either end
PATCHES = {"dark": (0.0, 5.0), "bright": (100.0, 95.0)}  # % of full drive: ground, patch
SIZES = (32, 16, 8, 4)  # diameters of the discs, device pixels
CONTRASTS = (3, 2, 1)  # % of full drive above the ground
GROUND = 42.0  # % of full drive under the discs
NOISE = 3.0  # its standard deviation, % of full drive
# Of the twelve discs. Guessing finds as many in 3 of 1,000 checks; an observer who uses a quarter of what is there, as
# people do in white noise, finds ten, and eight or more in 99 of 100.
NEEDED = 8
_TO_JND = (71.498068, 94.593053, 41.912053, 9.8247004, 0.28175407, -1.1878455, -0.18014349, 0.14710899, -0.017046845)
Disc = Sequence[float]  # size, contrast, quarter, answer


def jnd_index(luminance: float) -> float:
    """Number of just noticeable differences from 0.05 cd/m² to a luminance.

    Parameters
    ----------
    luminance : float
        In cd/m², 0.05 to 4000.

    Returns
    -------
    float
        The JND index, 1 at 0.05 cd/m² and 1023 near 4000 cd/m².

    Notes
    -----
    The inverse of the Grayscale Standard Display Function as DICOM PS3.14 prints it: a polynomial of degree eight in
    the decimal logarithm of luminance. One index is what an average observer just tells apart, in a test of the
    standard's own kind.

    Examples
    --------
    >>> from analysis.display_check import jnd_index
    >>> round(jnd_index(0.05)), round(jnd_index(100)), round(jnd_index(250))
    (1, 476, 604)
    """
    return float(np.polynomial.polynomial.polyval(np.log10(luminance), _TO_JND))


def found(discs: Collection[Disc]) -> int:
    """How many discs were looked for in the right quarter.

    Parameters
    ----------
    discs : collection of (size, contrast, quarter, answer)
        The quarter (1 to 4) in which each disc was, and the one that was answered.

    Returns
    -------
    int
        Number of discs whose answer is their quarter.

    Examples
    --------
    >>> from analysis.display_check import found
    >>> found([(32, 3, 1, 1), (16, 3, 2, 4), (8, 3, 3, 1)])
    1
    """
    return sum(quarter == answer for _, _, quarter, answer in discs)


def faults(*, missed: Collection[int], dark: bool, bright: bool, discs: Collection[Disc]) -> list[str]:
    """What of a check was not seen as a reading wants it.

    Parameters
    ----------
    missed : collection of int
        Borders between luminance steps that were not seen.
    dark, bright : bool
        Whether the 5 % and the 95 % patch were found.
    discs : collection of (size, contrast, quarter, answer)
        As `found` takes them.

    Returns
    -------
    list of str
        Of ``steps``, ``dark``, ``bright`` and ``discs`` those that failed; empty where the display is fit.

    Notes
    -----
    Every border must be seen, both patches found, and ``NEEDED`` of the discs. On a display of 0.5 to 250 cd/m² with
    gamma 2.2 each border is at least 19 JND, the patches are 18 and 16 JND and a disc of 1 % is 6 JND, before the
    noise: who misses one looks at another display, or in brighter light.

    Examples
    --------
    >>> from analysis.display_check import faults
    >>> seen = [(32, 3, 1, 1)] * 8
    >>> faults(missed=[], dark=True, bright=True, discs=seen)
    []
    >>> faults(missed=[1], dark=False, bright=True, discs=seen[:7])
    ['steps', 'dark', 'discs']
    """
    failed = {"steps": bool(missed), "dark": not dark, "bright": not bright, "discs": found(discs) < NEEDED}
    return [name for name, fails in failed.items() if fails]
