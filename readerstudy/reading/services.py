"""Open a study, and take down what readers say. Every write is idempotent by its key and goes through `writes`."""

from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from processing.errors import InputError
from readerstudy.accounts.models import Membership, User
from readerstudy.audit.actions import Action
from readerstudy.audit.seals import every_unit
from readerstudy.audit.services import ensure_sealed, record
from readerstudy.material.selectors import in_use
from readerstudy.protocol import briefing
from readerstudy.protocol.models import Charter, Criterion, ReaderStudy
from readerstudy.protocol.selectors import protocol_document
from readerstudy.protocol.signals import freezing
from readerstudy.reading import answer_hashes, answers, blocks, charter, selectors, writes
from readerstudy.reading.frozen_images import frozen_volumes
from readerstudy.reading.models import ActiveTime, Finding, Guess, Presentation, Rating, Statement, Withdrawal, Write
from readerstudy.reading.opening_checklist import checklist
from readerstudy.reading.planning import made_from, schedule_inputs
from readerstudy.reading.writes import ConflictError, KnownState
from readerstudy.states import State


@transaction.atomic
def open_study(*, study: ReaderStudy, actor: User | None) -> ReaderStudy:
    """Freeze protocol, schedule and the hash of every scheduled series. InputError names what is missing."""
    study = ReaderStudy.objects.select_for_update().get(pk=study.pk)
    if study.state != State.DRAFT:
        raise InputError("This study has been opened already.")
    if missing := [point.text for point in checklist(study) if not point.done]:
        raise InputError("Not ready to open: " + "; ".join(missing) + ".")
    ensure_sealed(study=study, seals=every_unit())
    study.protocol_sha256 = protocol_document(study)["sha256"]
    said = _frozen_images(study) if study.images_only else _scheduled(study)
    study.state, study.opened_at = State.OPEN, timezone.now()
    study.save()
    frozen = study.series.filter(in_use("case__"), active=True).order_by("case__code", "arm__code")
    record(
        study=study,
        action=Action.STUDY_OPENED,
        actor=actor,
        protocol=study.protocol_sha256,
        series=list(frozen.values_list("sha256", flat=True)),
        seals=[("protocol", None), ("schedule", None)],
        **said,
    )
    charter.keep(study=study, kind=Charter.Kind.OPENING, actor=actor)
    return study


def _scheduled(study: ReaderStudy) -> dict:
    """Freeze the briefing and make the schedule; what the log says of it."""
    briefing.freeze(study)
    given = schedule_inputs(study)
    made = made_from(study.seed, given)
    study.schedule_sha256 = made.sha256
    return {
        "schedule": made.sha256,
        "seed": study.seed,
        "inputs": given,
        "distance": made.distance,
        "presentations": blocks.store(study, made.entries, block=0),
    }


def _frozen_images(study: ReaderStudy) -> dict:
    """What the log says is frozen beside the series where nobody reads."""
    found: dict[str, object] = {"volumes": frozen_volumes(study)}
    for _, said in freezing.send(sender=ReaderStudy, study=study):
        assert isinstance(said, dict)
        found.update(said)
    return found


def own_presentation(member: Membership, token: str) -> Presentation | None:
    return selectors.own(member, selectors.own_list(member).filter(token=token).order_by("pk"))


def _log_pair_action(presentation: Presentation, action: Action, **data) -> None:
    """Log what a reader did with one pair; never an answer itself, which nobody may see before the study is closed."""
    record(
        study=presentation.study,
        action=action,
        actor=presentation.reader.user,
        reader=presentation.reader.code,
        position=presentation.position,
        **data,
    )


@transaction.atomic
def rate(
    *,
    presentation: Presentation,
    criterion: Criterion,
    score: int | None,
    status: str,
    key: UUID,
    on: KnownState | None,
) -> Rating:
    """A new revision of one criterion's answer; the same key again returns the revision it made."""
    writes.lock(presentation)
    if same := Rating.objects.filter(key=key, presentation=presentation).order_by("pk").first():
        return same
    writes.ensure_answerable(presentation, key=key, on=on)
    if status == Rating.Status.CANNOT_JUDGE and not presentation.study.allow_cannot_judge:
        raise ConflictError("cannot_judge", "The protocol does not allow “cannot judge”.")
    if status == Rating.Status.MISSING:
        writes.ensure_not_taken_back(presentation, criterion.name)
    chain = answers.ensure_whole_chain(presentation)
    rating = chain.append(
        Rating,
        criterion=criterion,
        revision=chain.next_revision(Rating, criterion_id=criterion.pk),
        score=score,
        status=status,
        key=key,
    )
    writes.count_write(presentation, key=key, what=Write.What.RATING)
    if rating.revision > 1:
        _log_pair_action(
            presentation,
            Action.RATING_REVISED,
            criterion=criterion.code,
            revision=rating.revision,
            sha256=answer_hashes.row_sha256(rating),
        )
    return rating


@transaction.atomic
def state(
    *, presentation: Presentation, subject: Statement.Subject, value: str, key: UUID, on: KnownState | None
) -> Statement:
    """A new revision of the answer on integrity, diagnostic quality, or of the comment."""
    writes.lock(presentation)
    if same := Statement.objects.filter(key=key, presentation=presentation).order_by("pk").first():
        return same
    writes.ensure_answerable(presentation, key=key, on=on)
    if not value and subject != Statement.Subject.COMMENT:
        writes.ensure_not_taken_back(presentation, subject.label.capitalize())
    chain = answers.ensure_whole_chain(presentation)
    statement = chain.append(
        Statement,
        subject=subject,
        revision=chain.next_revision(Statement, subject=subject),
        value=value,
        key=key,
    )
    writes.count_write(presentation, key=key, what=Write.What.STATEMENT)
    if statement.revision > 1:
        _log_pair_action(
            presentation,
            Action.ANSWER_REVISED,
            subject=subject,
            revision=statement.revision,
            sha256=answer_hashes.row_sha256(statement),
        )
    return statement


@transaction.atomic
def report_finding(*, presentation: Presentation, key: UUID, on: KnownState | None, **finding) -> Finding:
    """Keep a finding: kind, side, structure, remark and the voxel (i, j, k) that was marked, if any."""
    writes.lock(presentation)
    if same := Finding.objects.filter(key=key, presentation=presentation).first():
        return same
    writes.ensure_answerable(presentation, key=key, on=on)
    made = answers.append_answer(Finding, presentation=presentation, key=key, **finding)
    writes.count_write(presentation, key=key, what=Write.What.FINDING)
    if presentation.state == Presentation.State.CONFIRMED:
        _log_pair_action(presentation, Action.FINDING_ADDED_LATER, sha256=answer_hashes.row_sha256(made))
    return made


@transaction.atomic
def withdraw_finding(*, finding: Finding, key: UUID, on: KnownState | None) -> None:
    """Take a finding back; the same key again changes nothing."""
    presentation = finding.presentation
    writes.lock(presentation)
    if writes.done_before(presentation, key=key, what=Write.What.WITHDRAWAL):
        return
    writes.ensure_answerable(presentation, key=key, on=on)
    writes.count_write(presentation, key=key, what=Write.What.WITHDRAWAL)
    if Finding.objects.filter(pk=finding.pk, withdrawn_at=None).exists():
        made = answers.append_answer(Withdrawal, presentation=presentation, finding=finding)
        Finding.objects.filter(pk=finding.pk).update(withdrawn_at=made.withdrawn_at)
        _log_pair_action(presentation, Action.FINDING_WITHDRAWN, sha256=answer_hashes.row_sha256(finding))


def _add_seen_slices(presentation: Presentation, seen: dict | None) -> None:
    """Add slices to those that were seen before, on whichever machine."""
    for side, slices in (seen or {}).items():
        presentation.seen[side] = sorted({*presentation.seen.get(side, []), *slices})


@transaction.atomic
def report_time(*, presentation: Presentation, seconds: float, key: UUID, seen: dict | None = None) -> float:
    """Add active seconds, and the slices seen since; returns the sum of seconds."""
    writes.lock(presentation)
    writes.ensure_open(presentation)
    if not ActiveTime.objects.filter(presentation=presentation, key=key).exists():
        answers.append_answer(
            ActiveTime, presentation=presentation, seconds=seconds, key=key, reported_at=timezone.now()
        )
    total = ActiveTime.objects.filter(presentation=presentation).aggregate(Sum("seconds"))["seconds__sum"] or 0
    presentation.seconds = total
    _add_seen_slices(presentation, seen)
    presentation.save(update_fields=["seconds", "seen"])
    return total


def start(*, presentation: Presentation) -> Presentation:
    """It is this presentation's turn."""
    if presentation.state != Presentation.State.SCHEDULED or presentation.study.state != State.OPEN:
        return presentation
    if selectors.waits_until(presentation) is None:
        begun = {"state": Presentation.State.IN_PROGRESS, "started_at": timezone.now()}
        if Presentation.objects.filter(pk=presentation.pk, state=Presentation.State.SCHEDULED).update(**begun):
            for name, value in begun.items():
                setattr(presentation, name, value)
        else:  # in another window, a moment ago
            presentation.refresh_from_db()
    return presentation


@transaction.atomic
def confirm(*, presentation: Presentation, key: UUID, on: KnownState | None, seen: dict | None = None) -> None:
    """The reader is done with this pair, and has seen these slices of it (with those reported before).

    Conflict, with what is missing in words and the number of unseen slices per side, if anything is.
    """
    writes.lock(presentation)
    if writes.done_before(presentation, key=key, what=Write.What.CONFIRMATION):
        return
    writes.ensure_answerable(presentation, key=key, on=on)
    _add_seen_slices(presentation, seen)
    unseen = selectors.unseen_slices(presentation)
    missing = [*selectors.missing_answers(presentation), *selectors.unseen_words(unseen)]
    if presentation.state != Presentation.State.CONFIRMED:
        missing += selectors.missing_before(presentation.reader)
    if missing:
        raise ConflictError("missing", "Not everything is answered and seen.", missing=missing, unseen=unseen)
    chain = answers.ensure_whole_chain(presentation)
    if presentation.state != Presentation.State.CONFIRMED:
        presentation.state, presentation.confirmed_at = Presentation.State.CONFIRMED, chain.time_after()
        presentation.save(update_fields=["state", "confirmed_at", "seen"])
        _log_pair_action(presentation, Action.PAIR_CONFIRMED, sha256=answer_hashes.answers_sha256(presentation))
    writes.count_write(presentation, key=key, what=Write.What.CONFIRMATION)


@transaction.atomic
def skip(*, presentation: Presentation, reason: str, key: UUID, on: KnownState | None) -> None:
    """A technical problem: put a pair behind all others of its part, and tell the admin. What was answered stays.

    Conflict if the study is not open or the pair is not being read.
    """
    writes.lock(presentation)
    if writes.done_before(presentation, key=key, what=Write.What.SKIP):
        return
    writes.ensure_answerable(presentation, key=key, on=on)
    if presentation.state != Presentation.State.IN_PROGRESS:
        raise ConflictError("confirmed", "This pair is confirmed: it is not put off.")
    presentation.state, presentation.skipped_at = Presentation.State.SCHEDULED, timezone.now()
    presentation.skip_reason = reason
    presentation.save(update_fields=["state", "skipped_at", "skip_reason"])
    writes.count_write(presentation, key=key, what=Write.What.SKIP)
    _log_pair_action(presentation, Action.PAIR_SKIPPED, reason=reason)


@transaction.atomic
def finish(*, member: Membership, key: UUID) -> None:
    """After a last look at the end of the list: the way back closes, so that questions may name the arms.

    Where there is no way back (any more) nothing changes. Conflict if a pair is left to read or to complete.
    """
    last = selectors.way_back(member)
    if last is None:
        return
    writes.lock(last)
    if selectors.way_back(member) != last:
        return  # closed a moment ago
    writes.ensure_open(last)
    if selectors.current_pair(member) is not None:
        raise ConflictError("not_yet", "The list is not read to its end yet.")
    if missing := selectors.missing_before(member):
        raise ConflictError("missing", "Not everything is answered.", missing=missing)
    writes.ensure_up_to_date(last, key=key, on=KnownState.of(last))
    writes.count_write(last, key=key, what=Write.What.FINISH)
    _log_pair_action(last, Action.LIST_FINISHED)


@transaction.atomic
def guess(*, presentation: Presentation, side: str, key: UUID, on: KnownState | None) -> Guess:
    """Keep an answer to the question on blinding. Conflict if this pair is not asked about now."""
    writes.lock(presentation)
    if same := Guess.objects.filter(presentation=presentation, key=key).first():
        return same
    writes.ensure_open(presentation)
    now = selectors.pair_asked_about(presentation.reader)
    if now is None or now.pk != presentation.pk:
        raise ConflictError("not_asked", "This pair is not asked about now.")
    writes.ensure_up_to_date(presentation, key=key, on=on)
    made = answers.append_answer(Guess, presentation=presentation, side=side, key=key, guessed_at=timezone.now())
    writes.count_write(presentation, key=key, what=Write.What.GUESS)
    _log_pair_action(presentation, Action.GUESS_ON_BLINDING)
    return made
