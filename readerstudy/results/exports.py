"""Files that leave a closed study: tables as CSV, the protocol, codebooks, and one zip with all of it."""

import hashlib
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC
from io import BufferedRandom
from typing import BinaryIO

from analysis.report import result_sheets, workbook
from analysis.report.result_codebook import codebook as result_codebook
from analysis.report.result_tables import columns, result_tables, table_names
from analysis.report.workbook import Sheet
from analysis.tables import codebook, column_names, schema
from readerstudy.archive.downloads import csv_lines
from readerstudy.images import tables as images
from readerstudy.images.in_volumes import reference_and_pairs
from readerstudy.material.screening import exclusions_of
from readerstudy.material.selectors import set_aside, simulation_note
from readerstudy.protocol.models import Amendment, ReaderStudy
from readerstudy.protocol.selectors import protocol_document
from readerstudy.results.tables import ROWS, Row

TABLES = tuple(ROWS)
MOST_IN_WORKBOOK = 50_000  # ratings


def table_lines(study: ReaderStudy, table: str, **options: bool) -> Iterator[str]:
    """One of TABLES as CSV, line by line. `every_revision` only for ratings."""
    return csv_lines(column_names(table), ROWS[table](study, **options))


def table_csv(study: ReaderStudy, table: str) -> bytes:
    """One of TABLES as the bytes of its CSV file."""
    return "".join(table_lines(study, table)).encode()


def number_tables(reading: dict | None) -> dict[str, list[Row]]:
    """The tables of results: name -> rows; none where nothing was read."""
    return result_tables(reading) if reading else {}


def number_table_names(reading: dict | None) -> list[str]:
    """The names of the tables of results, without their rows."""
    return table_names(reading) if reading else []


def number_lines(rows: list[Row]) -> Iterator[str]:
    return csv_lines(columns(rows), rows)


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


def write_workbook(file: BinaryIO, study: ReaderStudy, reading: dict | None) -> None:
    """Every table and every table of results as one workbook, row by row."""
    sheets = [Sheet(name, column_names(name), ROWS[name](study), codebook(name)) for name in tables_of(study)]
    readme = [
        study.title,
        f"Reader study {study.slug}. Protocol {study.protocol_sha256}, schedule {study.schedule_sha256}.",
        *filter(None, [_warning(study).strip()]),
        "Scores as displayed, 1 left to 5 right markedly better; preference = score if the first arm stood on the "
        "right, else 6 - score; above 3 favours the first arm.",
        "Confirmed presentations only, the revision that holds. Times in UTC. An empty cell is null.",
        "What each column means: sheet codebook.",
    ]
    workbook.write(file, [*sheets, *(result_sheets.sheets(reading) if reading else [])], readme=readme)


README = """{title}

Tables (CSV, UTF-8, comma, empty = null) with a codebook each; protocol; the results as the site shows them, as JSON
(`conventions` says how each number was made) and in numbers/ as CSV, every number with its method, n and reason.
{warning}
Where      readerstudy {slug}, protocol {protocol}, schedule {schedule}
Unit       ratings: one row per presentation and criterion, scores as displayed (1 left ... 5 right markedly better);
           preference = score if the first arm stood on the right, else 6 - score; above 3 favours the first arm
Only       confirmed presentations, the revision that holds; every revision: ratings.csv?all=1
Findings   a finding on both sides has one row per side
Formulas   a text that begins like one has an apostrophe in front; python -m analysis takes it away again

The same numbers from these files:

  python -m analysis reading {slug}-ratings.csv --protocol {slug}-protocol.json \\
      --findings {slug}-findings.csv --integrity {slug}-integrity.csv --series {slug}-series.csv \\
      --guesses {slug}-guesses.csv --display-checks {slug}-display_checks.csv --mixed \\
      --json results-reading.json
  python -m analysis integrity {slug}-metrics.csv --json results-images.json
  python -m analysis viewing {slug}-interactions.csv
{radiomics}
SHA-256

{hashes}
"""


IMAGES_ALONE = """{title}

Tables (CSV, UTF-8, comma, empty = null) with a codebook each; protocol; the results as the site shows them, as JSON
(`conventions` says how each number was made). Images alone were compared: nobody read.
{warning}
Where      readerstudy {slug}, protocol {protocol}

The same numbers from these files:

  python -m analysis integrity {slug}-metrics.csv --json results-images.json
{radiomics}
SHA-256

{hashes}
"""


def tables_of(study: ReaderStudy) -> tuple[str, ...]:
    """The tables that a study has: without those of readings where nobody reads."""
    return tuple(images.ROWS) if study.images_only else TABLES


def _warning(study: ReaderStudy) -> str:
    if study.synthetic:
        return "\nSYNTHETIC: simulated images. Nothing here is evidence about patients.\n"
    return f"\n{note}\n" if (note := simulation_note(study)) else ""


def _radiomics(study: ReaderStudy, results: dict[str, dict]) -> str:
    """The commands that give the numbers of radiomics and volumes of interest again, where there are such."""
    lines = []
    if found := results.get("results-stability"):
        pairs = dict.fromkeys(f"{row['fast']}={row['dl']}" for row in found["restores"])
        restores = f" --restores {' '.join(pairs)}" if pairs else ""
        limits = " ".join(f"{name}:{value:g}" for name, value in found["criteria"].items())
        lines += [
            f"  python -m analysis stability {study.slug}-features.csv --reference {found['reference']}{restores} \\",
            f"      --criterion {limits} --json results-stability.json",
        ]
    if found := results.get("results-volumes"):
        tested = [f"{source}={made}" for source, made in reference_and_pairs(study)[1]]
        pairs_said = f" --pairs {' '.join(tested)}" if tested else ""
        lines.append(
            f"  python -m analysis voi {study.slug}-voi.csv --reference {found['reference']}{pairs_said} \\\n"
            "      --json results-volumes.json"
        )
    return "".join(f"{line}\n" for line in lines)


def write_zip(file: BufferedRandom, study: ReaderStudy, results: dict[str, dict]) -> str:
    """Write everything into one zip; returns its SHA-256.

    results: name of a JSON file -> its content, the analysis that the page shows. The same study gives the same
    bytes: times inside are those of its closing.
    """
    contents = {f"{study.slug}-{table}.csv": table_csv(study, table) for table in tables_of(study)}
    contents[f"{study.slug}-protocol.json"] = protocol_json(study)
    for name, result in results.items():
        contents[f"{study.slug}-{name}.json"] = json.dumps(result, indent=1, ensure_ascii=False).encode() + b"\n"
    numbers = number_tables(results.get("results-reading"))
    for name, rows in numbers.items():
        contents[f"numbers/{name}.csv"] = "".join(number_lines(rows)).encode()
    if numbers:
        book = result_codebook({name: columns(rows) for name, rows in numbers.items()})
        contents["codebooks/numbers.csv"] = "".join(number_lines([{**row} for row in book])).encode()
    for table in tables_of(study):
        contents[f"codebooks/{table}.csv"] = "".join(codebook_lines(table)).encode()
        contents[f"codebooks/{table}.schema.json"] = json.dumps(schema(table), indent=2, ensure_ascii=False).encode()
    readme = IMAGES_ALONE if study.images_only else README
    contents["README.txt"] = readme.format(
        title=study.title,
        slug=study.slug,
        protocol=study.protocol_sha256,
        schedule=study.schedule_sha256,
        warning=_warning(study),
        radiomics=_radiomics(study, results),
        hashes="\n".join(f"{hashlib.sha256(data).hexdigest()}  {name}" for name, data in contents.items()),
    ).encode()
    stamp = (study.closed_at or study.created_at).astimezone(UTC).timetuple()[:6]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            info = zipfile.ZipInfo(f"{study.slug}/{name}", stamp)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(info, data)
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    return digest
