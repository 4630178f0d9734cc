"""Reviews of a study's log: a person has read it up to a line and signs that, as a line of the log itself.

So a review is chained, authenticated and kept like what it is about; a later one goes on where it ended.
"""

from collections import Counter
from dataclasses import dataclass

from django.db.models import QuerySet

from processing.errors import InputError
from readerstudy.audit.actions import Action
from readerstudy.audit.models import Event
from readerstudy.audit.services import record
from readerstudy.audit.studies import Study
from readerstudy.audit.verify import problems

MEANING = "I have reviewed the log of this study up to this line."
MOST_PROBLEMS = 20  # sentences that a line keeps


@dataclass(frozen=True)
class Kind:
    """How often something was done in the lines to review, and who did it."""

    action: str
    count: int
    people: list[str]


def reviews(study: Study) -> QuerySet[Event]:
    """Every review, the latest first: `data` has line, sha256, remarks, problems, own."""
    return Event.objects.filter(study=study, action=Action.TRAIL_REVIEWED).order_by("-number")


def reviewed_line(study: Study) -> int:
    """The line up to which the log was reviewed; 0 if it never was."""
    last = reviews(study).first()
    return last.data["line"] if last else 0


def to_review(study: Study) -> QuerySet[Event]:
    """The lines since the last review, the latest first."""
    return Event.objects.filter(study=study, number__gt=reviewed_line(study)).order_by("-number")


def kinds(events: QuerySet[Event]) -> list[Kind]:
    """What was done in these lines, the rarest first: that asks for a look."""
    counts: Counter[str] = Counter()
    people: dict[str, set[str]] = {}
    for action, name in events.order_by().values_list("action", "actor_name").iterator(chunk_size=2000):
        counts[action] += 1
        people.setdefault(action, set()).add(name or "the site")
    found = [Kind(action, count, sorted(people[action])) for action, count in counts.items()]
    return sorted(found, key=lambda kind: (kind.count, kind.action))


def sign_review(*, study: Study, line: int, sha256: str, remarks: str, actor, proved_by: str) -> Event:
    """Note that the actor has reviewed the log up to this line, which has this hash.

    The whole record is verified first; what does not hold stands in the line, for who signs must know. InputError if
    there is no such line, or it was reviewed already. proved_by: how the actor has just shown who it is.
    """
    if not Event.objects.filter(study=study, number=line, sha256=sha256).exists():
        raise InputError("The log has no such line. Open the page again.")
    before = reviewed_line(study)
    if line <= before:
        raise InputError(f"The log was reviewed up to line {before:,} already.")
    own = Event.objects.filter(study=study, number__gt=before, number__lte=line, actor=actor).count()
    return record(
        study=study,
        action=Action.TRAIL_REVIEWED,
        actor=actor,
        line=line,
        sha256=sha256,
        lines=line - before,
        own=own,
        problems=list(problems(study))[:MOST_PROBLEMS],
        remarks=remarks.strip(),
        meaning=MEANING,
        proved_by=proved_by,
    )
