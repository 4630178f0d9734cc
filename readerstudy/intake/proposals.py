"""The series to confirm as a CSV: out to a spreadsheet, and back with what a person made of it."""

import csv
import io
from collections.abc import Iterator

from django.db import transaction

from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.audit.actions import Action
from readerstudy.audit.services import record
from readerstudy.intake.certainty import settle
from readerstudy.intake.models import Candidate, Refusal
from readerstudy.intake.selectors import to_confirm
from readerstudy.material.models import LONGEST_WEIGHTING, Plane
from readerstudy.protocol.models import ReaderStudy, Region
from readerstudy.protocol.services import ensure_takes_material

CHOSEN = ("subject", "region", "plane", "weighting", "arm", "site")
COLUMNS = ("series", "slices", "rows", "columns", "part", "acquisition_seconds", *CHOSEN, "why", "look")


def proposals_csv(study: ReaderStudy) -> Iterator[str]:
    """Lines of the CSV: one row per series to confirm; `series` is its number on this site."""
    yield _line(COLUMNS)
    for one in to_confirm(study).iterator(chunk_size=500):
        seconds = one.parameters.get("acquisition_seconds", "")
        codes = [row.code if row else "" for row in (one.arm, one.site)]
        chosen = one.subject_code, one.region, one.plane, one.weighting, *codes
        size = one.slices, one.rows, one.columns, one.part
        yield _line([one.pk, *size, seconds, *chosen, one.why, " ".join(one.objections)])


def not_used_csv(study: ReaderStudy) -> Iterator[str]:
    """Lines of a CSV of the files that are not used, by the SHA-256 of their bytes, and why. A line without one counts
    further files of the same reason."""
    yield _line(["upload", "sha256", "reason", "files"])
    refusals = Refusal.objects.filter(upload__study=study).order_by("upload", "pk")
    for row in refusals.values_list("upload", "sha256", "reason", "count").iterator(chunk_size=500):
        yield _line(row)


def _line(values) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(values)
    return out.getvalue()


@transaction.atomic
def take_csv(*, study: ReaderStudy, content: bytes, actor: User | None) -> int:
    """Propose what the CSV says; returns the number of series. All of it is taken or nothing.

    Needs the column `series` and any of subject, region, plane, weighting, arm, site; an empty cell changes nothing.
    InputError names the first line that cannot be taken.
    """
    ensure_takes_material(study)
    try:
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=_delimiter(content)))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError("This is no CSV in UTF-8. Save the table as “CSV UTF-8”.") from error
    if not rows or "series" not in rows[0] or not set(CHOSEN) & set(rows[0]):
        raise InputError("The first line must name the column series and at least one of " + ", ".join(CHOSEN) + ".")
    waiting = {str(one.pk): one for one in to_confirm(study)}
    rows_of: dict[str, dict] = {
        "arm": {one.code: one for one in study.arms.all()},
        "site": {one.code: one for one in study.sites.all()},
    }
    sites_of = dict(study.subjects.values_list("code", "site__code"))
    for number, row in enumerate(rows, 2):
        said = {name: (row.get(name) or "").strip() for name in ("series", *CHOSEN)}
        candidate = waiting.get(said["series"])
        if candidate is None:
            raise InputError(f"Line {number}: no series of this number waits to be confirmed.")
        _propose(candidate, said, rows_of, sites_of, f"Line {number}: ")
    settle(study)
    record(study=study, action=Action.PROPOSALS_CHANGED_BY_CSV, actor=actor, series=len(rows))
    return len(rows)


def _delimiter(content: bytes) -> str:
    """Spreadsheets of half of Europe write semicolons."""
    first = content.split(b"\n", 1)[0]
    return ";" if first.count(b";") > first.count(b",") else ","


def _propose(
    candidate: Candidate, said: dict[str, str], rows_of: dict[str, dict], sites_of: dict[str, str], where: str
) -> None:
    for name, known in (("region", Region.values), ("plane", Plane.values), *rows_of.items()):
        if said[name] and said[name] not in known:
            raise InputError(f"{where}there is no {name} of this name; choose one of {', '.join(known)}.")
    for name, longest in (("subject", 20), ("weighting", LONGEST_WEIGHTING)):
        if len(said[name]) > longest:
            raise InputError(f"{where}a {name} has {longest} letters at most.")
    candidate.subject_code = said["subject"] or candidate.subject_code
    candidate.region = said["region"] or candidate.region
    candidate.plane = said["plane"] or candidate.plane
    candidate.weighting = said["weighting"] or candidate.weighting
    candidate.arm = rows_of["arm"].get(said["arm"], candidate.arm)
    candidate.site = rows_of["site"].get(said["site"], candidate.site)
    belongs = sites_of.get(candidate.subject_code)
    if said["site"] and belongs not in (None, said["site"]):
        raise InputError(f"{where}{candidate.subject_code} belongs to {belongs}; a subject has one site.")
    candidate.doubt, candidate.why = "", "from the CSV"
    candidate.save()
