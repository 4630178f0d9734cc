"""The charts below the tables of the page on stability: features by class, a heat map, places, scatter."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from analysis.report import box_figures, feature_figures

BY_PLACE = (("icc", "ICC(A,1)"), ("ccc", "CCC"))
SPREAD = (("cv", "CV"), ("qcd", "QCD"))
LEAST = -1.0  # that is drawn of an agreement by place: ICC has no least value, and few volumes make it -40
WIDTH = 640  # of a chart in half of the page


def charts(
    results: Mapping[str, Any], *, criterion: str, colours: Mapping[str, str], panels: Sequence[Mapping[str, Any]]
) -> list[dict]:
    """Each chart with its name, title, what it shows, and whether it is long: long ones are folded."""
    limit = results["criteria"][criterion]
    pairs: list[tuple[str, ...]] = list(dict.fromkeys((row["fast"], row["dl"]) for row in results["restores"]))
    arms = [row["arm"] for row in results["arms"]]
    found = [
        _chart(
            "scatter",
            "Scatter",
            f"each volume against {results['reference']}; dashed: identity",
            feature_figures.scatter(panels, reference=results["reference"], colours=colours),
        ),
        _chart("heat", "Agreement by class", "median CCC of the features of a class; framed: below 0", _heat(results)),
    ]
    for number, columns in enumerate(pairs or [tuple(arms[:2])], 1):
        picture = feature_figures.class_bars(
            results, arms=columns, criterion=criterion, threshold=limit, colours=colours
        )
        about = f"{' and '.join(columns)}; hollow: below {limit:g}"
        found.append(_chart(f"bars-{number}", "Every feature", about, picture, long=True))
    places = [group for group in results["groups"] if group["by"] == "roi"]
    if places:
        for key, name in BY_PLACE:
            found.append(
                _chart(
                    f"place-{key}",
                    f"{name} by place",
                    f"over features; below {LEAST:g} at {LEAST:g}",
                    _by_place(places, key, results, colours),
                )
            )
        for key, name in SPREAD:
            found.append(
                _chart(f"place-{key}", f"{name} by place", "over features, of the arms", _spread(places, key, results))
            )
    return found


def _chart(name: str, title: str, about: str, picture: str, *, long: bool = False) -> dict:
    safe: SafeString = mark_safe(picture)  # noqa: S308  figures escape what they draw
    return {"name": name, "title": title, "about": about, "picture": safe, "long": long}


def _defined(values: Mapping[str, float | None]) -> list[float]:
    return [value for value in values.values() if value is not None]


def _heat(results: Mapping[str, Any]) -> str:
    """A row for each arm, and below it one for each place where there are several."""
    classes = list(dict.fromkeys(row["class"] for row in results["dispersion"]))
    of = {row["feature"]: row["class"] for row in results["dispersion"]}

    def row(label: str, values: Mapping[str, float | None], *, part: bool = False) -> dict:
        inside = [[v for name, v in values.items() if v is not None and of[name] == group] for group in classes]
        return {"label": label, "part": part, "values": [median(found) if found else None for found in inside]}

    rows = []
    for arm in results["arms"]:
        own = {one["feature"]: one["ccc"]["estimate"] for one in arm["features"] if one["counted"]}
        rows.append(row(arm["arm"], own))
        for group in results["groups"]:
            if group["by"] == "roi":
                own_arm = (one for one in group["arms"] if one["arm"] == arm["arm"])
                rows += [row(group["group"], one["ccc"], part=True) for one in own_arm]
    return feature_figures.heat_map(rows, columns=classes, title="Median CCC by class", width=WIDTH)


def _by_place(
    places: Sequence[Mapping[str, Any]], key: str, results: Mapping[str, Any], colours: Mapping[str, str]
) -> str:
    rows = [
        {"group": place["group"], "arm": arm["arm"], "values": [max(value, LEAST) for value in _defined(arm[key])]}
        for place in places
        for arm in place["arms"]
    ]
    return box_figures.box_plots(rows, colours=colours, limit=results["criteria"][key], ends=(0, 1), width=WIDTH)


def _spread(places: Sequence[Mapping[str, Any]], key: str, results: Mapping[str, Any]) -> str:
    rows = [{"arm": place["group"], "values": _defined(place["dispersion"][key])} for place in places]
    limit = results["criteria"]["dispersion"]
    return box_figures.box_plots(rows, colours={}, limit=limit, ends=(0, limit), width=WIDTH)
