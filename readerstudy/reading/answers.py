"""Every row of an answer is made here: chained per presentation, each with a MAC by the site's key.

The MAC of a row is made over what it says, its number and the MAC of the row before; the head of the chain has its
own. So a row that was changed, added, removed or moved past the site is found before the next one is written. Readers
do not wait for each other: every presentation has a chain of its own.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import TypeVar

from django.db import connection, models, transaction
from django.utils import timezone

from readerstudy.audit import heads, keys
from readerstudy.audit.services import fault
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading import answer_hashes
from readerstudy.reading.models import (
    ActiveTime,
    AnswerHead,
    Chained,
    Finding,
    Guess,
    Presentation,
    Rating,
    Statement,
    Withdrawal,
)

CHAINED: tuple[type[Chained], ...] = (Rating, Statement, Finding, Withdrawal, ActiveTime, Guess)
AT_ONCE = 500  # presentations whose answers are held in memory
Row = TypeVar("Row", bound=Chained)


def row_signature(row, previous: str) -> tuple:
    """What the MAC of a row is made over. A withdrawal names its finding by that row's number."""
    what = [row.finding.number] if row._meta.model_name == "withdrawal" else []
    return row._meta.model_name, row.presentation_id, row.number, [*what, *answer_hashes.hashed_content(row)], previous


def head_signature(head) -> tuple:
    """What the MAC of the end of a chain is made over."""
    return "answers", head.presentation_id, head.number, head.last


def link_row(row, head) -> None:
    """Number and sign a row as the next one of a chain, and move the chain's head to it; neither is saved."""
    for field in row._meta.concrete_fields:  # as the database will give it back
        setattr(row, field.attname, field.to_python(getattr(row, field.attname)))
    row.number = head.number + 1
    row.mac = keys.sign(*row_signature(row, head.last))
    head.number, head.last = row.number, row.mac
    head.mac = keys.sign(*head_signature(head))


def empty_head(model: type[AnswerHead], presentation: Presentation) -> AnswerHead:
    """The signed head of a chain without a row, not saved."""
    head = model(presentation=presentation)
    head.mac = keys.sign(*head_signature(head))
    return head


def start_chains(presentations: Iterable[Presentation]) -> None:
    """The empty chains of new presentations."""
    AnswerHead.objects.bulk_create([empty_head(AnswerHead, one) for one in presentations])


# Of every kind of answer that what was confirmed is told by: its time.
TIMES: dict[type[Chained], str] = {
    Rating: "rated_at",
    Statement: "stated_at",
    Finding: "found_at",
    Withdrawal: "withdrawn_at",
}


@dataclass(frozen=True)
class Chain:
    """The verified answers on one presentation, held until the transaction ends: the end, and all rows."""

    presentation: Presentation
    head: AnswerHead
    rows: list

    def time_after(self) -> datetime:
        """Now, but after every answer on this pair and its confirmation: a clock may go back, and two hosts' clocks
        differ."""
        times = [getattr(row, TIMES[type(row)]) for row in self.rows if type(row) in TIMES]
        after = [time + timedelta(microseconds=1) for time in (self.presentation.confirmed_at, *times) if time]
        return max([timezone.now(), *after])

    def next_revision(self, model: type[Rating] | type[Statement], **of: object) -> int:
        """The number that the next revision of one answer has."""
        same = (row for row in self.rows if type(row) is model and all(getattr(row, k) == v for k, v in of.items()))
        return max((row.revision for row in same), default=0) + 1

    def append(self, model: type[Row], /, **values) -> Row:
        """Write one row of an answer at the end, with the time after all that is there."""
        if model in TIMES:
            values = {TIMES[model]: self.time_after()} | values
        row = model(presentation=self.presentation, **values)
        link_row(row, self.head)
        row.save(force_insert=True)
        self.head.save()
        noted = partial(heads.write_answer, presentation=self.presentation.pk, number=row.number, mac=row.mac)
        transaction.on_commit(partial(noted, slug=self.presentation.study.slug))
        return row


@transaction.atomic(savepoint=False)
def append_answer(model: type[Row], /, *, presentation: Presentation, **values) -> Row:
    """Write one row of an answer at the end of its presentation's chain.

    RecordError, and an alarm, if what is there is not what readers wrote.
    """
    return ensure_whole_chain(presentation).append(model, **values)


def ensure_whole_chain(presentation: Presentation) -> Chain:
    """Verify the whole chain of a presentation, and hold it. RecordError, and an alarm, if it was changed. In a
    transaction."""
    head = AnswerHead.objects.select_for_update().filter(presentation=presentation).first()
    rows = _chained_rows(_kinds_there(presentation), presentation=presentation)
    if problem := chain_problem(head, rows):
        study = ReaderStudy.objects.get(pk=presentation.study_id)
        code = f"{presentation.reader.code}-{presentation.position:04d}"
        raise fault(slug=study.slug, problem=f"the answers on pair {code} are not as they were written: {problem}")
    assert head is not None
    return Chain(presentation, head, rows)


def chain_problem(head: AnswerHead | None, rows: Sequence) -> str:
    """What is wrong with a chain, in half a sentence; "" if nothing is. rows: all of a presentation, in any order."""
    if head is None:
        return "the end of their chain was removed"
    if not keys.signed_with(head.mac, *head_signature(head)):
        return "the end of their chain is not authenticated by this site"
    previous = ""
    for number, row in enumerate(sorted(rows, key=attrgetter("number")), 1):
        if row.number != number or not keys.signed_with(row.mac, *row_signature(row, previous)):
            return f"row {row.number} of {head.number} ({row._meta.verbose_name}) was changed, added, or follows a gap"
        previous = row.mac
    if (len(rows), previous) != (head.number, head.last):
        return f"{head.number} were written, and {len(rows)} are there"
    taken_back = {row.finding_id: row.withdrawn_at for row in rows if isinstance(row, Withdrawal)}
    said = {row.pk: row.withdrawn_at for row in rows if isinstance(row, Finding) and row.withdrawn_at}
    return "" if said == taken_back else "a finding was taken back, or called back, by nobody"


def _rows(kind: type[Chained], **of: object) -> models.QuerySet:
    return kind._default_manager.filter(**of).order_by()


# Most pairs have ratings and statements alone, and a query that finds nothing takes as long as one that does.
IS_THERE = "EXISTS(SELECT 1 FROM {} WHERE presentation_id = %s)"
KINDS_THERE = "SELECT " + ", ".join(IS_THERE.format(kind._meta.db_table) for kind in CHAINED)


def _kinds_there(presentation: Presentation) -> list[type[Chained]]:
    """The kinds of rows that this presentation has."""
    with connection.cursor() as cursor:
        cursor.execute(KINDS_THERE, [presentation.pk] * len(CHAINED))
        (there,) = cursor.fetchall()
    return [kind for kind, is_there in zip(CHAINED, there, strict=True) if is_there]


def _chained_rows(kinds: Iterable[type[Chained]], **of) -> list:
    """Chained rows of these kinds, as `of` says."""
    found: list = []
    for kind in kinds:
        rows = _rows(kind, **of)
        found += rows.select_related("finding") if kind is Withdrawal else rows
    return found


def problems(study: ReaderStudy) -> Iterator[str]:
    """What is wrong with the chains of a whole study, in a sentence each."""
    try:
        outside = heads.noted_answers(study.slug)
    except heads.UnreadableError as error:
        outside = {}
        yield f"{error}."
    every, last = Presentation.objects.filter(study=study).select_related("reader").order_by("pk"), 0
    while some := list(every.filter(pk__gt=last)[:AT_ONCE]):
        yield from _problems(some, outside)
        last = some[-1].pk


def _problems(presentations: Sequence[Presentation], outside: dict[int, tuple[int, str]]) -> Iterator[str]:
    ends = {head.presentation_id: head for head in AnswerHead.objects.filter(presentation__in=presentations)}
    rows = defaultdict(list)
    for row in _chained_rows(CHAINED, presentation__in=presentations):
        rows[row.presentation_id].append(row)
    for one in presentations:
        code = f"{one.reader.code}-{one.position:04d}"
        noted = outside.get(one.pk)
        if problem := chain_problem(ends.get(one.pk), rows[one.pk]):
            yield f"The answers on pair {code} are not as they were written: {problem}."
        elif noted and noted not in {(row.number, row.mac) for row in rows[one.pk]}:
            yield f"Row {noted[0]} of the answers on pair {code} was noted outside the database and is not there."
        elif not abs(one.seconds - sum(row.seconds for row in rows[one.pk] if isinstance(row, ActiveTime))) <= 1e-6:
            yield f"The reading time of pair {code} is not the sum of its reports."
