"""Ratings that were given elsewhere: imported from a sheet, kept in the archive, analysed as a study's own.

The sheet itself, which may name people, is not kept; its SHA-256 is.
"""

import hashlib
import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from django.db import transaction

from analysis import reading
from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.archive import kept, store
from readerstudy.archive.keeping import ensure_kept
from readerstudy.audit.actions import Action
from readerstudy.audit.services import record
from readerstudy.audit.studies import study_for_update
from readerstudy.images.analyses import files_sha256, name_of, read_table, store_analysis, stored_analysis
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import request_job
from readerstudy.material.erasure import ERASE
from readerstudy.protocol.models import ReaderStudy
from readerstudy.results.exports import number_lines, number_tables
from readerstudy.results.imported_tables import Imported
from readerstudy.results.kinds import ANALYSE_IMPORTED
from readerstudy.results.services import AT_ONCE

MOST_RATINGS = 50_000
MOST_CELLS = 150  # comparisons × criteria
LONGEST_TITLE = 80


def ensure_small_enough(rows: int, cells: int) -> None:
    """InputError where there is more than can be analysed here. cells: comparisons × criteria."""
    if rows > MOST_RATINGS or cells > MOST_CELLS:
        raise InputError(
            f"The sheet makes {rows:,} ratings in {cells:,} cells of comparison and criterion; at most "
            f"{MOST_RATINGS:,} and {MOST_CELLS} can be analysed here: name the comparisons that matter."
        )


def import_table(*, study: ReaderStudy, actor: User, title: str, sheet: bytes, made: dict) -> int:
    """Keep the ratings that were made of a sheet (`sheets.make`); returns the number of the table.

    InputError without a title, or where there are too many.
    """
    title = " ".join(title.split())
    if not title or len(title) > LONGEST_TITLE or not title.isprintable():
        raise InputError(f"Give the table a name of up to {LONGEST_TITLE} letters, under which it is found again.")
    ensure_small_enough(made["rows"], made["cells"])
    report = {"notes": made["notes"], "slips": made["slips"]}
    contents = {
        "ratings": made["ratings"].encode(),
        "map": made["map"].encode(),
        "report": json.dumps(report, ensure_ascii=False, indent=1).encode(),
    }
    files = {name: store.put_bytes(content) for name, content in contents.items()}
    said: dict[str, Any] = files | {"title": title, "rows": made["rows"], "sheet": hashlib.sha256(sheet).hexdigest()}
    with transaction.atomic():
        study_for_update(study)
        ensure_kept(files.values())
        return record(study=study, action=Action.TABLE_IMPORTED, actor=actor, **said).number


@transaction.atomic
def remove_table(*, study: ReaderStudy, actor: User, table: Imported) -> None:
    """Let an imported table go, with its files; the log keeps their hashes."""
    record(study=study, action=Action.TABLE_REMOVED, actor=actor, table=table.number, title=table.title)
    for name in kept.names(_name(study, table, "*")):
        kept.erase(name)
    hashes = sorted(table.files.values())
    request_job(
        function=ERASE,
        study=study,
        label="Imported table",
        parameters={"hashes": hashes},
        inputs={"imported": study.slug, "table": table.number},
    )


def _name(study: ReaderStudy, table: Imported, key: str) -> str:
    return name_of(study, f"imported/{table.number}", key)


def _key(table: Imported) -> str:
    return files_sha256({"ratings": table.files["ratings"].encode()})


def results_or_job(study: ReaderStudy, table: Imported) -> dict | Job:
    """What `python -m analysis reading` says of the table, or the job that makes it; of a small table at once."""
    key = _key(table)
    if (made := stored_analysis(_name(study, table, key))) is not None:
        return made
    if table.ratings <= AT_ONCE:
        return make_results(study, table)
    job, _ = request_job(
        function=ANALYSE_IMPORTED,
        study=study,
        label=f"Imported: {table.title}",
        parameters={"table": table.number},
        inputs={"study": study.slug, "table": table.number, "key": key},
    )
    return make_results(study, table) if job.state == Job.State.DONE else job


def make_results(study: ReaderStudy, table: Imported) -> dict:
    """Analyse the table as the command line does, and keep that."""
    with tempfile.TemporaryDirectory() as folder:
        ratings = read_table("ratings", table.content("ratings"), Path(folder))
    made = reading.analyse(ratings, mixed=True)
    store_analysis(_name(study, table, _key(table)), made)
    return json.loads(json.dumps(made))  # as it is kept


README = """{title}: IMPORTED ratings

These answers were not given in readerstudy: they were imported from a sheet with the SHA-256
{sheet}
by the map in map.yaml. What was done with the sheet, what was left out and what looks like a slip:

{told}

The same from the sheet:

  python -m analysis convert SHEET --map map.yaml --out ratings.csv
  python -m analysis reading ratings.csv --mixed --json results-reading.json
"""


def zipped(table: Imported, made: dict) -> bytes:
    """Everything of an imported table in one zip; the same table gives the same bytes."""
    report = table.report
    told = "\n".join(f"- {sentence}" for sentence in (*report["notes"], *report["slips"]))
    contents = {
        "README.txt": README.format(title=table.title, sheet=table.sheet, told=told).encode(),
        "ratings.csv": table.content("ratings"),
        "map.yaml": table.content("map"),
        "results-reading.json": json.dumps(made, indent=1, ensure_ascii=False).encode() + b"\n",
    }
    for name, rows in number_tables(made).items():
        contents[f"numbers/{name}.csv"] = "".join(number_lines(rows)).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(
                zipfile.ZipInfo(f"imported/{name}", table.at.timetuple()[:6]), content, zipfile.ZIP_DEFLATED
            )
    return file.getvalue()
