"""What differs between two versions of a charter."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from analysis.report import table_cells
from analysis.report.table import Table

Charter = Mapping[str, Any]
NAMING = ("id", "number", "first", "second", "criterion", "kind", "on")


@dataclass(frozen=True)
class Difference:
    """One place where two charters differ; "" is nothing."""

    where: str
    before: str
    now: str


def table(charter: Charter, earlier: Charter) -> Table:
    """What differs from an earlier version, as a table."""
    found = differences(charter, earlier)
    version = earlier.get("version") or {}
    since = f"version {version['number']}" if version.get("number") else "the earlier version"
    rows = [table_cells.words(one.where, one.before or "–", one.now or "–") for one in found]
    return Table(
        "changes",
        f"Changes since {since}",
        heads=["Where", "Before", "Now"],
        rows=rows,
        words=3,
        reason="" if rows else f"nothing differs from {since}",
    )


def differences(charter: Charter, earlier: Charter) -> list[Difference]:
    """Every place where two charters differ, in the order of the newer one."""
    now, before = (dict(_places(_compared(one))) for one in (charter, earlier))
    places = dict.fromkeys([*now, *before])
    return [
        Difference(place, before.get(place, ""), now.get(place, ""))
        for place in places
        if (before.get(place) or "") != (now.get(place) or "")
    ]


def _compared(charter: Charter) -> dict[str, Any]:
    """All but the hashes, which differ with anything else; the protocol under its own name, as both have a schedule."""
    protocol = {name: value for name, value in charter["protocol"].items() if name != "sha256"}
    rest = {name: value for name, value in charter.items() if name not in ("protocol", "version")}
    return {"protocol": protocol, **rest}


def _places(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """(place, value in words) of every value that holds no others; rows are named by what names them."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _places(one, f"{where}, {name}" if where else str(name).replace("_", " "))
    elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        named: Counter[str] = Counter()
        for number, one in enumerate(value, 1):
            name = _row_name(one, number)
            named[name] += 1
            again = f" ({named[name]})" if named[name] > 1 else ""
            yield from _places(_unnamed(one), f"{where} {name}{again}")
    elif isinstance(value, list):
        yield where, ", ".join(map(_in_words, value))
    else:
        yield where, _in_words(value)


def _row_name(row: Mapping[str, Any], number: int) -> str:
    """What tells a row from the others of its table: an arm by its code, a margin by all that it is declared for."""
    arms = " vs ".join(str(row[name]) for name in ("first", "second") if row.get(name))
    named = [arms, *(str(row[name]) for name in ("criterion", "kind", "on") if row.get(name))]
    if row.get("id") or row.get("number"):
        return str(row.get("id") or row["number"])
    return ", ".join(filter(None, named)) or str(number)


def _unnamed(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a row says beside its name, and that it is there, as it may say nothing else."""
    return {"there": True, **{name: value for name, value in row.items() if name not in NAMING}}


def _in_words(value: Any) -> str:
    if value is None:
        return ""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
