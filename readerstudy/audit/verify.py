"""Find what was changed behind the site's back: in the log, in confirmed answers, in a locked study."""

import hmac
from collections.abc import Iterator

from readerstudy.audit import lock
from readerstudy.audit.chain import hash_of, head_mac
from readerstudy.audit.keys import key_name
from readerstudy.audit.models import Event, Head
from readerstudy.protocol.models import ReaderStudy, State
from readerstudy.reading import seal
from readerstudy.reading.models import Finding, Presentation, Rating, Statement


def first_broken(study: ReaderStudy) -> Event | None:
    """The first line of the log that was changed, or follows a removed one; None if the chain holds."""
    previous = ""
    for number, event in enumerate(Event.objects.filter(study=study).order_by("number").iterator(), start=1):
        if (event.number, event.previous, event.sha256) != (number, previous, hash_of(event, study.slug)):
            return event
        previous = event.sha256
    return None


def log_problem(study: ReaderStudy) -> str:
    """What is wrong with the log itself, in a sentence; "" if nothing is."""
    if broken := first_broken(study):
        return f"The chain is broken at line {broken.number}: that line was changed, or one before it was removed."
    return next(_end_of_log(study), "")


def problems(study: ReaderStudy) -> Iterator[str]:
    """One sentence for each thing that is not as it was written."""
    if broken := first_broken(study):
        yield f"Event {broken.number} of the log was changed, or the one before it was removed or moved."
        return
    yield from _end_of_log(study)
    yield from _confirmed_answers(study)
    yield from _later_answers(study)
    yield from _frozen(study)


def _end_of_log(study: ReaderStudy) -> Iterator[str]:
    last = Event.objects.filter(study=study).order_by("-number").first()
    head = Head.objects.filter(study=study).first()
    if last is None or head is None:
        yield "The log has no authenticated end: events or their head were removed."
    elif head.number > last.number:
        yield f"The log ends with event {last.number}, but {head.number} were written: the last ones were removed."
    elif (head.number, head.sha256) != (last.number, last.sha256):
        yield f"The log goes on after event {head.number} without the site having written it."
    elif head.key != key_name():
        yield f"The end of the log was authenticated with another secret key ({head.key}); it cannot be checked here."
    elif not hmac.compare_digest(head.mac, head_mac(study.slug, head.number, head.sha256)):
        yield "The log was written anew: its end is not authenticated by this site."


def _pair(presentation: Presentation) -> str:
    return f"{presentation.reader.code}-{presentation.position:04d}"


def _confirmed_answers(study: ReaderStudy) -> Iterator[str]:
    said = {}
    for event in Event.objects.filter(study=study, action="pair confirmed").order_by("number"):
        if "sha256" in event.data:
            said[event.data["reader"], event.data["position"]] = event.data["sha256"]
    shown = Presentation.objects.filter(study=study, confirmed_at__isnull=False)
    for presentation in shown.select_related("reader", "case", "comparison__first", "comparison__second"):
        expected = said.pop((presentation.reader.code, presentation.position), None)
        if expected is None:
            if Event.objects.filter(study=study, action="pair confirmed", data__sha256__isnull=False).exists():
                yield f"Pair {_pair(presentation)} is confirmed, but the log does not say so."
        elif seal.answers_sha256(presentation) != expected:
            yield f"The answers on pair {_pair(presentation)} are not those that were confirmed."
    for reader, position in said:
        yield f"The log says that pair {reader}-{position:04d} was confirmed; it is not confirmed any more."


def _later_answers(study: ReaderStudy) -> Iterator[str]:
    events = Event.objects.filter(study=study, action__in=seal.LATER).values_list("data", flat=True)
    logged = {data["sha256"] for data in events if "sha256" in data}
    if not logged and Event.objects.filter(study=study, action__in=seal.LATER).exists():
        return  # a log from before hashes were noted
    mine = {"presentation__study": study}
    rows = [*Rating.objects.filter(**mine, revision__gt=1), *Statement.objects.filter(**mine, revision__gt=1)]
    rows += [
        finding
        for finding in Finding.objects.filter(**mine).select_related("presentation")
        if finding.presentation.confirmed_at and finding.found_at > finding.presentation.confirmed_at
    ]
    for row in rows:
        if seal.row_sha256(row) not in logged:
            yield f"A later answer on pair {_pair(row.presentation)} is not the one that the log tells of."


def _frozen(study: ReaderStudy) -> Iterator[str]:
    event = Event.objects.filter(study=study, action="study locked").last()
    if study.state != State.LOCKED:
        if event:
            yield f"The study was locked, and is {study.state} now."
        return
    if event is None or "tables" not in event.data:
        yield "The study is locked, but the log does not say what was locked."
        return
    if study.lock_sha256 != lock.manifest_sha256(event.data["tables"]):
        yield "The hash of the locked data is not the one that was logged."
    for label in lock.changed_since(study, event.data["tables"]):
        yield f"{label.partition('.')[2]}: rows were changed, added or removed after the study was locked."
