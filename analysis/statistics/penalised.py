"""Cumulative logit models by penalised likelihood, many data sets of one design at once.

The penalty is Jeffreys' prior, half the log determinant of the expected information, with which Firth (1993) takes the
first-order bias out of a logistic regression, and Heinze and Schemper (2002) get finite estimates where answers are
separated: no determinant is left where a parameter runs off to infinity. With more than two categories the estimates
are as finite, but what is taken out is not exactly the bias (Kosmidis 2014 has the adjusted scores for that).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

FIRTH = 0.5
STEPS = 200
LONGEST = 2.0  # of one step in a parameter: log odds
CLOSE = 1e-8
SINGULAR = 1e10  # condition of the information from which on parameters cannot be told apart


class Fits(NamedTuple):
    """One row per data set: estimates (NaN where there is no maximum) and their expected information."""

    parameters: Floats
    information: Floats


def fit(cuts: Floats, counts: Floats, start: Floats, *, penalty: float = FIRTH) -> Fits:
    """Maximum of log L + ``penalty`` · log det I over the parameters, by Fisher scoring with halved steps.

    cuts: classes × cuts × parameters, of which logit P(answer ≤ cut) is the product with the parameters; counts: data
    sets × classes × categories; start: parameters from which the cuts ascend. ``penalty`` ½ is Firth's, 0 gives plain
    maximum likelihood.

    Source: Firth, Biometrika 1993;80:27–38; Heinze & Schemper, Stat Med 2002;21:2409–2419; Kosmidis, J R Stat Soc B
    2014;76:169–196.
    """
    sets = counts.shape[0]
    parameters = np.tile(start, (sets, 1))
    found = np.full_like(parameters, np.nan)
    information = np.full((sets, start.size, start.size), np.nan)
    left = np.arange(sets)
    now = _State.at(cuts, counts, parameters, penalty)
    for _ in range(STEPS):
        fine = np.isfinite(now.height)
        if penalty == 0:  # else the penalty keeps the information from becoming singular
            fine &= np.linalg.cond(now.information) < SINGULAR
        left, parameters, now = left[fine], parameters[fine], now.only(fine)
        if not left.size:
            break
        step = np.linalg.solve(now.information, now.slope[..., None])[..., 0]
        step *= np.minimum(1.0, LONGEST / np.maximum(np.abs(step).max(axis=1, keepdims=True), CLOSE))
        tried = _State.at(cuts, counts[left], parameters + step, penalty)
        while (worse := ~(tried.height >= now.height - 1e-9 * np.abs(now.height))).any():
            step[worse] /= 2
            if np.abs(step[worse]).max() < CLOSE / 1e4:
                break
            tried = tried.replaced(worse, _State.at(cuts, counts[left[worse]], (parameters + step)[worse], penalty))
        parameters, now = parameters + step, tried
        done = np.abs(step).max(axis=1) < CLOSE
        found[left[done]], information[left[done]] = parameters[done], now.information[done]
        left, parameters, now = left[~done], parameters[~done], now.only(~done)
    return Fits(found, information)


class _State(NamedTuple):
    """Penalised log likelihood (−∞ where undefined), its slope, and the expected information, at some parameters."""

    height: Floats
    slope: Floats
    information: Floats

    @classmethod
    def at(cls, cuts: Floats, counts: Floats, parameters: Floats, penalty: float) -> "_State":
        classes, places, size = cuts.shape
        flat = cuts.reshape(-1, size)
        logits = (parameters @ flat.T).reshape(-1, classes, places)
        below, above = special.expit(logits), special.expit(-logits)
        density = below * above
        gap = logits[..., 1:] - logits[..., :-1]
        n = counts.sum(axis=2)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            # P(answer) = P(≤ upper cut) · P(> lower cut) · (1 − exp(−gap)): no difference of two shares near 1
            log_share = _ended(np.log(-np.expm1(-gap)))
            log_share[..., :-1] += np.log(below)
            log_share[..., 1:] += np.log(above)
            height = np.where(counts > 0, counts * log_share, 0.0).sum(axis=(1, 2))
            share = np.exp(log_share)
            odds = _ended(1 / np.expm1(gap))
            pull = counts[..., :-1] * (above + odds[..., :-1]) - counts[..., 1:] * (below + odds[..., 1:])
            sign = np.eye(places + 1, places) - np.eye(places + 1, places, -1)
            change = sign * density[..., None, :]  # of the share of each category with each cut
            rows = ((change * np.sqrt(n[..., None] / share)[..., None]) @ cuts).reshape(len(logits), -1, size)
            information = np.swapaxes(rows, 1, 2) @ rows
            sound = np.isfinite(information).all(axis=(1, 2)) & (gap > 0).all(axis=(1, 2))
            information[~sound] = np.eye(size)
            if penalty:
                determinant, log_determinant = np.linalg.slogdet(information)
                sound &= determinant > 0
                information[~sound] = np.eye(size)
                height = height + penalty * log_determinant
                turned = change @ (cuts @ np.linalg.inv(information)[:, None] @ np.swapaxes(cuts, 1, 2))
                worth = (turned * change).sum(axis=3) / share
                bend = density * (above - below)
                bent = 2 * bend[..., None, :] * turned - worth[..., None] * density[..., None, :]
                pull = pull + penalty * n[..., None] * (sign * bent / share[..., None]).sum(axis=2)
        slope = pull.reshape(len(logits), -1) @ flat
        sound &= np.isfinite(slope).all(axis=1)
        return cls(np.where(sound, height, -np.inf), slope, information)

    def only(self, keep: NDArray[np.bool_]) -> "_State":
        return _State(self.height[keep], self.slope[keep], self.information[keep])

    def replaced(self, places: NDArray[np.bool_], by: "_State") -> "_State":
        for whole, part in zip(self, by, strict=True):
            whole[places] = part
        return self


def _ended(between: Floats) -> Floats:
    """Values between cuts with a 0 before and after: the lowest and the highest category have one cut."""
    ended = np.zeros((*between.shape[:-1], between.shape[-1] + 2))  # np.pad takes longer than all else here
    ended[..., 1:-1] = between
    return ended
