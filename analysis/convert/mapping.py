"""The map that says what the columns of a sheet mean: small YAML, read, checked and written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from analysis import plain_yaml
from analysis.errors import InputError

# What a sheet may tell of a rating, with the words for it.
FIELDS = {
    "subject": "subject",
    "case": "case",
    "reader": "reader",
    "criterion": "criterion",
    "first": "first arm",
    "second": "second arm",
    "side": "side of the first arm",
    "arm": "arm",
    "region": "region",
    "plane": "plane",
    "weighting": "weighting",
    "site": "site",
    "seconds": "seconds of reading",
    "rated_at": "time of the rating",
}
NEEDED = {
    "pairs": ("subject", "reader", "first", "second", "criterion"),
    "single": ("subject", "reader", "arm", "criterion"),
}
ONLY = {"pairs": ("first", "second", "side"), "single": ("arm",)}
STATUSES = ("cannot_judge", "not_applicable", "missing")
KEYS = {
    "design", "sheet", "header", "encoding", "separator", "columns", "always", "above", "scores", "favours", "scale",
    "best", "marked", "meanings", "sides", "comparisons", "times",
}  # fmt: skip
MOST_TEXT = 100_000


@dataclass(frozen=True)
class ScoreColumn:
    """A column of scores; what the same row says elsewhere about them, it may say otherwise: field → text or [F]."""

    column: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SheetMap:
    """What the columns of a sheet mean. docs/convert.md has every key with an example."""

    design: Literal["pairs", "single"] = "pairs"
    sheet: str | None = None
    header: int = 1
    encoding: str | None = None
    separator: str | None = None
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    always: Mapping[str, str] = field(default_factory=dict)
    above: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    scores: tuple[ScoreColumn, ...] = ()
    favours: str = "right"
    scale: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    best: Mapping[str, str | float] = field(default_factory=dict)
    marked: float | None = None
    meanings: Mapping[str, float | str] = field(default_factory=dict)
    sides: Mapping[str, str] = field(default_factory=dict)
    comparisons: tuple[tuple[str, str], ...] = ()
    times: str | None = None

    def missing(self) -> list[str]:
        """The fields that neither a column nor the map itself tells; "scores" where no column of them is named."""
        by_side = self.design == "pairs" and self.favours in ("left", "right")
        needed = (*NEEDED[self.design], *(("side",) if by_side else ()))
        return [name for name in needed if name not in self.told()] + ([] if self.scores else ["scores"])

    def told(self) -> set[str]:
        """The fields of which every score is told something."""
        of_scores = set.intersection(*(set(score.fields) for score in self.scores)) if self.scores else set()
        return {*self.columns, *self.always, *self.above} | of_scores


def read_map(text: str) -> SheetMap:
    """A map from its YAML. Raises InputError: one sentence."""
    if len(text) > MOST_TEXT:
        raise InputError("The map is too long to be one; it says once what each column means.")
    content = plain_yaml.load(text, "The map")
    if content is None:
        return SheetMap()
    if not isinstance(content, Mapping):
        raise InputError("The map must hold keys such as columns and scores.")
    if unknown := [str(key) for key in content if key not in KEYS]:
        raise InputError(f"The map has no key {unknown[0]!r}; there are {', '.join(sorted(KEYS))}.")
    try:
        return _parsed(content)
    except (TypeError, AttributeError, ValueError, KeyError) as problem:
        if isinstance(problem, InputError):
            raise
        raise InputError("The map has an entry of the wrong form; docs/convert.md has an example of each.") from None


def _parsed(content: Mapping[str, Any]) -> SheetMap:
    design = _one_of(content.get("design", "pairs"), ("pairs", "single"), "design")
    header = content.get("header", 1)
    if not isinstance(header, int) or isinstance(header, bool) or header < 1:
        raise InputError("header is the number of the row that names the columns, 1 or more.")
    columns = {_field(name, design): _texts(value) for name, value in _mapping(content, "columns").items()}
    always = {_field(name, design): _text(value) for name, value in _mapping(content, "always").items()}
    above = {
        _field(name, design): (_text(entry["column"]), _text(entry["begins"]))
        for name, entry in _mapping(content, "above").items()
    }
    if double := sorted(set(columns) & set(always)):
        raise InputError(f"The map says {double[0]} twice, under columns and under always; keep one.")
    found = SheetMap(
        design=design,  # type: ignore[arg-type]
        sheet=_optional(content, "sheet"),
        header=header,
        encoding=_optional(content, "encoding"),
        separator=_optional(content, "separator"),
        columns=columns,
        always=always,
        above=above,
        scores=tuple(_score(entry, design) for entry in content.get("scores") or ()),
        favours=_one_of(content.get("favours", "right"), ("left", "right", "first", "second"), "favours"),
        scale=_scale(content.get("scale")),
        best=_best(content.get("best")),
        marked=None if content.get("marked") is None else float(content["marked"]),
        meanings={_text(word): _meaning(value) for word, value in _mapping(content, "meanings").items()},
        sides={
            _text(word): _one_of(value, ("left", "right"), "a side")
            for word, value in _mapping(content, "sides").items()
        },
        comparisons=tuple(_pair(pair) for pair in content.get("comparisons") or ()),
        times=_optional(content, "times"),
    )
    if found.marked is not None and found.marked <= 0:
        raise InputError("marked is the difference from which one image is markedly better: above 0.")
    return found


def _mapping(content: Mapping[str, Any], key: str) -> Mapping[Any, Any]:
    found = content.get(key) or {}
    if not isinstance(found, Mapping):
        raise InputError(f"{key} of the map holds names with a value each.")
    return found


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value).strip()
    raise TypeError


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_text(one) for one in value) if isinstance(value, list) else (_text(value),)


def _optional(content: Mapping[str, Any], key: str) -> str | None:
    return None if content.get(key) is None else str(content[key])


def _one_of(value: object, allowed: tuple[str, ...], what: str) -> str:
    if value not in allowed:
        raise InputError(f"{what} of the map is {value!r}, not one of {', '.join(allowed)}.")
    return str(value)


def _field(name: object, design: str) -> str:
    other = "single" if design == "pairs" else "pairs"
    if name not in FIELDS or name in ONLY[other]:
        known = ", ".join(one for one in FIELDS if one not in ONLY[other])
        raise InputError(f"The map names the field {name!r}; in {design} there are {known}.")
    return str(name)


def _score(entry: object, design: str) -> ScoreColumn:
    if not isinstance(entry, Mapping):
        return ScoreColumn(_text(entry))
    fields = {_field(name, design): _text(value) for name, value in entry.items() if name != "column"}
    return ScoreColumn(_text(entry["column"]), fields)


def _scale(value: object) -> dict[str, tuple[float, float]]:
    """By criterion; "" for all that are not named."""
    if value is None:
        return {}
    by_criterion: Mapping[Any, Any] = value if isinstance(value, Mapping) else {"": value}
    found = {}
    for criterion, ends in by_criterion.items():
        low, high = (float(end) for end in ends)
        if not low < high:
            raise InputError("A scale of the map is its lowest and its highest score, such as [1, 5].")
        found[_text(criterion)] = (low, high)
    return found


def _best(value: object) -> dict[str, str | float]:
    if value is None:
        return {}
    by_criterion: Mapping[Any, Any] = value if isinstance(value, Mapping) else {"": value}
    return {
        _text(criterion): best if best in ("high", "low") else float(best) for criterion, best in by_criterion.items()
    }


def _meaning(value: object) -> float | str:
    if isinstance(value, str):
        return _one_of(value, STATUSES, "a meaning")
    if isinstance(value, bool):
        raise TypeError
    return float(value)  # type: ignore[arg-type]


def _pair(pair: object) -> tuple[str, str]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise InputError("comparisons of the map are pairs of arms, such as [FAST-DL, SOC].")
    first, second = map(_text, pair)
    if first == second:
        raise InputError(f"The map compares {first} with itself.")
    return first, second


def write_map(found: SheetMap) -> str:
    """The YAML of a map, without what is so anyhow. The inverse of ``read_map``."""
    said: dict[str, Any] = {"design": found.design}
    for key in ("sheet", "encoding", "separator", "times", "marked"):
        if (value := getattr(found, key)) is not None:
            said[key] = value
    if found.header != 1:
        said["header"] = found.header
    if found.columns:
        said["columns"] = {name: one[0] if len(one) == 1 else list(one) for name, one in found.columns.items()}
    if found.always:
        said["always"] = dict(found.always)
    if found.above:
        said["above"] = {name: {"column": column, "begins": begins} for name, (column, begins) in found.above.items()}
    if found.scores:
        said["scores"] = [{"column": one.column, **one.fields} for one in found.scores]
    if found.design == "pairs" and found.favours != "right":
        said["favours"] = found.favours
    for key in ("scale", "best"):
        value = {criterion: list(one) if key == "scale" else one for criterion, one in getattr(found, key).items()}
        if value:
            said[key] = value[""] if set(value) == {""} else value
    for key in ("meanings", "sides"):
        if value := getattr(found, key):
            said[key] = dict(value)
    if found.comparisons:
        said["comparisons"] = [list(pair) for pair in found.comparisons]
    return yaml.safe_dump(_plain(said), sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)


def _plain(value: Any) -> Any:
    """Whole numbers as such, as a person writes them."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
