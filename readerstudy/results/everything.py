"""One zip with all that leaves a closed study, and with what makes its numbers again anywhere: `sh reproduce.sh`."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC
from pathlib import Path
from typing import BinaryIO

from analysis.report import charter as charter_pages
from analysis.report.number_files import number_tables
from analysis.report.result_codebook import codebook as result_codebook
from analysis.report.result_tables import columns
from analysis.signature import examples
from analysis.tables import schema
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading import charter
from readerstudy.results.commands import SIGNATURE, as_text, commands
from readerstudy.results.exports import (
    codebook_lines,
    number_lines,
    pieces,
    protocol_json,
    table_lines,
    tables_of,
    warning,
)
from readerstudy.results.identities import Guard
from readerstudy.results.read_r import read_r
from readerstudy.results.wheel import requirements, wheel

NUMBERS_R = Path(__file__).with_name("numbers.R")
Report = Callable[[float, str], None]

README = """{title}

Tables (CSV, UTF-8, comma, empty = null) with a codebook each; protocol and charter; the results as the site shows
them, as JSON (`conventions` says how each number was made) and in numbers/ as CSV, every number with its method, n and
reason.
{warning}
Where      readerstudy {slug}, protocol {protocol}{of_readings}
Formulas   a text that begins like one has an apostrophe in front; read.R and python -m analysis take it away again

Every number again, from these files alone, and compared with what the site said:

  sh reproduce.sh

needs Python 3.11 or newer, fetches the packages of requirements.txt (their files have the hashes given there) and runs

{commands}

of the wheel beside it. Where R is, numbers.R does the main tables a second time by R's own functions. In R alone,
source("read.R") gives every table as a data frame.

SHA-256

{hashes}
"""

OF_READINGS = """, schedule {schedule}
Unit       ratings: one row per presentation and criterion, scores as displayed (1 left ... 5 right markedly better);
           preference = score if the first arm stood on the right, else 6 - score; above 3 favours the first arm
Only       confirmed presentations, the revision that holds; every revision: ratings.csv?all=1
Findings   a finding on both sides has one row per side
Viewing    python -m analysis viewing {slug}-interactions.csv: what was on screen how long"""

IMAGES_ALONE = """
Readings   none: images alone were compared"""

REPRODUCE = """#!/bin/sh
# Makes every number of this folder again, from its tables alone, and compares it with what the site said. Before that
# each file is held against its SHA-256 in README.txt.
#
#   sh reproduce.sh                     in an environment of its own: pip fetches the packages of requirements.txt
#   PYTHON=python3 sh reproduce.sh      with the packages of this Python; nothing is fetched
#
# Exit status 0: files and numbers are the same. 1: those that differ are named. Nothing in this folder is changed.
set -u
cd "$(dirname "$0")" || exit 2
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
mkdir "$work/again"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1

new=${{PYTHON:-}}
if [ -z "$new" ]; then
    for name in python3.11 python3.12 python3.13 python3; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then new=$name; break; fi
    done
    if [ -z "$new" ]; then echo "Python 3.11 or newer is not here." >&2; exit 2; fi
fi

status=0
"$new" - <<'END' || status=1
import hashlib, pathlib, re, sys
said = re.findall("^([0-9a-f]{{64}})  (.+)$", pathlib.Path("README.txt").read_text(encoding="utf-8"), re.MULTILINE)
wrong = [] if said else ["README.txt: names no SHA-256."]
for digest, name in said:
    file = pathlib.Path(name)
    if not file.is_file():
        wrong.append(f"{{name}}: is not there.")
    elif hashlib.sha256(file.read_bytes()).hexdigest() != digest:
        wrong.append(f"{{name}}: has another SHA-256 than README.txt says.")
print(*wrong or [f"{{len(said)}} files have the SHA-256 that README.txt says."], sep="\\n")
sys.exit(bool(wrong))
END

if [ -z "${{PYTHON:-}}" ]; then
    "$new" -m venv "$work/venv" || exit 2
    PYTHON=$work/venv/bin/python
    "$PYTHON" -m pip install --quiet -r requirements.txt || exit 2
fi
"$PYTHON" -m pip install --quiet --no-index --no-deps --target "$work/wheel" {wheel} || exit 2
export PYTHONPATH="$work/wheel"

{commands}
if "$PYTHON" -m analysis differences . "$work/again" --numbers; then
    echo "Python: every number is the same."
else
    echo "Python: see above what differs." >&2
    status=1
fi
if command -v Rscript >/dev/null; then
    Rscript numbers.R || status=1
else
    echo "R is not here: numbers.R was left out."
fi
exit $status
"""


def write_zip(
    file: BinaryIO,
    study: ReaderStudy,
    results: dict[str, dict],
    report: Report = lambda share, doing: None,
    *,
    guard: Guard | None = None,
) -> None:
    """Write everything into one zip, a table never whole in memory.

    results: name of a JSON file -> its content, the analysis that the page shows. The same study gives the same
    bytes: times inside are those of its closing. report: told how far that is. InputError if something in it tells who
    somebody is; guard: that of the study unless given.
    """
    guard = guard or Guard(study)
    stamp = (study.closed_at or study.created_at).astimezone(UTC).timetuple()[:6]
    hashes = []
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:

        def add(name: str, content: Iterable[bytes], *, large: bool = False) -> None:
            info = zipfile.ZipInfo(f"{study.slug}/{name}", stamp)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            digest = hashlib.sha256()
            with archive.open(info, "w", force_zip64=large) as member:
                for piece in content:
                    digest.update(piece)
                    member.write(piece)
            hashes.append(f"{digest.hexdigest()}  {name}")

        tables = tables_of(study)
        for place, table in enumerate(tables):
            report(0.9 * place / len(tables), table)
            name = f"{study.slug}-{table}.csv"
            add(name, guard.passed(name, pieces(table_lines(study, table))), large=True)
        report(0.9, "results and codebooks")
        for name, content in _documents(study, results):
            add(name, guard.passed(name, [content]))
        for name, content in _programs(study, results):
            add(name, [content])
        add("README.txt", guard.passed("README.txt", [_readme(study, results, hashes).encode()]))


def _documents(study: ReaderStudy, results: dict[str, dict]) -> Iterator[tuple[str, bytes]]:
    """Name and content of what is said of the study beside its tables."""
    yield f"{study.slug}-protocol.json", protocol_json(study)
    if version := charter.last_kept(study):
        shown = charter.shown(version)
        yield f"{study.slug}-charter.json", _json(shown)
        yield "charter.html", charter_pages.page(shown).encode()
    for name, result in results.items():
        yield f"{study.slug}-{name}.json", _json(result)
        if name.startswith(SIGNATURE):
            model = name.removeprefix(SIGNATURE)
            yield f"signatures/{model}.yaml", examples()[model].encode()
    numbers = number_tables(results)
    for name, rows in numbers.items():
        yield f"numbers/{name}.csv", "".join(number_lines(rows)).encode()
    if numbers:
        book = result_codebook({name: columns(rows) for name, rows in numbers.items()})
        yield "codebooks/numbers.csv", "".join(number_lines([{**row} for row in book])).encode()
    for table in tables_of(study):
        yield f"codebooks/{table}.csv", "".join(codebook_lines(table)).encode()
        yield f"codebooks/{table}.schema.json", json.dumps(schema(table), indent=2, ensure_ascii=False).encode()
    yield "read.R", read_r(study, tables_of(study), results).encode()


def _programs(study: ReaderStudy, results: dict[str, dict]) -> Iterator[tuple[str, bytes]]:
    """What makes the numbers again, which is the same for every study but for the commands."""
    yield "numbers.R", NUMBERS_R.read_bytes()
    yield "requirements.txt", requirements().encode()
    yield wheel()
    yield "reproduce.sh", _script(study, results).encode()


def _json(content: dict) -> bytes:
    return json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n"


def _script(study: ReaderStudy, results: dict[str, dict]) -> str:
    asked = (
        as_text(one, program='"$PYTHON" -m analysis', before=f'"$work/again/"{study.slug}-') + " || status=1"
        for one in commands(study, results)
    )
    return REPRODUCE.format(wheel=wheel()[0], commands="\n".join(asked))


def _readme(study: ReaderStudy, results: dict[str, dict], hashes: list[str]) -> str:
    asked = (as_text(one, program="python -m analysis") for one in commands(study, results))
    of_readings = IMAGES_ALONE if study.images_only else OF_READINGS
    return README.format(
        title=study.title,
        slug=study.slug,
        protocol=study.protocol_sha256,
        of_readings=of_readings.format(schedule=study.schedule_sha256, slug=study.slug),
        warning=warning(study),
        commands="\n".join(f"  {line}" for one in asked for line in one.splitlines()),
        hashes="\n".join(hashes),
    )
