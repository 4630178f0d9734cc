"""Results of images, volumes of interest, features and scan times as flat tables, as ``result_tables`` has ratings."""

from collections.abc import Iterator, Mapping
from typing import Any

from analysis.report.result_tables import Row, flattened


def image_tables(results: Mapping[str, Any]) -> dict[str, list[Row]]:
    """``images`` and ``images-paired``, of ``analysis.image_metrics.analyse``; a table without rows is left out."""
    return _filled({"images": map(flattened, results["pairs"]), "images-paired": map(flattened, results["paired"])})


def volume_tables(results: Mapping[str, Any]) -> dict[str, list[Row]]:
    """``volumes`` and ``volumes-paired``, of ``analysis.in_volumes.analyse``."""
    return _filled({"volumes": _of_measures(results, "arms"), "volumes-paired": _of_measures(results, "paired")})


def _of_measures(results: Mapping[str, Any], part: str) -> Iterator[Row]:
    for measure in results["measures"]:
        for row in measure[part]:
            yield {"measure": measure["measure"], **flattened(row)}


def stability_tables(results: Mapping[str, Any]) -> dict[str, list[Row]]:
    """``stability``, of ``analysis.stability.analyse``: one row per arm and feature."""
    rows = (
        {"reference": results["reference"], "arm": arm["arm"], **flattened(feature)}
        for arm in results["arms"]
        for feature in arm["features"]
    )
    return _filled({"stability": rows})


def scan_time_tables(results: Mapping[str, Any]) -> dict[str, list[Row]]:
    """``scan-times``, of ``analysis.scan_times.analyse``: one row per protocol and arm beside the reference."""
    rows = (flattened({key: value for key, value in row.items() if key != "left_out"}) for row in results["times"])
    return _filled({"scan-times": rows})


def _filled(tables: Mapping[str, Any]) -> dict[str, list[Row]]:
    found = {name: list(rows) for name, rows in tables.items()}
    return {name: rows for name, rows in found.items() if rows}
