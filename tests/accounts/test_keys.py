"""A reader's own keys: kept with the account, on every machine, and never two meanings for one key."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from processing.errors import InputError
from readerstudy.accounts import keys
from readerstudy.accounts.models import Preferences
from tests import factories

pytestmark = pytest.mark.django_db


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def strokes(listed: list[dict]) -> dict[str, list[str]]:
    return {each["action"]: each["strokes"] for each in listed}


def test_the_usual_keys_can_be_bound_and_none_means_two_things():
    assert keys.checked(keys.DEFAULTS) == {}


def test_keys_are_kept_with_the_account_and_another_person_has_the_usual_ones():
    user = factories.make_user()
    said = {"keys": {"comment": ["j", "Mouse3"], "drag_zoom": ["Shift+Mouse2"], "none": ["q"]}}
    answer = signed_in(user).put(reverse("keys"), said, content_type="application/json")
    assert answer.status_code == 200
    elsewhere = strokes(signed_in(user).get(reverse("keys")).json()["keys"])
    assert elsewhere == keys.DEFAULTS | {"comment": ["j", "Mouse3"], "drag_zoom": ["Shift+Mouse2"]}
    assert Preferences.objects.get().keys == {"comment": ["j", "Mouse3"], "drag_zoom": ["Shift+Mouse2"]}
    other = signed_in(factories.make_user())
    assert strokes(other.get(reverse("keys")).json()["keys"]) == keys.DEFAULTS
    signed_in(user).put(reverse("keys"), {"keys": {}}, content_type="application/json")
    assert strokes(keys.bound(user)) == keys.DEFAULTS


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (None, "a list for each action"),
        ({"comment": "j"}, "a list for each action"),
        ({"format_disk": ["j"]}, "does not have"),
        ({"comment": ["q"]}, "one thing only: q"),
        ({"comment": ["j", "j"]}, "one thing only: j"),
        ({"comment": ["Escape"]}, "cannot be bound"),
        ({"comment": ["k"]}, "cannot be bound"),
        ({"comment": ["Mouse0"]}, "cannot be bound"),
        ({"drag_pan": ["j"]}, "cannot be bound"),
        ({"drag_pan": ["Mouse3"]}, "cannot be bound"),
        ({"comment": [3]}, "cannot be bound"),
        ({"comment": ["<script>alert(1)</script>"]}, "cannot be bound"),
        ({"comment": ["e", "h", "o", "p"]}, "cannot be bound"),
    ],
)
def test_what_cannot_be_bound_is_refused_in_words_and_changes_nothing(said, why):
    user = factories.make_user()
    answer = signed_in(user).put(reverse("keys"), json.dumps({"keys": said}), content_type="application/json")
    assert answer.status_code == 400
    assert why in answer.json()["detail"]
    assert not Preferences.objects.exists()


def test_nobody_binds_keys_without_an_account():
    assert Client().put(reverse("keys"), {"keys": {}}, content_type="application/json").status_code == 401


def test_what_the_list_of_actions_gains_or_loses_later_harms_no_keys_of_before(monkeypatch):
    user = factories.make_user()
    keys.set_keys(user=user, keys={"comment": ["j"]})
    Preferences.objects.update(keys={"comment": ["j"], "gone": ["h"]})
    newer = [*keys.ACTIONS, {"action": "scale_bar", "group": "view", "words": "scale bar", "keys": ["j"]}]
    monkeypatch.setattr(keys, "ACTIONS", newer)
    found = strokes(keys.bound(user))
    assert found == keys.DEFAULTS | {"comment": ["j"], "scale_bar": []}
    with pytest.raises(InputError, match="does not have"):
        keys.checked({"gone": ["h"]})
