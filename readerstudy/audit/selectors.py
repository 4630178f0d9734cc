"""Read the log as sentences."""

from django.db.models import QuerySet

from readerstudy.accounts.models import Role
from readerstudy.audit import actions
from readerstudy.audit.models import Event
from readerstudy.protocol.models import ReaderStudy


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _sorted(data: dict) -> str:
    parts = [f"{_count(data['proposed'], 'series', 'series')} to confirm"]
    parts += [f"{data['known']} already here"] if data["known"] else []
    parts += [f"{_count(data['refused'], 'file')} not used"] if data["refused"] else []
    return f"sorted and de-identified upload {data['upload']}: {', '.join(parts)}"


def _settings(data: dict) -> str:
    return "set " + ", ".join(f"{name.replace('_', ' ')} to {value}" for name, value in data["changes"].items())


SENTENCES = {
    "sealed by upgrade": lambda d: (
        f"sealed {_count(d['lines'], 'line')} and {_count(d['answers'], 'answer')} from before this version"
    ),
    actions.RESTORED: lambda d: (
        f"sealed {_count(d['lines'], 'line')} and {_count(d['answers'], 'answer')} of a database that was restored: "
        f"{d['reason']}"
    ),
    "key changed": lambda d: f"signs with another key from here on ({d['to']}, before {d['from']})",
    "metrics computed": lambda d: (
        f"computed the image metrics of {d['case']}, {d['reference']} vs {d['test']}"
        f"{', registered' if d['registered'] else ''}"
    ),
    "pairs prepared": lambda d: f"prepared {_count(d['pairs'], 'pair')} of {d['case']}",
    "acquisitions aligned": lambda d: f"aligned {d['moving']} with {d['fixed']} of {d['case']}",
    "features computed": lambda d: (
        f"computed {_count(d['features'], 'feature')} of {d['volume']} of {d['case']} on {d['arm']}"
    ),
    "series made again": lambda d: f"made {d['case']} in {d['arm']} by {d['model']}: the same pixels",
    "feedback changed": lambda d: f"changed what readers are told after a practice pair of {d['case']}",
    "study created": lambda d: "made the study",
    "protocol changed": lambda d: (
        f"removed {d['removed']} from the protocol"
        if "removed" in d
        else f"changed the protocol: {', '.join(d['parts'])}"
    ),
    "settings changed": _settings,
    "member added": lambda d: (
        f"added {d['user']} as {Role(d['role']).label.lower()}{' ' + d['code'] if d['code'] else ''}"
    ),
    "member removed": lambda d: f"removed {d['user']} ({Role(d['role']).label.lower()})",
    "upload received": lambda d: (
        f"sent {_count(d['files'], 'file')} ({d['bytes'] / 1e6:,.1f} MB) as upload {d['upload']}"
    ),
    "upload sorted": _sorted,
    "series placed": lambda d: (
        f"placed {d['case']} in {d['arm']}{', version ' + str(d['version']) if d['version'] > 1 else ''}"
    ),
    "case moved": lambda d: f"took {d['case']} for {'training' if d['training'] else 'reading'}",
    "series put aside": lambda d: f"put series {d['sha256'][:4]} aside",
    "series taken up again": lambda d: f"took series {d['sha256'][:4]} up again",
    "volume of interest added": lambda d: f"added {d['volume']}, drawn on {d['case']} {d['arm']}",
    "volume of interest removed": lambda d: f"removed {d['volume']} of {d['case']}",
    "volume of interest called back": lambda d: f"called {d['volume']} of {d['case']} back",
    "radiomic settings changed": lambda d: f"let radiomic settings {d['sha256'][:8]} hold",
    "opening asked for": lambda d: "asked for the opening",
    "study opened": lambda d: (
        f"opened the study: {_count(d['presentations'], 'pair')} scheduled, "
        f"{_count(len(d['series']), 'series', 'series')} frozen"
    ),
    "dry run": lambda d: (
        f"tried the protocol out: {_count(d['pairs'], 'pair')} with made-up answers of {_count(d['readers'], 'reader')}"
    ),
    "study amended": lambda d: (
        f"amended the study ({d['number']}: {d['kind'].replace('_', ' ')}, {d['what']}): {d['reason']}"
    ),
    "study open": lambda d: "resumed reading",
    "study paused": lambda d: "paused reading",
    "study closed": lambda d: "closed the study",
    "study locked": lambda d: "locked the study",
    "unblinded": lambda d: f"unblinded {d['what']} ({_count(len(d['pairs']), 'pair')}): {d['reason']}",
    "pair confirmed": lambda d: f"confirmed pair {d['position']} ({d['reader']})",
    "rating revised": lambda d: (
        f"changed the answer on {d['criterion']} of pair {d['position']} ({d['reader']}), revision {d['revision']}"
    ),
    "answer revised": lambda d: (
        f"changed the answer on {d['subject']} of pair {d['position']} ({d['reader']}), revision {d['revision']}"
    ),
    "finding added later": lambda d: f"added a finding to the confirmed pair {d['position']} ({d['reader']})",
    "guess on blinding": lambda d: f"was asked which image was which on pair {d['position']} ({d['reader']})",
    "list finished": lambda d: f"had the last look at the list and closed the way back ({d['reader']})",
    "results seen": lambda d: "saw the results",
    "finding withdrawn": lambda d: f"withdrew a finding on pair {d['position']} ({d['reader']})",
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
