"""What the page of scan times shows: time saved, protocols, cohort, scanners."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from analysis.formats import number
from analysis.report import table_cells
from analysis.report.figures import clock
from analysis.report.table import TableCell
from analysis.scan_times import ALL, NUMBERS, OTHER, TEXTS
from readerstudy.archive.downloads import csv_lines
from readerstudy.images import analyses, charts
from readerstudy.material.models import Plane, Series
from readerstudy.material.selectors import in_use
from readerstudy.protocol.models import Arm, ReaderStudy, Region

PLANES = {plane[:3]: plane for plane in Plane.values}


def context(study: ReaderStudy) -> dict:
    """Everything that `images/scan_times.html` needs beside the study; `found` is None before there is a series."""
    results = analyses.scan_times(study)
    if results is None:
        return {"found": None}
    arms = {arm.code: arm for arm in study.arms.all()}
    every = [row for row in results["times"] if _accelerated(arms.get(row["test"]))]
    single = len(results["protocols"]) == 1  # all protocols would say the same once more
    times = [row for row in every if not (single and row["protocol"] == ALL)]
    return {
        "found": results,
        "reference": arms.get(results["reference"]),
        "compared": [arms[code] for code in dict.fromkeys(row["test"] for row in times)],
        "headlines": [_headline(row, arms) for row in every if row["protocol"] == ALL],
        "figure": charts.scan_times(_bars(times), arms),
        "protocols": [
            {
                "name": in_words(row["protocol"]),
                "cases": row["cases"],
                "subjects": row["subjects"],
                "arms": [_line(own, arms) for own in row["arms"]],
            }
            for row in results["protocols"]
        ],
        "saved": [
            {
                "test": arms.get(row["test"]),
                "name": in_words(row["protocol"]),
                "all": row["protocol"] == ALL,
                "cases": row["cases"],
                "left_out": row["left_out"].items(),
                **_saved(row),
            }
            for row in times
        ],
        "sources": sources(study),
        "processing": [{**row, "arm": arms.get(row["arm"])} for row in results["processing"]],
        "cohort": results["cohort"],
        "sexes": [f"{n} {sex}" for sex, n in results["cohort"]["sex"].items() if n or sex in ("F", "M")],
        "scanners": [{**row, "name": _scanner(row)} for row in results["scanners"]],
    }


SOURCES = {"attribute": "from the header", "private": "from private tags of the scanner", "typed": "typed in"}


def _acquired(study: ReaderStudy) -> list[Series]:
    active = study.series.filter(in_use("case__"), active=True, made_from=None)
    return [one for one in active.select_related("case__subject", "arm") if not one.simulated]


def sources(study: ReaderStudy) -> str:
    """Where the scan times of the acquired series came from: 12 from the header, 2 typed in, 1 not known."""
    return _counted(one.parameters for one in _acquired(study))


def _counted(parameters: Iterable[dict]) -> str:
    found = Counter(
        SOURCES[said.get("acquisition_source") or "attribute"] if said.get("acquisition_seconds") else "not known"
        for said in parameters
    )
    return ", ".join(f"{found[source]} {source}" for source in [*SOURCES.values(), "not known"] if found[source])


def _sources_of_arms(study: ReaderStudy) -> dict[tuple[str, str], str]:
    """The same for each protocol and arm."""
    found: dict[tuple[str, str], list[dict]] = defaultdict(list)
    for one in _acquired(study):
        protocol = one.case.code.removeprefix(f"{one.case.subject.code}-")
        found[protocol, one.arm.code].append(one.parameters)
    return {place: _counted(parameters) for place, parameters in found.items()}


def _scanner(row: dict) -> str:
    """Siemens Aera, 1.5 T."""
    name = " ".join(filter(None, [row["manufacturer"] or "unknown", row["model"]]))
    return name if row["field_strength"] is None else f"{name}, {row['field_strength']:.3g} T"


def in_words(protocol: str) -> str:
    """lumbar-sag-T2: lumbar sagittal T2."""
    if protocol in (ALL, OTHER):
        return f"{protocol.capitalize()} protocols"
    region, _, rest = protocol.partition("-")
    plane, _, weighting = rest.partition("-")
    if region not in Region.values or plane not in PLANES:
        return protocol
    return f"{region.capitalize()} {PLANES[plane]} {weighting}"


def _accelerated(arm: Arm | None) -> bool:
    return arm is not None and arm.acquisition == Arm.Acquisition.ACCELERATED


def _bars(times: list[dict]) -> list[dict]:
    rows = []
    for protocol, found in groupby(sorted(times, key=lambda row: _places(times, row)), key=lambda row: row["protocol"]):
        known = [row for row in found if row["mean_reference"] is not None]
        bars = [(known[0]["reference"], known[0]["mean_reference"])] if known else []
        rows.append({"label": in_words(protocol), "bars": bars + [(row["test"], row["mean_test"]) for row in known]})
    return [row for row in rows if row["bars"]]


def _places(times: list[dict], row: dict) -> int:
    return [one["protocol"] for one in times].index(row["protocol"])


def _headline(row: dict, arms: dict) -> dict:
    percent, examination = row["saved_percent"], row["saved_per_examination"]
    longer = (percent["estimate"] or 0) < 0
    return {
        "test": arms.get(row["test"]),
        "longer": longer,
        "percent": f"{abs(percent['estimate']):.0f} %" if percent["estimate"] is not None else "",
        "percent_ci": _gain_or_loss(percent["ci"], longer, lambda end: number(end, 0)),
        "reason": percent["reason"] or "",
        "sequence": _gain_or_loss([row["saved"]["estimate"]], longer, _duration),
        "examination": _gain_or_loss([examination["estimate"]], longer, _duration),
        "examination_ci": _gain_or_loss(examination["ci"], longer, _duration),
    }


def _gain_or_loss(values: list[float | None] | None, longer: bool, shown: Callable[[float], str]) -> str:
    """A value or both ends of an interval as words; where time was lost, as what was lost."""
    known = [value for value in values or [] if value is not None]
    return " to ".join(shown(value) for value in ([-value for value in reversed(known)] if longer else known))


def _duration(seconds: float) -> str:
    """3 min 12 s; 45 s."""
    minutes, rest = divmod(abs(round(seconds)), 60)
    sign = "−" if round(seconds) < 0 else ""
    return sign + (f"{minutes} min {rest} s" if minutes else f"{rest} s")


def _saved(row: dict) -> dict:
    def seconds(name: str) -> dict:
        found = row[name]
        ci = found["ci"]
        return {
            "text": _signed_clock(found["estimate"]),
            "ci": f"{_signed_clock(ci[0])} to {_signed_clock(ci[1])}" if ci else "",
            "reason": found["reason"] or "",
            "method": found["method"],
        }

    return {
        "saved": seconds("saved"),
        "examination": seconds("saved_per_examination"),
        "share": table_cells.estimate(row["saved_percent"], 1),
        "share_ci": table_cells.interval(row["saved_percent"], 1),
        "p": table_cells.p_of_test(row["paired_t"]),
        "means": [_mean(row, "reference"), _mean(row, "test")],
    }


def _mean(row: dict, which: str) -> TableCell:
    mean, sd = row[f"mean_{which}"], row[f"sd_{which}"]
    if mean is None:
        return TableCell("", row["saved"]["reason"])
    return TableCell(clock(mean) + (f" ± {clock(sd)}" if sd is not None else ""))


def _signed_clock(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return ("−" if round(seconds) < 0 else "") + clock(abs(seconds))


def _line(own: dict, arms: dict) -> dict:
    parameters = own["parameters"]
    echo = _cell(parameters["te"], own["n"])
    inversion = f"/{_cell(parameters['ti'], own['n']).text}" if echo.text and parameters["ti"]["n"] else ""
    return {
        "arm": arms.get(own["arm"]),
        "code": own["arm"],
        "n": own["n"],
        "cells": [
            _cell(parameters["acquisition_seconds"], own["n"], clock),
            _cell(parameters["tr"], own["n"]),
            TableCell(echo.text + inversion, echo.reason),
            _cell(parameters["slice_thickness"], own["n"]),
            _cell(parameters["slices"], own["n"]),
            _text(parameters["matrix"]),
            _text(parameters["pixel_spacing"]),
            _cell(parameters["echo_train_length"], own["n"]),
            _cell(parameters["averages"], own["n"]),
            _cell(parameters["flip_angle"], own["n"]),
        ],
    }


COLUMNS = ["Scan time", "TR ms", "TE/TI ms", "Slice mm", "Slices", "Matrix", "Pixel mm", "ETL", "NEX", "Flip °"]


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _cell(said: dict, series: int, shown: Callable[[float], str] = _number) -> TableCell:
    """The median; minimum and maximum behind it where they differ, and how many series state it where not all do."""
    if not said["n"]:
        return TableCell("", said["reason"])
    text = shown(said["median"])
    low, high = shown(said["min"]), shown(said["max"])
    stated = "" if said["n"] == series else f", n = {said['n']}"
    return TableCell((text if low == high else f"{text} ({low} to {high})") + stated)


def _text(said: dict) -> TableCell:
    if not said["n"]:
        return TableCell("", said["reason"])
    (value, count), *others = said["values"]
    value = " × ".join(f"{float(part):.3g}" if "." in part else part for part in value.split("x"))
    return TableCell(value if not others else f"{value} ({count} of {said['n']})")


ENDS = {"": "median", "_min": "min", "_max": "max", "_n": "n"}


def csv_table(study: ReaderStudy) -> Iterator[str]:
    """One row per protocol and arm: median, minimum, maximum, n of every parameter; the commonest matrix; where the
    scan times came from."""
    found = analyses.scan_times(study)
    numbers = [f"{name}{end}" for name in NUMBERS for end in ENDS]
    told = _sources_of_arms(study)
    rows = (
        {"protocol": row["protocol"], "arm": own["arm"], "series": own["n"]}
        | {f"{name}{end}": own["parameters"][name][key] for name in NUMBERS for end, key in ENDS.items()}
        | {name: own["parameters"][name]["values"][0][0] for name in TEXTS if own["parameters"][name]["n"]}
        | {"scan_times": told.get((row["protocol"], own["arm"]))}
        for row in (found["protocols"] if found else [])
        for own in row["arms"]
    )
    return csv_lines(["protocol", "arm", "series", *numbers, *TEXTS, "scan_times"], rows)
