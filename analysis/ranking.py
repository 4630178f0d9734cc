"""Ranking of the arms by paired preferences with ties: Davidson's model with an effect of the side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.cells import ONE_SIDE, Scores
from analysis.statistics.result import Result, undefined
from analysis.statistics.values import cluster_codes

METHOD = (
    "Davidson 1970, ties; side effect as Davidson & Beaver 1977; sandwich errors, subjects as clusters, t interval "
    "with subjects − 1 degrees of freedom"
)
WITHOUT_TIES = METHOD.replace("Davidson 1970, ties", "Bradley & Terry 1952, as nobody said 'no difference'")
NO_TIES = "nobody said 'no difference': fitted without ties"
STEPS = 100


@dataclass(frozen=True)
class Fit:
    """Maximum likelihood estimates and their covariance; None with the reason where there are none."""

    estimates: NDArray[np.float64] | None
    covariance: NDArray[np.float64] | None
    reason: str | None = None
    clusters: int = 0
    ties: bool = True
    sides: bool = True


def ranking(scores: Scores) -> dict[str, Any]:
    """Log worth of every arm per criterion, with the tie and side parameters, as JSON-able data.

    P(arm i beats j) ∝ πᵢ, P(tie) ∝ ν√(πᵢπⱼ), where the arm on the right has its worth times γ, in the tie too, so that
    ν does not depend on which side is named first. 4 and 5 count as wins of the first arm alike, 1 and 2 of the second.
    ``log_worth`` is relative to the mean of the arms, ``side`` is log γ (positive: the right is favoured), ``tie`` is
    log ν. Readers are pooled; the interval takes subjects as independent. Where nobody ever says "no difference" the
    model is Bradley and Terry's, without ν.
    """
    criteria = list(dict.fromkeys(criterion for _, _, criterion in scores.cells))
    return {
        "conventions": METHOD,
        "criteria": [_criterion(scores, criterion) for criterion in criteria],
        "reason": None,
    }


def _criterion(scores: Scores, criterion: str) -> dict[str, Any]:
    mine = [place for place, cell in enumerate(scores.cells) if cell[2] == criterion]
    rows = np.isin(scores.cell, mine)
    used = [place for place in mine if (scores.cell[rows] == place).any()]
    arms = list(dict.fromkeys(arm for place in used for arm in scores.cells[place][:2]))
    first = np.zeros(len(scores.cells), dtype=np.intp)
    second = np.zeros(len(scores.cells), dtype=np.intp)
    for place in used:
        first[place], second[place] = (arms.index(arm) for arm in scores.cells[place][:2])
    cell = scores.cell[rows]
    n = int(rows.sum())
    fit = davidson(
        first[cell],
        second[cell],
        np.sign(scores.x[rows]).astype(np.intp),
        scores.first_right[rows],
        scores.subject[rows],
        arms=len(arms),
        names=arms,
    )
    results = _results(fit, len(arms), n)
    listed = [{"arm": arm, "log_worth": result.as_estimate()} for arm, result in zip(arms, results, strict=False)]
    listed.sort(key=lambda row: -(row["log_worth"]["estimate"] or 0))  # type: ignore[index]
    tie, side = results[len(arms) :]
    return {"criterion": criterion, "arms": listed, "tie": tie.as_estimate(), "side": side.as_estimate(), "n": n}


def _results(fit: Fit, arms: int, n: int) -> list[Result]:
    """Centred log worths, then tie and side."""
    method = METHOD if fit.ties else WITHOUT_TIES
    if fit.estimates is None or fit.covariance is None:
        return [undefined(str(fit.reason), n=n, method=method)] * (arms + 2)
    centre = np.zeros((arms + 2, arms + 1))
    centre[1:arms, : arms - 1] = np.eye(arms - 1)
    centre[:arms, : arms - 1] -= 1 / arms
    centre[arms, arms - 1] = centre[arms + 1, arms] = 1
    values = centre @ fit.estimates
    errors = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", centre, fit.covariance, centre), 0))
    reach = special.stdtrit(fit.clusters - 1, 0.975) * errors
    found = [
        Result(
            estimate=value,
            ci=(value - half, value + half),
            statistic=value / error if error > 0 else None,
            n=n,
            method=method,
        )
        for value, error, half in zip(values, errors, reach, strict=True)
    ]
    if not fit.ties:
        found[arms] = undefined(NO_TIES, n=n, method=method)
    if not fit.sides:
        found[arms + 1] = undefined(ONE_SIDE, n=n, method=method)
    return found


def davidson(
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    winner: NDArray[np.intp],
    first_right: NDArray[np.bool_],
    cluster: NDArray[np.intp],
    *,
    arms: int,
    names: Sequence[str] = (),
) -> Fit:
    """Fit by Newton's method: log worths of arms 1 … arms − 1 against arm 0, then log ν, then log γ.

    ``first`` and ``second`` are arms 0 … arms − 1, ``winner`` 1, 0 (tie) or −1 per answer. The covariance is the
    sandwich with scores summed per ``cluster``, times clusters/(clusters − 1). Without any tie Bradley and Terry's
    model is fitted, and log ν is 0; log γ is 0 where the first arm never changes its side. Without a finite maximum (an
    arm that wins or loses everything, nothing but ties, arms that were never compared) or with one cluster there is no
    fit; ``reason`` says which it is, by ``names``.
    """
    groups = cluster_codes(cluster)
    if winner.size == 0:
        return Fit(None, None, "no ratings")
    if groups.max() < 1:
        return Fit(None, None, "fewer than two subjects")
    designs = np.zeros((winner.size, 3, arms + 1))  # outcome: first wins, tie, second wins
    rows = np.arange(winner.size)
    for arm, outcome in ((first, 0), (second, 2)):
        some = arm > 0
        designs[rows[some], outcome, arm[some] - 1] = 1
    designs[:, 0, arms] = first_right
    designs[:, 2, arms] = ~first_right
    designs[:, 1] = (designs[:, 0] + designs[:, 2]) / 2
    designs[:, 1, arms - 1] = 1
    chosen = designs[rows, 1 - winner]
    parameters = np.zeros(arms + 1)
    ties = bool((winner == 0).any())
    sides = np.unique(first_right).size > 1
    free = np.ones(arms + 1, dtype=bool)
    free[arms - 1 :] = ties, sides
    if not ties:
        designs = designs[:, ::2]
    for _ in range(STEPS):
        logits = designs @ parameters
        shares = special.softmax(logits, axis=1)
        expected = np.einsum("ro,rop->rp", shares, designs)
        score = (chosen - expected)[:, free]
        second_moment = np.einsum("ro,rop,roq->pq", shares, designs, designs)
        information = (second_moment - expected.T @ expected)[np.ix_(free, free)]
        if np.linalg.cond(information) > 1e10:
            return Fit(None, None, _why_none(first, second, winner, first_right, arms, names), ties=ties)
        step = np.linalg.solve(information, score.sum(axis=0))
        step *= min(1.0, 2.0 / np.abs(step).max()) if np.abs(step).max() > 0 else 1.0
        parameters[free] += step
        if np.abs(step).max() < 1e-10:
            break
    else:
        return Fit(None, None, _why_none(first, second, winner, first_right, arms, names), ties=ties)
    k = int(groups.max()) + 1
    sums = np.zeros((k, int(free.sum())))
    np.add.at(sums, groups, score)
    inverse = np.linalg.inv(information)
    covariance = np.zeros((arms + 1, arms + 1))
    covariance[np.ix_(free, free)] = k / (k - 1) * inverse @ (sums.T @ sums) @ inverse
    return Fit(parameters, covariance, clusters=k, ties=ties, sides=sides)


def _why_none(
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    winner: NDArray[np.intp],
    first_right: NDArray[np.bool_],
    arms: int,
    names: Sequence[str],
) -> str:
    """Which of the ways not to have a finite maximum it is."""
    compared = np.eye(arms, dtype=bool)
    compared[first, second] = compared[second, first] = True
    if not _reach(compared)[0].all():
        return "no finite maximum: there are arms that nothing links to the others"
    decided = winner != 0
    if not decided.any():
        return "no finite maximum: every answer is 'no difference'"
    preferred = np.eye(arms, dtype=bool)
    over, under = np.where(winner > 0, first, second)[decided], np.where(winner > 0, second, first)[decided]
    preferred[over, under] = True
    reach = _reach(preferred)
    if not reach.all():
        above = np.flatnonzero(~reach.all(axis=0))  # not every arm reaches them: they were never beaten by all others
        listed = ", ".join(str(names[arm]) for arm in above.tolist()) if names else "an arm"
        return f"no finite maximum: against some arm {listed} was always preferred, or equal"
    right = (winner > 0) == first_right
    if right[decided].all() or not right[decided].any():
        side = "right" if right[decided].all() else "left"
        return f"no finite maximum: wherever a side was preferred, it was the {side} one"
    return "no finite maximum: the fit does not settle"


def _reach(links: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which arms can be reached from which, over any number of links."""
    for _ in range(len(links)):
        links = links @ links
    return links
