"""Read and check the CSV tables.

Columns, types, units and allowed values live in the Table Schema files under ``docs/tables``; the site writes, the
analysis reads and the codebooks print the same files. A field marked ``needed`` must be a column of every file
that is read; the others may be absent. ``constraints.required`` says that no cell of a column may be empty.
"""

import csv
import json
import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.characters import why_odd
from analysis.errors import InputError
from analysis.statistics.values import why_not_a_number

_HERE = Path(__file__).resolve().parent
SCHEMAS = next(  # a wheel of the package alone carries them within it
    folder for folder in (_HERE / "schemas", _HERE.parent / "docs" / "tables") if folder.is_dir()
)
TABLES = (
    "ratings",
    "integrity",
    "findings",
    "guesses",
    "display_checks",
    "interactions",
    "series",
    "metrics",
    "features",
    "voi",
    "accesses",
)
PLAIN = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
GUARDED = re.compile(r"'\s*[=+@\t\r\n＝＋－＠'-]")
ABSENT = ("na", "n/a", "nan", "null", "none", "<na>")  # what programs write for a missing value; no code of anything
BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


@cache
def schema(table: str) -> dict[str, Any]:
    """The Table Schema of one of TABLES, as parsed JSON."""
    if table not in TABLES:
        raise ValueError(f"There is no table {table!r}; there are {', '.join(TABLES)}.")
    parsed: dict[str, Any] = json.loads((SCHEMAS / f"{table}.json").read_text(encoding="utf-8"))
    return parsed


def column_names(table: str) -> list[str]:
    """The columns of a table in the order in which they are written."""
    return [field["name"] for field in schema(table)["fields"]]


def codebook(table: str) -> list[dict[str, str]]:
    """One row per column: column, type, unit, allowed, required, description; all text."""
    rows = []
    for field in schema(table)["fields"]:
        constraints = field.get("constraints", {})
        rows.append(
            {
                "column": field["name"],
                "type": field["type"],
                "unit": field.get("unit", ""),
                "allowed": _allowed(constraints),
                "required": "yes" if constraints.get("required") else "no",
                "description": field["description"],
            }
        )
    return rows


def _allowed(constraints: dict[str, Any]) -> str:
    if "enum" in constraints:
        return ", ".join(constraints["enum"])
    low, high = constraints.get("minimum"), constraints.get("maximum")
    if low is not None and high is not None:
        return f"{low} to {high}"
    if low is not None:
        return f"at least {low}"
    return ""


def read(path: str | Path, table: str) -> pd.DataFrame:
    """Read one CSV file and check it: see ``check`` for the types of the columns.

    UTF-8 with or without byte order mark; separated by commas, or by semicolons or tabs as spreadsheets save it.
    Raises InputError, naming row (1 = header, as a spreadsheet counts) and column.
    """
    path = Path(path)
    separator, names = _header(path, table)
    try:
        frame = pd.read_csv(
            path,
            sep=separator,
            header=None,
            skiprows=1,
            names=names,
            index_col=False,
            dtype="category",
            keep_default_na=False,
            na_values=[""],
            encoding="utf-8-sig",
            skip_blank_lines=False,
        )
    except pd.errors.EmptyDataError:
        frame = pd.DataFrame({name: pd.Series(dtype="category") for name in names})
    except pd.errors.ParserError as error:
        raise InputError(f"{path.name} is not a regular table: {str(error).split('C error: ')[-1].strip()}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path.name} is not UTF-8 text; save it as CSV UTF-8.") from None
    frame = _as_written(frame[~frame.isna().all(axis=1)])
    return check(frame, table, name=path.name)


def _as_written(frame: pd.DataFrame) -> pd.DataFrame:
    """The table without the apostrophe that stands before a text that a spreadsheet would take for a formula."""
    for name, column in frame.items():
        plain = {text: text[1:] for text in column.cat.categories if isinstance(text, str) and GUARDED.match(text)}
        if plain:
            texts = [plain.get(text, text) for text in column.cat.categories]
            distinct = list(dict.fromkeys(texts))  # with and without apostrophe it is one text
            places = np.array([*map(distinct.index, texts), -1])
            merged = pd.Categorical.from_codes(places[column.cat.codes.to_numpy()], pd.Index(distinct))
            frame = frame.assign(**{str(name): pd.Series(merged, index=frame.index)})
    return frame


def _header(path: Path, table: str) -> tuple[str, list[str]]:
    """Separator and column names of a file, once they hold every needed column."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; give the CSV file in it.") from None
    except PermissionError:
        raise InputError(f"{path} may not be read by this user.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path.name} is not UTF-8 text; save it as CSV UTF-8.") from None
    if not first.strip():
        raise InputError(f"{path.name} is empty; its first line must name the columns.")
    if "\x00" in first:
        raise InputError(f"{path.name} is not a text file; save the table as CSV UTF-8.")
    separator = max(",;\t", key=first.count)
    names = [name.strip() for name in next(csv.reader([first], delimiter=separator))]
    _check_names(names, table, path.name)
    return separator, names


def _check_names(names: Sequence[str], table: str, name: str) -> None:
    missing = [f["name"] for f in schema(table)["fields"] if f.get("needed") and f["name"] not in names]
    if missing:
        plural = "columns" if len(missing) > 1 else "column"
        raise InputError(
            f"{name} lacks the {plural} {', '.join(missing)}: its first line must name the columns of the "
            f"{table} table."
        )
    twice = sorted({column for column in names if names.count(column) > 1})
    if twice:
        raise InputError(f"{name} has the column {twice[0]} twice.")


def check(frame: pd.DataFrame, table: str, *, name: str | None = None) -> pd.DataFrame:
    """Check a table against its schema and give its columns their types.

    Text becomes a category of str, numbers and integers float64 with NaN for empty, booleans the nullable boolean
    type; times stay text once they are valid. Known columns only, in schema order; those absent stay absent.
    Each distinct value is checked once, so a million rows cost little. Raises InputError.
    """
    name = name or f"The {table} table"
    _check_names(list(frame.columns), table, name)
    columns = {}
    for field in schema(table)["fields"]:
        if field["name"] in frame.columns:
            columns[field["name"]] = _typed(frame[field["name"]], field, name)
    return pd.DataFrame(columns, index=frame.index)


def _typed(column: pd.Series, field: dict[str, Any], name: str) -> pd.Series:
    categorical = column if isinstance(column.dtype, pd.CategoricalDtype) else _as_category(column)
    codes = categorical.cat.codes.to_numpy()
    texts = [_text(value) for value in categorical.cat.categories]
    empty = np.array([text == "" for text in texts] + [True])
    constraints = field.get("constraints", {})
    if constraints.get("required") and empty[codes].any():
        raise _error(categorical, int(np.argmax(empty[codes])), field, name, "must not be empty")
    values: list[Any] = []
    for position, text in enumerate(texts):
        try:
            values.append(None if text == "" else _parse(text, field))
        except ValueError as problem:
            row = int(np.argmax(codes == position))
            if (codes == position).any():
                raise _error(categorical, row, field, name, str(problem)) from None
            values.append(None)
    kind = field["type"]
    if kind in ("number", "integer"):
        lookup = np.array([np.nan if v is None else v for v in values] + [np.nan], dtype=np.float64)
        return pd.Series(lookup[codes], index=column.index)
    lookup = np.array([*values, None], dtype=object)
    if kind == "boolean":
        return pd.Series(list(lookup[codes]), index=column.index, dtype="boolean")
    if len(set(values)) == len(values) and None not in values and values == list(categorical.cat.categories):
        return categorical.cat.remove_unused_categories()
    return pd.Series(pd.Categorical(lookup[codes]), index=column.index)


def _as_category(column: pd.Series) -> pd.Series:
    values = column.astype(object)
    return pd.Series(pd.Categorical(values.where(values.notna(), None)), index=column.index)


def _text(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _parse(text: str, field: dict[str, Any]) -> Any:
    """One cell; a ValueError carries the rest of the sentence "row 2, column x, '7' …"."""
    constraints = field.get("constraints", {})
    kind = field["type"]
    if (constraints.get("required") or kind != "string") and (odd := why_odd(text)):
        raise ValueError(odd)
    if kind in ("number", "integer"):
        try:
            if not PLAIN.fullmatch(text) and text.lower() not in ("nan", "inf", "-inf", "infinity", "-infinity"):
                raise ValueError
            number = float(text)
        except ValueError:
            raise ValueError("is not a number" + (" (decimals need a point)" if "," in text else "")) from None
        if problem := why_not_a_number(number):
            raise ValueError(problem)
        if kind == "integer" and not number.is_integer():
            raise ValueError("is not a whole number")
        low, high = constraints.get("minimum"), constraints.get("maximum")
        if (low is not None and number < low) or (high is not None and number > high):
            raise ValueError(f"is outside the allowed range ({_allowed(constraints)})")
        return number
    if kind == "boolean":
        if text.lower() not in BOOLEANS:
            raise ValueError("is neither true nor false")
        return BOOLEANS[text.lower()]
    if kind == "datetime":
        try:
            datetime.fromisoformat(text)
        except ValueError:
            raise ValueError("is not an ISO 8601 time") from None
    if constraints.get("required") and text.lower() in ABSENT:
        raise ValueError("stands for a missing value and must not be empty")
    if "enum" in constraints and text not in constraints["enum"]:
        raise ValueError(f"is not one of {', '.join(constraints['enum'])}")
    return text


def _error(column: pd.Series, row: int, field: dict[str, Any], name: str, problem: str) -> InputError:
    value = column.iloc[row]
    shown = "" if pd.isna(value) or str(value) == "" else f" {str(value)[:40]!r}"
    return InputError(f"{name}, {where(column.index, row)}, column {field['name']}:{shown} {problem}.")


def where(index: pd.Index, row: int) -> str:
    """How a row is named to a person: as a spreadsheet counts, the header being row 1."""
    label = index[row]
    return f"row {label + 2}" if isinstance(label, int | np.integer) else f"row {label}"


def check_ratings(frame: pd.DataFrame, *, name: str | None = None) -> pd.DataFrame:
    """``check`` for ratings, and what no single column can tell.

    A score stands exactly where the status is rated; the arms of a comparison differ and are the same in all its
    rows; main rows are unique per reader × subject × case × comparison × criterion; one study per table.
    """
    name = name or "The ratings table"
    frame = check(frame, "ratings", name=name)
    if frame.empty:
        raise InputError(f"{name} has no rows.")
    if "study" in frame and frame["study"].nunique() > 1:
        raise InputError(f"{name} holds {frame['study'].nunique()} studies; analyse one at a time.")
    rated = (frame["status"] == "rated").to_numpy()
    scored = frame["score"].notna().to_numpy()
    if (rated & ~scored).any():
        row = int(np.argmax(rated & ~scored))
        raise InputError(f"{name}, {where(frame.index, row)}, column score: empty although the status is rated.")
    if (scored & ~rated).any():
        row = int(np.argmax(scored & ~rated))
        status = frame["status"].iloc[row]
        raise InputError(
            f"{name}, {where(frame.index, row)}, column score: holds a score although the status is {status}."
        )
    arms = frame[["comparison", "first", "second"]].drop_duplicates()
    for place, (comparison, first, second) in zip(arms.index, arms.itertuples(index=False), strict=True):
        if first == second:
            raise InputError(
                f"{name}, {where(pd.Index([place]), 0)}, column second: comparison {comparison} has the arm "
                f"{second} on both sides."
            )
    twice = arms["comparison"].duplicated()
    if twice.any():
        raise InputError(
            f"{name}, {where(arms.index[twice.to_numpy()], 0)}, column first: comparison "
            f"{arms['comparison'][twice].iloc[0]} has other arms than in the rows above."
        )
    main = frame[frame["kind"] == "main"]
    keys = ["reader", "subject", "case", "comparison", "criterion"]
    repeated = main.duplicated(keys)
    if repeated.any():
        again = main[repeated].iloc[0]
        raise InputError(
            f"{name}, {where(main.index[repeated.to_numpy()], 0)}, column criterion: {again['reader']} rated "
            f"{again['criterion']} of case {again['case']}, {again['comparison']}, more than once as main; export the "
            "latest revision of confirmed presentations only."
        )
    return frame


def read_ratings(path: str | Path) -> pd.DataFrame:
    """Read ratings.csv: see ``read`` and ``check_ratings``."""
    return check_ratings(read(path, "ratings"), name=Path(path).name)


def read_integrity(path: str | Path) -> pd.DataFrame:
    """Read integrity.csv: see ``read``."""
    return read(path, "integrity")


def read_findings(path: str | Path) -> pd.DataFrame:
    """Read findings.csv: see ``read``."""
    return read(path, "findings")


def read_guesses(path: str | Path) -> pd.DataFrame:
    """Read guesses.csv: see ``read``."""
    return read(path, "guesses")


def read_display_checks(path: str | Path) -> pd.DataFrame:
    """Read display_checks.csv: see ``read``."""
    return read(path, "display_checks")


def read_interactions(path: str | Path) -> pd.DataFrame:
    """Read interactions.csv: see ``read``."""
    return read(path, "interactions")


def read_series(path: str | Path) -> pd.DataFrame:
    """Read series.csv: see ``read``."""
    return read(path, "series")


def read_metrics(path: str | Path) -> pd.DataFrame:
    """Read metrics.csv: see ``read``."""
    return read(path, "metrics")


def read_features(path: str | Path) -> pd.DataFrame:
    """Read features.csv: see ``read``."""
    return read(path, "features")


def read_voi(path: str | Path) -> pd.DataFrame:
    """Read voi.csv: see ``read``."""
    return read(path, "voi")
