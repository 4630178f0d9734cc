"""The results of a reader study as flat tables: one row per cell, reader, arm or level, every number with its method.

A number is spread over columns that begin alike: ``mean_estimate, mean_low, mean_high, mean_level, mean_n,
mean_method, mean_reason``; a test has ``…_statistic, …_p, …_n, …_method, …_reason``. Null is None.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from analysis import verdict
from analysis.cells import ONE_SIDE

Row = dict[str, Any]
CELL = ("first", "second", "criterion")
LEFT_OUT = ("readers", "equivalence", "noninferiority", "pairs")


def result_tables(results: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Name -> rows, of what ``analysis.reading.analyse`` gives; a table without rows is left out."""
    found = {name: list(rows) for name, rows in _tables(results).items()}
    return {name: rows for name, rows in found.items() if rows}


def table_names(results: Mapping[str, Any]) -> list[str]:
    """The names of these tables, at the cost of a row each."""
    return [name for name, rows in _tables(results).items() if next(iter(rows), None)]


def _tables(results: Mapping[str, Any]) -> dict[str, Iterable[Row]]:
    return {
        "preference": (flattened(_with_cell_first(cell)) for cell in results["comparisons"]),
        "preference-readers": (
            {**_cell(cell), **flattened(reader)} for cell in results["comparisons"] for reader in cell["readers"]
        ),
        "primary": [flattened(results["primary"]) | {"says": " ".join(verdict.primary(results))}],
        "margins": (
            {**_cell(cell), "kind": claim.kind, **flattened(claim.row), "claim": claim.name, "verdict": claim.verdict}
            for cell in results["comparisons"]
            for claim in verdict.claims(cell)
        ),
        "agreement": (flattened(_with_cell_first(row)) for row in _agreed(results)),
        "agreement-pairs": ({**_cell(row), **flattened(pair)} for row in _agreed(results) for pair in row["pairs"]),
        "readers": _readers(results),
        "components": ({**_cell(row), **flattened(row)} for row in results.get("components", {}).get("rows", [])),
        "consistency": (
            {"question": question, "arm": row.get("arm"), **flattened(row)}
            for question in ("integrity", "diagnostic")
            for row in [*results[question].get("arms", []), *_row_if_any(results[question].get("overall"))]
        ),
        "ranking": (
            {"criterion": row["criterion"], "parameter": name, **flattened(value)}
            for row in results["ranking"]["criteria"]
            for name, value in [
                *((arm["arm"], arm["log_worth"]) for arm in row["arms"]),
                ("tie", row["tie"]),
                ("side", row["side"]),
            ]
        ),
        "subgroups": (
            {
                "variable": variable["variable"],
                **_cell(cell),
                **flattened(level),
                **flattened(cell["interaction"], "interaction_"),
            }
            for variable in results["subgroups"]["variables"]
            for cell in variable["cells"]
            for level in cell["levels"]
        ),
        "mixed": ({**_cell(cell), **flattened(cell)} for cell in results.get("mixed", {}).get("cells", [])),
        "missing": ({**_cell(cell), **flattened(cell)} for cell in results.get("missing", {}).get("cells", [])),
        "missing-pattern": map(flattened, results.get("missing", {}).get("pattern", [])),
        "displays": ({**_cell(cell), **flattened(cell)} for cell in results.get("displays", {}).get("cells", [])),
        "display-checks": results.get("displays", {}).get("readers", []),
        "blinding": _guesses(results["blinding"]),
    }


def columns(rows: Iterable[Row]) -> list[str]:
    """The columns of all rows, in the order in which they come."""
    return list(dict.fromkeys(name for row in rows for name in row))


def flattened(value: Mapping[str, Any], prefix: str = "") -> Row:
    """What a row of results holds, each number on its own: ``mean: {estimate, …}`` becomes ``mean_estimate, …``."""
    row: Row = {}
    for key, own in value.items():
        name = prefix + key
        if isinstance(own, Mapping):
            row |= flattened(own, f"{name}_")
        elif key in ("ci", "ci90"):
            low, high = own or (None, None)
            ends = ("low", "high") if key == "ci" else ("low90", "high90")
            row |= {prefix + ends[0]: low, prefix + ends[1]: high}
        elif key == "counts":
            row |= {f"n{score}": count for score, count in enumerate(own, start=1)}
        elif key == "tips_at":
            row[name] = None if own is None else " ".join(f"{answer:g}" for answer in own)
        elif not isinstance(own, list):
            row[name] = own
    return row


def _cell(row: Mapping[str, Any]) -> Row:
    return {key: row.get(key) for key in CELL}


def _with_cell_first(row: Mapping[str, Any]) -> Row:
    return {**_cell(row), **{key: value for key, value in row.items() if key not in LEFT_OUT}}


def _agreed(results: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [results["agreement"]["overall"], *results["agreement"]["cells"]]


def _row_if_any(row: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    return [] if row is None else [row]


def _readers(results: Mapping[str, Any]) -> list[Row]:
    """One row per reader: side, time, drift, screening, repeats."""
    rows: dict[str, Row] = {row["reader"]: flattened(row) for row in results["side_bias"]}
    for row in rows.values():
        if row["binomial_reason"] == ONE_SIDE:  # then left and right tell of preference, not of sides
            row |= {"left": None, "right": None}
    for apart in results.get("readers_apart", {}).get("readers", []):
        rows.setdefault(apart["reader"], {}).update(flattened(apart))
    for part in ("time", "drift", "screening", "repeats"):
        for found in results[part]["readers"]:
            own = {key: value for key, value in found.items() if key != "reader"}
            rows.setdefault(found["reader"], {"reader": found["reader"]}).update(flattened(own, f"{part}_"))
    return list(rows.values())


def _guesses(found: Mapping[str, Any]) -> list[Row]:
    if found["reason"]:
        return []
    rows = [{"comparison": None, "reader": None, **flattened(found["overall"])}]
    for key in ("comparison", "reader"):
        rows += [{"comparison": None, "reader": None, **flattened(row)} for row in found[f"{key}s"]]
    return rows
