"""What the log says of readers' answers and of the schedule, against what is there: for `audit.verify`."""

from collections.abc import Iterator
from dataclasses import asdict

from django.db.models import F

from readerstudy.audit import actions
from readerstudy.audit.actions import Action
from readerstudy.audit.models import Event
from readerstudy.audit.verify import Log
from readerstudy.protocol.models import Amendment, ReaderStudy
from readerstudy.reading import answer_hashes
from readerstudy.reading.blocks import block_schedule
from readerstudy.reading.frozen_images import frozen_problems
from readerstudy.reading.models import Presentation
from readerstudy.reading.planning import made_from, stored_entries
from readerstudy.states import State


def problems_beside_log(study: ReaderStudy, log: Log, apps) -> Iterator[str]:
    """How confirmed and later answers differ from what the lines of the log say, with the models of `apps`."""
    yield from _confirmed_answers(study, log, apps)
    yield from _later_answers(study, log, apps)


def since_opening(study: ReaderStudy, _: str) -> Iterator[str]:
    """How the schedule differs from what it was made from."""
    yield from frozen_problems(study) if study.images_only else schedule_problems(study)


def _pair_code(presentation: Presentation) -> str:
    return f"{presentation.reader.code}-{presentation.position:04d}"


def _confirmed_answers(study: ReaderStudy, log: Log, apps) -> Iterator[str]:
    said = dict(log.confirmed)
    shown = apps.get_model("reading", "Presentation").objects.filter(study=study, confirmed_at__isnull=False)
    for presentation in shown.select_related("reader", "case", "comparison__first", "comparison__second"):
        expected = said.pop((presentation.reader.code, presentation.position), None)
        if expected is None:
            if not log.unhashed:
                yield f"Pair {_pair_code(presentation)} is confirmed, but the log does not say so."
        elif presentation.state not in (Presentation.State.CONFIRMED, Presentation.State.VOID):
            yield f"Pair {_pair_code(presentation)} was confirmed, and is {presentation.state} now."
        elif answer_hashes.answers_sha256(presentation) != expected:
            yield f"The answers on pair {_pair_code(presentation)} are not those that were confirmed."
    for reader, position in said:
        yield f"The log says that pair {reader}-{position:04d} was confirmed; it is not confirmed any more."


def _later_answers(study: ReaderStudy, log: Log, apps) -> Iterator[str]:
    later: dict[str, dict[str, object]] = {
        "Rating": {"revision__gt": 1},
        "Statement": {"revision__gt": 1},
        "Finding": {"found_at__gt": F("presentation__confirmed_at")},
    }
    rows = [
        row
        for name, which in later.items()
        for row in apps.get_model("reading", name).objects.filter(presentation__study=study, **which)
    ]
    if not log.later and study.events.filter(action__in=actions.LATER_ANSWERS).exists():
        return  # a log from before hashes were noted
    there = {answer_hashes.row_sha256(row): row for row in rows}
    for sha256, row in there.items():
        if sha256 not in log.later:
            yield f"A later answer on pair {_pair_code(row.presentation)} is not the one that the log tells of."
    if gone := len(log.later - there.keys()):
        yield f"{gone} later answer{'s' if gone > 1 else ''} of which the log tells {'are' if gone > 1 else 'is'} gone."


def schedule_problems(study: ReaderStudy) -> list[str]:
    """Generate the schedule again from what the log says it was made from; how the database differs, in sentences."""
    if study.images_only:
        return ["The study compares images alone: it has no schedule."]
    if study.state == State.DRAFT:
        return ["The study has not been opened: it has no schedule yet."]
    event = Event.objects.filter(study=study, action=Action.STUDY_OPENED).first()
    if event is None or "inputs" not in event.data:
        return ["The log does not say what the schedule was made from."]
    again, problems = made_from(event.data["seed"], event.data["inputs"]), []
    if event.data["seed"] != study.seed:
        problems.append("The study's seed is not the one in the log.")
    if again.sha256 != event.data["schedule"]:
        problems.append("Generated again, the schedule has another hash than the log's.")
    if study.schedule_sha256 != event.data["schedule"]:
        problems.append("The study's hash of the schedule is not the one in the log.")
    held = stored_entries(study)
    if len(held) != len(again.entries):
        problems.append(f"The database holds {len(held)} presentations, the schedule has {len(again.entries)}.")
    for mine, theirs in zip(again.entries, held, strict=False):
        if mine != theirs:
            names = [name for name, value in asdict(mine).items() if getattr(theirs, name) != value]
            problems.append(f"{mine.reader}, position {mine.position}: {', '.join(names)} differs from the schedule.")
            break
    return [*problems, *_block_problems(study)]


def _block_problems(study: ReaderStudy) -> Iterator[str]:
    """Make every block again from its amendment; how the database differs, in sentences."""
    logged = {
        event.data["number"]: event.data
        for event in study.events.filter(action=Action.STUDY_AMENDED).order_by("number")
    }
    found = Amendment.objects.filter(study=study).exclude(schedule_sha256="")
    for amendment in found:
        again, name = block_schedule(amendment.data), f"Amendment {amendment.number}"
        if logged.get(amendment.number, {}).get("schedule") != amendment.schedule_sha256:
            yield f"{name}: its hash of the schedule is not the one in the log."
        if again.sha256 != amendment.schedule_sha256:
            yield f"{name}: made again, its block of the schedule has another hash."
        elif list(again.entries) != stored_entries(study, amendment.number):
            yield f"{name}: the presentations in the database are not those of its block."
    known = {0, *found.values_list("number", flat=True)}
    strange = study.presentations.exclude(block__in=known).count()
    if strange:
        yield f"{strange} presentations belong to no amendment."
