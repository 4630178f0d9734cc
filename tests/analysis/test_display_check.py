"""What the display check asks, against numbers made by hand or by the other way round."""

import numpy as np
import pytest
from scipy import integrate, stats

from analysis.display_check import CONTRASTS, GROUND, NEEDED, NOISE, PATCHES, SIZES, STEPS, faults, found, jnd_index

# PS3.14: luminance of a JND index; the coefficients a … m, of which b, d, f, h, k stand below the line.
ABOVE = (-1.3011877, 8.0242636e-2, 1.3646699e-1, -2.5468404e-2, 1.3635334e-3)
BELOW = (1, -2.5840191e-2, -1.0320229e-1, 2.8745620e-2, -3.1978977e-3, 1.2992634e-4)


def luminance_of(jnd: float) -> float:
    return 10 ** (np.polyval(ABOVE[::-1], np.log(jnd)) / np.polyval(BELOW[::-1], np.log(jnd)))


@pytest.mark.parametrize("jnd", [1, 10, 100, 476, 604, 1023])
def test_a_jnd_index_is_the_inverse_of_the_display_function(jnd):
    assert jnd_index(luminance_of(jnd)) == pytest.approx(jnd, abs=0.15)


def jnd_of_drive(percent: float) -> float:
    """On a display of 0.5 to 250 cd/m² with gamma 2.2."""
    return jnd_index(0.5 + 249.5 * (percent / 100) ** 2.2)


def test_borders_patches_and_discs_are_as_wide_as_is_said():
    drives = np.linspace(0, 100, STEPS)
    assert min(np.diff([jnd_of_drive(drive) for drive in drives])) == pytest.approx(19, abs=0.5)
    widths = [abs(jnd_of_drive(patch) - jnd_of_drive(ground)) for ground, patch in PATCHES.values()]
    assert widths == pytest.approx([18, 16], abs=0.5)
    assert jnd_of_drive(GROUND + min(CONTRASTS)) - jnd_of_drive(GROUND) == pytest.approx(6, abs=0.5)


def share_correct(sensitivity: float) -> float:
    """Of four places, the right one has the largest response."""
    return integrate.quad(lambda x: stats.norm.pdf(x - sensitivity) * stats.norm.cdf(x) ** 3, -8, sensitivity + 8)[0]


@pytest.mark.parametrize(("efficiency", "passing", "within"), [(0, 0.0028, 0.0001), (0.25, 0.99, 0.005)])
def test_so_many_checks_are_passed_by_guessing_and_by_people(efficiency, passing, within):
    distribution = np.ones(1)
    for size in SIZES:
        for contrast in CONTRASTS:
            correct = share_correct(np.sqrt(efficiency * np.pi / 4) * size * contrast / NOISE)
            distribution = np.convolve(distribution, [1 - correct, correct])
    assert distribution[NEEDED:].sum() == pytest.approx(passing, abs=within)


def test_every_fault_is_told():
    right = [(32, 3, 2, 2)] * NEEDED + [(4, 1, 2, 3)] * (12 - NEEDED)
    assert found(right) == NEEDED
    assert faults(missed=[], dark=True, bright=True, discs=right) == []
    assert faults(missed=[17], dark=False, bright=False, discs=right[1:]) == ["steps", "dark", "bright", "discs"]
