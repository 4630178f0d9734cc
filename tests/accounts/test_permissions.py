"""The permission table holds at every address: each role in each state, strangers and the anonymous."""

import uuid
from itertools import product

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from readerstudy.accounts.models import Role
from readerstudy.accounts.permissions import PERMISSIONS, may
from readerstudy.accounts.services import add_member
from readerstudy.images.radiomics import active_settings
from readerstudy.protocol.models import ReaderStudy
from readerstudy.states import State
from tests import factories
from tests.once import made_once

pytestmark = pytest.mark.django_db


def guarded_patterns(resolver=None, converters=None):
    """(name, action, names of arguments besides the slug) of every address below a study."""
    resolver = resolver or get_resolver()
    for pattern in resolver.url_patterns:
        names = {**(converters or {}), **pattern.pattern.converters}
        if isinstance(pattern, URLResolver):
            yield from guarded_patterns(pattern, names)
        elif isinstance(pattern, URLPattern) and "slug" in names:
            view = getattr(pattern.callback, "view_class", pattern.callback)
            yield pattern.name, getattr(view, "action", None), sorted(set(names) - {"slug"}), names


ADDRESSES = list(guarded_patterns())
SAFE = ["get", "head", "options"]
METHODS = [*SAFE, "post", "put", "patch", "delete"]
SELDOM = [method for method in METHODS if method not in ("get", "post")]
ARGUMENTS = {"str": "x", "slug": "x", "int": 10**9, "uuid": uuid.uuid4(), "uid": "1.2"}


def address(study: ReaderStudy, name: str, others: list[str], converters: dict) -> str:
    kinds = {other: type(converters[other]).__name__.removesuffix("Converter").lower() for other in others}
    kinds = {other: "str" if kind == "string" else kind for other, kind in kinds.items()}
    return reverse(name, kwargs={"slug": study.slug} | {other: ARGUMENTS[kind] for other, kind in kinds.items()})


def taken(resolver=None):
    """(name, methods that its class has a function for) of every address."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            yield from taken(pattern)
        elif view := getattr(pattern.callback, "view_class", None):
            own = [kind for kind in view.__mro__ if not kind.__module__.startswith(("django.", "rest_framework."))]
            yield pattern.name, {method for method in METHODS if any(method in vars(kind) for kind in own)}


TAKEN = dict(taken())


def is_asked(name: str | None, method: str, place: int) -> bool:
    """Whether a walk asks an address by a method: GET, POST, what its class takes, and one of the others in turn."""
    return method not in SELDOM or method in TAKEN.get(name, ()) or method == SELDOM[place % len(SELDOM)]


def changing_views(resolver=None):
    """(name, action by method) of every address whose changes are guarded by another action than looking at it."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            yield from changing_views(pattern)
        elif found := getattr(getattr(pattern.callback, "view_class", None), "changes", None):
            yield pattern.name, {method.lower(): action for method, (action, _) in found.items()}


CHANGES = dict(changing_views())


def test_a_walk_asks_for_what_a_view_takes_and_elsewhere_for_each_method_in_turn():
    assert TAKEN["api_case"] >= {"patch", "delete"}
    assert all(is_asked("api_case", method, place) for method in ("patch", "delete") for place in range(5))
    seldom = [[method for method in SELDOM if is_asked("material", method, place)] for place in range(5)]
    assert sorted(seldom) == sorted([method] for method in SELDOM)


def test_every_address_of_a_study_is_guarded_by_an_action_of_the_table():
    assert ADDRESSES
    assert CHANGES["api_case"] == {"patch": "add_material", "delete": "add_material"}
    assert {action for found in CHANGES.values() for action in found.values()} <= PERMISSIONS.keys()
    assert [(name, action) for name, action, *_ in ADDRESSES if action not in PERMISSIONS] == []


# What is there before anybody has signed in; and what the sign-in itself guards by where one stands in it.
BEFORE_SIGN_IN = {
    "ready",
    "live",
    "login",
    "account_login",
    "logout",
    "forgotten",
    "invitation",
    "mfa_authenticate",
    "openid_connect_login",
    "openid_connect_callback",
}


def site_patterns(resolver=None):
    """Every address that is not below a study."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            if "slug" not in pattern.pattern.converters:
                yield from site_patterns(pattern)
        else:
            yield pattern


@pytest.mark.parametrize("method", ["get", "post"])
def test_every_other_address_of_the_site_is_behind_the_sign_in(method):
    names = {pattern.name: pattern for pattern in site_patterns() if pattern.name not in BEFORE_SIGN_IN}
    assert {"home", "account", "site_people", "unlock", "mfa_activate_totp"} <= names.keys()
    for name, pattern in names.items():
        path = reverse(name, kwargs=dict.fromkeys(pattern.pattern.converters, 10**9))
        answer = getattr(Client(), method)(path)
        behind = answer.status_code == 302 and "/login/" in answer["Location"]
        nothing = (401, 403, 405, 404) if name == "metrics" else (401, 403, 405)  # which has guards of its own
        assert behind or answer.status_code in nothing, f"{path}: {answer.status_code}"


@made_once()
def study():
    study = factories.open_(factories.make_study(subjects=2, readers=1))
    add_member(study=study, user=factories.make_user(), role=Role.ANALYST)
    return study


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_strangers_find_nothing_and_the_anonymous_are_sent_to_sign_in(study, method):
    stranger, anonymous = client_of(factories.make_user()), Client()
    for place, (name, _, others, converters) in enumerate(ADDRESSES):
        if not is_asked(name, method, place):
            continue
        path = address(study, name, others, converters)
        assert getattr(stranger, method)(path).status_code in (404, 405), path
        answer = getattr(anonymous, method)(path)
        assert answer.status_code == 401 or (answer.status_code == 302 and "/login/" in answer["Location"]), path


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_each_role_reaches_what_the_table_says_and_nothing_else(study, method):
    """In every state; what a role never does is asked for in one state each, in turn. What it may do is asked for in
    the first state in which it may, and by GET and POST in one more, in turn."""
    active_settings(study)  # as locking a study makes them
    states, reached = list(State.values), set()
    for state, member in product(states, study.memberships.select_related("user")):
        ReaderStudy.objects.filter(pk=study.pk).update(state=state)
        member.study.refresh_from_db()
        client = client_of(member.user)
        for turn, (name, action, others, converters) in enumerate(ADDRESSES):
            action = CHANGES.get(name, {}).get(method, action)
            known = member.role in PERMISSIONS[action]
            permitted = known and may(member, action)
            its_turn = states[turn % len(states)] == state
            again = (member.role, name) in reached and not (its_turn and method in ("get", "post"))
            if (permitted and again) or not (known or its_turn) or not is_asked(name, method, turn // len(states)):
                continue
            path = address(study, name, others, converters)
            status = getattr(client, method)(path).status_code
            allowed = f"{member.role} {method} {path} in a study that is {state}: {status}"
            if not known:
                assert status == 404, allowed
            elif not permitted:
                assert status in (404, 405, 409) or (method in ("get", "head") and action == "see_results"), allowed
            else:
                assert status < 500, allowed
            if permitted:
                reached.add((member.role, name))
            if method not in SAFE:
                ReaderStudy.objects.filter(pk=study.pk).update(state=state)  # it may have been moved
