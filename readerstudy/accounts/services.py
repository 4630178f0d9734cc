"""Give people a role in a study."""

from django.db import IntegrityError, transaction

from processing.errors import InputError
from readerstudy.accounts.models import Membership, Role, User
from readerstudy.audit.services import record
from readerstudy.protocol.models import ReaderStudy, State


def next_reader_code(study: ReaderStudy) -> str:
    taken = set(study.memberships.exclude(code="").values_list("code", flat=True))
    return next(f"R{n}" for n in range(1, len(taken) + 2) if f"R{n}" not in taken)


@transaction.atomic
def add_member(*, study: ReaderStudy, user: User, role: str, actor: User | None = None) -> Membership:
    """Give the user this role. InputError if the user has one here already, or readers are frozen."""
    if role == Role.READER and study.state != State.DRAFT:
        raise InputError("The study is open: its readers are fixed by the schedule.")
    try:
        with transaction.atomic():
            member = Membership.objects.create(
                study=study, user=user, role=role, code=next_reader_code(study) if role == Role.READER else ""
            )
    except IntegrityError as error:
        raise InputError(
            f"{user.username} has a role in this study already. One person has one role: a reader must stay blind."
        ) from error
    record(study=study, action="member added", actor=actor, user=user.username, role=role, code=member.code)
    return member


@transaction.atomic
def remove_member(*, member: Membership, actor: User | None = None) -> None:
    """Take the role away; not for a reader once the study is open, nor for the last admin."""
    study = member.study
    if member.role == Role.READER and study.state != State.DRAFT:
        raise InputError("The study is open: its readers are fixed by the schedule.")
    if member.role == Role.ADMIN and study.memberships.filter(role=Role.ADMIN).count() == 1:
        raise InputError("A study needs an admin. Add another one first.")
    record(study=study, action="member removed", actor=actor, user=member.user.username, role=member.role)
    member.delete()
