"""Cumulative logit mixed models by maximum likelihood (``mixed_likelihood`` has the integrals)."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from analysis.statistics.mixed_likelihood import Answers, Floats, Likelihood

NODES = 15  # of the quadrature of one factor
FIRST_SD = 0.7
SMALL_SD = 0.3  # below it 0 is tried in its place
RISE = 0.05
FLAT = 1e-5  # of two log likelihoods
FAR = 25.0  # log odds: an estimate or an error beyond has run off to infinity
DIFFERENCE = 1e-4
CLOSE = 1e-8
SOME_GAIN = 1e-5  # of a linear programme: beyond what its solver takes for 0
POLISHING = 5
RUNAWAY = "no finite maximum: the answers are separated"
NONE_FOUND = "no maximum of the likelihood was found"


@dataclass(frozen=True)
class MixedFit:
    """The maximum of the likelihood; ``reason`` says why there is none.

    ``cuts`` (the parameters of the thresholds), ``effects`` (β), ``sds`` (σ, 0 of a factor without variance: a singular
    fit) and ``log_likelihood``; ``covariance`` is that of cuts, effects and the σ that are not 0, in this order.
    """

    cuts: Floats
    effects: Floats
    sds: Floats
    log_likelihood: float
    covariance: Floats
    reason: str | None = None


def fit(answers: Answers, *, nodes: int = NODES) -> MixedFit:
    """Maximum likelihood, by quasi-Newton steps on the exact gradient and Newton steps at the end.

    ``nodes`` of the quadrature where there is one factor; two are integrated by Laplace's approximation. A factor
    without which the likelihood is as high has the SD 0, and the others are fitted without it. No fit where an estimate
    runs off to infinity: where answers are separated that is known before anything is fitted.

    Source: Tutz & Hennevogl, Comput Stat Data Anal 1996;22:537–557; Pinheiro & Bates, J Comput Graph Stat 1995;4:12–35.
    """
    parts = np.cumsum([answers.cuts.shape[1], answers.covariates.shape[1]])
    if separated(answers):
        return _none(np.empty(parts[1] + len(answers.levels)), parts, RUNAWAY)
    likelihood = Likelihood(answers, nodes)
    found = _climbed(likelihood, FIRST_SD)
    if any(_rises(likelihood, found, at) for at in range(parts[1], found.size) if found[at] < SMALL_SD):
        # the slope in the log of an SD is flat at 0: steps that went too far do not come back
        found = max(found, _climbed(likelihood, SMALL_SD), key=lambda one: likelihood(one)[0])
    for factor, sd in enumerate(found[parts[1] :]):
        flat = _with_sd(found, parts[1] + factor, 0.0)
        if sd < SMALL_SD and likelihood(flat)[0] >= likelihood(found)[0] - FLAT:
            without = fit(answers.without(factor), nodes=nodes)
            return replace(without, sds=np.insert(without.sds, factor, 0.0))
    for _ in range(POLISHING):
        hessian = _hessian(likelihood, found)
        if np.abs(found).max() > FAR:
            return _none(found, parts, RUNAWAY)
        if not np.isfinite(hessian).all() or np.linalg.eigvalsh(hessian).max() >= 0:
            return _none(found, parts, NONE_FOUND)
        value, slope = likelihood(found)
        step = np.linalg.solve(hessian, slope)
        if np.abs(step).max() < CLOSE or likelihood(found - step)[0] < value:
            break
        found = found - step
    covariance = np.asarray(np.linalg.inv(-hessian), dtype=np.float64)
    if np.sqrt(np.diag(covariance)).max() > FAR:
        return _none(found, parts, RUNAWAY)
    cuts, effects, sds = np.split(found, parts)
    return MixedFit(cuts, effects, sds, likelihood(found)[0], covariance)


def separated(answers: Answers) -> bool:
    """Whether cuts and effects can move for ever without making any answer less likely, and some more so.

    Random effects do not hinder that: it is so at each of their values, hence for the integral over them. A linear
    programme, as in Konis 2007.
    """
    kinds = np.unique(np.column_stack([answers.category, answers.covariates]), axis=0)
    category, covariates = kinds[:, 0].astype(np.intp), kinds[:, 1:]
    upper, lower = category < len(answers.cuts), category > 0  # the last category has no upper cut, the first no lower
    gains = np.concatenate(
        [
            np.column_stack([answers.cuts[category[upper]], -covariates[upper]]),
            -np.column_stack([answers.cuts[category[lower] - 1], -covariates[lower]]),
        ]
    )
    found = optimize.linprog(-gains.sum(axis=0), A_ub=-gains, b_ub=np.zeros(len(gains)), bounds=(-1, 1))
    return bool(-found.fun > SOME_GAIN)


def _with_sd(found: Floats, at: int, sd: float) -> Floats:
    changed = found.copy()
    changed[at] = sd
    return changed


def _rises(likelihood: Likelihood, found: Floats, at: int) -> bool:
    """Whether the likelihood rises from an SD that was found to a larger one."""
    return likelihood(_with_sd(found, at, found[at] + RISE))[0] > likelihood(found)[0]


def _none(found: Floats, parts: NDArray[np.intp], reason: str) -> MixedFit:
    none = np.full_like(found, np.nan)
    cuts, effects, sds = np.split(none, parts)
    return MixedFit(cuts, effects, sds, np.nan, np.full((none.size, none.size), np.nan), reason)


def _climbed(likelihood: Likelihood, first_sd: float) -> Floats:
    """The maximum from a start with these SDs: steps between cuts and SDs as logs, so that none leaves its range."""
    answers = likelihood.answers
    cuts, effects, factors = answers.cuts.shape[1], answers.covariates.shape[1], len(answers.levels)
    adding = np.eye(cuts + effects + factors)
    adding[:cuts, :cuts] = np.tri(cuts)
    logs = np.ones(len(adding), dtype=bool)
    logs[cuts : cuts + effects] = False
    if cuts == len(answers.cuts):  # flexible cuts: the first one may be negative
        logs[0] = False

    def parameters(raw: Floats) -> Floats:
        return np.asarray(adding @ np.where(logs, np.exp(np.where(logs, raw, 0.0)), raw))

    def lost(raw: Floats) -> tuple[float, Floats]:
        value, slope = likelihood(parameters(raw))
        return -value, -(slope @ adding) * np.exp(np.where(logs, raw, 0.0))

    start = np.zeros(len(adding))
    start[0] = 0.0 if logs[0] else -1.0
    start[cuts + effects :] = np.log(first_sd)
    bounds = [(-14.0, 5.0) if log else (-60.0, 60.0) for log in logs]
    options = {"maxiter": 500, "ftol": 1e-12, "gtol": 1e-6}
    return parameters(optimize.minimize(lost, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x)


def _hessian(likelihood: Likelihood, at: Floats) -> Floats:
    """By central differences of the gradient."""
    rows = []
    for step in DIFFERENCE * np.eye(at.size):
        rows.append((likelihood(at + step)[1] - likelihood(at - step)[1]) / (2 * DIFFERENCE))
    found = np.stack(rows)
    return np.asarray((found + found.T) / 2)
