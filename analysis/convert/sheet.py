"""Read a sheet that another program wrote: XLSX, or text separated by semicolons, commas or tabs in any encoding."""

import csv
import io
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from analysis.errors import InputError

MOST_BYTES = 20_000_000  # of the file
MOST_UNPACKED = 150_000_000  # of all parts of an XLSX file
MOST_ROWS = 200_000
MOST_CELLS = 2_000_000
MOST_COLUMNS = 400
SEPARATORS = {";": "semicolons", ",": "commas", "\t": "tabs", "|": "bars"}
SAMPLE = 50  # lines that tell the separator
OLD_EXCEL = bytes.fromhex("d0cf11e0a1b11ae1")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1")
NAMES = {"utf-8-sig": "UTF-8", "utf-8": "UTF-8", "cp1252": "Latin-1 (Windows-1252)", "latin-1": "Latin-1"}


@dataclass(frozen=True)
class Sheet:
    """Cells as text without blanks around them; the first row is row 1, as a spreadsheet counts.

    sheets: names of all sheets of the file, of an XLSX file; how: what was found, in words.
    """

    rows: list[list[str]]
    how: str
    sheets: tuple[str, ...] = ()
    name: str = ""


def read_sheet(
    content: bytes, *, sheet: str | None = None, encoding: str | None = None, separator: str | None = None
) -> Sheet:
    """The cells of a file.

    Parameters
    ----------
    content : bytes
        The file.
    sheet : str, optional
        Of an XLSX file: the name of the sheet, by default the first one.
    encoding, separator : str, optional
        Of a text file, where what is found by itself is wrong.

    Returns
    -------
    Sheet
        Its cells.

    Raises
    ------
    InputError
        If the file is too large, of another kind, or damaged: one sentence.
    """
    if len(content) > MOST_BYTES:
        raise InputError(f"The file has over {MOST_BYTES // 1_000_000} MB; take what is no rating out of it.")
    if not content.strip():
        raise InputError("The file is empty.")
    if content.startswith(OLD_EXCEL):
        raise InputError("This is an old Excel file, or one with a password: save it as XLSX without a password.")
    if content.startswith(b"PK"):
        return _read_xlsx(content, sheet)
    return _read_text(content, encoding, separator)


def _read_xlsx(content: bytes, wanted: str | None) -> Sheet:
    from openpyxl import load_workbook

    _ensure_harmless(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and validations that it does not know
            book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
            names = tuple(book.sheetnames)
            if wanted is not None and wanted not in names:
                raise InputError(f"The file has no sheet {wanted!r}; it has {', '.join(names)}.")
            page: Any = book[wanted or names[0]]
            if not hasattr(page, "reset_dimensions"):
                raise InputError(f"{page.title} is a chart; choose a sheet with cells.")
            page.reset_dimensions()  # what the file says of its size need not be so
            rows = _bounded(map(_xlsx_cell, row) for row in page.iter_rows(values_only=True))
    except InputError:
        raise
    except Exception:  # openpyxl passes on whatever its many parsers raise
        raise InputError("The XLSX file is damaged: open it in a spreadsheet program and save it again.") from None
    return Sheet(rows, f"XLSX, sheet {page.title}", names, page.title)


def _ensure_harmless(content: bytes) -> None:
    """InputError if it is no XLSX file, unpacks to too much, or declares entities."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if "xl/workbook.xml" not in (part.filename for part in parts):
                raise InputError("This is no XLSX file: save the table as XLSX or CSV.")
            if sum(part.file_size for part in parts) > MOST_UNPACKED:
                raise InputError(
                    f"The XLSX file unpacks to over {MOST_UNPACKED // 1_000_000} MB; save the sheet as CSV."
                )
            for part in parts:
                if part.filename.endswith((".xml", ".rels")) and _declares_entities(archive.read(part)):
                    raise InputError("The XLSX file declares XML entities, which no spreadsheet program writes.")
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("The XLSX file is damaged: open it in a spreadsheet program and save it again.") from None


def _declares_entities(xml: bytes) -> bool:
    return any("<!DOCTYPE".encode(encoding) in xml for encoding in ("utf-8", "utf-16-le", "utf-16-be"))


def _xlsx_cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        midnight = value.time() == time()
        return value.date().isoformat() if midnight else value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _read_text(content: bytes, encoding: str | None, separator: str | None) -> Sheet:
    text, encoding = _decoded(content, encoding)
    if "\x00" in text:
        row = text[: text.index("\x00")].count("\n") + 1
        raise InputError(f"Row {row} holds a NUL character: the file is damaged or not text; save the table again.")
    separator = separator or _separator(text)
    if len(separator) != 1:
        raise InputError(f"The separator {separator!r} is no single character.")
    try:
        rows = _bounded(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as problem:
        raise InputError(f"The file is no regular table: {problem}.") from None
    shown = SEPARATORS.get(separator, repr(separator))
    return Sheet(rows, f"text in {NAMES.get(encoding, encoding.upper())}, separated by {shown}")


def _decoded(content: bytes, encoding: str | None) -> tuple[str, str]:
    if encoding is not None:
        if encoding.lower() not in ENCODINGS:
            raise InputError(f"There is no encoding {encoding!r} here; there are {', '.join(ENCODINGS)}.")
        tried = [encoding.lower()]
    elif content.startswith((b"\xff\xfe", b"\xfe\xff")):
        tried = ["utf-16"]
    elif max(zeros := (content[:200:2].count(0), content[1:200:2].count(0))) > len(content[:200]) // 4:
        tried = ["utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"]  # every second byte of Latin letters
    else:
        tried = ["utf-8-sig", "cp1252", "latin-1"]
    for name in tried:
        try:
            return content.decode(name), name
        except UnicodeDecodeError:
            continue
    raise InputError(f"The file is not {NAMES.get(tried[-1], tried[-1].upper())} text; save it as CSV UTF-8.")


def _separator(text: str) -> str:
    """The one that cuts most of the first lines into the same number of cells, of these the one with most cells."""
    lines = [line for line in text.splitlines()[: 4 * SAMPLE] if line.strip()][:SAMPLE]
    best = (0.0, 0, ",")
    for separator in SEPARATORS:
        counts = Counter(len(row) for row in csv.reader(lines, delimiter=separator))
        cells, often = max(counts.items(), key=lambda found: (found[0] > 1, found[1], found[0]))
        if cells > 1 and (often / len(lines), cells) > best[:2]:
            best = (often / len(lines), cells, separator)
    return best[2]


def _bounded(rows: Iterable[Iterable[str]]) -> list[list[str]]:
    """The rows as they come, until there are too many; without the empty ones at the end."""
    kept: list[list[str]] = []
    cells = filled = 0
    for row in rows:
        texts = [text.strip() for text in row]
        while texts and not texts[-1]:
            texts.pop()
        cells += len(texts) + 1
        if len(kept) >= MOST_ROWS or cells > MOST_CELLS:
            raise InputError(f"The sheet has over {MOST_ROWS:,} rows or {MOST_CELLS:,} cells; cut it into several.")
        if len(texts) > MOST_COLUMNS:
            raise InputError(f"The sheet has over {MOST_COLUMNS} columns; take out those that hold no ratings.")
        kept.append(texts)
        if texts:
            filled = len(kept)
    if not filled:
        raise InputError("The sheet is empty.")
    return kept[:filled]


def letter(column: int) -> str:
    """The name of a column as a spreadsheet has it: 0 is A, 26 is AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """The inverse of ``letter``."""
    number = 0
    for character in letters:
        number = 26 * number + ord(character) - ord("A") + 1
    return number - 1


LETTER = re.compile(r"\[([A-Z]{1,3})\]")


def columns_of(header: list[str], reference: str) -> Iterator[int]:
    """The places of the columns that a map means: by its letter in brackets, or by what stands in the header."""
    if found := LETTER.fullmatch(reference):
        yield column_number(found[1])
        return
    yield from (place for place, name in enumerate(header) if name == reference.strip())
