"""Tables of a radiomic signature, and what its Bland–Altman plots are drawn from."""

from collections.abc import Mapping
from typing import Any

from analysis import formats
from analysis.report import table_cells
from analysis.report.table import Colours, Table, TableCell

DIGITS = 3


def summary(results: Mapping[str, Any], colours: Colours) -> Table:
    """One row per arm: bias and limits, tests, share within the limits, unstable inputs."""
    rows = []
    for arm in results["arms"]:
        limits = arm["bland_altman"]
        rows.append(
            [
                TableCell(arm["arm"], colour=colours.get(arm["arm"], "")),
                table_cells.count(arm["n"]),
                table_cells.estimate_with_interval(limits["bias"], DIGITS, sign=True),
                *(table_cells.estimate_with_interval(limits[end], DIGITS, sign=True) for end in ("lower", "upper")),
                table_cells.p_of_test(arm["paired_t"]),
                table_cells.p_of_test(arm["by_subject"] or {"reason": "volumes count as independent"}),
                table_cells.estimate_with_interval(arm["ccc"], DIGITS),
                table_cells.estimate_with_interval(arm["share_within_limits"], DIGITS),
                _unstable_inputs(arm),
            ]
        )
    shares = {arm["share_within_limits"]["method"] for arm in results["arms"]}
    said = results["conventions"]
    return Table(
        "signature",
        "Against " + results["reference"],
        heads=[
            *("Arm", "n", "Bias", "Lower limit", "Upper limit", "paired t p", "by subject p", "CCC"),
            *("Share within", "Unstable inputs"),
        ],
        rows=rows,
        how=f"{said['difference']}. Share within: {'; '.join(sorted(shares))}. Unstable: {said['unstable_inputs']}. "
        f"Volumes: {said['volumes']}.",
    )


def _unstable_inputs(arm: Mapping[str, Any]) -> TableCell:
    """Their names; "none" only where every input has a verdict."""
    unstable, unjudged = ", ".join(arm["unstable_inputs"]), arm["unjudged_inputs"]
    if not unjudged:
        return TableCell(unstable or "none")
    lacking = "n/a: " + ", ".join(f"{one['feature']} ({one['reason']})" for one in unjudged)
    return TableCell("; ".join(part for part in (unstable, lacking) if part))


def values(results: Mapping[str, Any]) -> Table:
    """One row per volume, one column per arm."""
    arms = [arm["arm"] for arm in results["arms"]]
    keys = [key for key in ("subject", "case", "roi") if any(one.get(key) for one in results["reference_values"])]
    rows = []
    for place, volume in enumerate(results["reference_values"]):
        found = [volume["value"], *(arm["values"][place]["value"] for arm in results["arms"])]
        rows.append(
            [
                *(TableCell(volume[key]) for key in keys),
                *(
                    TableCell("", "a feature of the signature has no value")
                    if one is None
                    else TableCell(formats.number(one, DIGITS))
                    for one in found
                ),
            ]
        )
    return Table(
        "signature-values",
        "Values",
        heads=[
            *({"subject": "Subject", "case": "Case", "roi": "Volume"}[key] for key in keys),
            results["reference"],
            *arms,
        ],
        rows=rows,
        words=len(keys),
        how=f"{results['conventions']['value']}.",
    )


def panels(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For `stability_figures.bland_altman`: one panel per arm."""
    found = []
    for arm in results["arms"]:
        both = [
            (x["value"], y["value"])
            for x, y in zip(arm["values"], results["reference_values"], strict=True)
            if x["value"] is not None and y["value"] is not None
        ]
        found.append(
            {
                "arm": arm["arm"],
                "mean": [(x + y) / 2 for x, y in both],
                "difference": [x - y for x, y in both],
                **arm["bland_altman"],
            }
        )
    return found
