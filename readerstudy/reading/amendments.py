"""Changes after opening: a reader or cases more, a subject withdrawn. Each is numbered, has a reason, and changes
nothing that was scheduled before."""

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.utils import timezone

from processing.errors import InputError
from readerstudy.accounts.models import Membership, Role, User
from readerstudy.accounts.services import add_person
from readerstudy.audit.actions import Action
from readerstudy.audit.seals import Seal
from readerstudy.audit.services import ensure_sealed, record
from readerstudy.material.erasure import cancel_jobs, erase_subject, sealed_units
from readerstudy.material.models import Case, Subject
from readerstudy.material.selectors import in_use, not_as_asked, sent_not_simulated, simulated_not_sent
from readerstudy.protocol.models import Amendment, Charter, ReaderStudy
from readerstudy.reading import blocks, charter
from readerstudy.reading.models import Presentation
from readerstudy.reading.preparing import are_files_there, is_prepared
from readerstudy.states import State

VOID = Presentation.State.VOID
Kind = Amendment.Kind


def scheduled_cases(study: ReaderStudy) -> list[Case]:
    """The cases that readers see or have seen, but for those of withdrawn subjects."""
    found = study.cases.filter(subject__withdrawn_at=None, presentations__isnull=False).select_related("subject")
    return list(found.distinct().order_by("code"))


def unscheduled_cases(study: ReaderStudy) -> list[tuple[Case, bool]]:
    """Cases that came after opening, and whether their series are as the protocol has them and all pairs prepared."""
    found = study.cases.filter(in_use(), presentations__isnull=True).select_related("subject")
    amiss = {one.case_id for select in (not_as_asked, sent_not_simulated, simulated_not_sent) for one in select(study)}
    return [(case, case.pk not in amiss and is_prepared(case)) for case in found.distinct().order_by("code")]


def _study_to_amend(study: ReaderStudy, *states: str) -> ReaderStudy:
    """The study as it is now, and as its log says, for whoever changes its schedule one after the other. In a
    transaction."""
    held = ReaderStudy.objects.select_for_update().get(pk=study.pk)
    if held.state not in states:
        raise InputError(f"The study is {held.get_state_display()}: it cannot be amended in this way.")
    ensure_sealed(study=held, seals=[("protocol", None), ("schedule", None), ("amendments", None)])
    return held


def _checked_reason(reason: str) -> str:
    if not reason.strip():
        raise InputError("Say why: an amendment without a reason is not kept.")
    return reason.strip()[:500]


def _amend(
    study: ReaderStudy,
    kind: str,
    reason: str,
    actor: User | None,
    *,
    number: int,
    data: dict,
    seals: Iterable[Seal] = (),
    **said,
) -> Amendment:
    """Store an amendment and, where it has one, its block of the schedule; log both. seals: what else it changed."""
    sha256 = ""
    if "inputs" in data:
        made = blocks.block_schedule(data)
        sha256, said["presentations"] = made.sha256, blocks.store(study, made.entries, block=number)
    amendment = Amendment.objects.create(
        study=study,
        number=number,
        kind=kind,
        reason=reason,
        data=data,
        schedule_sha256=sha256,
        actor=actor,
        at=timezone.now(),
    )
    record(
        study=study,
        action=Action.STUDY_AMENDED,
        actor=actor,
        number=number,
        kind=kind,
        reason=reason,
        schedule=sha256,
        seals=[("amendments", str(number)), ("schedule", None), *seals],
        **said,
    )
    charter.keep(study=study, kind=Charter.Kind.AMENDMENT, actor=actor, reason=reason)
    return amendment


def _next_number(study: ReaderStudy) -> int:
    last = Amendment.objects.filter(study=study).order_by("-number").first()
    return last.number + 1 if last else 1


OPENED = (State.OPEN, State.PAUSED)


@transaction.atomic
def add_reader(
    *, study: ReaderStudy, username: str, new: bool, reason: str, actor: User
) -> tuple[Membership, str, Amendment]:
    """One more reader, who reads every scheduled case in an order of their own.

    Returns the membership, the token of a new account's invitation and the amendment. InputError as in
    `accounts.services.add_person`.
    """
    reason, study = _checked_reason(reason), _study_to_amend(study, *OPENED)
    number, cases = _next_number(study), scheduled_cases(study)
    member, token = add_person(study=study, username=username, role=Role.READER, new=new, actor=actor, amending=True)
    data = blocks.block_data(study, number=number, readers=[member], cases=cases, parts=study.parts)
    amendment = _amend(study, Kind.READER_ADDED, reason, actor, number=number, data=data, what=member.code)
    return member, token, amendment


@transaction.atomic
def add_cases(*, study: ReaderStudy, cases: Sequence[Case], reason: str, actor: User | None) -> Amendment:
    """Cases more at the end of every reader's list, as one block. InputError if one is not ready, or scheduled."""
    reason, study = _checked_reason(reason), _study_to_amend(study, *OPENED)
    if not cases:
        raise InputError("Choose at least one case.")
    waiting = {case.pk: ready for case, ready in unscheduled_cases(study)}
    for case in cases:
        if case.pk not in waiting:
            raise InputError(f"{case.code} is scheduled already, or its subject was withdrawn.")
        if case.training:
            raise InputError(f"{case.code} is for training, which comes first in every list: it cannot be added now.")
        if not waiting[case.pk] or not are_files_there(case):
            raise InputError(
                f"{case.code} is not ready: a series is not as the protocol has it, or its pairs are not prepared yet. "
                "See its series and the jobs."
            )
    readers = list(study.memberships.filter(role=Role.READER))
    number = _next_number(study)
    data = blocks.block_data(study, number=number, readers=readers, cases=cases, parts=1)
    codes = sorted(case.code for case in cases)
    series = study.series.filter(active=True, case__in=cases).order_by("case__code", "arm__code")
    return _amend(
        study,
        Kind.CASE_ADDED,
        reason,
        actor,
        number=number,
        data=data,
        what=", ".join(codes),
        series=list(series.values_list("sha256", flat=True)),
    )


@transaction.atomic
def withdraw_subject(*, study: ReaderStudy, subject: Subject, reason: str, actor: User | None) -> Amendment:
    """Void the subject's presentations and erase its pixels; ratings and hashes stay and count nowhere.

    Possible until the study is locked, as a person may withdraw after the last reading.
    """
    reason = _checked_reason(reason)
    stopped = cancel_jobs(subject)  # before the study is held: a job that ends holds its own row first
    study = _study_to_amend(study, *OPENED, State.CLOSED)
    ensure_sealed(study=study, seals=(seals := sealed_units(subject)))
    now = timezone.now()
    if not Subject.objects.filter(pk=subject.pk, study=study, withdrawn_at=None).update(withdrawn_at=now):
        raise InputError(f"{subject.code} was withdrawn already.")
    subject.refresh_from_db()
    number = _next_number(study)
    shown = study.presentations.filter(case__subject=subject).exclude(state=VOID)
    read = shown.filter(state=Presentation.State.CONFIRMED).count()
    void = shown.update(state=VOID, void_reason=f"subject withdrawn, amendment {number}")
    counts = {"presentations": void, "read": read, "jobs": stopped, **erase_subject(subject=subject)}
    return _amend(
        study,
        Kind.SUBJECT_WITHDRAWN,
        reason,
        actor,
        number=number,
        what=subject.code,
        data={"subject": subject.code, **counts},
        seals=seals,
        erased=counts,
    )
