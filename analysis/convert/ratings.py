"""A sheet and its map become the ratings table, with everything that was seen on the way."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

import pandas as pd

from analysis.characters import why_odd
from analysis.convert import cells
from analysis.convert.mapping import FIELDS, STATUSES, ScoreColumn, SheetMap
from analysis.convert.sheet import LETTER, Sheet, columns_of, letter
from analysis.errors import InputError
from analysis.slips import slips
from analysis.tables import check_ratings, column_names

MOST_PROBLEMS = 20
FIVE, ANY = (1.0, 5.0), (-math.inf, math.inf)
STUDY = "imported"  # in the column study: these answers were not given here
PASSED_ON = ("region", "plane", "weighting", "site", "seconds", "rated_at")
NO_SIDES = (
    "The sheet does not say where the first arm stood: it is written as right, so what is said of side bias, and of "
    "repeats with sides swapped, means nothing."
)
Key = tuple[str, str, str, str]  # reader, subject, case, criterion


@dataclass(frozen=True)
class Conversion:
    """What came of a sheet.

    ratings: the table, None where it cannot be made; problems: why not, each with row and column; slips: what was left
    out or looks wrong; notes: what was done, in words.
    """

    ratings: pd.DataFrame | None
    problems: list[str] = field(default_factory=list)
    slips: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def table(self) -> pd.DataFrame:
        """The ratings; InputError with the first problem where there are none."""
        if self.ratings is None:
            more = len(self.problems) - 1
            raise InputError(self.problems[0] + (f" There are {more} more problems." if more > 0 else ""))
        return self.ratings


@dataclass(frozen=True)
class _Answer:
    """One score of the sheet, where it stood, and what its row says."""

    place: str
    said: Mapping[str, str]
    value: float | None
    status: str

    @property
    def key(self) -> Key:
        return self.said["reader"], self.said["subject"], self.said["case"], self.said["criterion"]


class _Seen:
    """Problems and slips in the order of the sheet."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.slips: list[str] = []

    def problem(self, place: str, text: str, why: str) -> None:
        shown = "".join(c if c.isprintable() else "�" for c in text[:40])
        self.problems.append(f"{_begun(place)}: {shown!r} {why}.")


def convert(sheet: Sheet, found: SheetMap) -> Conversion:
    """Make the ratings table of a sheet.

    Parameters
    ----------
    sheet : Sheet
        Cells, as ``read_sheet`` gives them.
    found : SheetMap
        What its columns mean.

    Returns
    -------
    Conversion
        The table, or why there is none; what was left out, and what looks like a slip.

    Notes
    -----
    A score outside its scale is left out and becomes *missing*. A second rating of the same is kind *repeat*. Of single
    images the pairs are made here: 4 where the first arm is nearer to the best score, 2 where the second is, 3 where
    they are alike; 5 and 1 from a difference of ``marked`` on. Where arms are compared in both orders and
    ``comparisons`` names one of them, the other is turned.
    """
    if missing := found.missing():
        named = ", ".join(FIELDS.get(name, name) for name in missing)
        return Conversion(None, [f"The map does not say yet where the sheet has {named}."])
    seen = _Seen()
    answers = list(_answers(sheet, found, seen))
    if seen.problems:
        return Conversion(None, seen.problems, seen.slips)
    if not answers:
        return Conversion(None, [f"Below row {found.header} no row holds what the map asks for."])
    notes = [f"Read as {sheet.how}."]
    rows = _pairs(answers, found, seen, notes) if found.design == "pairs" else _from_single(answers, found, seen, notes)
    if seen.problems or not rows:
        nothing = "Nothing is left to compare: see comparisons of the map."
        return Conversion(None, seen.problems or [nothing], seen.slips, notes)
    if all(row["score"] is None for row in rows):
        unrated = "No score is left: all are missing, or outside the scale of the map."
        return Conversion(None, [unrated], seen.slips, notes)
    numbered = _numbered(rows)
    if repeats := sum(row["kind"] == "repeat" for row in numbered):
        seen.slips.append(
            f"{repeats:,} of {len(numbered):,} ratings are of what the same reader had rated before: the first holds, "
            "the later are repeats."
        )
    frame = pd.DataFrame(numbered, columns=[name for name in column_names("ratings") if name in numbered[0]])
    frame = frame.loc[:, frame.notna().any()]
    try:
        table = check_ratings(frame.astype("object"), name="The table made of the sheet")
    except InputError as problem:
        return Conversion(None, [str(problem)], seen.slips, notes)
    return Conversion(frame.reindex(columns=table.columns), [], seen.slips + slips(table), notes)


def _answers(sheet: Sheet, found: SheetMap, seen: _Seen) -> Iterator[_Answer]:
    """Every score of the sheet that is or could have been."""
    if found.header > len(sheet.rows):
        seen.problems.append(f"The sheet has {len(sheet.rows)} rows; row {found.header} cannot name the columns.")
        return
    header = sheet.rows[found.header - 1]
    try:
        columns = {name: [_column(header, one) for one in several] for name, several in found.columns.items()}
        above = {name: (_column(header, column), begins) for name, (column, begins) in found.above.items()}
        scores = [_score_columns(header, score, columns) for score in found.scores]
    except InputError as problem:
        seen.problems.append(str(problem))
        return
    held: dict[str, str] = {}
    for number, row in enumerate(sheet.rows, 1):
        labels = {
            name: text for name, (column, begins) in above.items() if (text := _cell(row, column)).startswith(begins)
        }
        held |= labels
        if (
            number <= found.header
            or labels
            or not row
            or all(_cell(row, column) == _cell(header, column) for column, _, _ in scores)
        ):
            continue
        for column, own, fixed in scores:
            if len(seen.problems) >= MOST_PROBLEMS:
                return
            where = {**columns, **own}
            said = {name: " ".join(_cell(row, one) for one in several).strip() for name, several in where.items()}
            said = {**found.always, **held, **said, **fixed}
            place = f"row {number}, column {_name(header, column)}"
            answer = _answer(place, _cell(row, column), said, found, seen)
            if answer is not None:
                yield answer


def _column(header: list[str], reference: str) -> int:
    places = list(columns_of(header, reference))
    if not places:
        raise InputError(
            f"No column is named {reference!r}; the header row names {', '.join(filter(None, header[:12]))}."
        )
    if len(places) > 1:
        named = ", ".join(f"[{letter(place)}]" for place in places)
        raise InputError(f"{len(places)} columns are named {reference!r}: name one by its letter, {named}.")
    return places[0]


def _score_columns(
    header: list[str], score: ScoreColumn, columns: Mapping[str, list[int]]
) -> tuple[int, dict[str, list[int]], dict[str, str]]:
    """Place of the scores; columns that stand for fields of these scores alone; what is fixed for them."""
    own = {name: [_column(header, value)] for name, value in score.fields.items() if LETTER.fullmatch(value)}
    fixed = {name: value for name, value in score.fields.items() if name not in own}
    return _column(header, score.column), own, fixed


def _cell(row: list[str], column: int) -> str:
    return row[column] if column < len(row) else ""


def _seconds(text: str) -> str:
    return f"{cells.number(text):g}"


def _begun(place: str) -> str:
    return place[0].upper() + place[1:]


def _name(header: list[str], column: int) -> str:
    named = _cell(header, column)
    return f"{letter(column)} ({named})" if named else letter(column)


def _answer(place: str, text: str, said: dict[str, str], found: SheetMap, seen: _Seen) -> _Answer | None:
    said.setdefault("case", said.get("subject", ""))
    arms = ("arm",) if found.design == "single" else ("first", "second")
    needed = ("subject", "reader", "criterion", *arms)
    if not any(said.get(name) for name in needed if name not in found.always) and not text:
        return None  # an empty row, or one of notes beside the table
    for name in needed:
        if not said.get(name):
            if text:
                seen.problems.append(f"{_begun(place)}: the row does not say the {FIELDS[name]}.")
            return None
    for name, value in said.items():
        if problem := why_odd(value):
            seen.problem(f"{place}, {FIELDS[name]}", value, problem)
            return None
    for name, read in (("rated_at", lambda text: cells.moment(text, found.times)), ("seconds", _seconds)):
        try:
            said |= {name: read(said[name])} if said.get(name) else {}
        except ValueError as problem:
            seen.problem(f"{place}, {FIELDS[name]}", said[name], str(problem))
            return None
    score, status = _score(place, text, said["criterion"], found, seen)
    return None if status is None else _Answer(place, said, score, status)


def _score(place: str, text: str, criterion: str, found: SheetMap, seen: _Seen) -> tuple[float | None, str | None]:
    """Value and status; status None where the sheet cannot be used."""
    meaning = found.meanings.get(text)
    if meaning in STATUSES:
        return None, str(meaning)
    if meaning is None and text.lower() in cells.NOTHING:
        return None, "missing"
    if meaning is not None and found.design == "pairs" and meaning not in (1, 2, 3, 4, 5):
        seen.problem(place, text, f"stands for {meaning:g} by the map; the steps of a pair are 1 to 5")
        return None, None
    if meaning is not None:
        return float(meaning), "rated"
    try:
        value = cells.number(text)
    except ValueError as problem:
        seen.problem(place, text, str(problem))
        return None, None
    low, high = found.scale.get(criterion, found.scale.get("", FIVE if found.design == "pairs" else ANY))
    if not low <= value <= high:
        seen.slips.append(f"{_begun(place)}: {text} is outside the scale {low:g} to {high:g}; it was left out.")
        return None, "missing"
    if found.design == "single":
        return value, "rated"
    if high - low != FIVE[1] - FIVE[0]:
        why = f"is on a scale from {low:g} to {high:g}; say under meanings which of 1 to 5 each score stands for"
    elif not value.is_integer():
        why = "is no whole step of the scale; say under meanings what it stands for"
    else:
        return value - low + FIVE[0], "rated"
    seen.problem(place, text, why)
    return None, None


def _pairs(answers: list[_Answer], found: SheetMap, seen: _Seen, notes: list[str]) -> list[dict]:
    """Rows of ratings that a sheet of pairs holds, in its order."""
    rows: list[dict] = []
    wanted, left_out, turned = set(found.comparisons), 0, 0
    for answer in answers:
        first, second = answer.said["first"], answer.said["second"]
        if first == second:
            seen.slips.append(f"{_begun(answer.place)}: {first} stands on both sides; left out.")
            continue
        side = _side(answer, found, seen)
        if side is None:
            continue
        score = None if answer.value is None else _display(answer.value, found.favours, side)
        if wanted and (first, second) not in wanted and (second, first) in wanted:
            first, second, side, turned = second, first, _other(side), turned + 1
            if "side" not in found.told():  # then the first arm is written as right, whichever it is
                side, score = "right", None if score is None else 6 - score
        if wanted and (first, second) not in wanted:
            left_out += 1
            continue
        rows.append(_row(answer, first, second, side, score))
    if "side" not in found.told():
        seen.slips.append(NO_SIDES)
    notes += [f"{turned:,} rows compared the arms in the other order and were turned."] if turned else []
    notes += [f"{left_out:,} rows are of comparisons that the map does not name and were left out."] if left_out else []
    return rows


def _side(answer: _Answer, found: SheetMap, seen: _Seen) -> str | None:
    """Where the first arm stood; right where the sheet does not tell and it makes no difference."""
    text = answer.said.get("side", "")
    if not text and "side" not in found.told():
        return "right"
    side = found.sides.get(text) or cells.SIDES.get(text.lower())
    if side is None:
        seen.problem(answer.place, text, "is no side; say under sides whether it is left or right")
    return side


def _other(side: str) -> str:
    return "left" if side == "right" else "right"


def _display(value: float, favours: str, side: str) -> int:
    """The score as it would have been given here: 1 left markedly better … 5 right markedly better."""
    favoured = {"first": side, "second": _other(side)}.get(favours, favours)
    return int(value if favoured == "right" else 6 - value)


def _from_single(answers: list[_Answer], found: SheetMap, seen: _Seen, notes: list[str]) -> list[dict]:
    """Rows of ratings from scores of single images: every two arms that the map compares."""
    images: dict[Key, dict[str, _Answer]] = defaultdict(dict)
    for answer in answers:
        arm = answer.said["arm"]
        if arm in images[answer.key]:
            seen.slips.append(
                f"{_begun(answer.place)}: {answer.said['reader']} scored {arm} of case "
                f"{answer.said['case']} on {answer.said['criterion']} before; the first score holds."
            )
            continue
        images[answer.key][arm] = answer
    arms = list(dict.fromkeys(answer.said["arm"] for answer in answers))
    compared = found.comparisons or tuple(combinations(arms, 2))
    if unknown := sorted({arm for pair in compared for arm in pair} - set(arms)):
        seen.problems.append(f"The map compares {unknown[0]}, which the sheet lacks; it has {', '.join(arms[:12])}.")
        return []
    rows = []
    for scored in images.values():
        for first, second in compared:
            if first in scored and second in scored:
                one, other = scored[first], scored[second]
                rows.append(_row(one, first, second, "right", _preference(one, other, found)))
                rows[-1]["status"] = "rated" if rows[-1]["score"] else _why_none(one, other)
    marked = "" if found.marked is None else f", 5 and 1 from {found.marked:g} points on"
    notes.append(
        "Pairs were made of single scores: 4 where the first arm is nearer to the best score, 2 where the second is, 3 "
        f"where they are alike{marked}. Nobody compared two images side by side."
    )
    seen.slips.append(NO_SIDES)
    return rows


def _quality(answer: _Answer, found: SheetMap) -> float | None:
    if answer.value is None:
        return None
    best = found.best.get(answer.said["criterion"], found.best.get("", "high"))
    if best == "high":
        return answer.value
    return -answer.value if best == "low" else -abs(answer.value - float(best))


def _preference(one: _Answer, other: _Answer, found: SheetMap) -> int | None:
    first, second = _quality(one, found), _quality(other, found)
    if first is None or second is None:
        return None
    difference = first - second
    size = 2 if found.marked is not None and abs(difference) >= found.marked else 1
    return 3 + (size if difference > 0 else -size if difference < 0 else 0)


def _why_none(one: _Answer, other: _Answer) -> str:
    said = {one.status, other.status} - {"rated"}
    return next(status for status in ("missing", *STATUSES) if status in said)


def _row(answer: _Answer, first: str, second: str, side: str, score: int | None) -> dict:
    reader, subject, case, criterion = answer.key
    return {
        "study": STUDY,
        "subject": subject,
        "case": case,
        "reader": reader,
        "comparison": f"{first} vs {second}",
        "first": first,
        "second": second,
        "first_side": side,
        "criterion": criterion,
        "score": score,
        "status": answer.status,
        **{name: answer.said.get(name) or None for name in PASSED_ON},
    }


def _numbered(rows: list[dict]) -> list[dict]:
    """The rows with codes of presentations; a second rating of the same is a repeat of the first."""
    codes: dict[tuple, str] = {}
    seen: Counter[tuple] = Counter()
    positions: Counter[str] = Counter()
    for row in rows:
        pair = (row["reader"], row["subject"], row["case"], row["comparison"])
        asked = (*pair, row["criterion"])
        time = seen[asked]
        seen[asked] += 1
        if (*pair, time) not in codes:
            positions[row["reader"]] += 1
            codes[*pair, time] = f"{row['reader']}-{positions[row['reader']]:04d}"
        row["presentation"] = codes[*pair, time]
        row["kind"] = "repeat" if time else "main"
        row["repeat_of"] = codes[*pair, 0] if time else None
    return rows
