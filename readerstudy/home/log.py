"""Read the log as sentences."""

from collections.abc import Callable

from django.db.models import QuerySet

from readerstudy.accounts.models import Role
from readerstudy.audit import actions
from readerstudy.audit.actions import Action
from readerstudy.audit.models import Event
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.unblinding import Impact


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _sorted(data: dict) -> str:
    parts = [f"{_count(data['proposed'], 'series', 'series')} to confirm"]
    if files := data.get("known_files"):
        parts += [f"already here: {_count(files, 'file')}"]
    elif data["known"]:  # of an earlier version, which counted series
        parts += [f"{data['known']} already here"]
    parts += [f"{_count(data['refused'], 'file')} not used"] if data["refused"] else []
    return f"sorted and de-identified upload {data['upload']}: {', '.join(parts)}"


def _settings(data: dict) -> str:
    return "set " + ", ".join(f"{name.replace('_', ' ')} to {value}" for name, value in data["changes"].items())


def _with(data: dict) -> str:
    kept = ", which wait to be confirmed again" if data["kept"] else ""
    return f"with {_count(data['series'], 'series', 'series')}{kept}"


def _reviewed(data: dict) -> str:
    found = _count(len(data["problems"]), "thing that does not hold", "things that do not hold")
    found = found if data["problems"] else "the record held"
    remarks = f". {data['remarks']}" if data["remarks"] else ""
    return f"reviewed the log up to line {data['line']:,} ({data['sha256'][:8]}): {found}{remarks}"


def _letter(data: dict, of_reader: str, of_admin: str) -> str:
    return f"{of_reader if data['sender'] == Role.READER else of_admin} {data['reader']}"


SENTENCES: dict[str, Callable[[dict], str]] = {
    Action.SEALED_BY_UPGRADE: lambda d: (
        f"sealed {_count(d['lines'], 'line')} and {_count(d['answers'], 'answer')} from before this version"
    ),
    Action.SEALED_AFTER_A_RESTORE: lambda d: (
        f"sealed {_count(d['lines'], 'line')} and {_count(d['answers'], 'answer')} of a database that was restored: "
        f"{d['reason']}"
    ),
    Action.RESTORED: lambda d: (
        f"goes on from a backup of {d['made']}"
        + (f"; lines up to {d['outside'][0]} were written since, and are lost" if d["outside"] else "")
    ),
    Action.KEY_CHANGED: lambda d: f"signs with another key from here on ({d['to']}, before {d['from']})",
    Action.METRICS_COMPUTED: lambda d: (
        f"computed the image metrics of {d['case']}, {d['reference']} vs {d['test']}"
        f"{', registered' if d['registered'] else ''}"
    ),
    Action.PAIRS_PREPARED: lambda d: f"prepared {_count(d['pairs'], 'pair')} of {d['case']}",
    Action.CASE_HELD_BACK: lambda d: f"held {d['case']} back: its series do not seem to show the same place",
    Action.CASE_RELEASED: lambda d: (
        f"let {d['case']} pass: {d['reason']}" if d["reason"] else f"held {d['case']} back again"
    ),
    Action.ACQUISITIONS_ALIGNED: lambda d: f"aligned {d['moving']} with {d['fixed']} of {d['case']}",
    Action.FEATURES_COMPUTED: lambda d: (
        f"computed {_count(d['features'], 'feature')} of {d['volume']} of {d['case']} on {d['arm']}"
    ),
    Action.VOLUMES_MEASURED: lambda d: f"measured {_count(d['volumes'], 'volume')} of interest of {d['case']}",
    Action.SERIES_MADE_AGAIN: lambda d: f"made {d['case']} in {d['arm']} by {d['model']}: the same pixels",
    Action.FEEDBACK_CHANGED: lambda d: f"changed what readers are told after a practice pair of {d['case']}",
    Action.STUDY_CREATED: lambda d: "made the study",
    Action.PROTOCOL_CHANGED: lambda d: (
        f"removed {d['removed']} from the protocol"
        if "removed" in d
        else f"changed the protocol: {', '.join(d['parts'])}"
    ),
    Action.SETTINGS_CHANGED: _settings,
    Action.MEMBER_ADDED: lambda d: (
        f"added {d['user']} as {Role(d['role']).label.lower()}{' ' + d['code'] if d['code'] else ''}"
    ),
    Action.MEMBER_REMOVED: lambda d: f"removed {d['user']} ({Role(d['role']).label.lower()})",
    Action.UPLOAD_RECEIVED: lambda d: (
        f"sent {_count(d['files'], 'file')} ({d['bytes'] / 1e6:,.1f} MB) as upload {d['upload']}"
    ),
    Action.UPLOAD_SORTED: _sorted,
    Action.SERIES_PLACED: lambda d: (
        f"placed {d['case']} in {d['arm']}{', version ' + str(d['version']) if d['version'] > 1 else ''}"
    ),
    Action.SCAN_TIME_TYPED: lambda d: (
        f"took the scan time of {d['case']} in {d['arm']} back to what the header says"
        if d["seconds"] is None
        else f"typed the scan time of {d['case']} in {d['arm']}: {d['seconds']:g} s"
    ),
    Action.CASE_MOVED: lambda d: f"took {d['case']} for {'training' if d['training'] else 'reading'}",
    Action.SUBJECTS_CODED: lambda d: (
        f"changed diagnosis or lesion origin of {_count(len(d['subjects']), 'subject')}: {', '.join(d['subjects'][:5])}"
        + (" and others" if len(d["subjects"]) > 5 else "")
    ),
    Action.SUBJECT_GIVEN_A_SITE: lambda d: f"gave {d['subject']} the site {d['site']}, before {d['earlier']}",
    Action.FILE_NAMES_READ: lambda d: (
        f"read {_count(d['files'], 'file name')} of upload {d['upload']} again, as {d['pattern'] or 'they tell'}"
    ),
    Action.CASE_REMOVED: lambda d: f"removed {d['case']} {_with(d)}",
    Action.CASE_SET_ASIDE: lambda d: f"set {d['case']} aside: {d['reason']}",
    Action.CASE_TAKEN_UP_AGAIN: lambda d: f"took {d['case']} up again",
    Action.SUBJECT_REMOVED: lambda d: f"removed subject {d['subject']} {_with(d)}",
    Action.UPLOAD_REMOVED: lambda d: f"removed upload {d['upload']} {_with(d)}",
    Action.SERIES_REMOVED: lambda d: f"removed series {d['sha256'][:4]}, which was not confirmed",
    Action.SERIES_TAKEN_BACK: lambda d: f"took the series of {d['case']} in {d['arm']} back to be confirmed",
    Action.RETENTION_CHANGED: lambda d: (
        f"set the study to be kept until {d['until']}" if d["until"] else "set no day until which the study is kept"
    ),
    Action.HEADERS_READ_ANEW: lambda d: f"read what DICOMweb tells of {d['series']} series again from their files",
    Action.SERIES_PUT_ASIDE: lambda d: f"put series {d['sha256'][:4]} aside",
    Action.SERIES_TAKEN_UP_AGAIN: lambda d: f"took series {d['sha256'][:4]} up again",
    Action.VOLUME_OF_INTEREST_ADDED: lambda d: f"added {d['volume']}, drawn on {d['case']} {d['arm']}",
    Action.VOLUME_OF_INTEREST_REMOVED: lambda d: f"removed {d['volume']} of {d['case']}",
    Action.VOLUME_OF_INTEREST_CALLED_BACK: lambda d: f"called {d['volume']} of {d['case']} back",
    Action.STABILITY_CRITERIA_CHANGED: lambda d: (
        "let features be stable by "
        + ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in d["criteria"].items())
    ),
    Action.VOLUME_OF_INTEREST_DRAWN: lambda d: (
        f"drew version {d['version']} of {d['volume']}{', a second drawing,' if d['second'] else ''} "
        f"on {d['case']} {d['arm']}"
    ),
    Action.VOLUME_OF_INTEREST_LOOKED_AT: lambda d: (
        f"said that {d['volume']} of {d['case']} {'fits' if d['fits'] else 'does not fit'} in {d['arm']}"
    ),
    Action.SCREENING_LOG_CHANGED: lambda d: (
        f"said that {_count(d['subjects'], 'screened subject')} were not included, by reason"
    ),
    Action.SITE_LIST_CHANGED: lambda d: f"let {_count(len(d['sites']), 'site')} be drawn in every case",
    Action.RADIOMIC_SETTINGS_CHANGED: lambda d: f"let radiomic settings {d['sha256'][:8]} hold",
    Action.OPENING_ASKED_FOR: lambda d: "asked for the opening",
    Action.STUDY_OPENED: lambda d: (
        f"opened the study: {_count(d['presentations'], 'pair')} scheduled, "
        f"{_count(len(d['series']), 'series', 'series')} frozen"
        if "presentations" in d
        else f"froze the study: {_count(len(d['series']), 'series', 'series')} and "
        f"{_count(len(d['volumes']), 'volume')} of interest"
    ),
    Action.DRY_RUN: lambda d: (
        f"tried the protocol out: {_count(d['pairs'], 'pair')} with made-up answers of {_count(d['readers'], 'reader')}"
    ),
    Action.BRIEFING_WRITTEN: lambda d: (
        f"wrote version {d['number']} of the briefing{': ' + d['reason'] if d['reason'] else ''}"
    ),
    Action.CHARTER_KEPT: lambda d: f"kept version {d['number']} of the charter ({d['kind']})",
    Action.BRIEFING_READ: lambda d: f"has read version {d['number']} of the briefing ({d['reader']})",
    Action.STUDY_AMENDED: lambda d: (
        f"amended the study ({d['number']}: {d['kind'].replace('_', ' ')}, {d['what']}): {d['reason']}"
    ),
    Action.STUDY_OPEN: lambda d: "resumed reading",
    Action.STUDY_PAUSED: lambda d: "paused reading",
    Action.STUDY_CLOSED: lambda d: "closed the study",
    Action.STUDY_LOCKED: lambda d: "locked the study",
    Action.UNBLINDED: lambda d: f"unblinded {d['what']} ({_count(len(d['pairs']), 'pair')}): {d['reason']}",
    Action.UNBLINDING_ASSESSED: lambda d: (
        f"assessed the unblinding of line {d['line']:,}: impact {Impact(d['impact']).label}. {d['assessment']}"
    ),
    Action.TRAIL_REVIEWED: _reviewed,
    Action.LETTER_WRITTEN: lambda d: f"{_letter(d, 'reported as', 'wrote to')}: {d['text']}",
    Action.LETTER_NOTED: lambda d: _letter(d, "noted the last letter to", "noted the last letter of"),
    Action.DISPLAY_CHECKED: lambda d: (
        f"checked the display ({d['reader']}): {'fit' if d['passed'] else 'not fit: ' + ', '.join(d['failed'])}"
    ),
    Action.PAIR_CONFIRMED: lambda d: f"confirmed pair {d['position']} ({d['reader']})",
    Action.RATING_REVISED: lambda d: (
        f"changed the answer on {d['criterion']} of pair {d['position']} ({d['reader']}), revision {d['revision']}"
    ),
    Action.ANSWER_REVISED: lambda d: (
        f"changed the answer on {d['subject']} of pair {d['position']} ({d['reader']}), revision {d['revision']}"
    ),
    Action.FINDING_ADDED_LATER: lambda d: f"added a finding to the confirmed pair {d['position']} ({d['reader']})",
    Action.GUESS_ON_BLINDING: lambda d: f"was asked which image was which on pair {d['position']} ({d['reader']})",
    Action.LIST_FINISHED: lambda d: f"had the last look at the list and closed the way back ({d['reader']})",
    Action.TABLE_IMPORTED: lambda d: f"imported {_count(d['rows'], 'rating')} from a sheet: {d['title']}",
    Action.TABLE_REMOVED: lambda d: f"removed the imported table {d['title']}",
    Action.PROGRAM_ADMITTED: lambda d: (
        f"admitted a program until {d['until']} by token {d['token']}, which allows: {', '.join(d['scopes'])}"
    ),
    Action.PROGRAM_SHUT_OUT: lambda d: f"shut the program out that has token {d['token']}",
    Action.RESULTS_SEEN: lambda d: "saw the results",
    Action.FINDING_WITHDRAWN: lambda d: f"withdrew a finding on pair {d['position']} ({d['reader']})",
}

FOLDED = (*actions.ON_PAIRS, *actions.WORK)
SEALS = ("sealed", "columns", "before")


def sentence(event: Event) -> str:
    """One line of the log in words: who did what. An action without words of its own shows its name and data."""
    who = event.actor_name or "the site"
    try:
        what = SENTENCES[event.action](event.data)
    except KeyError:
        details = ", ".join(f"{name} {value}" for name, value in event.data.items() if name not in SEALS)
        what = f"{event.action}{': ' + details if details else ''}"
    return f"{who} {what}"


def log_of(study: ReaderStudy, *, readings: bool) -> QuerySet[Event]:
    """The study's log, newest first; `readings` says whether single pairs, and what jobs made of single cases, are in
    it."""
    events = Event.objects.filter(study=study).select_related("actor").order_by("-number")
    return events if readings else events.exclude(action__in=FOLDED)
