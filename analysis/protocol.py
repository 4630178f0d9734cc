"""The part of a protocol that the analysis needs: what was asked, and what was declared before opening."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from analysis.errors import InputError

PRIMARY_TESTS = ("cluster_permutation", "cluster_sign_flip", "datta_satten", "as_published")
UNNAMED_TEST = "cluster_sign_flip"  # of studies that were opened before protocols named their test
AFTER_OPENING = ("sha256", "amendments", "set_aside", "synthetic", "screening")  # members that its sha256 leaves out
ALPHA = 0.05  # level of every test that decides something
WIDEST = {"mean": 2.0, "net_preference": 1.0}  # the scale's reach from no preference; a margin lies within it
Cell = tuple[str, str, str]


@dataclass(frozen=True)
class Margin:
    """A margin declared before opening, in points of preference ("mean") or as a share ("net_preference")."""

    kind: Literal["equivalence", "noninferiority"]
    on: Literal["mean", "net_preference"]
    margin: float
    first: str | None = None
    second: str | None = None
    criterion: str | None = None

    def __str__(self) -> str:
        """As it is named in a warning: "of equivalence (net preference within ±0.1; A vs B, snr)"."""
        size = f"within ±{self.margin:g}" if self.kind == "equivalence" else f"above −{self.margin:g}"
        kind = "equivalence" if self.kind == "equivalence" else "non-inferiority"
        arms = f"{self.first or 'any arm'} vs {self.second or 'any arm'}" if self.first or self.second else ""
        where = ", ".join(name for name in (arms, self.criterion) if name)
        return f"of {kind} ({self.on.replace('_', ' ')} {size}{'; ' if where else ''}{where})"

    def applies_to(self, cell: Cell) -> bool:
        """Whether it was declared for this cell; what a margin does not name, it does not restrict."""
        declared = (self.first, self.second, self.criterion)
        return all(mine is None or mine == theirs for mine, theirs in zip(declared, cell, strict=True))


@dataclass(frozen=True)
class Protocol:
    """Declarations of a reader study. Cells are (first arm, second arm, criterion)."""

    comparisons: tuple[tuple[str, str], ...] = ()
    criteria: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    primary: Cell | None = None
    primary_test: str = PRIMARY_TESTS[0]
    family: tuple[Cell, ...] | None = None
    margins: tuple[Margin, ...] = ()
    readers: Literal["fixed", "random"] = "fixed"
    categories: tuple[float, ...] = (1, 2, 3, 4, 5)
    declared: bool = False


def read_json(path: str | Path) -> Any:
    """What a JSON file holds. Raises InputError."""
    path = Path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError:
        raise InputError(f"There is no readable file {path}.") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise InputError(f"{path.name} is not JSON.") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path.name} holds a number too large or members nested too deeply.") from None


def read_protocol(path: str | Path) -> Protocol:
    """Read protocol.json. Raises InputError, also where it is not the one that was frozen."""
    content = read_json(path)
    if isinstance(content, Mapping):
        ensure_frozen(content, name=Path(path).name)
    return parse_protocol(content, name=Path(path).name)


def ensure_frozen(content: Mapping[str, Any], *, name: str) -> None:
    """Raise InputError where a protocol gives a sha256 that is not its own. One without sha256 was never frozen.

    The hash is that of the members but those that were said after opening; a study that was opened before protocols
    named their test was frozen without that, and has the sign flip.
    """
    if content.get("sha256") is None:
        return
    frozen = {member: value for member, value in content.items() if member not in AFTER_OPENING}
    if content["sha256"] == sha256(frozen):
        return
    if frozen.pop("primary_test", None) == UNNAMED_TEST and content["sha256"] == sha256(frozen):
        return
    raise InputError(
        f"{name} is not the protocol that was frozen: its sha256 is not that of what it says. Take the file as it was "
        "exported, or the sha256 out of it."
    )


def sha256(members: Mapping[str, Any]) -> str:
    """SHA-256 of JSON members in the form that the site hashes: sorted keys, no spaces, UTF-8."""
    text = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def parse_protocol(content: Any, *, name: str = "The protocol") -> Protocol:
    """A Protocol from parsed JSON, whose form is in docs/tables/protocol.schema.json. Raises InputError."""
    if content is None:
        return Protocol()
    if isinstance(content, Protocol):
        return content
    if not isinstance(content, Mapping):
        raise InputError(f"{name} must be a JSON object.")
    try:
        comparisons = tuple((str(c["first"]), str(c["second"])) for c in content.get("comparisons") or ())
        criteria = content.get("criteria") or ()
        names = {str(c["id"]): str(c.get("name") or c["id"]) for c in criteria}
        family = content.get("family")
        primary = content.get("primary")
        return Protocol(
            comparisons=comparisons,
            criteria=tuple(names),
            names=names,
            primary=None if not primary else _cell(primary),
            primary_test=_primary_test(content, primary or {}),
            family=None if family is None else tuple(_cell(c) for c in family),
            margins=tuple(dict.fromkeys(_margin(m) for m in content.get("margins") or ())),
            readers=_one_of(content.get("readers") or "fixed", ("fixed", "random"), "readers"),  # type: ignore[arg-type]
            categories=_categories(content.get("categories") or (1, 2, 3, 4, 5)),
            declared=True,
        )
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as problem:
        if isinstance(problem, InputError):
            raise InputError(f"{name}: {problem}") from None
        what = f"lacks {problem}" if isinstance(problem, KeyError) else "has an entry of the wrong form"
        raise InputError(f"{name} {what}; see docs/tables/protocol.schema.json.") from None


def _cell(entry: Mapping[str, Any]) -> Cell:
    return str(entry["first"]), str(entry["second"]), str(entry["criterion"])


def _primary_test(content: Mapping[str, Any], primary: Mapping[str, Any]) -> str:
    """``primary_test`` of the protocol, which may stand as ``test`` of ``primary`` too; without it the exact one."""
    said = {
        _one_of(test, PRIMARY_TESTS, "primary_test")
        for test in (content.get("primary_test"), primary.get("test"))
        if test
    }
    if len(said) > 1:
        raise InputError(f"primary_test is {content['primary_test']}, but primary.test is {primary['test']}.")
    return said.pop() if said else PRIMARY_TESTS[0]


def _one_of(value: Any, allowed: tuple[str, ...], what: str) -> str:
    if value not in allowed:
        raise InputError(f"{what} is {value!r}, not one of {', '.join(allowed)}.")
    return str(value)


def too_wide(on: str, margin: float) -> str | None:
    """Why this margin says nothing, as a sentence: no answers could lie beyond it. None where some could."""
    if margin < WIDEST[on]:
        return None
    name = on.replace("_", " ")
    return f"A margin of {margin:g} on {name} spans the whole scale; it must be below {WIDEST[on]:g}."


def _margin(entry: Mapping[str, Any]) -> Margin:
    if isinstance(entry["margin"], bool):
        raise InputError(f"a margin is {str(entry['margin']).lower()}, not a positive number.")
    margin = float(entry["margin"])
    if not (math.isfinite(margin) and margin > 0):
        raise InputError(f"a margin is {entry['margin']!r}, not a positive number.")
    on = _one_of(entry["on"], ("mean", "net_preference"), "a margin's on")
    if problem := too_wide(on, margin):
        raise InputError(problem)
    names = {key: None if entry.get(key) is None else str(entry[key]) for key in ("first", "second", "criterion")}
    return Margin(
        kind=_one_of(entry.get("kind", "equivalence"), ("equivalence", "noninferiority"), "a margin's kind"),  # type: ignore[arg-type]
        on=on,  # type: ignore[arg-type]
        margin=margin,
        **names,
    )


def _categories(values: Any) -> tuple[float, ...]:
    if not isinstance(values, list | tuple) or any(isinstance(value, bool) for value in values):
        raise InputError("categories must be a list of numbers.")
    categories = tuple(float(value) for value in values)
    if len(categories) < 2 or any(b <= a for a, b in pairwise(categories)):
        raise InputError("categories must be at least two ascending numbers.")
    if not all(value.is_integer() and 1 <= value <= 5 for value in categories):
        raise InputError("categories must be whole numbers from 1 to 5.")
    if any(6 - value not in categories for value in categories):
        raise InputError("categories must lie evenly about 3, which is no difference.")
    return categories
