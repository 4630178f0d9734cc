"""How numbers look: a value with its reason where there is none. Nothing is computed here."""

from dataclasses import dataclass, field, replace

from analysis.formats import number, p_value


@dataclass(frozen=True)
class Shown:
    """A number as text; without text, `reason` says why it is undefined. `strong`: p < 0.05 as the page says it."""

    text: str
    reason: str = ""
    strong: bool = False
    level: int = 0  # 0 to 10: depth of a heat cell
    how: str = field(default="", compare=False)  # its convention, shown on hover
    below: str = field(default="", compare=False)  # a second line, such as its interval


def _missing(what: dict | None) -> Shown:
    return Shown("", (what or {}).get("reason") or "not computed")


def estimate(found: dict | None, digits: int = 2, *, sign: bool = False) -> Shown:
    """The estimate of a result."""
    if not found or found.get("estimate") is None:
        return _missing(found)
    return Shown(number(found["estimate"], digits, plus=sign), how=method(found))


def method(found: dict) -> str:
    """How a number was made and of how many; where it has no interval, why."""
    parts = [found.get("method"), found.get("n") is not None and f"n = {found['n']:,}", found.get("reason")]
    return "; ".join(part for part in parts if part)


def with_interval(found: dict | None, digits: int = 2, *, sign: bool = False) -> Shown:
    """The estimate of a result with its interval below."""
    shown = estimate(found, digits, sign=sign)
    return replace(shown, below=interval(found, digits, sign=sign).text) if shown.text else shown


def interval(found: dict | None, digits: int = 2, *, sign: bool = False) -> Shown:
    """The interval of a result."""
    if not found or not found.get("ci"):
        return _missing(found)
    low, high = (number(end, digits, plus=sign) for end in found["ci"])
    return Shown(f"{low} to {high}", how=method(found))


def heat(found: dict | None) -> Shown:
    """An agreement coefficient with its depth, 0 to 10 for values from 0 to 1."""
    shown = estimate(found)
    if not shown.text:
        return shown
    around = f"95 % interval {interval(found).text}, " if found.get("ci") else ""
    depth = round(10 * min(max(found["estimate"], 0), 1))
    return Shown(shown.text, f"{around}n = {found['n']:,}", level=depth)


def test(found: dict | None) -> Shown:
    """A T of the results: its p."""
    if not found or found.get("p") is None:
        return _missing(found)
    return Shown(p_value(found["p"]), strong=found["p"] < 0.05, how=method(found))


def exact(found: dict) -> Shown:
    """p of a margin that assumes no more than the scale's bound; results of earlier versions lack it."""
    p = found.get("p_exact")
    return _missing(found) if p is None else Shown(p_value(p), strong=p < 0.05)


def adjusted(p: float | None, of: dict | None) -> Shown:
    """An adjusted p; undefined where the test `of` is."""
    if p is not None:
        return Shown(p_value(p), strong=p < 0.05)
    return Shown("", "outside the family that the protocol declares") if of and of["p"] is not None else _missing(of)


def mean_sd(mean: dict | None, sd: float | None, digits: int = 2) -> Shown:
    if not mean or mean.get("estimate") is None:
        return _missing(mean)
    spread = "n/a" if sd is None else number(sd, digits)
    return Shown(f"{number(mean['estimate'], digits)} ± {spread}")


def quartiles(row: dict, digits: int) -> Shown:
    """Median and quartiles of a row of image metrics."""
    if row["median"] is None:
        return _missing(row)
    median, q1, q3 = (number(row[name], digits) for name in ("median", "q1", "q3"))
    return Shown(f"{median} ({q1} to {q3})")


def count_of(count: int, total: int) -> Shown:
    """k of n."""
    return Shown(f"{count} of {total}") if total else Shown("", "nothing was answered")


def percent(found: dict | None) -> Shown:
    """A result that is a share, in percent."""
    if not found or found.get("estimate") is None:
        return _missing(found)
    return Shown(f"{100 * found['estimate']:.0f} %")


def percent_interval(found: dict | None) -> Shown:
    """The interval of a result that is a share, in percent with one decimal."""
    if not found or not found.get("ci"):
        return _missing(found)
    low, high = (f"{100 * end:.1f}" for end in found["ci"])
    return Shown(f"{low} to {high} %")


def exact_p(found: dict | None) -> Shown:
    """A T of the results: its p in full where it is small, as 4.4 × 10⁻¹²."""
    if not found or found.get("p") is None or found["p"] >= 0.001:
        return test(found)
    digits, exponent = f"{found['p']:.1e}".split("e")
    return Shown(f"{digits} × 10{str(int(exponent)).translate(SUPERSCRIPT)}", strong=True)


SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
