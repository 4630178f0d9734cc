"""A reader's own keys: kept with the account, on every machine, and never two meanings for one key."""

import json
import re

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from processing.errors import InputError
from readerstudy.accounts import keys
from readerstudy.accounts.models import Preferences
from tests import factories
from tests.pages import html

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


def test_what_stands_on_a_key_is_the_same_here_and_in_the_room():
    script = (settings.BASE_DIR / "frontend/src/room/strokes.js").read_text("utf-8")
    printed = re.search(r"const PRINTED = \{(.*?)\}", script, re.S)
    assert dict(re.findall(r'(?:(\w+)|"-"): "([^"]*)"', printed[1])) == {
        "" if name == "-" else name: cap for name, cap in keys.CAPS.items()
    }
    caps = {"a": "A", "Shift+1": "⇧ 1", "Numpad0": "pad 0", "Space": "Space", "-": "−"}
    assert {stroke: keys.cap(stroke) for stroke in caps} == caps


def test_home_and_briefing_name_the_readers_own_keys():
    study = factories.open_(factories.make_study(subjects=1, readers=1))
    reader = study.memberships.get(role="reader").user
    own = {"none": ["j"], "both": [], "cannot_judge": ["Shift+7"], "confirm": ["PageDown"], "five_down": []}
    keys.set_keys(user=reader, keys=own)
    client = signed_in(reader)
    home = html(client.get(reverse("home")))
    briefing, room = (html(client.get(reverse(name, args=[study.slug]))) for name in ("briefing", "reading"))
    assert "<kbd>J</kbd> <kbd></kbd> nothing to report, <kbd>PgDn</kbd> confirms" in home
    assert "<kbd>J</kbd> nothing wrong" in briefing
    assert "<kbd>PgDn</kbd> confirm<" in briefing
    assert all('<kbd data-mark="cannot_judge">⇧ 7</kbd>: cannot judge' in page for page in (briefing, room))
