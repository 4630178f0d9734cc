"""A sheet and the map that a person builds for it, step by step: what is to be shown after each.

Both functions are called in a process of their own, with limits, as the sheet is a stranger's; so all that goes in and
comes out is JSON.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from analysis.convert import draft, propose
from analysis.convert.mapping import FIELDS, SheetMap, read_map, write_map
from analysis.convert.ratings import Conversion, convert
from analysis.convert.sheet import ENCODINGS, SEPARATORS, Sheet, columns_of, letter, read_sheet
from analysis.errors import InputError

ROWS_ABOVE, ROWS_BELOW, COLUMNS_SHOWN, RATINGS_SHOWN, SAID_SHOWN = 5, 9, 60, 6, 100
SHOWN = ("reader", "subject", "case", "criterion", "comparison", "first_side", "score", "status", "kind")
ALONE = "as found"
OFFERED = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16", "cp1252": "Latin-1 (Windows-1252)"}  # of ENCODINGS
Said = Mapping[str, str]


def look(arguments: Mapping[str, Any], tell: Callable[[Any], None]) -> dict[str, Any]:
    """What to show of a sheet after one more step.

    Parameters
    ----------
    arguments : mapping
        ``sheet``: the file, as base64. ``said``: names and values of the form: ``was``, the map as it stood; ``map``,
        the same, or as a person changed it; and what was clicked or chosen, see ``_changed``.
    tell : callable
        Told nothing: it is quick.

    Returns
    -------
    dict
        ``refused`` alone where the sheet cannot be read. Else the map, what it asks for, the first rows of the sheet,
        and the ratings that come of them; ``wrong`` where the last step could not be taken; ``proposed`` where the map
        was just begun by names and values.
    """
    said: Said = arguments["said"]
    content = base64.b64decode(arguments["sheet"])
    wrong, typed = "", said.get("map", "").replace("\r\n", "\n")
    found, sheet, refused = _before(content, said)
    if sheet is None:
        return {"refused": refused}
    before, began = found, not typed and not said.get("was")
    if began:
        found = propose.proposed(sheet, found, header=True)
    try:
        if typed != said.get("was", "").replace("\r\n", "\n"):
            found = read_map(typed)
            sheet = _read(content, found)
            said = {**said, "role": ""}  # another map: what is asked for is looked up anew
        else:
            changed = _changed(found, sheet, said)
            if _place(changed) != _place(found):
                sheet = _read(content, changed)
                changed = draft.of_place(changed, sheet)
                if began := not changed.columns and not changed.scores:
                    changed = propose.proposed(sheet, changed, header=changed.header == found.header)
            found = changed
        typed = write_map(found)
    except InputError as problem:
        wrong = str(problem)
    return {
        "map": typed,
        "was": write_map(found),
        "wrong": wrong,
        "how": sheet.how,
        "sheets": list(sheet.sheets),
        "sheet": sheet.name,
        "encodings": {} if sheet.sheets else _offered(found.encoding, OFFERED),
        "encoding": found.encoding or "",
        "separators": {} if sheet.sheets else _offered(found.separator, SEPARATORS),
        "separator": found.separator or "",
        "proposed": began and bool(found.columns) and not wrong,
        **_asked(found, sheet, said, before=before, wrong=wrong),
        "unfinished": bool(found.missing()),
        "preview": _preview(sheet, found),
        **_outcome(convert(sheet, found)),
    }


def make(arguments: Mapping[str, Any], tell: Callable[[Any], None]) -> dict[str, Any]:
    """The ratings of a sheet, as the command makes them.

    Parameters
    ----------
    arguments : mapping
        ``sheet``: the file, as base64; ``map``: the text of the map.
    tell : callable
        Told nothing.

    Returns
    -------
    dict
        ``ratings``: the table as CSV; ``map``: as it is written; ``rows``; ``cells``: comparisons × criteria;
        ``notes`` and ``slips``. ``refused`` alone where there is no table.
    """
    try:
        found = read_map(arguments["map"])
        made = convert(_read(base64.b64decode(arguments["sheet"]), found), found)
        table = made.table()
    except InputError as problem:
        return {"refused": str(problem)}
    return {
        "ratings": table.to_csv(index=False, lineterminator="\n"),
        "map": write_map(found),
        "rows": len(table),
        "cells": len(table.groupby(["comparison", "criterion"], observed=True)),
        "notes": made.notes,
        "slips": made.slips,
    }


def _place(found: SheetMap) -> tuple[object, ...]:
    """Where and how cells are read."""
    return found.sheet, found.header, found.encoding, found.separator


def _offered(chosen: str | None, known: Mapping[str, str]) -> dict[str, str]:
    """What can be chosen, with the words for it; what a map names beside that too."""
    return {"": ALONE, **known, **({chosen: chosen} if chosen and chosen not in known else {})}


def _read(content: bytes, found: SheetMap) -> Sheet:
    return read_sheet(content, sheet=found.sheet, encoding=found.encoding, separator=found.separator)


def _before(content: bytes, said: Said) -> tuple[SheetMap, Sheet | None, str]:
    """The map as it stood, and the sheet by it. One that fits another file alone is begun anew."""
    found = SheetMap()
    for text in (said.get("was", ""), ""):
        try:
            found = read_map(text)
            return found, _read(content, found), ""
        except InputError as problem:
            refused = str(problem)
    return found, None, refused


def _changed(found: SheetMap, sheet: Sheet, said: Said) -> SheetMap:
    """The map after what was clicked (``column``, ``row``, ``forget``, ``compare``, ``drop``) and what was chosen or
    typed: everything else that the form holds. InputError."""
    header = draft.header_of(sheet, found)
    if said.get("sheet", sheet.name) != sheet.name:
        return replace(found, sheet=said["sheet"])
    for key, known in (("encoding", ENCODINGS), ("separator", SEPARATORS)):
        chosen = said.get(key, getattr(found, key)) or None
        if chosen != getattr(found, key) and chosen in (None, *known):
            return replace(found, **{key: chosen})  # type: ignore[arg-type]
    if (row := said.get("row", "")).isdecimal() and int(row) != found.header:
        return replace(found, header=max(int(row), 1))
    found = draft.of_design(found, said.get("design", found.design))
    if found.design == "pairs" and said.get("favours") in draft.FAVOURED:
        found = replace(found, favours=said["favours"])
    found = _typed(found, said)
    role = said.get("role", "")
    if "always" in said:
        found = draft.say_always(found, role=role, text=said["always"].strip())
    if (column := said.get("column", "")).isdecimal():
        begins = said.get("begins", "").strip()
        found = draft.pick(found, header, place=int(column), role=role, begins=begins, join="join" in said)
    if said.get("each") in draft.EACH:
        found = draft.stand_for(found, header, said["each"])
    if "forget" in said:
        found = draft.forget(found, said["forget"])
    return _compared(found, said)


def _typed(found: SheetMap, said: Said) -> SheetMap:
    """What stands in the fields of the form, each with its number."""
    for number in range(len(found.scores)):
        for field in draft.EACH:
            if (key := f"{field}-{number}") in said and said[key].strip() != found.scores[number].fields.get(field, ""):
                found = draft.say_of_score(found, number=number, field=field, text=said[key].strip())
    number = 0
    while f"scale-{number}" in said:
        scale, best = said[f"scale-{number}"].strip(), said.get(f"best-{number}", "").strip()
        found = draft.with_scale(found, criterion=said.get(f"of-{number}", ""), scale=scale, best=best)
        number += 1
    number = 0
    while f"word-{number}" in said:
        found = draft.with_meaning(
            found, text=said[f"word-{number}"], meaning=said.get(f"meaning-{number}", "").strip()
        )
        number += 1
    number, sides = 0, dict(found.sides)
    while f"side-{number}" in said:
        sides.pop(said.get(f"side-of-{number}", ""), None)
        if said[f"side-{number}"] in ("left", "right"):
            sides[said.get(f"side-of-{number}", "")] = said[f"side-{number}"]
        number += 1
    marked = said.get("marked", "").strip()
    if "marked" in said:
        found = replace(found, marked=draft.positive(marked) if marked else None)
    if "times" in said:
        found = replace(found, times=said["times"].strip() or None)
    return replace(found, sides=sides)


def _compared(found: SheetMap, said: Said) -> SheetMap:
    """Comparisons that were added, or dropped."""
    if (number := said.get("drop", "")).isdecimal():
        left = [pair for place, pair in enumerate(found.comparisons) if place != int(number)]
        return replace(found, comparisons=tuple(left))
    if "compare" not in said:
        return found
    first, second = said.get("compare-first", ""), said.get("compare-second", "")
    if not first or not second or first == second:
        raise InputError("A comparison has two arms: choose both.")
    return replace(found, comparisons=tuple(dict.fromkeys((*found.comparisons, (first, second)))))


def _asked(found: SheetMap, sheet: Sheet, said: Said, *, before: SheetMap, wrong: str) -> dict[str, Any]:
    """What the map says and what it could say, for the controls of the page."""
    asked_now, role = said.get("role", ""), said.get("ask", said.get("forget", ""))
    known = {one.key: one.told for one in draft.roles(found)}
    if role not in known:  # goes on where this one was told; scores often stand in several columns
        told = {one.key: one.told for one in draft.roles(before)}
        stays = asked_now in known and (asked_now == draft.SCORES or known[asked_now] == told.get(asked_now))
        role = asked_now if stays else draft.next_role(found, asked_now if asked_now in known else "")
    header, fields = draft.header_of(sheet, found), draft.asked_of_scores(found)
    single = found.design == "single"
    begun = said.get("begins", "").strip() if role == asked_now and "column" not in said else ""
    joined = role == asked_now and "join" in said and "column" not in said
    chosen = {} if "compare" in said and not wrong else said
    return {
        "design": found.design,
        "header": found.header,
        "favours": found.favours,
        "favoured": draft.FAVOURED,
        "roles": [asdict(one) for one in draft.roles(found)],
        "role": {"key": role, "name": FIELDS.get(role, "scores"), "always": found.always.get(role, "")},
        "begins": found.above[role][1] if role in found.above else begun,
        "joins": role in found.columns,
        "join": joined,
        "fields": [{"key": field, "name": FIELDS[field]} for field in fields],
        "scores": [
            {
                "column": _named(header, score.column),
                "fields": [{"key": one, "name": FIELDS[one], "value": score.fields.get(one, "")} for one in fields],
            }
            for score in found.scores
        ],
        "criteria": draft.criteria(sheet, found),
        "marked": "" if found.marked is None else f"{found.marked:g}",
        "single": single,
        "words": draft.words(sheet, found),
        "steps": draft.steps(found),
        "sides": [] if single else draft.side_words(sheet, found),
        "arms": draft.arms(sheet, found),
        "comparisons": [f"{first} vs {second}" for first, second in found.comparisons],
        "first": chosen.get("compare-first", ""),
        "second": chosen.get("compare-second", ""),
        "times": found.times or "",
        "timed": "rated_at" in found.told(),
    }


def _named(header: list[str], column: str) -> str:
    """A column by letter and header."""
    place = next(columns_of(header, column), None)
    if place is None:
        return column
    return " ".join([letter(place), header[place] if place < len(header) else ""]).strip()


def _preview(sheet: Sheet, found: SheetMap) -> dict[str, Any]:
    """The rows around the one that names the columns, and what each column says."""
    first = max(found.header - ROWS_ABOVE, 1)
    last = min(found.header + ROWS_BELOW, len(sheet.rows))
    rows = [(number, sheet.rows[number - 1]) for number in range(first, last + 1)]
    width = min(max((len(row) for _, row in rows), default=0), COLUMNS_SHOWN)
    header, says = draft.header_of(sheet, found), dict[int, list[str]]()
    for role in draft.roles(found):
        told = [one.column for one in found.scores] if role.key == draft.SCORES else found.columns.get(role.key, ())
        above = [found.above[role.key][0]] if role.key in found.above else []
        for column in (*told, *above):
            for place in columns_of(header, column):
                says.setdefault(place, []).append(role.name)
    for score in found.scores:
        for field, text in score.fields.items():
            for place in columns_of(header, text) if text.startswith("[") else ():
                if FIELDS[field] not in says.get(place, []):
                    says.setdefault(place, []).append(FIELDS[field])
    return {
        "columns": [
            {
                "place": place,
                "letter": letter(place),
                "name": header[place] if place < len(header) else "",
                "says": ", ".join(says.get(place, [])),
            }
            for place in range(width)
        ],
        "rows": [
            {"number": number, "header": number == found.header, "cells": [*row[:width], *[""] * (width - len(row))]}
            for number, row in rows
        ],
        "more": len(sheet.rows) - last,
    }


def _outcome(made: Conversion) -> dict[str, Any]:
    """What comes of the map, or what it lacks."""
    said = {"problems": made.problems[:SAID_SHOWN], "slips": made.slips[:SAID_SHOWN], "notes": made.notes}
    more = max(len(made.slips) - SAID_SHOWN, 0)
    if made.ratings is None:
        return {**said, "more_slips": more, "ratings": None}
    table = made.ratings
    same = (table["case"].astype(str) == table["subject"].astype(str)).all()
    heads = [name for name in SHOWN if not (name == "case" and same)]
    shown = table.head(RATINGS_SHOWN)[heads].astype("object")
    counts = {name: int(table[name].nunique()) for name in ("reader", "subject", "comparison", "criterion")}
    return {
        **said,
        "more_slips": more,
        "ratings": {
            "rows": len(table),
            "counts": counts,
            "heads": [name.replace("_", " ") for name in heads],
            "shown": [["" if cell != cell or cell is None else str(cell) for cell in row] for row in shown.to_numpy()],
        },
    }
