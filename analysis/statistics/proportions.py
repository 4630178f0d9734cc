"""Exact inference on counts."""

from scipy import special

from analysis.statistics.direction import SAID, Alternative, check
from analysis.statistics.result import Result, undefined


def clopper_pearson(hits: int, n: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Exact (Clopper & Pearson 1934) interval of a proportion; n at least 1."""
    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else float(special.betaincinv(hits, n - hits + 1, tail))
    high = 1.0 if hits == n else float(special.betaincinv(hits + 1, n - hits, 1 - tail))
    return low, high


def proportion(hits: int, n: int, *, confidence: float = 0.95) -> Result:
    """A share with its Clopper–Pearson interval; undefined for n = 0."""
    text = "share, Clopper–Pearson interval"
    if n == 0:
        return undefined("nothing was answered", method=text, confidence=confidence)
    return Result(
        estimate=hits / n, ci=clopper_pearson(hits, n, confidence=confidence), n=n, method=text, confidence=confidence
    )


def binomial(hits: int, n: int, *, alternative: Alternative = "two-sided") -> Result:
    """Exact binomial test of a share against ½, or of one above ("greater") or below it; the statistic is ``hits``."""
    check(alternative)
    text = f"exact binomial test against 1/2{SAID[alternative]}"
    if n == 0:
        return undefined("no answers to either side", method=text)
    below, above = (float(special.bdtr(count, n, 0.5)) for count in (hits, n - hits))
    return Result(
        estimate=hits / n,
        ci=clopper_pearson(hits, n),
        statistic=hits,
        p={"greater": above, "less": below, "two-sided": min(1.0, 2 * min(below, above))}[alternative],
        n=n,
        method=text,
    )
