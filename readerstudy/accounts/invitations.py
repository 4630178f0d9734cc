"""Links by which people set a password of their own: nobody else ever knows it."""

import hashlib
import secrets
from datetime import timedelta

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from processing.errors import InputError
from readerstudy.accounts import events, mail, security
from readerstudy.accounts.models import Invitation, User

DAYS = 7  # of an invitation
HOURS = 2  # of a link that somebody asked for who forgot the password
MOST_OF_AN_ADDRESS = 3  # accounts that share a mail address


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def invite(*, user: User, lasts: timedelta = timedelta(days=DAYS), actor: User | None = None) -> str:
    """A new link's token, kept nowhere in plain. Earlier links of this person end, but for those that last longer:
    whoever asks for a forgotten password does not end an invitation that waits."""
    now, token = timezone.now(), secrets.token_urlsafe(32)
    until = now + lasts
    Invitation.objects.filter(user=user, used_at=None, expires_at__gt=now, expires_at__lte=until).update(expires_at=now)
    Invitation.objects.create(user=user, token_sha256=_sha256(token), expires_at=until)
    events.note(user=user, what="made a link to set the password", actor=actor)
    return token


def address(request: HttpRequest, token: str) -> str:
    """The whole address of the link."""
    return request.build_absolute_uri(reverse("invitation", args=[token]))


def send(*, user: User, link: str, invited: bool) -> None:
    """The link by mail. InputError if this person has no address, or the server does not take it."""
    if not user.email:
        raise InputError("This account has no mail address. Hand the link over.")
    subject = "Your invitation to a reader study" if invited else "Set a new password"
    mail.send(
        to=user.email,
        subject=subject,
        template="accounts/invitation.txt",
        context={"user": user, "link": link, "invited": invited, "days": DAYS, "hours": HOURS},
    )


def hand_out(request: HttpRequest, *, user: User, token: str) -> dict:
    """Send the link if this person has an address. Returns what whoever invites is shown, once: link, sent, problem."""
    link, sent, problem = address(request, token), False, ""
    if user.email:
        try:
            send(user=user, link=link, invited=True)
            sent = True
        except InputError as error:
            problem = str(error)
    return {"link": link, "sent": sent, "problem": problem}


def found(token: str) -> Invitation | None:
    """The invitation of this token, if it can still be taken up."""
    good = Invitation.objects.filter(token_sha256=_sha256(token), used_at=None, expires_at__gt=timezone.now())
    return good.filter(user__is_active=True).select_related("user").first()


@transaction.atomic
def take_up(*, invitation: Invitation, password: str, **names: str) -> User:
    """The person sets password and name; other links end. InputError if the link was used meanwhile."""
    now = timezone.now()
    open_ones = Invitation.objects.filter(pk=invitation.pk, used_at=None, expires_at__gt=now)
    if not open_ones.update(used_at=now):
        raise InputError("This link was used already. Sign in, or ask for a new one.")
    Invitation.objects.filter(user=invitation.user_id, used_at=None, expires_at__gt=now).update(expires_at=now)
    user = User.objects.select_for_update().get(pk=invitation.user_id)
    for name, value in names.items():
        setattr(user, name, value)
    user.set_password(password)
    user.must_change_password = False
    user.save()
    events.note(user=user, what="set a password by a link", actor=user)
    return user


def send_forgotten(request: HttpRequest, name: str) -> None:
    """A link to whoever has this user name or mail address. Nothing tells whether anybody has."""
    people = User.objects.filter(Q(username__iexact=name) | Q(email__iexact=name), is_active=True).exclude(email="")
    # Whom a provider alone lets in gets no password here: it would outlive what the provider says.
    elsewhere = SocialAccount.objects.filter(user__password__startswith=UNUSABLE_PASSWORD_PREFIX).values("user")
    found = people.exclude(pk__in=elsewhere)
    for user in sorted(found, key=lambda one: one.username.casefold() != name.casefold())[:MOST_OF_AN_ADDRESS]:
        token = invite(user=user, lasts=timedelta(hours=HOURS))
        try:
            send(user=user, link=address(request, token), invited=False)
        except InputError:  # for whoever asks it would tell that there is such an account
            security.note("letter with a link not sent", request, name=user.get_username())
