"""The check of a reader's display: judged, sealed, kept for the sitting, and never in the way."""

import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from analysis.display_check import CONTRASTS, SIZES
from readerstudy.audit.verify import problems
from readerstudy.home.log import sentence
from readerstudy.viewing import selectors
from readerstudy.viewing.models import DisplayCheck
from tests import factories
from tests.once import made_once
from tests.tampering import run as tamper

pytestmark = pytest.mark.django_db


@made_once()
def study():
    return factories.open_(factories.make_study(subjects=1, readers=1))


@pytest.fixture
def client(study) -> Client:
    client = Client()
    client.force_login(study.memberships.get(role="reader").user)
    return client


def seen(*, wrong: int = 0, **changes) -> dict:
    """A finished check; wrong: how many discs were looked for in the wrong quarter."""
    discs = [
        {"size": size, "contrast": contrast, "quarter": 2, "answer": 2} for contrast in CONTRASTS for size in SIZES
    ]
    for disc in discs[:wrong]:
        disc["answer"] = 3
    screen = {"window_width": 1440, "window_height": 800, "screen_width": 2880, "screen_height": 1800}
    return {
        "key": str(uuid.uuid4()),
        "missed": [],
        "dark": True,
        "bright": True,
        "discs": discs,
        "seconds": 71.5,
        **screen,
        "device_pixel_ratio": 2,
        "colour_depth": 24,
        **changes,
    }


def send(client: Client, study, body: dict):
    address = reverse("keep_display_check", args=[study.slug])
    return client.post(address, body, content_type="application/json", headers={"User-Agent": "Firefox 140"})


def test_a_check_is_kept_with_screen_and_browser_sealed_and_told_in_the_log(client, study):
    assert client.get(reverse("display_check", args=[study.slug])).status_code == 200
    body = seen(wrong=4)
    assert send(client, study, body).json() == {"passed": True, "found": 8, "help": []}
    assert send(client, study, body).status_code == 200  # the answer was lost, and it is sent again
    check = DisplayCheck.objects.get()
    assert (check.browser, check.window_width, check.device_pixel_ratio) == ("Firefox 140", 1440, 2)
    assert "checked the display (R1): fit" in sentence(study.events.last())
    assert list(problems(study)) == []


@pytest.mark.parametrize(
    ("changes", "failed"),
    [({"wrong": 5}, "discs"), ({"missed": [1]}, "steps"), ({"dark": False}, "dark"), ({"bright": False}, "bright")],
)
def test_a_display_that_fails_says_what_helps_and_locks_nobody_out(client, study, changes, failed):
    said = send(client, study, seen(**changes)).json()
    assert (said["passed"], said["help"]) == (False, [selectors.HELP[failed]])
    assert not DisplayCheck.objects.get().passed
    assert client.get(reverse("reading", args=[study.slug])).status_code == 200


def test_a_check_holds_for_one_sitting(client, study):
    reader = study.memberships.get(role="reader")
    assert selectors.check_of_sitting(client.session, reader) is None
    send(client, study, seen())
    assert selectors.check_of_sitting(client.session, reader) == DisplayCheck.objects.get()
    assert selectors.check_of_sitting({}, reader) is None  # signed in anew
    later = timezone.now() + selectors.HOLDS + timedelta(minutes=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "now", lambda: later)
        assert selectors.check_of_sitting(client.session, reader) is None


def test_the_home_page_offers_the_check_until_it_was_made(client, study):
    address = reverse("display_check", args=[study.slug])
    assert address in client.get(reverse("home")).content.decode()
    send(client, study, seen())
    page = client.get(reverse("home")).content.decode()
    assert "Check the display first" not in page
    assert "fit for reading" in page


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body["discs"].pop(),
        lambda body: body["discs"][0].update(size=16),
        lambda body: body["discs"][0].update(quarter=5),
        lambda body: body.update(missed=[18]),
        lambda body: body.update(device_pixel_ratio=0),
    ],
)
def test_what_is_no_check_is_refused(client, study, spoil):
    body = seen()
    spoil(body)
    assert send(client, study, body).status_code == 400
    assert not DisplayCheck.objects.exists()


def test_a_check_that_was_changed_or_added_is_found(client, study):
    send(client, study, seen(dark=False))
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        DisplayCheck.objects.update(passed=True)
    tamper("UPDATE viewing_displaycheck SET passed = %s", True)
    assert [problem for problem in problems(study) if "Display check" in problem]
