"""Tokens: made, shown once, recognised, ended."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from processing.errors import InputError
from readerstudy.accounts.models import Membership, Role, User
from readerstudy.api.models import LONGEST_NAME, Scope, Token
from readerstudy.audit.actions import Action
from readerstudy.audit.services import record
from readerstudy.protocol.models import ReaderStudy

PREFIX = "rs_"  # by which scanners for secrets know it
DAYS = (1, 7, 30, 90, 365)
USED_EVERY = timedelta(minutes=1)


@transaction.atomic
def make(*, member: Membership, name: str, scopes: Collection[str], days: int) -> tuple[Token, str]:
    """A token for a program of this member, good for so many days, and its words, which nobody sees again.

    A reader's sees the own progress and nothing else, whatever it says. InputError if it has no name or no scope.
    """
    name = name.strip()
    scopes = [Scope.READ.value] if member.role == Role.READER else [s.value for s in Scope if s.value in scopes]
    if not 0 < len(name) <= LONGEST_NAME:
        raise InputError(f"Give the token a name of up to {LONGEST_NAME} letters that says which program has it.")
    if not scopes:
        raise InputError("Choose what the program may do.")
    if days not in DAYS:
        raise InputError(f"A token is good for {', '.join(map(str, DAYS[:-1]))} or {DAYS[-1]} days.")
    words = PREFIX + secrets.token_urlsafe(32)
    token = Token.objects.create(
        user=member.user,
        study=member.study,
        name=name,
        scopes=scopes,
        sha256=_sha256(words),
        expires_at=timezone.now() + timedelta(days=days),
    )
    record(
        study=member.study,
        action=Action.PROGRAM_ADMITTED,
        actor=member.user,
        token=token.pk,
        scopes=scopes,
        until=token.expires_at.date().isoformat(),
    )
    return token, words


@transaction.atomic
def end(*, token: Token, actor: User | None) -> bool:
    """From now on it opens nothing; False if it did not before."""
    if not Token.objects.filter(pk=token.pk, ended_at=None).update(ended_at=timezone.now()):
        return False
    record(study=token.study, action=Action.PROGRAM_SHUT_OUT, actor=actor, token=token.pk)
    return True


def end_all(*, user: User, **_: object) -> None:
    """This person was signed out everywhere: programs too."""
    for token in of(user):
        end(token=token, actor=user)


def end_in_study(*, study: ReaderStudy, user: User, actor: User | None, **_: object) -> None:
    """This person left the study: who comes back makes new ones."""
    for token in of(user).filter(study_id=study.pk):
        end(token=token, actor=actor)


def of(user: User) -> QuerySet[Token]:
    """The tokens of this person that are still good, newest first."""
    return Token.objects.filter(_lasting(), user=user).select_related("study")


def of_study(study: ReaderStudy) -> QuerySet[Token]:
    """Everybody's tokens of this study that are still good, newest first."""
    return Token.objects.filter(_lasting(), study=study).select_related("user", "study")


def found(words: str) -> Token | None:
    """The good token of these words; None if there is none. Notes that it was used."""
    token = Token.objects.filter(_good(), sha256=_sha256(words)).select_related("user").first()
    if token:
        now = timezone.now()
        earlier = Q(used_at=None) | Q(used_at__lt=now - USED_EVERY)
        Token.objects.filter(earlier, pk=token.pk).update(used_at=now)
    return token


def _lasting() -> Q:
    return Q(ended_at=None, expires_at__gt=timezone.now())


def _good() -> Q:
    return _lasting() & Q(user__is_active=True)


def _sha256(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()
