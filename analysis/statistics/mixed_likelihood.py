"""The likelihood of a cumulative logit mixed model, and its exact gradient.

logit P(yᵢ ≤ j) = θⱼ − (xᵢβ + Σ_f σ_f u_f(i)), u independent standard normal, of no, one or two crossed factors f. It
integrates over u: of two factors by Laplace's approximation at their joint mode, of one by adaptive Gauss–Hermite
quadrature about the mode of each of its levels (of one node: Laplace's approximation).

What makes it short: the share of a category between the cuts a > c is F(a)·F(−c)·(1 − exp(c − a)), F being the logistic
function. So its log is concave in the location, with derivatives of every order from F. Two factors have a Hessian of
two diagonal blocks and one of counts: the larger factor is eliminated, and no matrix of all levels is made.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

MODE_STEPS = 100
MODE_CLOSE = 1e-10


@dataclass(frozen=True)
class Answers:
    """What is modelled: categories 0 …, the covariates of each answer, and its level 0 … in each random factor.

    ``cuts`` is cuts × parameters: ``flexible_cuts`` or ``symmetric_cuts``; with the latter the covariates hold a 1.
    """

    category: Integers
    covariates: Floats
    levels: tuple[Integers, ...]
    cuts: Floats

    def without(self, factor: int) -> "Answers":
        """The same with one random factor less."""
        return replace(self, levels=self.levels[:factor] + self.levels[factor + 1 :])


def flexible_cuts(categories: int) -> Floats:
    """Each cut its own."""
    return np.eye(categories - 1)


def symmetric_cuts(categories: int) -> Floats:
    """Cuts symmetric about 0, parameters the positive ones, ascending; of an even number of categories one cut is 0."""
    away = np.arange(1, categories) - categories / 2
    cuts = np.zeros((away.size, (categories - 1) // 2))
    for place, distance in enumerate(away):
        if distance:
            cuts[place, int(np.ceil(abs(distance))) - 1] = np.sign(distance)
    return cuts


class Likelihood:
    """Log likelihood and gradient in the parameters of the cuts, effects β and SDs σ.

    It remembers the mode, where the next search for it begins. ``nodes``: of the quadrature of one factor.
    """

    def __init__(self, answers: Answers, nodes: int) -> None:
        self.answers = answers
        # the factor with the most levels comes first: it is eliminated
        self.order = sorted(range(len(answers.levels)), key=lambda factor: -answers.levels[factor].max())
        self.levels = [answers.levels[factor] for factor in self.order]
        self.modes = [np.zeros(int(level.max()) + 1) for level in self.levels]
        self.nodes = nodes if len(self.levels) == 1 else 1

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        free, covariates = self.answers.cuts, self.answers.covariates
        ends = [free.shape[1], free.shape[1] + covariates.shape[1]]
        cuts, effects, given = np.split(parameters, ends)
        sds = given[self.order]
        at = np.concatenate([[-np.inf], free @ cuts, [np.inf]])
        if not (np.diff(at) > 0).all():
            return -np.inf, np.zeros_like(parameters)
        upper, lower = at[self.answers.category + 1], at[self.answers.category]
        fixed = covariates @ effects
        spread = self._find_mode(upper, lower, fixed, sds)
        integrated = self._by_quadrature if self.nodes > 1 else self._by_laplace
        value, on_location, on_upper, on_lower, on_sds = integrated(upper, lower, fixed, sds, spread)
        on_cuts = np.bincount(self.answers.category + 1, on_upper, minlength=at.size)
        on_cuts += np.bincount(self.answers.category, on_lower, minlength=at.size)
        slope = np.concatenate([on_cuts[1:-1] @ free, on_location @ covariates, np.empty(given.size)])
        slope[ends[1] :][self.order] = on_sds
        return value, slope

    def _random(self, sds: Floats, values: list[Floats]) -> Floats:
        """What random effects add to the location of each answer."""
        total = np.zeros(self.answers.category.size)
        for sd, value, level in zip(sds, values, self.levels, strict=True):
            total += sd * value[level]
        return total

    def _summed(self, sds: Floats, each: Floats) -> list[Floats]:
        """Sums over the answers of each level, times the SD of its factor."""
        return [
            sd * np.bincount(level, each, minlength=mode.size)
            for sd, level, mode in zip(sds, self.levels, self.modes, strict=True)
        ]

    def _find_mode(self, upper: Floats, lower: Floats, fixed: Floats, sds: Floats) -> "_Spread":
        """Newton's method on a concave function, with halved steps where they lead down."""

        def height(modes: list[Floats]) -> float:
            location = fixed + self._random(sds, modes)
            return float(_log_share(upper - location, lower - location).sum()) - sum(float(u @ u) for u in modes) / 2

        now = height(self.modes)
        for _ in range(MODE_STEPS):
            location = fixed + self._random(sds, self.modes)
            above, below = special.expit(upper - location), special.expit(lower - location)
            pull, curve = above + below - 1, above * (1 - above) + below * (1 - below)
            spread = _Spread(sds, self.levels, self.modes, curve)
            uphill = [own - u for own, u in zip(self._summed(sds, pull), self.modes, strict=True)]
            step = spread.solve(uphill)
            largest = max((float(np.abs(own).max()) for own in step), default=0.0)
            if largest < MODE_CLOSE:
                break
            size = 1.0
            while (tried := height([u + size * own for u, own in zip(self.modes, step, strict=True)])) < now - 1e-9 * (
                1 + abs(now)
            ):
                size /= 2
            self.modes = [u + size * own for u, own in zip(self.modes, step, strict=True)]
            now = tried
        return spread

    def _by_laplace(
        self, upper: Floats, lower: Floats, fixed: Floats, sds: Floats, spread: "_Spread"
    ) -> tuple[float, Floats, Floats, Floats, Floats]:
        """Log likelihood at the mode less half the log determinant of its Hessian; the mode moves with parameters."""
        location = fixed + self._random(sds, self.modes)
        a, c = upper - location, lower - location
        above, below = special.expit(a), special.expit(c)
        density_a, density_c = above * (1 - above), below * (1 - below)
        bend_a, bend_c = density_a * (1 - 2 * above), density_c * (1 - 2 * below)
        pull, curve, odds = above + below - 1, density_a + density_c, _odds(a, c)
        value = _log_share(a, c).sum() - sum(u @ u for u in self.modes) / 2 - spread.log_determinant / 2
        variance, halves = spread.variances()
        turned = -variance * (bend_a + bend_c)  # of the log determinant with the location
        follow = spread.solve(self._summed(sds, turned))
        moved = self._random(sds, follow)
        on_location = pull - turned / 2 + moved * curve / 2
        on_upper = 1 - above + odds - (variance * bend_a + moved * density_a) / 2
        on_lower = -below - odds - (variance * bend_c + moved * density_c) / 2
        on_sds = np.array(
            [
                on_location @ u[level] - curve @ half - pull @ own[level] / 2
                for u, level, half, own in zip(self.modes, self.levels, halves, follow, strict=True)
            ]
        )
        return float(value), on_location, on_upper, on_lower, on_sds

    def _by_quadrature(
        self, upper: Floats, lower: Floats, fixed: Floats, sds: Floats, spread: "_Spread"
    ) -> tuple[float, Floats, Floats, Floats, Floats]:
        """One factor. With nodes enough the integral does not hang on where they lie: they stay for the gradient."""
        (level,), (mode,) = self.levels, self.modes
        points, weights = special.roots_hermite(self.nodes)
        scale = np.sqrt(2 / spread.own[0])
        u = mode[:, None] + scale[:, None] * points
        location = fixed[:, None] + sds[0] * u[level]
        a, c = upper[:, None] - location, lower[:, None] - location
        logs = np.stack([np.bincount(level, each, minlength=mode.size) for each in _log_share(a, c).T], axis=1)
        logs += np.log(weights) + points**2 - u**2 / 2
        each = special.logsumexp(logs, axis=1) + np.log(scale) - np.log(2 * np.pi) / 2
        share = np.exp(logs - special.logsumexp(logs, axis=1, keepdims=True))[level]
        above, below, odds = special.expit(a), special.expit(c), _odds(a, c)
        pull = above + below - 1
        on_upper, on_lower = ((share * own).sum(axis=1) for own in (1 - above + odds, -below - odds))
        on_sds = np.array([float((share * pull * u[level]).sum())])
        return float(each.sum()), (share * pull).sum(axis=1), on_upper, on_lower, on_sds


def _log_share(a: Floats, c: Floats) -> Floats:
    """Log of the share of the category between two cuts, above ``c`` and up to ``a``."""
    with np.errstate(divide="ignore"):
        return np.asarray(-np.logaddexp(0, -a) - np.logaddexp(0, c) + np.log(-np.expm1(c - a)))


def _odds(a: Floats, c: Floats) -> Floats:
    """1/(exp(a − c) − 1): derivative of log(1 − exp(c − a)) with a."""
    with np.errstate(over="ignore"):
        return np.asarray(1 / np.expm1(a - c))


class _Spread:
    """I + Z'WZ, the Hessian of the random effects of no, one or two factors, with Z one-hot columns times the SDs."""

    def __init__(self, sds: Floats, levels: list[Integers], modes: list[Floats], curve: Floats) -> None:
        self.sds, self.levels = sds, levels
        self.own = [
            1 + sd**2 * np.bincount(level, curve, minlength=mode.size)
            for sd, level, mode in zip(sds, levels, modes, strict=True)
        ]
        self.log_determinant = float(sum(np.log(own).sum() for own in self.own[:1]))
        if len(levels) == 2:
            shape = (modes[0].size, modes[1].size)
            flat = np.bincount(levels[0] * shape[1] + levels[1], curve, minlength=shape[0] * shape[1])
            self.both = sds[0] * sds[1] * flat.reshape(shape)
            self.rest = np.diag(self.own[1]) - self.both.T @ (self.both / self.own[0][:, None])
            self.inverse = np.linalg.inv(self.rest)
            self.log_determinant += float(np.linalg.slogdet(self.rest)[1])

    def solve(self, right: list[Floats]) -> list[Floats]:
        """The inverse times a vector."""
        if len(right) < 2:
            return [one / own for one, own in zip(right, self.own, strict=True)]
        second = self.inverse @ (right[1] - self.both.T @ (right[0] / self.own[0]))
        return [(right[0] - self.both @ second) / self.own[0], second]

    def variances(self) -> tuple[Floats, list[Floats]]:
        """Of the location of each answer, and the half of its derivative with each SD, by the inverse alone."""
        if not self.levels:
            return np.zeros(1), []
        first = 1 / self.own[0]
        if len(self.levels) == 1:
            own = first[self.levels[0]]
            return self.sds[0] ** 2 * own, [self.sds[0] * own]
        one, other = self.levels
        ratio = self.both * first[:, None]
        crossed = -ratio @ self.inverse
        within = (first - (crossed * ratio).sum(axis=1))[one]
        across, second = crossed[one, other], np.diag(self.inverse)[other]
        halves = [self.sds[0] * within + self.sds[1] * across, self.sds[0] * across + self.sds[1] * second]
        return self.sds[0] * halves[0] + self.sds[1] * halves[1], halves
