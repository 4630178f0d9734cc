"""A map to begin with: what names and values of the columns tell by themselves. A person looks at it and corrects it.

Only places are proposed, never what a score means: which arm or side a high one favours, and what words stand for, is
asked. Nothing is proposed of a sheet of which no column names a subject, a reader or an arm.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from analysis.convert import cells, draft
from analysis.convert.mapping import ScoreColumn, SheetMap
from analysis.convert.sheet import Sheet

# Names that people give columns, in words of small letters; the likelier first.
NAMES = {
    "subject": ("subject", "subject id", "patient", "patient id", "participant", "participant id", "proband", "pat"),
    "case": ("case", "case id", "exam", "examination", "series", "scan", "scene", "set", "fall", "untersuchung"),
    "reader": ("reader", "reader id", "rater", "observer", "radiologist", "expert", "leser", "befunder", "auswerter"),
    "criterion": ("criterion", "question", "item", "attribute", "category", "asked", "kriterium", "frage", "merkmal"),
    "first": ("first", "first arm", "erstes", "erster arm"),
    "second": ("second", "second arm", "zweites", "zweiter arm"),
    "side": ("side", "first side", "side of the first arm", "seite"),
    "arm": ("arm", "method", "protocol", "technique", "algorithm", "reconstruction", "methode", "verfahren"),
    "region": ("region",),
    "plane": ("plane", "ebene"),
    "weighting": ("weighting", "wichtung"),
    "site": ("site", "centre", "center", "hospital", "zentrum", "klinik"),
    "seconds": ("seconds", "reading time", "duration", "sekunden", "dauer"),
    "rated_at": ("rated at", "when rated", "timestamp", "date", "datum", "zeitpunkt"),
    draft.SCORES: ("score", "scores", "rating", "preference", "answer", "grade", "rank", "points", "selected", "note",
                   "bewertung", "antwort", "punkte"),
}  # fmt: skip
NUMBERED = ("image", "arm", "condition", "method", "bild", "option")
PLACES = {"first": ("1", "a"), "second": ("2", "b")}
SIDES = {"links": "left", "rechts": "right", "gauche": "left", "droite": "right"}
KNOWING = {"subject", "reader", "arm", "first"}
READER = re.compile(r"(?:r|reader|rater|observer|leser)[ _-]?\d+", re.IGNORECASE)
HEADERS, LOOKED_AT = 15, 200  # rows in which names are looked for, and values
MOST_VALUES = 21  # different ones in a column of scores
MOSTLY = 0.8


def proposed(sheet: Sheet, found: SheetMap, *, header: bool) -> SheetMap:
    """``found``, which says nothing of columns yet, with what the sheet tells by itself. header: whether to look for
    the row that names the columns, too."""
    guess = replace(found, header=_header(sheet)) if header else found
    names = draft.header_of(sheet, guess)
    named = _named(names)
    values = [_values(sheet, guess, place) for place in range(len(names))]
    for place, own in enumerate(values):
        if own and place not in named.values():
            for field, like in (("reader", READER.fullmatch), ("side", _side)):
                if field not in named and all(map(like, own)):
                    named[field] = place
    if "subject" not in named and "case" in named:
        named["subject"] = named.pop("case")
    if not KNOWING & named.keys():
        return found
    single = "arm" in named and not {"first", "second"} <= named.keys()
    for field in ("first", "second", "side") if single else ("arm",):
        named.pop(field, None)
    for field, check in (("rated_at", lambda text: cells.moment(text, None)), ("seconds", cells.number)):
        if field in named and not _reads(values[named[field]], check):
            del named[field]
    scores = named.pop(draft.SCORES, None)
    places = [scores] if scores is not None else [
        place for place, own in enumerate(values) if place not in named.values() and names[place] and _scored(own)
    ]  # fmt: skip
    guess = replace(
        guess,
        design="single" if single else "pairs",
        columns={field: (draft.reference(names, place),) for field, place in named.items()},
        sides={text: SIDES[text.lower()] for text in _known_sides(named, values)},
    )
    return replace(guess, scores=tuple(_score(guess, names, place, several=scores is None) for place in places))


def _header(sheet: Sheet) -> int:
    """The row that names the columns: the first of words that is about as long as the longest of the next ones."""
    for number, row in enumerate(sheet.rows[:HEADERS], start=1):
        words = {text for text in row if text and not cells.NUMBER.fullmatch(text)}
        longest = max((sum(map(bool, below)) for below in sheet.rows[number : number + 5]), default=0)
        if len(words) >= 2 and len(words) >= MOSTLY * longest > 0:
            return number
    return 1


def _words(name: str) -> str:
    """whenRated, When_rated and "when rated" are the same."""
    return " ".join(re.findall(r"[^\W\d_]+|\d+", re.sub(r"(?<=[a-zß-ÿ])(?=[A-Z])", " ", name))).lower()


def _named(header: list[str]) -> dict[str, int]:
    """The place of each field that a header names, by its likeliest name."""
    words = [_words(name) for name in header]
    named = {}
    for field, names in NAMES.items():
        numbered = [f"{one} {place}" for one in NUMBERED for place in PLACES.get(field, ())]
        place = next((words.index(name) for name in (*names, *numbered) if name in words), None)
        if place is not None:
            named[field] = place
    return named


def _values(sheet: Sheet, found: SheetMap, place: int) -> list[str]:
    rows = sheet.rows[found.header : found.header + LOOKED_AT]
    return [row[place] for row in rows if place < len(row) and row[place].lower() not in cells.NOTHING]


def _reads(own: list[str], check: Callable[[str], object]) -> bool:
    """Whether all of them can be read so."""
    try:
        return bool(own) and all(check(text) != "" for text in own)
    except ValueError:
        return False


def _side(text: str) -> bool:
    return text.lower() in cells.SIDES or text.lower() in SIDES


def _known_sides(named: dict[str, int], values: list[list[str]]) -> Iterator[str]:
    return (text for text in dict.fromkeys(values[named["side"]] if "side" in named else ()) if text.lower() in SIDES)


def _scored(own: list[str]) -> bool:
    """Whether these are scores: nearly all numbers, few different ones, and not the rows counted."""
    numbers = [text for text in own if cells.NUMBER.fullmatch(text)]
    counted = [str(number) for number in range(1, len(own) + 1)]
    return bool(own) and len(numbers) >= MOSTLY * len(own) and len(set(own)) <= MOST_VALUES and own != counted


def _score(found: SheetMap, names: list[str], place: int, *, several: bool) -> ScoreColumn:
    """A column of scores. Of several, the name says what each stands for: a reader, a criterion, or both."""
    column, name = draft.reference(names, place), names[place]
    if not several:
        return ScoreColumn(column)
    fields = {}
    who = READER.search(name)
    if who and "reader" not in found.columns:
        fields["reader"], name = who[0], (name[: who.start()] + name[who.end() :]).strip(" _-")
    if name and "criterion" not in found.columns:
        fields["criterion"] = name
    elif name and "reader" not in found.columns and not who:
        fields["reader"] = name
    return ScoreColumn(column, fields)
