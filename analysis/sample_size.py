"""Power and sample size before a study, by simulation from an assumed distribution of preferences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.errors import InputError
from analysis.protocol import too_wide
from analysis.statistics import flips
from analysis.statistics.clustered import cluster_signed_rank
from analysis.statistics.equivalence import TEST as EQUIVALENCE_TEST
from analysis.statistics.equivalence import p_below
from analysis.statistics.proportions import clopper_pearson
from analysis.statistics.values import RELATIVE

CHUNK = 2_000_000
CURVE = (0.25, 0.5, 0.75, 1, 1.5, 2)  # of the planned subjects, on the curve of power
FIRST_LOOK = 200_000  # additions of the convolution in one simulated study; more where alpha lies within its bounds
MANY = 100  # subjects that carry the sum, from which on the normal p errs by less than NEAR of itself
NEAR = 0.2  # … and by less with more of them; checked by tests
Test = Literal[
    "cluster_permutation",
    "cluster_sign_flip",
    "datta_satten",
    "as_published",
    "random_readers",
    "equivalence",
    "noninferiority",
]
TESTS: dict[str, str] = {
    "cluster_permutation": "signed rank, subjects as clusters, all sign flips of subjects, exact two-sided",
    "cluster_sign_flip": "signed rank, subjects as clusters, Rosner–Glynn–Lee statistic, two-sided normal",
    "datta_satten": "signed rank, subjects as clusters, Datta–Satten, two-sided normal",
    "as_published": "pooled signed rank, zeros dropped, two-sided normal; too liberal under clustering",
    "random_readers": "mean of reader means, readers and subjects random (Obuchowski–Rockette, Hillis), two-sided t",
    "equivalence": f"TOST on subject means: {EQUIVALENCE_TEST}",
    "noninferiority": f"one-sided, subject means above −margin: {EQUIVALENCE_TEST}",
}


@dataclass(frozen=True)
class Design:
    """One cell (comparison × criterion) of a planned study.

    Parameters
    ----------
    subjects : int
        Two or more.
    cases : int
        Of all subjects together, spread over them as evenly as possible.
    readers : int
        Every reader reads every case.
    distribution : tuple of float
        Shares of the preferences 1 … 5, which sum to 1.
    subject_correlation : float, default 0.2
        Correlation of the latent answers of two cases of one subject.
    case_correlation : float, default 0.4
        Of two readers on one case, at least as high, below 1.
    test : str, default "cluster_permutation"
        The test that is to be declared, one of ``TESTS``.
    alpha : float, default 0.05
        Its level, between 0 and 1.
    margin : float, optional
        Of "equivalence" and "noninferiority", in units of ``on``.
    on : {"mean", "net_preference"}, default "mean"
        What they are about: preference − 3, or its sign.
    reader_sd : float, default 0.0
        SD of the readers' own leanings, in units of the normal score that is cut (total variance 1 without it).

    Raises
    ------
    InputError
        If the parts do not make a plan.

    Examples
    --------
    >>> from analysis.sample_size import Design
    >>> design = Design(subjects=20, cases=40, readers=3, distribution=(0.0, 0.1, 0.5, 0.3, 0.1))
    >>> design.with_subjects(30).cases
    60
    """

    subjects: int
    cases: int
    readers: int
    distribution: tuple[float, ...]
    subject_correlation: float = 0.2
    case_correlation: float = 0.4
    test: Test = "cluster_permutation"
    alpha: float = 0.05
    margin: float | None = None
    on: Literal["mean", "net_preference"] = "mean"
    reader_sd: float = 0.0

    def __post_init__(self) -> None:
        if self.subjects < 2 or self.cases < self.subjects or self.readers < 1:
            raise InputError("A plan needs two subjects or more, at least one case of each, and a reader.")
        shares = np.asarray(self.distribution)
        if len(shares) != 5 or not (shares >= 0).all() or not abs(shares.sum() - 1) <= 1e-6:
            raise InputError("The distribution must be five shares, of the preferences 1 to 5, that sum to 1.")
        if not 0 <= self.subject_correlation <= self.case_correlation < 1:
            raise InputError("Correlations must satisfy 0 ≤ subject correlation ≤ case correlation < 1.")
        if not 0 < self.alpha < 1:
            raise InputError("Alpha must lie between 0 and 1.")
        if self.test in ("equivalence", "noninferiority") and not (self.margin and self.margin > 0):
            raise InputError(
                f"{'Equivalence' if self.test == 'equivalence' else 'Non-inferiority'} needs a positive margin."
            )
        if not 0 <= self.reader_sd < np.inf:
            raise InputError("The SD of the readers' leanings cannot be negative or infinite.")
        if self.margin is not None and not np.isfinite(self.margin):
            raise InputError("A margin must be a finite number.")
        if self.margin is not None and (problem := too_wide(self.on, self.margin)):
            raise InputError(problem)
        if self.test == "random_readers" and self.readers < 2:
            raise InputError("Random readers need two readers or more.")

    def with_subjects(self, subjects: int) -> "Design":
        """The same with other subjects and as many cases per subject."""
        cases = max(subjects, round(self.cases * subjects / self.subjects))
        return Design(**{**self.__dict__, "subjects": subjects, "cases": cases})


def simulate(design: Design, *, studies: int, seed: int = 0) -> NDArray[np.float64]:
    """Simulated p values of the design's test.

    Parameters
    ----------
    design : Design
        The planned cell.
    studies : int
        How many to simulate.
    seed : int, default 0
        The same gives the same answers.

    Returns
    -------
    ndarray of float64, shape (studies,)
        0 to 1; 1 where the test is undefined.

    Notes
    -----
    Answers are a normal score cut at the quantiles of the distribution, which keeps the distribution exact; the score
    is the sum of a subject, a case and an answer part. Of ``cluster_permutation`` p is exact near alpha; elsewhere it
    may be an approximation on the same side of alpha. Equivalence: the larger p of both sides; where the t test alone
    does not reject at alpha, its p stands for the test's.

    Examples
    --------
    >>> from analysis.sample_size import Design, simulate
    >>> design = Design(subjects=4, cases=4, readers=1, distribution=(0.0, 0.0, 0.0, 1.0, 0.0))
    >>> simulate(design, studies=2).tolist()
    [0.125, 0.125]
    """
    random = np.random.default_rng(seed)
    starts = np.searchsorted(subjects(design), np.arange(design.subjects))
    block = max(1, CHUNK // (design.cases * design.readers))
    p = []
    for start in range(0, studies, block):
        x = answers(design, studies=min(block, studies - start), random=random)
        p.append(_p_values(design, x, starts))
    return np.concatenate(p)


def subjects(design: Design) -> NDArray[np.intp]:
    """The subject of each case, ascending."""
    return np.sort(np.arange(design.cases) % design.subjects)


def answers(design: Design, *, studies: int, random: np.random.Generator) -> NDArray[np.int8]:
    """Simulated preferences − 3 as studies × cases × readers; the cases are those of ``subjects``."""
    # a rounding error past 1 would cut nothing off, which is meant
    cuts = special.ndtri(np.minimum(np.cumsum(design.distribution)[:4], 1.0))
    parts = np.sqrt(
        [
            design.subject_correlation,
            design.case_correlation - design.subject_correlation,
            1 - design.case_correlation,
        ]
    )
    score = parts[0] * random.standard_normal((studies, design.subjects))[:, subjects(design), None]
    score = score + parts[1] * random.standard_normal((studies, design.cases, 1))
    score = score + parts[2] * random.standard_normal((studies, design.cases, design.readers))
    if design.reader_sd:
        score = score + design.reader_sd * random.standard_normal((studies, 1, design.readers))
    return np.searchsorted(cuts, score).astype(np.int8) - np.int8(2)


def _p_values(design: Design, x: NDArray[np.int8], starts: NDArray[np.intp]) -> NDArray[np.float64]:
    if design.test in ("equivalence", "noninferiority"):
        return _on_subject_means(design, x, starts)
    if design.test == "random_readers":
        return _random_readers(x, starts)
    if design.test == "datta_satten":
        subject = np.repeat(subjects(design), design.readers)
        found = (cluster_signed_rank(study.ravel(), subject, method="datta_satten").p for study in x)
        return np.array([1.0 if p is None else p for p in found])
    # |x| is 1 or 2: their mid-ranks follow from how many there are
    ones, twos = ((np.abs(x) == size).sum(axis=(1, 2)) for size in (1, 2))
    ranks = np.stack([np.zeros(len(x)), (ones + 1) / 2, ones + (twos + 1) / 2], axis=1)
    signed = np.sign(x) * ranks[np.arange(len(x))[:, None, None], np.abs(x)]
    if design.test == "as_published":
        total, square = signed.sum(axis=(1, 2)), (signed**2).sum(axis=(1, 2))
    else:
        sums = np.add.reduceat(signed.sum(axis=2), starts, axis=1)
        if design.test == "cluster_permutation":
            return np.array([_permutation(doubled, design.alpha) for doubled in np.rint(2 * sums)])
        total, square = sums.sum(axis=1), (sums**2).sum(axis=1)
    z = np.divide(total, np.sqrt(square), out=np.zeros(len(x)), where=square > 0)
    return np.asarray(2 * special.ndtr(-np.abs(z)))


def _permutation(doubled: NDArray[np.float64], alpha: float) -> float:
    """p of the permutation test from twice the rank sums of the subjects, as exact as ``alpha`` needs it."""
    squares = doubled**2
    carry = squares.sum() ** 2 / max((squares**2).sum(), 1.0)  # how many subjects of one size would have this kurtosis
    if carry > MANY:
        normal = float(2 * special.ndtr(-abs(doubled.sum()) / np.sqrt(squares.sum())))
        if abs(normal - alpha) > NEAR * MANY / carry * alpha:
            return normal
    work = FIRST_LOOK
    while (found := flips.tail(doubled, work=work)).low < alpha <= found.high and work < flips.WORK:
        work *= 16
    return found.high


def _on_subject_means(design: Design, x: NDArray[np.int8], starts: NDArray[np.intp]) -> NDArray[np.float64]:
    values, bound = (np.sign(x), 1.0) if design.on == "net_preference" else (x, 2.0)
    sizes = np.diff([*starts, x.shape[1]]) * design.readers
    means = np.add.reduceat(values.sum(axis=2, dtype=np.float64), starts, axis=1) / sizes
    sides = [-means] if design.test == "noninferiority" else [-means, means]
    margin = float(design.margin or 0)
    return np.asarray(np.max([p_below(side, margin, bound=bound, worth=design.alpha) for side in sides], axis=0))


def _random_readers(x: NDArray[np.int8], starts: NDArray[np.intp]) -> NDArray[np.float64]:
    """As ``analysis.statistics.random_readers`` where every reader rated every case; 1 where it is undefined."""
    cases, readers = x.shape[1:]
    k = starts.size
    sizes = np.diff([*starts, cases])
    means = x.mean(axis=1, dtype=np.float64)
    influence = np.add.reduceat(x, starts, axis=1, dtype=np.float64) - sizes[:, None] * means[:, None, :]
    products = (influence.sum(axis=2) ** 2).sum(axis=1) - (influence**2).sum(axis=(1, 2))
    shared = k / (k - 1) * products / cases**2 / (readers * (readers - 1))
    between = means.var(axis=1, ddof=1)
    spread = between + readers * np.maximum(shared, 0)
    some = np.sqrt(spread) > RELATIVE * 2  # answers are at most 2
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = np.minimum(k - 1.0, (readers - 1) * (spread / between) ** 2)
        t = np.abs(means.mean(axis=1)) / np.sqrt(spread / readers)
    return np.where(some, 2 * special.stdtr(np.where(some, degrees, 1), -np.where(some, t, 0)), 1.0)


def power(design: Design, *, studies: int = 2_000, seed: int = 0) -> dict[str, Any]:
    """Share of simulated studies with p below alpha.

    Parameters
    ----------
    design : Design
        The planned cell.
    studies : int, default 2000
        How many to simulate.
    seed : int, default 0
        The same gives the same answers.

    Returns
    -------
    dict
        ``subjects``, ``cases`` and ``readers`` of the design, ``power`` (0 to 1), its exact 95 % interval ``ci``, which
        is of the simulation, and ``studies``. JSON-able.

    Notes
    -----
    Interval of Clopper & Pearson.

    Examples
    --------
    Five subjects always for the first arm: p is 2/32, above 0.05; with six it is 2/64.

    >>> from analysis.sample_size import Design, power
    >>> design = Design(subjects=5, cases=5, readers=1, distribution=(0.0, 0.0, 0.0, 1.0, 0.0))
    >>> power(design, studies=10)["power"], power(design.with_subjects(6), studies=10)["power"]
    (0.0, 1.0)
    """
    hits = int((simulate(design, studies=studies, seed=seed) < design.alpha).sum())
    return {
        "subjects": design.subjects,
        "cases": design.cases,
        "readers": design.readers,
        "power": hits / studies,
        "ci": list(clopper_pearson(hits, studies)),
        "studies": studies,
    }


def smallest(
    design: Design, *, target: float, studies: int = 2_000, seed: int = 0, limit: int = 5_000
) -> dict[str, Any]:
    """The fewest subjects whose simulated power reaches a target.

    Parameters
    ----------
    design : Design
        The planned cell; its cases per subject are kept.
    target : float
        The wanted power, between 0 and 1.
    studies : int, default 2000
        How many to simulate at each step.
    seed : int, default 0
        The same gives the same answers.
    limit : int, default 5000
        No more subjects are tried.

    Returns
    -------
    dict
        ``target``, ``found`` (as ``power``), ``tried`` and ``reason``. ``found`` is None with the reason where
        ``limit`` subjects do not suffice.

    Raises
    ------
    InputError
        If the target does not lie between 0 and 1.

    Notes
    -----
    Doubling, then bisection; power is taken to grow with subjects.

    Examples
    --------
    >>> from analysis.sample_size import Design, smallest
    >>> design = Design(subjects=5, cases=5, readers=1, distribution=(0.0, 0.0, 0.0, 1.0, 0.0))
    >>> smallest(design, target=0.8, studies=10)["found"]["subjects"]
    6
    """
    if not 0 < target < 1:
        raise InputError("The wanted power must lie between 0 and 1.")
    tried: dict[int, dict[str, Any]] = {}

    def enough(subjects: int) -> bool:
        tried[subjects] = power(design.with_subjects(subjects), studies=studies, seed=seed)
        return bool(tried[subjects]["power"] >= target)

    low, high = 2, 8
    while not enough(high):
        low, high = high, min(high * 2, limit)
        if low == limit:
            reason = f"{limit} subjects do not reach a power of {target:g}"
            return {"target": target, "found": None, "tried": list(tried.values()), "reason": reason}
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    steps = [tried[subjects] for subjects in sorted(tried)]
    return {"target": target, "found": tried[high], "tried": steps, "reason": None}


def plan(design: Design, *, target: float | None = None, studies: int = 2_000, seed: int = 0) -> dict[str, Any]:
    """Power of a design and the fewest subjects that reach a target, as JSON-able data.

    Parameters
    ----------
    design : Design
        The planned cell.
    target : float, optional
        A wanted power, between 0 and 1.
    studies : int, default 2000
        How many to simulate.
    seed : int, default 0
        The same gives the same answers.

    Returns
    -------
    dict
        ``conventions``, ``design``, ``power`` and, with a target, ``sample_size``.

    Raises
    ------
    InputError
        If the target does not lie between 0 and 1.

    Examples
    --------
    >>> from analysis.sample_size import Design, plan
    >>> design = Design(subjects=6, cases=6, readers=1, distribution=(0.0, 0.0, 0.0, 1.0, 0.0))
    >>> sorted(plan(design, target=0.8, studies=10))
    ['conventions', 'design', 'power', 'sample_size']
    """
    results: dict[str, Any] = {
        "conventions": {
            "model": "normal scores cut at the quantiles of the distribution; subject, case, answer, reader parts",
            "test": TESTS[design.test],
            "simulation": f"{studies} studies, seed {seed}; intervals are those of the simulation",
        },
        "design": {**design.__dict__, "distribution": list(design.distribution)},
        "power": power(design, studies=studies, seed=seed),
    }
    if target is not None:
        results["sample_size"] = smallest(design, target=target, studies=studies, seed=seed)
    return results


def curve(design: Design, *, studies: int = 2_000, seed: int = 0) -> list[dict[str, Any]]:
    """The power of a design, and of the same with fewer and with more subjects, by their number.

    Parameters
    ----------
    design : Design
        The planned cell.
    studies : int, default 2000
        How many to simulate for each number.
    seed : int, default 0
        The same gives the same answers.

    Returns
    -------
    list of dict
        What ``power`` gives, from a quarter of the subjects to twice as many.

    Examples
    --------
    >>> from analysis.sample_size import Design, curve
    >>> design = Design(subjects=8, cases=8, readers=1, distribution=(0.0, 0.0, 0.0, 1.0, 0.0))
    >>> [step["subjects"] for step in curve(design, studies=5)]
    [2, 4, 6, 8, 12, 16]
    """
    numbers = sorted({max(2, round(share * design.subjects)) for share in CURVE})
    return [power(design.with_subjects(number), studies=studies, seed=seed) for number in numbers]


def shares(values: Sequence[float]) -> tuple[float, ...]:
    """Five shares from five non-negative weights.

    Parameters
    ----------
    values : sequence of float
        Weights of the preferences 1 … 5, such as the counts of a pilot study.

    Returns
    -------
    tuple of float
        Shares that sum to 1.

    Raises
    ------
    InputError
        If there are not five finite, non-negative numbers, or all are 0.

    Examples
    --------
    >>> from analysis.sample_size import shares
    >>> shares([0, 1, 2, 1, 0])
    (0.0, 0.25, 0.5, 0.25, 0.0)
    """
    total = float(sum(values))
    if len(values) != 5 or not min(values) >= 0 or not 0 < total < np.inf:
        raise InputError("The distribution must be five non-negative numbers, for the preferences 1 to 5.")
    return tuple(float(value) / total for value in values)
