"""The only way from a URL to a study: membership and the permission table, else 404."""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.contrib.sessions.backends.base import SessionBase
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django_htmx.middleware import HtmxDetails

from readerstudy.accounts.models import Membership, User
from readerstudy.accounts.permissions import may, role_may
from readerstudy.accounts.sessions import claimed_user, is_of


class SignedInRequest(HttpRequest):
    """What a page behind the sign-in is asked with."""

    user: User
    htmx: HtmxDetails


class StudyRequest(SignedInRequest):
    """What a page of a study is asked with: somebody who is signed in and has a role in it."""

    membership: Membership


def membership_of(user, slug: str) -> Membership:
    """The user's membership in the study with this slug; 404 if there is none."""
    try:
        return Membership.objects.select_related("study", "user").get(study__slug=slug, user=user)
    except Membership.DoesNotExist as error:
        raise Http404 from error


def known_member(session: SessionBase, slug: str) -> Membership | None:
    """The membership of whom a session is of, with user and study, in one query; None where there is more to say."""
    if (user := claimed_user(session)) is None:
        return None
    member = Membership.objects.select_related("study", "user").filter(study__slug=slug, user_id=user).first()
    return member if member and is_of(session, member.user) else None


def study_page(action: str, *, any_state: bool = False) -> Callable:
    """Decorate a view `f(request, study, ...)` under `<slug:slug>`.

    404 for who is no member or whose role never does `action`; 409 with a sentence where the role does it
    but not in the study's present state, unless `any_state` (the view then asks `may` itself).
    Sets request.membership.
    """

    def decorate(view: Callable) -> Callable:
        @login_required
        @wraps(view)
        def wrapped(request: StudyRequest, slug: str, *args, **kwargs) -> HttpResponse:
            membership = membership_of(request.user, slug)
            if not role_may(membership.role, action):
                raise Http404
            request.membership = membership
            if not any_state and not may(membership, action):
                return render(request, "wrong_state.html", {"study": membership.study, "action": action}, status=409)
            return view(request, membership.study, *args, **kwargs)

        wrapped.action = action  # type: ignore[attr-defined]  # a function: read by the permission tests
        return wrapped

    return decorate
