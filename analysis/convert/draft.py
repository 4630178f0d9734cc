"""The map of a sheet while a person builds it by clicking: what was clicked or typed changes the map, one at a time."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from analysis.convert import cells
from analysis.convert.mapping import FIELDS, NEEDED, ONLY, STATUSES, ScoreColumn, SheetMap
from analysis.convert.sheet import Sheet, columns_of, letter
from analysis.errors import InputError

SCORES = "scores"
EACH = ("criterion", "reader", "arm", "first", "second")  # what several columns of scores may stand for
STEPS = {
    "1": "1 {other} markedly better",
    "2": "2 {other} slightly better",
    "3": "3 no difference",
    "4": "4 {favoured} slightly better",
    "5": "5 {favoured} markedly better",
}
FAVOURED = {"first": "first arm", "second": "second arm", "right": "right image", "left": "left image"}
OTHER = {"first": "second", "second": "first", "right": "left", "left": "right"}
RANGE = re.compile(r"\s*([+-]?[\d.,]+)\s*(?:to|–|-|\.\.)\s*([+-]?[\d.,]+)\s*")
WORDS_SHOWN, FEW_WORDS = 20, 3
T = TypeVar("T")


@dataclass(frozen=True)
class Role:
    """Something that a column may say. told: by which columns, or what holds in every row."""

    key: str
    name: str
    needed: bool
    told: str


def roles(found: SheetMap) -> list[Role]:
    """Needed ones first, in the order in which they are asked for."""
    by_side = found.design == "pairs" and found.favours in ("left", "right")
    needed = [*NEEDED[found.design], *(["side"] if by_side else []), SCORES]
    other = ONLY["single" if found.design == "pairs" else "pairs"]
    names = {**{name: words for name, words in FIELDS.items() if name not in other}, SCORES: "scores"}
    ordered = [*needed, *(name for name in names if name not in needed)]
    return [Role(name, names[name], name in needed, _told(found, name)) for name in ordered]


def _told(found: SheetMap, name: str) -> str:
    if name == SCORES:
        return ", ".join(score.column for score in found.scores)
    if name in found.columns:
        return ", ".join(found.columns[name])
    if name in found.always:
        return f"always {found.always[name]}"
    if name in found.above:
        column, begins = found.above[name]
        return f"label {begins}… in {column}"
    if name in found.told():
        return f"by column: {', '.join(dict.fromkeys(score.fields[name] for score in found.scores))}"
    return ""


def next_role(found: SheetMap, now: str) -> str:
    """The first needed one that nothing tells; else the one that is asked for now."""
    return next((role.key for role in roles(found) if role.needed and not role.told), now or SCORES)


def header_of(sheet: Sheet, found: SheetMap) -> list[str]:
    """The row that names the columns, empty where there is none."""
    return sheet.rows[found.header - 1] if found.header <= len(sheet.rows) else []


def reference(header: list[str], place: int) -> str:
    """How a map names a column: by its header, or by its letter where that is empty or stands twice."""
    name = header[place] if place < len(header) else ""
    return name if name and header.count(name) == 1 and not name.startswith("[") else f"[{letter(place)}]"


def pick(
    found: SheetMap, header: list[str], *, place: int, role: str, begins: str = "", join: bool = False
) -> SheetMap:
    """A column was clicked: it says this now, or no longer. begins: labels above the rows say it, which begin so; join:
    it says so together with the columns that do already."""
    column = reference(header, place)
    if role == SCORES:
        left = tuple(score for score in found.scores if score.column != column)
        return replace(found, scores=left if len(left) < len(found.scores) else (*left, ScoreColumn(column)))
    if role not in FIELDS:
        return found
    bare = forget(found, role)
    if begins:
        same = found.above.get(role) == (column, begins)
        return bare if same else replace(bare, above={**bare.above, role: (column, begins)})
    told = found.columns.get(role, ())
    others = tuple(one for one in told if one != column) if join else ()
    several = others if column in told and (join or len(told) == 1) else (*others, column)
    return replace(bare, columns={**bare.columns, role: several}) if several else bare


def forget(found: SheetMap, role: str) -> SheetMap:
    """Nothing says this any more."""
    if role == SCORES:
        return replace(found, scores=())
    return replace(
        found,
        columns=_without(found.columns, role),
        always=_without(found.always, role),
        above=_without(found.above, role),
        scores=tuple(replace(one, fields=_without(one.fields, role)) for one in found.scores),
    )


def say_always(found: SheetMap, *, role: str, text: str) -> SheetMap:
    """The same holds in every row; nothing any more where the text is empty."""
    if role not in FIELDS or text == found.always.get(role, ""):
        return found
    bare = forget(found, role)
    return replace(bare, always={**bare.always, role: text}) if text else bare


def _without(mapping: Mapping[str, T], name: str) -> dict[str, T]:
    return {key: value for key, value in mapping.items() if key != name}


def stand_for(found: SheetMap, header: list[str], each: str) -> SheetMap:
    """Each column of scores stands for one criterion, reader or arm, named as its header."""
    bare = forget(found, each)
    scores = []
    for score in bare.scores:
        place = next(columns_of(header, score.column), None)
        named = header[place] if place is not None and place < len(header) else ""
        scores.append(ScoreColumn(score.column, {**score.fields, each: named or score.column.strip("[]")}))
    return replace(bare, scores=tuple(scores))


def asked_of_scores(found: SheetMap) -> list[str]:
    """What columns of scores may say each for themselves: fields that no column, label or constant tells of all."""
    told = {*found.columns, *found.always, *found.above}
    possible = [name for name in EACH if name not in ONLY["single" if found.design == "pairs" else "pairs"]]
    return [name for name in possible if name not in told]


def say_of_score(found: SheetMap, *, number: int, field: str, text: str) -> SheetMap:
    """What one column of scores stands for; a letter in brackets names the column that tells."""
    if not 0 <= number < len(found.scores) or field not in FIELDS:
        return found
    score = found.scores[number]
    fields = {**_without(score.fields, field), **({field: text} if text else {})}
    return replace(found, scores=(*found.scores[:number], replace(score, fields=fields), *found.scores[number + 1 :]))


def of_design(found: SheetMap, design: str) -> SheetMap:
    """The same map for pairs, or for single images: what the other design alone has goes."""
    if design == found.design or design not in NEEDED:
        return found
    for field in ONLY[found.design]:
        found = forget(found, field)
    return replace(found, design=design, meanings={}, favours="right")  # type: ignore[arg-type]


def of_place(found: SheetMap, sheet: Sheet) -> SheetMap:
    """The map without the columns that this row of this sheet does not name."""
    header = header_of(sheet, found)

    def there(column: str) -> bool:
        return any(columns_of(header, column))

    return replace(
        found,
        columns={name: columns for name, columns in found.columns.items() if all(map(there, columns))},
        above={name: told for name, told in found.above.items() if there(told[0])},
        scores=tuple(score for score in found.scores if there(score.column)),
    )


def criteria(sheet: Sheet, found: SheetMap) -> list[dict[str, str]]:
    """Scale and best score of all criteria ("") and of each one that the sheet or the map names."""
    named = list(values(sheet, found, "criterion"))
    asked = ["", *(named if len(named) > 1 else [])]
    return [
        {
            "criterion": one,
            "scale": "{:g} to {:g}".format(*found.scale[one]) if one in found.scale else "",
            "best": _plain(found.best.get(one)),
        }
        for one in asked
    ]


def with_scale(found: SheetMap, *, criterion: str, scale: str, best: str) -> SheetMap:
    """What the scores of one criterion, or of all (""), may be, and which is best. InputError."""
    scales, bests = _without(found.scale, criterion), _without(found.best, criterion)
    if scale:
        ends = RANGE.fullmatch(scale)
        if not ends:
            raise InputError(f"{scale!r} is no scale: write its lowest and its highest score, such as 1 to 5.")
        low, high = _number(ends[1], "the lowest score"), _number(ends[2], "the highest score")
        if not low < high:
            raise InputError(f"{scale!r} is no scale: the lowest score comes first.")
        scales[criterion] = (low, high)
    if best in ("high", "low"):
        bests[criterion] = best
    elif best:
        bests[criterion] = _number(best, "the best score")
    return replace(found, scale=scales, best=bests)


def _number(text: str, what: str) -> float:
    try:
        return cells.number(text)
    except ValueError:
        raise InputError(f"{text!r} is no number; {what} is one.") from None


def values(sheet: Sheet, found: SheetMap, field: str) -> Iterator[str]:
    """What the sheet and the map say of a field, each once, as long as few do."""
    header = header_of(sheet, found)
    fixed = [score.fields[field] for score in found.scores if field in score.fields]
    columns = [found.columns.get(field, ()), *((one,) for one in fixed if one.startswith("["))]
    sources = {tuple(place for one in several for place in columns_of(header, one)) for several in columns}
    seen = dict.fromkeys(one for one in (found.always.get(field, ""), *fixed) if one and not one.startswith("["))
    for row in sheet.rows[found.header :]:
        for places in sources - {()}:
            text = _joined(row, places)
            if text and text != _joined(header, places):
                seen[text] = None
        if len(seen) >= WORDS_SHOWN:
            break
    yield from list(seen)[:WORDS_SHOWN]


def _joined(row: list[str], places: tuple[int, ...]) -> str:
    return " ".join(row[place] for place in places if place < len(row)).strip()


def arms(sheet: Sheet, found: SheetMap) -> list[str]:
    """The arms that the sheet and the map name."""
    fields = ("arm",) if found.design == "single" else ("first", "second")
    return sorted({arm for field in fields for arm in values(sheet, found, field)})


def words(sheet: Sheet, found: SheetMap) -> list[dict[str, str]]:
    """What stands in the columns of scores and needs a meaning, with the meaning that it has.

    Words, and numbers outside the scale; of choices between two, which are none of the five steps, both.
    """
    header = header_of(sheet, found)
    places = [place for score in found.scores for place in columns_of(header, score.column)]
    labels = tuple(begins for _, begins in found.above.values())
    seen = [
        text
        for text in dict.fromkeys(
            row[place]
            for row in sheet.rows[found.header :]
            for place in places
            if place < len(row) and row[place] != (header[place] if place < len(header) else "")
        )
        if text.lower() not in cells.NOTHING and not text.startswith(labels)
    ]
    asked = [text for text in seen if _needs_meaning(text, found)]
    if any(cells.NUMBER.fullmatch(text) for text in asked) and found.design == "pairs" and len(seen) <= FEW_WORDS:
        asked = seen
    shown = [text for text in seen if text in asked or text in found.meanings]
    return [{"text": text, "meaning": _plain(found.meanings.get(text))} for text in shown[:WORDS_SHOWN]]


def _needs_meaning(text: str, found: SheetMap) -> bool:
    pairs = found.design == "pairs"
    low, high = found.scale.get("", (1.0, 5.0) if pairs else (-math.inf, math.inf))
    try:
        number = cells.number(text)
    except ValueError:
        return True
    return not low <= number <= high or (pairs and not (high - low == 4 and number.is_integer()))


def _plain(value: float | str | None) -> str:
    return f"{value:g}" if isinstance(value, float) else value or ""


def steps(found: SheetMap) -> dict[str, str]:
    """What a cell of a score may stand for, by its key, in words; of single images any number may be typed."""
    statuses = {status: status.replace("_", " ") for status in STATUSES}
    if found.design == "single":
        return statuses
    ends = {"favoured": FAVOURED[found.favours], "other": FAVOURED[OTHER[found.favours]]}
    return {**{key: text.format(**ends) for key, text in STEPS.items()}, **statuses}


def with_meaning(found: SheetMap, *, text: str, meaning: str) -> SheetMap:
    """What a cell of the sheet stands for; nothing where the meaning is empty. InputError."""
    meanings = _without(found.meanings, text)
    if meaning.replace(" ", "_") in STATUSES:
        meanings[text] = meaning.replace(" ", "_")
    elif meaning:
        meanings[text] = _number(meaning, "what a word stands for is one, or missing, cannot judge, not applicable")
    return replace(found, meanings=meanings)


def side_words(sheet: Sheet, found: SheetMap) -> list[dict[str, str]]:
    """Words in the column of sides that are not known to be left or right."""
    return [
        {"text": text, "side": found.sides.get(text, "")}
        for text in values(sheet, found, "side")
        if text in found.sides or text.lower() not in cells.SIDES
    ]


def positive(text: str) -> float:
    """The difference from which one image is markedly better. InputError."""
    if (value := _number(text, "the difference from which one image is markedly better")) <= 0:
        raise InputError("The difference from which one image is markedly better is above 0.")
    return value
