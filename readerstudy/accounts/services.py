"""Give people a role in a study, and accounts what they may do on the site."""

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import IntegrityError, transaction
from django.db.models import Q

from processing.errors import InputError
from readerstudy.accounts import events, invitations
from readerstudy.accounts.models import Membership, Role, SiteRole, User
from readerstudy.accounts.signals import member_removed, signed_out
from readerstudy.audit.actions import Action
from readerstudy.audit.services import ensure_sealed, record
from readerstudy.audit.studies import Study, study_for_update
from readerstudy.states import State


def next_reader_code(study: Study) -> str:
    taken = set(study.memberships.exclude(code="").values_list("code", flat=True))
    return next(f"R{n}" for n in range(1, len(taken) + 2) if f"R{n}" not in taken)


def former_role(study: Study, user: User) -> str:
    """The role that this person had here and that sees arms: Admin or Analyst, or "" if none. The log remembers."""
    if not study.events.filter(action=Action.SERIES_PLACED).exists():
        return ""
    if study.events.filter(action=Action.STUDY_CREATED, actor=user).exists():
        return Role.ADMIN.label
    added = study.events.filter(action=Action.MEMBER_ADDED)
    for data in added.filter(Q(data__account=user.pk) | Q(data__user=user.username)).values_list("data", flat=True):
        if data["role"] != Role.READER:
            return Role(data["role"]).label
    return ""


@transaction.atomic
def add_member(*, study: Study, user: User, role: str, actor: User | None = None, amending: bool = False) -> Membership:
    """Give the user this role. InputError if the user has or had one here that sees arms, or readers are frozen.

    amending: the reader gets a list by an amendment (`reading.amendments`).
    """
    held = study_for_update(study)  # against opening at the same moment
    if role == Role.READER and held.images_only:
        raise InputError("This study compares images alone: it has no readers.")
    if role == Role.READER and held.state != State.DRAFT and not amending:
        raise InputError("The study is open: its readers are fixed by the schedule. A reader more is an amendment.")
    if role == Role.READER and (had := former_role(study, user)):
        raise InputError(
            f"{user.username} was {had} of this study and may have seen its arms. A reader must stay blind: choose "
            "another person."
        )
    try:
        with transaction.atomic():
            member = Membership.objects.create(
                study=study, user=user, role=role, code=next_reader_code(study) if role == Role.READER else ""
            )
    except IntegrityError as error:
        raise InputError(
            f"{user.username} has a role in this study already. One person has one role: a reader must stay blind."
        ) from error
    record(
        study=study,
        action=Action.MEMBER_ADDED,
        actor=actor,
        user=user.username,
        account=user.pk,
        role=role,
        code=member.code,
        seals=[("memberships", str(member.pk))],
    )
    return member


@transaction.atomic
def remove_member(*, member: Membership, actor: User | None = None) -> None:
    """Take the role away; not for a reader once the study is open, nor for the last admin."""
    study = study_for_update(member.study)
    if member.role == Role.READER and study.state != State.DRAFT:
        raise InputError("The study is open: its readers are fixed by the schedule.")
    if member.role == Role.ADMIN and study.memberships.filter(role=Role.ADMIN).count() == 1:
        raise InputError("A study needs an admin. Add another one first.")
    ensure_sealed(study=study, seals=(seals := [("memberships", str(member.pk))]))
    user, role = member.user, member.role
    member.delete()
    record(study=study, action=Action.MEMBER_REMOVED, actor=actor, user=user.username, role=role, seals=seals)
    member_removed.send(sender=Membership, study=study, user=user, actor=actor)


@transaction.atomic
def add_person(
    *, study: Study, username: str, role: str, new: bool, actor: User, email: str = "", amending: bool = False
) -> tuple[Membership, str]:
    """Give a person a role by user name; `new` makes an account that nobody can sign in to yet.

    Returns the membership and the token of a new account's invitation, which is kept nowhere else in plain; "" if the
    account was there. InputError if there is no such account, or already one where a new one is asked for.
    """
    user, token = User.objects.filter(username__iexact=username).first(), ""
    if user is None and not new:
        raise InputError(f"There is no account {username}. Tick “invite”, or correct the name.")
    if user is not None and new:
        raise InputError(f"{username} has an account already. Untick “invite”, or choose another name.")
    if user is None:
        user = User.objects.create_user(username, email=email)
        token = invitations.invite(user=user, actor=actor)
    return add_member(study=study, user=user, role=role, actor=actor, amending=amending), token


@transaction.atomic
def set_site_role(*, user: User, role: str, on: bool, actor: User | None) -> None:
    """Let this person do something for the whole site, or no more. InputError if nobody would see the accounts."""
    role = SiteRole(role)
    if user.is_superuser:
        raise InputError("This account was made in a shell and does everything of the site.")
    if not on and role == SiteRole.SEES_ACCOUNTS:
        _ensure_another_sees_accounts(user)
    setattr(user, role, on)
    user.save(update_fields=[role])
    events.note(
        user=user, what=f"{'let this person' if on else 'no longer lets this person'} {role.label}", actor=actor
    )


def _ensure_another_sees_accounts(user: User) -> None:
    others = User.objects.filter(is_active=True).exclude(pk=user.pk)
    if user.may(SiteRole.SEES_ACCOUNTS) and not others.filter(Q(sees_accounts=True) | Q(is_superuser=True)).exists():
        raise InputError("Somebody must see the accounts. Let another person do so first.")


@transaction.atomic
def set_active(*, user: User, on: bool, actor: User) -> None:
    """Open or close an account; a closed one is signed out at once. InputError if nobody would see the accounts."""
    if not on:
        _ensure_another_sees_accounts(user)
    user.is_active = on
    user.save(update_fields=["is_active"])
    if not on:
        end_sessions(user=user)
    events.note(user=user, what="opened the account again" if on else "closed the account", actor=actor)


def end_sessions(*, user: User, but: str = "") -> int:
    """Sign this person out everywhere, but for the session of this key; returns how many ended."""
    others = [one for one in UserSession.objects.purge_and_list(user) if one.session_key != but]
    for one in others:
        one.end()
    signed_out.send(sender=User, user=user)
    return len(others)


@transaction.atomic
def remove_second_factor(*, user: User, actor: User) -> None:
    """Take away what this person has beside the password: the telephone is lost, and the recovery codes."""
    Authenticator.objects.filter(user=user).delete()
    events.note(user=user, what="took the second factor away", actor=actor)
