"""The cells of tables: an estimate, its interval, the p of a test, each with its method or the reason why it is
undefined. Nothing is computed here."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from analysis.formats import number, p_value, raised
from analysis.protocol import ALPHA
from analysis.report.table import TableCell

Found = Mapping[str, Any]  # an estimate or a test in the results
MARK = "†"
FEW = f"{MARK}: few subjects, the interval may say too much"
SOME_JUDGED = "k of m: only m features have a verdict"


def words(*texts: str) -> list[TableCell]:
    """Cells of plain words."""
    return [TableCell(text) for text in texts]


def amendments(made: Iterable[Found]) -> list[list[TableCell]]:
    """A row for each amendment of a protocol: number, date, kind, what it changed, reason."""
    return [
        words(
            str(one["number"]),
            str(one.get("at") or "")[:10],
            str(one["kind"]).replace("_", " "),
            ", ".join(map(str, one.get("what") or ())),
            str(one["reason"]),
        )
        for one in made
    ]


def comparison(first: str, second: str) -> TableCell:
    """The two arms that were compared."""
    return TableCell(f"{first} vs {second}")


def cell_names(row: Found, names: Mapping[str, str]) -> list[TableCell]:
    """Comparison and criterion, with which a row per cell of the study begins."""
    return [comparison(row["first"], row["second"]), TableCell(names.get(row["criterion"], row["criterion"]))]


def count(value: int) -> TableCell:
    """A whole number."""
    return TableCell(f"{value:,}")


def count_judged(row: Found, key: str) -> TableCell:
    """A count of features with a verdict in both arms; n/a where none has one."""
    return count(row[key]) if row["judged"] else TableCell("", "no feature has a verdict in both arms")


def unstable(found: Found, features: int, *, key: str = "") -> list[TableCell]:
    """How many of so many features are unstable by each criterion, of how many where some have no verdict."""
    counts, judged, reasons = (found[name + key] for name in ("unstable", "judged", "reasons"))
    return [
        TableCell("", reasons[name])
        if not judged[name]
        else TableCell(f"{count:,}" if judged[name] == features else f"{count:,} of {judged[name]:,}")
        for name, count in counts.items()
    ]


def unstable_by_subject(arm: Found) -> TableCell:
    """The same of the means of subjects, in one cell."""
    if arm["unstable_by_subject"] is None:
        return TableCell("", "volumes count as independent")
    cells = unstable(arm, counted_features(arm), key="_by_subject")
    reasons = "; ".join(dict.fromkeys(cell.reason for cell in cells if cell.reason))
    return TableCell(" / ".join(cell.text or "n/a" for cell in cells), how=reasons)


def counted_features(arm: Found) -> int:
    """All but those that are equal by construction."""
    return int(arm["n_features"] - arm["by_construction"])


def estimate(found: Found | None, digits: int = 2, *, sign: bool = False) -> TableCell:
    """An estimate alone."""
    if not found or found.get("estimate") is None:
        return _undefined(found)
    return TableCell(number(found["estimate"], digits, plus=sign), how=method(found))


def interval(found: Found | None, digits: int = 2, *, sign: bool = False) -> TableCell:
    """The interval of an estimate alone."""
    if not found or not found.get("ci"):
        return _undefined(found)
    low, high = (number(end, digits, plus=sign) for end in found["ci"])
    mark = f" {MARK}" if found.get("caution") else ""
    return TableCell(f"{low} to {high}{mark}", how=method(found), dim=True)


def estimate_with_interval(found: Found | None, digits: int = 2, *, sign: bool = False) -> TableCell:
    """An estimate with its interval below."""
    cell = estimate(found, digits, sign=sign)
    return replace(cell, below=interval(found, digits, sign=sign).text) if cell.text else cell


def method(found: Found) -> str:
    """How a number was made and of how many; where it has no interval, why."""
    n = "" if found.get("n") is None else f"n = {found['n']:,}"
    return "; ".join(part for part in (found.get("method"), n, found.get("reason"), found.get("caution")) if part)


def heat(found: Found | None) -> TableCell:
    """A coefficient of agreement on a background that is deeper the closer it is to 1."""
    cell = estimate(found)
    if not found or not cell.text:
        return cell
    around = f"95 % interval {interval(found).text}, " if found.get("ci") else ""
    depth = round(10 * min(max(found["estimate"], 0), 1))
    return TableCell(cell.text, how=f"{around}n = {found['n']:,}", heat=depth)


def p_of_test(test: Found | None) -> TableCell:
    """The p value of a test."""
    if not test or test.get("p") is None:
        return _undefined(test)
    return TableCell(p_value(test["p"]), strong=test["p"] < ALPHA, how=method(test))


def p_of_test_in_full(test: Found | None) -> TableCell:
    """The p value of a test, in full where it is small, as 4.4 × 10⁻¹²."""
    if not test or test.get("p") is None or test["p"] >= 0.001:
        return p_of_test(test)
    return TableCell(raised(f"{test['p']:.1e}"), strong=True)


def exact_p(margin: Found) -> TableCell:
    """p of a margin that assumes no more than the scale's bound; results of earlier versions lack it."""
    p = margin.get("p_exact")
    return _undefined(margin) if p is None else TableCell(p_value(p), strong=p < ALPHA)


def adjusted_p(
    p: float | None, test: Found | None, *, outside: str = "outside the family that the protocol declares"
) -> TableCell:
    """A p value adjusted for multiplicity; undefined where that of the test is, or where it is ``outside``."""
    if p is not None:
        return TableCell(p_value(p), strong=p < ALPHA)
    if test and test["p"] is not None:
        return TableCell(reason=outside)
    return _undefined(test)


def mean_sd(mean: Found | None, sd: float | None, digits: int = 2) -> TableCell:
    """A mean ± its standard deviation."""
    if not mean or mean.get("estimate") is None:
        return _undefined(mean)
    spread = "n/a" if sd is None else number(sd, digits)
    return TableCell(f"{number(mean['estimate'], digits)} ± {spread}")


def quartiles(row: Found, digits: int) -> TableCell:
    """Median and quartiles."""
    if row["median"] is None:
        return _undefined(row)
    median, q1, q3 = (number(row[name], digits) for name in ("median", "q1", "q3"))
    return TableCell(f"{median} ({q1} to {q3})")


def count_of(part: int, total: int) -> TableCell:
    """k of n."""
    return TableCell(f"{part} of {total}") if total else TableCell(reason="nothing was answered")


def percent_interval(share: Found | None) -> TableCell:
    """The interval of a share, in percent with one decimal."""
    if not share or not share.get("ci"):
        return _undefined(share)
    low, high = (f"{100 * end:.1f}" for end in share["ci"])
    return TableCell(f"{low} to {high} %", dim=True)


def _undefined(found: Found | None) -> TableCell:
    return TableCell(reason=(found or {}).get("reason") or "not computed")
