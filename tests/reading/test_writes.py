"""No answer lands on another pair: each write says what it was made on, is taken once, and is refused with words."""

import json
import uuid

import pytest
from django.test import Client
from django.urls import reverse

from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.selectors import protocol_document
from readerstudy.protocol.services import move
from readerstudy.reading import selectors
from readerstudy.reading.models import Finding, Presentation, Rating, Statement, Write
from tests import factories
from tests.once import made_once
from tests.pages import html

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


class Browser:
    """One window of a reader: it knows what the server said when the pair was loaded, and counts its own writes."""

    def __init__(self, study, user, headers: dict | None = None) -> None:
        self.client = Client(headers=headers)
        self.client.force_login(user)
        self.base = reverse("current", args=[study.slug]).removesuffix("current/")

    def load(self, path: str = "current/") -> dict:
        self.body = self.client.get(self.base + path).json()
        self.on = self.body.get("on")
        return self.body

    def send(self, method: str, path: str, **said):
        body = {"key": str(uuid.uuid4()), "on": self.on, **said}
        address = f"{self.base}{self.body['token']}/{path}"
        if method == "delete":
            on = body["on"]
            address += f"?key={body['key']}" + (f"&state={on['state']}&revision={on['revision']}" if on else "")
            answer = self.client.delete(address)
        else:
            answer = getattr(self.client, method)(address, body, content_type="application/json")
        if answer.status_code < 300:
            self.on = answer.json()["was" if "was" in answer.json() else "on"]
            self.on = self.on.get("on", self.on)
        return answer

    def rate(self, score: int, place: int = 0, **said):
        return self.send("put", f"ratings/{self.body['criteria'][place]}/", score=score, **said)

    def answer_all(self, score: int = 3) -> None:
        for place in range(len(self.body["criteria"])):
            assert self.rate(score, place).status_code == 200
        assert self.send("put", "integrity/", value="none").status_code == 200
        assert self.send("put", "diagnostic/", value="both").status_code == 200

    def confirm(self, **said):
        every = list(range(self.body["frames"]))
        return self.send("post", "confirm/", **{"seen": {"left": every, "right": every}} | said)


@made_once()
def study():
    return factories.open_(factories.make_study(subjects=3, readers=2))


@pytest.fixture
def reader(study):
    return study.memberships.select_related("study", "user").get(code="R1")


@pytest.fixture
def browsers(study, reader):
    return Browser(study, reader.user), Browser(study, reader.user)


def refused(answer) -> str:
    assert answer.status_code == 409, answer.content
    return answer.json()["code"]


# -- two browsers --------------------------------------------------------------------------------------------------


def test_a_stale_second_browser_overwrites_nothing_and_is_told_what_is_there(browsers):
    first, second = browsers
    first.load()
    second.load()
    first.answer_all(4)
    assert first.confirm().status_code == 200
    criterion = second.body["criteria"][0]
    answer = second.rate(1)
    assert refused(answer) == "stale"
    assert "elsewhere" in answer.json()["detail"]
    present = answer.json()["present"]
    assert (present["token"], present["state"]) == (first.body["token"], "confirmed")
    assert present["on"] == {"state": "confirmed", "revision": first.on["revision"]}
    assert present["answers"]["ratings"][str(criterion)]["score"] == 4
    assert set(Rating.objects.values_list("score", flat=True)) == {4}
    # Having seen both, the reader may choose the own answer: it is made on what is there.
    assert second.rate(1, on=present["on"]).status_code == 200
    assert Rating.objects.get(presentation__token=present["token"], revision=2).score == 1


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("put", "ratings/{criterion}/", {"score": 1}),
        ("put", "integrity/", {"value": "findings"}),
        ("put", "diagnostic/", {"value": "left"}),
        ("put", "comment/", {"text": "stale"}),
        ("post", "findings/", {"kind": "loss", "side": "left"}),
        ("delete", "findings/1/", {}),
        ("post", "confirm/", {}),
        ("post", "skip/", {"reason": "stale"}),
    ],
)
@pytest.mark.parametrize("on", [None, {"state": "in_progress", "revision": 0}, {"state": "confirmed", "revision": 1}])
def test_every_kind_of_write_is_refused_on_anything_but_what_is_there(browsers, method, path, said, on):
    first, second = browsers
    second.load()
    first.load()
    assert first.send("post", "findings/", kind="loss", side="right").status_code == 201
    answer = second.send(method, path.format(criterion=first.body["criteria"][0]), **said, on=on)
    assert refused(answer) == "stale"
    assert answer.json()["present"]["on"] == {"state": "in_progress", "revision": 1}
    pair = Presentation.objects.get(token=first.body["token"])
    assert (pair.state, pair.revision, pair.writes.count()) == ("in_progress", 1, 1)
    assert Finding.objects.filter(withdrawn_at=None).count() == 1
    assert not Rating.objects.exists()
    assert not Statement.objects.exists()


def test_a_pair_read_ahead_is_answered_on_what_it_was_when_it_was_fetched(browsers):
    browser, _ = browsers
    browser.load()
    ahead = browser.client.get(f"{browser.base}{browser.body['next'][0]}/").json()
    assert ahead["on"] == {"state": "scheduled", "revision": 0}
    browser.answer_all()
    assert browser.confirm().status_code == 200
    browser.body, browser.on = ahead, ahead["on"]
    assert browser.rate(5).status_code == 200
    assert Rating.objects.get(presentation__token=ahead["token"]).score == 5


@pytest.mark.parametrize("on", [{"state": "no such", "revision": 0}, {"state": "scheduled", "revision": -1}, "x", [1]])
def test_what_it_was_made_on_must_be_said_properly(browsers, on):
    browser, _ = browsers
    browser.load()
    assert browser.rate(3, on=on).status_code == 400


# -- once, by its key ----------------------------------------------------------------------------------------------


def test_each_write_delivered_again_is_answered_as_the_first_time_and_changes_nothing(browsers):
    first, second = browsers
    body = first.load()
    deliveries = []

    def deliver(method: str, path: str, **said):
        said = {"key": str(uuid.uuid4()), "on": first.on, **said}
        answer = first.send(method, path, **said)
        assert answer.status_code < 300, answer.content
        deliveries.append((method, path, said, answer.json()))

    deliver("post", "findings/", kind="loss", side="left")
    deliver("delete", "findings/1/")
    for criterion in body["criteria"]:
        deliver("put", f"ratings/{criterion}/", score=4)
    deliver("put", "integrity/", value="none")
    deliver("put", "diagnostic/", value="both")
    deliver("put", "comment/", text="sharp")
    every = list(range(body["frames"]))
    deliver("post", "confirm/", seen={"left": every, "right": every})
    second.load()
    assert second.rate(2).status_code == 200  # goes on with the next pair meanwhile
    before = (Rating.objects.count(), Statement.objects.count(), Write.objects.count())
    for method, path, said, then in deliveries:
        again = first.send(method, path, **said)
        assert again.status_code < 300, again.content
        assert again.json().get("was", again.json()["on"]) == then.get("was", then["on"])
    assert before == (Rating.objects.count(), Statement.objects.count(), Write.objects.count())


def test_a_skip_delivered_again_skips_no_other_pair(browsers):
    browser, _ = browsers
    token = browser.load()["token"]
    said = {"key": str(uuid.uuid4()), "on": browser.on, "reason": "The images do not load"}
    following = browser.send("post", "skip/", **said).json()
    assert following["token"] != token
    assert browser.send("post", "skip/", **said).json() == following
    assert Presentation.objects.filter(skipped_at__isnull=False).count() == 1


def test_a_key_is_good_for_one_answer(browsers):
    browser, _ = browsers
    browser.load()
    key = str(uuid.uuid4())
    assert browser.rate(3, key=key).status_code == 200
    assert refused(browser.send("put", "integrity/", value="none", key=key)) == "other_key"
    assert refused(browser.confirm(key=key)) == "other_key"
    assert not Statement.objects.exists()


# -- complete, in order, all of it seen ----------------------------------------------------------------------------


def test_a_pair_whose_slices_were_not_all_seen_is_not_confirmed(browsers, study):
    browser, _ = browsers
    body = browser.load()
    browser.answer_all()
    browser.client.post(
        f"{browser.base}{body['token']}/time/",
        {"key": str(uuid.uuid4()), "seconds": 5, "seen": {"left": [0], "right": []}},
        content_type="application/json",
    )
    answer = browser.confirm(seen={"left": [1], "right": [0, 1, 2]})
    assert answer.status_code == 422
    assert answer.json()["unseen"] == {"left": 1, "right": 0}
    assert answer.json()["missing"] == ["1 slice left"]
    assert Presentation.objects.get(token=body["token"]).state == "in_progress"
    assert browser.confirm(seen={"left": [2, 1], "right": [0, 1, 2]}).status_code == 200
    assert Presentation.objects.get(token=body["token"]).seen == {"left": [0, 1, 2], "right": [0, 1, 2]}


def test_where_the_protocol_does_not_ask_for_it_a_pair_may_be_confirmed_before_every_slice_was_seen(browsers, study):
    ReaderStudy.objects.update(require_all_slices=False)
    browser, _ = browsers
    browser.load()
    browser.answer_all()
    assert browser.confirm(seen={"left": [], "right": []}).status_code == 200


def test_what_a_list_was_read_offline_is_confirmed_later_with_what_was_seen(browsers):
    """Answers and confirmations of three pairs arrive in one go, without a report of time between them."""
    browser, _ = browsers
    browser.load()
    ahead = [browser.client.get(f"{browser.base}{token}/").json() for token in browser.body["next"][:2]]
    for body in [browser.body, *ahead]:
        browser.body, browser.on = body, body["on"]
        browser.answer_all()
        assert browser.confirm().status_code == 200
    assert Presentation.objects.filter(state="confirmed").count() == 3


def test_an_answer_missing_is_named_and_nothing_is_confirmed(browsers):
    browser, _ = browsers
    browser.load()
    browser.rate(3)
    answer = browser.confirm()
    assert answer.status_code == 422
    assert "SNR" not in answer.json()["missing"]
    assert "Integrity" in answer.json()["missing"]
    assert answer.json()["present"]["on"]["revision"] == 1


@pytest.mark.parametrize(
    ("path", "said", "name"),
    [
        ("ratings/{criterion}/", {"score": None, "status": "missing"}, "SNR"),
        ("integrity/", {"value": ""}, "Integrity"),
        ("diagnostic/", {"value": ""}, "Diagnostic quality"),
    ],
)
def test_an_answer_on_a_confirmed_pair_is_changed_not_taken_back(browsers, path, said, name):
    browser, _ = browsers
    browser.load()
    path = path.format(criterion=browser.body["criteria"][0])
    assert browser.send("put", path, **said).status_code == 200  # before it is confirmed
    browser.answer_all()
    browser.confirm()
    answer = browser.send("put", path, **said)
    assert (answer.status_code, answer.json()["missing"]) == (422, [name])
    assert selectors.missing_answers(Presentation.objects.get(token=browser.body["token"])) == []


def test_the_next_pair_is_not_confirmed_nor_the_list_finished_while_the_pair_before_is_incomplete(browsers, reader):
    browser, _ = browsers
    for one in selectors.own_list(reader).order_by("position")[:8]:
        factories.read_pair(one)
    last = selectors.way_back(reader)
    browser.load(f"{last.token}/")
    assert browser.send("put", "integrity/", value="findings").status_code == 200  # and the finding never came
    browser.load()
    browser.answer_all()
    answer = browser.confirm()
    assert (answer.status_code, answer.json()["missing"]) == (422, ["The finding itself (pair before)"])
    browser.load(f"{last.token}/")
    assert browser.send("post", "findings/", kind="loss", side="left").status_code == 201
    browser.load()
    assert browser.confirm().json()["last_look"]
    browser.load(f"{browser.body['token']}/")
    browser.send("put", "integrity/", value="findings")
    answer = browser.client.post(f"{browser.base}finish/", {"key": str(uuid.uuid4())}, content_type="application/json")
    assert (answer.status_code, answer.json()["missing"]) == (422, ["The finding itself (pair before)"])


def test_a_refusal_does_not_show_again_what_is_out_of_reach(browsers, reader):
    browser, _ = browsers
    first = browser.load()
    for one in selectors.own_list(reader).order_by("position")[:2]:
        factories.read_pair(one, [5])
    answer = browser.rate(1)
    assert refused(answer) == "confirmed"
    on = {"state": "confirmed", "revision": Presentation.objects.get(token=first["token"]).revision}
    assert answer.json()["present"] == {"token": first["token"], "position": 1, "state": "confirmed", "on": on}


# -- who is signed in, and when ------------------------------------------------------------------------------------


def test_the_page_says_whose_it_is_and_what_the_protocol_asks(browsers):
    page = html(browsers[0].client.get(browsers[0].base + "room/"))
    config = json.loads(page.partition('id="config" type="application/json">')[2].partition("</script>")[0])
    assert (config["reader"], config["require_all_slices"]) == ("R1", True)


def test_somebody_else_in_a_second_tab_is_told_so_and_nothing_is_stored(study, reader):
    page = Browser(study, reader.user, headers={"X-Reader": "R1"})
    page.load()
    criterion = page.body["criteria"][0]
    strangers = [study.memberships.get(code="R2").user, study.memberships.get(role="admin").user, factories.make_user()]
    for user in strangers:
        page.client.force_login(user)
        for answer in (
            page.client.get(page.base + "current/"),
            page.client.get(f"{page.base}{page.body['token']}/frames/0/"),
            page.rate(1),
        ):
            assert refused(answer) == "other_reader"
    page.client.logout()
    assert page.rate(1).status_code == 401
    assert not Rating.objects.exists()
    page.client.force_login(reader.user)
    assert page.rate(4).status_code == 200
    assert Rating.objects.get().criterion_id == criterion


def test_a_wrong_study_is_told_apart_from_nothing(reader):
    stranger = Browser(reader.study, factories.make_user(), headers={"X-Reader": "R1"})
    stranger.base = "/studies/no-such-study/reading/"
    assert refused(stranger.client.get(stranger.base + "current/")) == "other_reader"


@pytest.mark.parametrize("state", ["paused", "closed"])
def test_a_study_that_is_not_open_says_in_which_state_it_is(browsers, study, state):
    browser, _ = browsers
    browser.load()
    move(study=study, to=state, actor=None)
    answer = browser.rate(3)
    assert refused(answer) == "not_open"
    assert answer.json()["state"] == state


@pytest.mark.parametrize("state", ["paused", "closed"])
def test_what_was_accepted_before_the_study_was_closed_is_said_to_be_there(browsers, study, state):
    browser, _ = browsers
    browser.load()
    said = {"score": 4, "key": str(uuid.uuid4()), "on": browser.on}
    path = f"ratings/{browser.body['criteria'][0]}/"
    first = browser.send("put", path, **said).json()  # which never reached the browser
    move(study=study, to=state, actor=None)
    assert browser.send("put", path, **said).json() == first
    assert refused(browser.send("put", path, **said | {"key": str(uuid.uuid4())})) == "not_open"
    assert Rating.objects.count() == 1


# -- the protocol --------------------------------------------------------------------------------------------------


def test_protocols_from_before_the_question_keep_their_hash_and_a_waiver_is_said(study):
    assert "all_slices" not in protocol_document(study)["questions"]
    assert protocol_document(study)["sha256"] == study.protocol_sha256
    study.require_all_slices = False
    assert protocol_document(study)["questions"]["all_slices"] is False
    assert protocol_document(study)["sha256"] != study.protocol_sha256


def test_values_are_shown_only_where_the_protocol_says_so_and_its_hash_says_it(study):
    assert selectors.room_config(study)["show_values"] is False
    assert "values" not in protocol_document(study)["questions"]
    study.show_values = True
    assert selectors.room_config(study)["show_values"] is True
    assert protocol_document(study)["questions"]["values"] is True
    assert protocol_document(study)["sha256"] != study.protocol_sha256
