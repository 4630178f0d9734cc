"""Open a study, and take down what readers say. Every write is idempotent by its key."""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max, Sum
from django.utils import timezone

from processing.errors import InputError
from readerstudy.accounts.models import Membership, User
from readerstudy.audit.seals import everything
from readerstudy.audit.services import ensure_sealed, record
from readerstudy.protocol.models import Criterion, ReaderStudy, State
from readerstudy.protocol.selectors import before_opening, protocol_document
from readerstudy.reading import answers, blocks, guesses, seal, selectors
from readerstudy.reading.models import ActiveTime, Finding, Guess, Presentation, Rating, Statement, Withdrawal
from readerstudy.reading.planning import OPENED, inputs, made_from, plan
from readerstudy.reading.schedule import Schedule


class ConflictError(Exception):
    """The presentation or the study is in a state that does not take this."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def schedule_summary(study: ReaderStudy) -> dict:
    """What readers will see, or see since the study was opened: pairs per reader and in all, sides, distance, hash."""
    if study.state == State.DRAFT:
        try:
            made = plan(study)
        except InputError as reason:
            made = Schedule((), None, (str(reason),))
        rows = [(entry.reader, entry.kind, entry.first_side) for entry in made.entries]
        distance, sha256, notes = made.distance, made.sha256 if made.entries else "", list(made.notes)
    else:
        rows = list(study.presentations.exclude(state="void").values_list("reader__code", "kind", "first_side"))
        opened = study.events.filter(action=OPENED).first()
        distance, sha256, notes = opened.data["distance"] if opened else None, study.schedule_sha256, []
    readers = {reader for reader, _, _ in rows}
    return {
        "pairs": len(rows), "readers": len(readers), "each": len(rows) // len(readers) if readers else 0,
        "training": sum(kind == "training" for _, kind, _ in rows),
        "repeats": sum(kind == "repeat" for _, kind, _ in rows),
        "left": sum(side == "left" for _, _, side in rows), "right": sum(side == "right" for _, _, side in rows),
        "distance": distance, "sha256": sha256, "notes": notes,
    }  # fmt: skip


@transaction.atomic
def open_study(*, study: ReaderStudy, actor: User | None) -> ReaderStudy:
    """Freeze protocol, schedule and the hash of every scheduled series. InputError names what is missing."""
    study = ReaderStudy.objects.select_for_update().get(pk=study.pk)
    if study.state != State.DRAFT:
        raise InputError("This study has been opened already.")
    if missing := [point.text for point in before_opening(study) if not point.done]:
        raise InputError("Not ready to open: " + "; ".join(missing) + ".")
    ensure_sealed(study=study, seals=everything())
    given = inputs(study)
    made = made_from(study.seed, given)
    presentations = blocks.store(study, made.entries, block=0)
    study.state, study.opened_at = State.OPEN, timezone.now()
    study.protocol_sha256, study.schedule_sha256 = protocol_document(study)["sha256"], made.sha256
    study.save()
    series = study.series.filter(active=True).order_by("case__code", "arm__code").values_list("sha256", flat=True)
    record(
        study=study, action=OPENED, actor=actor, protocol=study.protocol_sha256, schedule=made.sha256,
        seed=study.seed, inputs=given, distance=made.distance, presentations=presentations, series=list(series),
        seals=[("protocol", None), ("schedule", None)],
    )  # fmt: skip
    return study


def own_presentation(member: Membership, token: str) -> Presentation | None:
    return (
        Presentation.objects.filter(reader=member, token=token)
        .exclude(state=Presentation.State.VOID)
        .select_related("study", "reader", "case__subject", "comparison")
        .first()
    )


def hold(presentation: Presentation) -> None:
    """Wait for whoever moves this study or answers in it, then see study and pair as they are. In a transaction.

    Without it an answer that is on its way while the study is closed would arrive after it.
    """
    presentation.study = ReaderStudy.objects.select_for_update().get(pk=presentation.study_id)
    presentation.refresh_from_db(fields=["state", "confirmed_at"])


def ensure_open(presentation: Presentation) -> None:
    """Conflict unless the study takes answers now."""
    if presentation.study.state != State.OPEN:
        raise ConflictError("not_open", "Reading is closed at the moment. Your answers so far are kept.")


def ensure_answerable(presentation: Presentation) -> None:
    """Conflict unless the study is open and it is this presentation's turn (or going back is allowed)."""
    hold(presentation)
    ensure_open(presentation)
    if presentation.state == Presentation.State.IN_PROGRESS:
        return
    if presentation.state == Presentation.State.CONFIRMED:
        if (last := selectors.way_back(presentation.reader)) and last.pk == presentation.pk:
            return
        raise ConflictError("confirmed", "This pair is confirmed and can no longer be changed.")
    raise ConflictError("not_yet", "It is not this pair's turn yet.")


def _next_revision(queryset) -> int:
    return (queryset.aggregate(Max("revision"))["revision__max"] or 0) + 1


def _note(presentation: Presentation, action: str, **data) -> None:
    """Log what a reader did with one pair; never an answer itself, which nobody may see before the study is closed."""
    record(
        study=presentation.study, action=action, actor=presentation.reader.user, reader=presentation.reader.code,
        position=presentation.position, **data,
    )  # fmt: skip


def _once(make):
    """Create a row; two requests at the same moment get one after the other, or the row that is there."""
    for _ in range(3):
        try:
            with transaction.atomic():
                return make()
        except IntegrityError:
            continue
    return make()


def rate(*, presentation: Presentation, criterion: Criterion, score: int | None, status: str, key: UUID) -> Rating:
    """A new revision of one criterion's answer; the same key again returns the revision it made."""

    def make() -> Rating:
        if same := Rating.objects.filter(key=key, presentation=presentation).first():
            return same
        ensure_answerable(presentation)
        if status == Rating.Status.CANNOT_JUDGE and not presentation.study.allow_cannot_judge:
            raise ConflictError("cannot_judge", "The protocol does not allow “cannot judge”.")
        revisions = Rating.objects.filter(presentation=presentation, criterion=criterion)
        rating = answers.keep(
            Rating, presentation=presentation, criterion=criterion, revision=_next_revision(revisions), score=score,
            status=status, key=key, rated_at=timezone.now(),
        )  # fmt: skip
        if rating.revision > 1:
            _note(
                presentation, "rating revised", criterion=criterion.code, revision=rating.revision,
                sha256=seal.row_sha256(rating),
            )  # fmt: skip
        return rating

    return _once(make)


def state(*, presentation: Presentation, subject: str, value: str, key: UUID) -> Statement:
    """A new revision of the answer on integrity, diagnostic quality, or of the comment."""

    def make() -> Statement:
        if same := Statement.objects.filter(key=key, presentation=presentation).first():
            return same
        ensure_answerable(presentation)
        revisions = Statement.objects.filter(presentation=presentation, subject=subject)
        statement = answers.keep(
            Statement, presentation=presentation, subject=subject, revision=_next_revision(revisions), value=value,
            key=key, stated_at=timezone.now(),
        )  # fmt: skip
        if statement.revision > 1:
            _note(
                presentation, "answer revised", subject=subject, revision=statement.revision,
                sha256=seal.row_sha256(statement),
            )  # fmt: skip
        return statement

    return _once(make)


def report_finding(*, presentation: Presentation, key: UUID, **finding) -> Finding:
    """Keep a finding: kind, side, structure, remark and the voxel (i, j, k) that was marked, if any."""

    def make() -> Finding:
        if same := Finding.objects.filter(key=key, presentation=presentation).first():
            return same
        ensure_answerable(presentation)
        made = answers.keep(Finding, presentation=presentation, key=key, found_at=timezone.now(), **finding)
        if presentation.state == Presentation.State.CONFIRMED:
            _note(presentation, "finding added later", sha256=seal.row_sha256(made))
        return made

    return _once(make)


@transaction.atomic
def withdraw_finding(*, finding: Finding) -> None:
    ensure_answerable(finding.presentation)
    now = timezone.now()
    if Finding.objects.filter(pk=finding.pk, withdrawn_at=None).exists():
        answers.keep(Withdrawal, presentation=finding.presentation, finding=finding, withdrawn_at=now)
        Finding.objects.filter(pk=finding.pk).update(withdrawn_at=now)
        _note(finding.presentation, "finding withdrawn", sha256=seal.row_sha256(finding))


@transaction.atomic
def report_time(*, presentation: Presentation, seconds: float, key: UUID, seen: dict | None = None) -> float:
    """Add active seconds, and the slices seen since; returns the sum of seconds."""
    hold(presentation)
    ensure_open(presentation)
    if not ActiveTime.objects.filter(presentation=presentation, key=key).exists():
        answers.keep(ActiveTime, presentation=presentation, seconds=seconds, key=key, reported_at=timezone.now())
    total = ActiveTime.objects.filter(presentation=presentation).aggregate(Sum("seconds"))["seconds__sum"] or 0
    row = Presentation.objects.select_for_update().get(pk=presentation.pk)
    row.seconds = total
    for side, slices in (seen or {}).items():
        row.seen[side] = sorted({*row.seen.get(side, []), *slices})
    row.save(update_fields=["seconds", "seen"])
    return total


def start(*, presentation: Presentation) -> Presentation:
    """It is this presentation's turn."""
    if presentation.state != Presentation.State.SCHEDULED or presentation.study.state != State.OPEN:
        return presentation
    if selectors.waits_until(presentation) is None:
        Presentation.objects.filter(pk=presentation.pk, state=Presentation.State.SCHEDULED).update(
            state=Presentation.State.IN_PROGRESS, started_at=timezone.now()
        )
        presentation.refresh_from_db()
    return presentation


@transaction.atomic
def confirm(*, presentation: Presentation, missing: list[str]) -> None:
    """The reader is done with this pair. Confirming again changes nothing; Conflict if answers are missing."""
    hold(presentation)
    if presentation.state == Presentation.State.CONFIRMED:
        return
    ensure_answerable(presentation)
    # Again, now that no answer can be taken back meanwhile.
    if missing or selectors.missing_answers(presentation):
        raise ConflictError("missing", "Not everything is answered.")
    answers.ensure_whole(presentation)
    presentation.state, presentation.confirmed_at = Presentation.State.CONFIRMED, timezone.now()
    presentation.save(update_fields=["state", "confirmed_at"])
    _note(presentation, "pair confirmed", sha256=seal.answers_sha256(presentation))


@transaction.atomic
def skip(*, presentation: Presentation, reason: str) -> None:
    """A technical problem: put a pair behind all others of its part, and tell the admin. What was answered stays.

    A pair that is not being read stays as it is. Conflict if the study is not open or the pair is confirmed.
    """
    hold(presentation)
    if presentation.state == Presentation.State.SCHEDULED:
        return  # skipped a moment ago
    ensure_answerable(presentation)
    if presentation.state != Presentation.State.IN_PROGRESS:
        return
    presentation.state, presentation.skipped_at = Presentation.State.SCHEDULED, timezone.now()
    presentation.skip_reason = reason
    presentation.save(update_fields=["state", "skipped_at", "skip_reason"])
    _note(presentation, "pair skipped", reason=reason)


@transaction.atomic
def guess(*, presentation: Presentation, side: str, key: UUID) -> Guess:
    """Keep an answer to the question on blinding; a second one to the same question changes nothing.

    Conflict if this pair is not asked about now.
    """
    hold(presentation)
    if there := Guess.objects.filter(presentation=presentation).first():
        return there
    now = guesses.asked(presentation.reader)
    if now is None or now.pk != presentation.pk:
        raise ConflictError("not_asked", "This pair is not asked about now.")
    ensure_open(presentation)
    made = answers.keep(Guess, presentation=presentation, side=side, key=key, guessed_at=timezone.now())
    _note(presentation, "guess on blinding")
    return made
