"""Which tables of ratings were imported into a study, and of which files they are made.

The log is their index: a line for each that came, and for each that went.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from readerstudy.archive import store
from readerstudy.audit.actions import Action
from readerstudy.audit.models import Event
from readerstudy.audit.services import fault
from readerstudy.protocol.models import ReaderStudy

FILES = ("ratings", "map", "report")


@dataclass(frozen=True)
class Imported:
    """One imported table. slug: of the study; number: the line of the log that tells of it; files: SHA-256 by name."""

    slug: str
    number: int
    title: str
    at: datetime
    by: str
    ratings: int
    sheet: str
    files: dict[str, str]

    def content(self, name: str) -> bytes:
        """The bytes of ratings.csv, map.yaml, or report.json, which holds notes and slips. RecordError, and an alarm,
        if they are not those that were imported."""
        content = store.read(self.files[name])
        if hashlib.sha256(content).hexdigest() != self.files[name]:
            raise fault(slug=self.slug, problem=f"the {name} of the imported table {self.number} were changed")
        return content

    @property
    def report(self) -> dict[str, list[str]]:
        """notes: what was done with the sheet; slips: what was left out or looks wrong."""
        return json.loads(self.content("report"))


def tables(study: ReaderStudy) -> list[Imported]:
    """What was imported and not removed, newest first."""
    events = Event.objects.filter(study=study, action__in=[Action.TABLE_IMPORTED, Action.TABLE_REMOVED])
    gone = {event.data["table"] for event in events if event.action == Action.TABLE_REMOVED}
    return [_imported(event) for event in events.order_by("-number") if _is_there(event, gone)]


def _is_there(event: Event, gone: set[int]) -> bool:
    return event.action == Action.TABLE_IMPORTED and event.number not in gone


def _imported(event: Event) -> Imported:
    said = event.data
    files = {name: said[name] for name in FILES}
    return Imported(
        event.study.slug, event.number, said["title"], event.at, event.actor_name, said["rows"], said["sheet"], files
    )


def files_of_study(study: ReaderStudy, **_: object) -> set[str]:
    """Hashes of the files of its imported tables."""
    return {sha256 for table in tables(study) for sha256 in table.files.values()}


def table_of(study: ReaderStudy, number: int) -> Imported | None:
    """The table that this line of the log tells of; None if it was removed, or never came."""
    return next((table for table in tables(study) if table.number == number), None)


def needed(hashes: list[str]) -> set[str]:
    """Those of the files that an imported table of any study is made of."""
    told = Event.objects.filter(action=Action.TABLE_IMPORTED).order_by().values_list("study", flat=True).distinct()
    studies = ReaderStudy.objects.filter(pk__in=told)
    return {sha256 for study in studies for sha256 in files_of_study(study)} & set(hashes)
