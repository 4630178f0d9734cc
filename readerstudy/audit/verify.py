"""Find what was changed behind the site's back: in the log, in answers, in sealed rows, in a locked study."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from django.apps import apps as present_apps
from django.db import transaction

from readerstudy.audit import actions, chain, heads, keys, lock_manifest, seals
from readerstudy.audit.actions import Action
from readerstudy.audit.course import Course
from readerstudy.audit.models import Event, Head, Tombstone
from readerstudy.audit.services import tombstone_signature
from readerstudy.audit.studies import Study, studies
from readerstudy.states import State

UNSIGNED = "this site did not write them, or the upgrade could not seal them"
SHOWN = 2000  # lines that a page checks: the last ones; the command checks all


@dataclass
class Follower:
    """Follows the lines of a log, one after the other, and says where one does not hold. unsigned: lines so far that
    have no MAC; their hashes may hold all the same."""

    study: str
    unsigned: int = 0
    number: int = 0
    previous: str = ""
    key: str = ""

    def follow(self, event: Event) -> str:
        """What is wrong with the next line, in a sentence; "" if nothing is."""
        number, previous, key = self.number + 1, self.previous, self.key
        self.number, self.previous, self.key = number, event.sha256, event.key
        if (event.number, event.previous, event.sha256) != (number, previous, chain.hash_of(event, self.study)):
            return f"Event {event.number} of the log was changed, or the one before it was removed or moved."
        if not event.mac:
            self.unsigned += 1
        elif problem := chain.line_problem(event, self.study):
            return f"The log does not hold: {problem}."
        change = event.data if event.action == Action.KEY_CHANGED else {}
        if number > 1 and event.key != key and (change.get("from"), change.get("to")) != (key, event.key):
            return f"Event {number} of the log is authenticated with another key, and no line says that it changed."
        return ""

    def without_mac(self) -> str:
        """In a sentence, how many lines have no MAC; "" if all have."""
        return f"{self.unsigned:,} lines of the log have no MAC: {UNSIGNED}." if self.unsigned else ""


@dataclass
class Log:
    """What a log that holds says of everything beside it."""

    lines: dict[int, str] = field(default_factory=dict)  # hash by number
    confirmed: dict[tuple[str, int], str] = field(default_factory=dict)  # hash by reader and position
    unhashed: bool = False  # a confirmation from before hashes were noted
    later: set[str] = field(default_factory=set)
    lock: dict | None = None
    sealing: list[Event] = field(default_factory=list)
    course: Course = field(default_factory=Course)

    def read_line(self, event: Event) -> None:
        self.lines[event.number] = event.sha256
        self.course.follow(event)
        data = event.data
        if event.action == Action.PAIR_CONFIRMED:
            if "sha256" in data:
                self.confirmed[data["reader"], data["position"]] = data["sha256"]
            else:
                self.unhashed = True
        if event.action in actions.LATER_ANSWERS and "sha256" in data:
            self.later.add(data["sha256"])
        if event.action == Action.STUDY_LOCKED:
            self.lock = data
        if "sealed" in data:
            self.sealing.append(event)


def _no_problems(*_: object) -> Iterator[str]:
    return iter(())


@dataclass(frozen=True)
class Checks:
    """What an app verifies of its own rows, in a sentence for each thing that does not hold.

    beside: (study, log, apps) what needs no MAC, with the models of `apps`; signed: (study) what has MACs;
    since_opening: (study, SHA-256 of the protocol) what was frozen by opening.
    """

    beside: Callable[..., Iterator[str]] = _no_problems
    signed: Callable[..., Iterator[str]] = _no_problems
    since_opening: Callable[..., Iterator[str]] = _no_problems


_checks: list[Checks] = []


def register(checks: Checks) -> None:
    """Have this verified too. For AppConfig.ready()."""
    _checks.append(checks)


def _events(study: Study, after: int = 0) -> Iterable[Event]:
    return Event.objects.filter(study=study, number__gt=after).order_by("number").iterator(chunk_size=1000)


def log_problem(study: Study) -> str:
    """What is wrong with the log itself, in a sentence; "" if nothing is. Of a long log only the last lines."""
    last = Event.objects.filter(study=study).order_by("-number").first()
    after = max(0, last.number - SHOWN) if last else 0
    before = Event.objects.filter(study=study, number=after).first()
    follower = Follower(study.slug, 0, after, before.sha256 if before else "", before.key if before else "")
    for event in _events(study, after):
        if problem := follower.follow(event):
            return problem
    return follower.without_mac() or next(_end_of_log(study), "") or next(_outside_problems(study, None), "")


def problems(study: Study) -> Iterator[str]:
    """One sentence for each thing that is not as it was written.

    Where something is found, the study is held and looked at again: meanwhile people and jobs write into it.
    """
    if next(_problems(study), None) is None:
        return
    with transaction.atomic():
        held = studies().select_for_update().filter(pk=study.pk).first()
        found = list(_problems(held)) if held else []
    yield from found


def notes(study: Study) -> Iterator[str]:
    """One sentence for each thing that whoever checks a study that holds must know."""
    for event in study.events.filter(action=Action.SEALED_AFTER_A_RESTORE).order_by("number"):
        stood, reason = event.data["outside"], event.data["reason"].rstrip(".")
        head = f"its log ended with event {stood[0]}, {stood[1][:16]}" if stood else "no head of its log stood"
        yield (
            f"Event {event.number} of {event.at:%Y-%m-%d} declares that the database was restored from before its "
            f"seals: {reason}. Outside the database {head}."
        )
    for event in study.events.filter(action=Action.RESTORED).order_by("number"):
        yield (
            f"Event {event.number} of {event.at:%Y-%m-%d} says that the site was restored from a backup of "
            f"{event.data['made']}. Outside the database {_since(event)}."
        )


def _since(event: Event) -> str:
    stood = event.data["outside"]
    return f"its log ended with event {stood[0]}, {stood[1][:16]}" if stood else "nothing was noted since"


def _problems(study: Study) -> Iterator[str]:
    follower, log = Follower(study.slug), Log()
    for event in _events(study):
        if problem := follower.follow(event):
            yield problem
            return
        log.read_line(event)
    yield from _outside_problems(study, log.lines)
    yield from log.course.problems
    yield from problems_beside_log(study, log)
    if problem := follower.without_mac():
        yield problem
        return
    head = Head.objects.filter(study=study).first()
    if head is None or head.key not in keys.known():
        return  # said above; no MAC of an answer can be checked either
    for one in _checks:
        yield from one.signed(study)
    for problem in seals.problems(study, log.sealing):
        yield f"{problem[0].upper()}{problem[1:]}."
    if log.course.protocol:
        # The seals do not tell where the database itself, by a trigger, changed rows between the site's look at them
        # and the line that sealed them.
        for one in _checks:
            yield from one.since_opening(study, log.course.protocol)


def problems_beside_log(study: Study, log: Log, apps=present_apps) -> Iterator[str]:
    """How the end of a log, answers and the lock differ from what its lines say, in a sentence each: what needs no MAC
    of a line or an answer. apps: of a migration, whose study this is."""
    yield from _end_of_log(study, apps)
    for one in _checks:
        yield from one.beside(study, log, apps)
    yield from _lock_problems(study, log, apps)


def _end_of_log(study: Study, apps=present_apps) -> Iterator[str]:
    last = apps.get_model("audit", "Event").objects.filter(study=study).order_by("-number").first()
    head = apps.get_model("audit", "Head").objects.filter(study=study).first()
    if last is None or head is None:
        yield "The log has no authenticated end: events or their head were removed."
    elif head.number > last.number:
        yield f"The log ends with event {last.number}, but {head.number} were written: the last ones were removed."
    elif (head.number, head.sha256) != (last.number, last.sha256):
        yield f"The log goes on after event {head.number} without the site having written it."
    elif head.key not in keys.known():
        yield f"The end of the log was authenticated with another secret key ({head.key}); it cannot be checked here."
    elif keys.signed_with(head.mac, study.slug, head.number, head.sha256) != head.key:
        yield "The log was written anew: its end is not authenticated by this site."


def _outside_problems(study: Study, lines: dict[int, str] | None) -> Iterator[str]:
    """What was noted outside the database and is not in the log. lines: hash by number; None: only the latest head."""
    try:
        yield from _head_problems(study, lines)
    except heads.UnreadableError as error:
        yield f"{error}."


def _head_problems(study: Study, lines: dict[int, str] | None) -> Iterator[str]:
    if heads.removal_mac(study.slug):
        yield "The study was removed on purpose, as was noted outside the database, and is here again."
    latest = heads.latest(study.slug)
    noted = heads.written_heads(study.slug) if lines is not None else [latest] if latest else []
    if lines is None:
        lines = dict(study.events.filter(number__in=[head.number for head in noted]).values_list("number", "sha256"))
    for head in noted:
        if lines.get(head.number) == head.sha256:
            continue
        if head.is_ours(study.slug):
            yield f"Event {head.number} was noted outside the database and is not there: it was changed or removed."
        else:
            yield f"The file of heads holds a line ({head.number}) that this site did not write."
        return


def _lock_problems(study: Study, log: Log, apps) -> Iterator[str]:
    if study.state != State.LOCKED:
        if log.lock is not None:
            yield f"The study was locked, and is {study.state} now."
        return
    if log.lock is None or "tables" not in log.lock:
        yield "The study is locked, but the log does not say what was locked."
        return
    if study.lock_sha256 != lock_manifest.manifest_sha256(log.lock["tables"]):
        yield "The hash of the locked data is not the one that was logged."
    for label in lock_manifest.changed_since(study, log.lock["tables"], apps):
        yield f"{label.partition('.')[2]}: rows were changed, added or removed after the study was locked."


def lost_studies() -> Iterator[tuple[str, str]]:
    """(address, sentence) of each study of which heads were written outside the database, and which is not here and was
    not removed on purpose."""
    here = set(studies().values_list("slug", flat=True))
    for stone in Tombstone.objects.all():
        if keys.signed_with(stone.mac, *tombstone_signature(stone)) == "":
            yield stone.slug, "Its tombstone is not authenticated by this site."
        elif stone.slug in here:
            yield stone.slug, "There is a tombstone of this study, and the study."
    for slug in heads.slugs():
        if slug not in here and (problem := _lost_study_problem(slug)):
            yield slug, problem


def _lost_study_problem(slug: str) -> str:
    stone = Tombstone.objects.filter(slug=slug).first()
    try:
        latest = heads.latest(slug)
    except heads.UnreadableError as error:
        return f"{error}."
    last = f" Its log had {latest.number:,} lines." if latest else ""
    if stone is None:
        return f"The study is gone, and no tombstone says that it was removed on purpose.{last}"
    if latest and (latest.number > stone.number or (latest.number == stone.number and latest.sha256 != stone.sha256)):
        return f"The study was removed with {stone.number:,} lines in its log, and more were written.{last}"
    return ""
