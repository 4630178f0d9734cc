"""Files that leave a closed study: tables as CSV, the protocol, codebooks, the workbook. In one zip: `everything`."""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import BinaryIO

from analysis.report import result_sheets, workbook
from analysis.report.result_tables import columns, result_tables, table_names
from analysis.report.workbook import Sheet
from analysis.tables import codebook, column_names
from readerstudy.archive.downloads import csv_lines
from readerstudy.images import tables as images
from readerstudy.material.screening import exclusions_of
from readerstudy.material.selectors import set_aside, simulation_note
from readerstudy.protocol.models import Amendment, ReaderStudy
from readerstudy.protocol.selectors import protocol_document
from readerstudy.results.identities import Guard
from readerstudy.results.tables import ROWS, Row, together

TABLES = tuple(ROWS)
LINES = 500  # of a table, written together
AT_ONCE = 40  # pieces of so many lines that a request writes itself
Report = Callable[[float, str], None]


def table_lines(study: ReaderStudy, table: str, **options: bool) -> Iterator[str]:
    """One of TABLES as CSV, line by line. `every_revision` only for ratings."""
    return csv_lines(column_names(table), ROWS[table](study, **options))


def pieces(lines: Iterable[str]) -> Iterator[bytes]:
    """Lines of a table, many at a time."""
    rest = iter(lines)
    while piece := "".join(islice(rest, LINES)):
        yield piece.encode()


def short_table(study: ReaderStudy, table: str, name: str, **options: bool) -> list[bytes] | None:
    """One of TABLES as a file of this name, if it tells of nobody: else InputError. None if it has more than 20,000
    lines: then it is written by a job, as nothing may leave before all of it was looked through."""
    found = list(islice(Guard(study).passed(name, pieces(table_lines(study, table, **options))), AT_ONCE + 1))
    return found if len(found) <= AT_ONCE else None


def write_table(
    file: BinaryIO, study: ReaderStudy, table: str, guard: Guard, report: Report = lambda share, doing: None, **options
) -> None:
    """Write one of TABLES as CSV, however long it is. InputError if something in it tells who somebody is."""
    lines, most = 0, max(1, study.presentations.count() * study.criteria.count())  # of ratings; others have fewer
    for piece in guard.passed(file_name(study, table, **options), pieces(table_lines(study, table, **options))):
        file.write(piece)
        lines += piece.count(b"\n")
        report(min(0.95, lines / most), f"{lines:,} lines")


def file_name(study: ReaderStudy, table: str, *, every_revision: bool = False) -> str:
    """What the CSV of one of TABLES is called."""
    return f"{study.slug}-{table}{'-all' if every_revision else ''}.csv"


def table_csv(study: ReaderStudy, table: str) -> bytes:
    """One of TABLES as the bytes of its CSV file."""
    return "".join(table_lines(study, table)).encode()


def tables_csv(study: ReaderStudy, names: Iterable[str], ratings: list) -> dict[str, bytes]:
    """The same files of a small study, from its few ratings: what several of them are made of is read once."""
    rows = together(study, ratings)
    written = {name: "".join(csv_lines(column_names(name), rows[name])).encode() for name in rows}
    return {name: written.get(name) or table_csv(study, name) for name in names}


def number_tables(reading: dict | None) -> dict[str, list[Row]]:
    """The tables of results: name -> rows; none where nothing was read."""
    return result_tables(reading) if reading else {}


def number_table_names(reading: dict | None) -> list[str]:
    """The names of the tables of results, without their rows."""
    return table_names(reading) if reading else []


def number_lines(rows: list[Row]) -> Iterator[str]:
    return csv_lines(columns(rows), rows)


def number_table(study: ReaderStudy, rows: list[Row], name: str, *, as_it_is: bool = False) -> list[bytes]:
    """A table of results as a file of this name. InputError if it tells who somebody is, unless asked for as it is."""
    return list(Guard(study, as_it_is=as_it_is).passed(name, pieces(number_lines(rows))))


def codebook_lines(table: str) -> Iterator[str]:
    """What each column means: column, type, unit, allowed, required, description."""
    rows: list[Row] = [{**row} for row in codebook(table)]
    return csv_lines(list(rows[0]), rows)


def protocol_json(study: ReaderStudy) -> bytes:
    said = [{"case": case.code, "reason": case.set_aside} for case in set_aside(study)]
    document = protocol_document(study) | ({"set_aside": said} if said else {})
    document |= {"synthetic": True} if study.synthetic else {}
    document |= {"screening": excluded} if (excluded := exclusions_of(study)) else {}
    amendments = document.get("amendments", ())
    if withdrawn := [one for one in amendments if one["kind"] == Amendment.Kind.SUBJECT_WITHDRAWN]:
        analysed = set(study.cases.filter(training=False).values_list("subject__code", flat=True))
        for amendment in withdrawn:
            if not analysed & set(amendment["what"]):
                amendment["training"] = True  # the subject's cases were for training alone
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"


def write_workbook(
    file: BinaryIO,
    study: ReaderStudy,
    reading: dict | None,
    report: Report = lambda share, doing: None,
    *,
    guard: Guard | None = None,
) -> None:
    """Every table and every table of results as one workbook, row by row. report: told how far that is. InputError if
    something in it tells who somebody is; guard: that of the study unless given."""
    tables, guard = tables_of(study), guard or Guard(study)

    def rows(place: int, table: str) -> Iterator[Row]:
        report(0.9 * place / len(tables), table)
        yield from guard.passed_rows(table, ROWS[table](study))

    sheets = [Sheet(name, column_names(name), rows(place, name), codebook(name)) for place, name in enumerate(tables)]
    readme = [
        study.title,
        f"Reader study {study.slug}. Protocol {study.protocol_sha256}, schedule {study.schedule_sha256}.",
        *filter(None, [warning(study).strip()]),
        "Scores as displayed, 1 left to 5 right markedly better; preference = score if the first arm stood on the "
        "right, else 6 - score; above 3 favours the first arm.",
        "Confirmed presentations only, the revision that holds. Times in UTC. An empty cell is null.",
        "What each column means: sheet codebook.",
    ]
    guard.ensure("Sheet README", "\n".join(readme))
    workbook.write(file, [*sheets, *(result_sheets.sheets(reading) if reading else [])], readme=readme)


def tables_of(study: ReaderStudy) -> tuple[str, ...]:
    """The tables that a study has: without those of readings where nobody reads."""
    return tuple(images.ROWS) if study.images_only else TABLES


def warning(study: ReaderStudy) -> str:
    """That its images are simulated, if they are, between empty lines."""
    if study.synthetic:
        return "\nSYNTHETIC: simulated images. Nothing here is evidence about patients.\n"
    return f"\n{note}\n" if (note := simulation_note(study)) else ""
