"""Two writes on one pair at the same moment: one is stored, the other is told."""

import threading
import uuid

import pytest
from django.db import connection, connections, transaction

from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import move
from readerstudy.reading import writes
from readerstudy.reading.models import Guess, Presentation, Rating
from tests import factories
from tests.reading.test_writes import Browser

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.mark.parametrize("what", ["rating", "same key", "confirm and rating", "guess"])
def test_of_two_writes_at_one_moment_one_is_stored_and_the_other_told(what):
    study = factories.open_(factories.make_study(subjects=1, readers=1))
    reader = study.memberships.select_related("user", "study").get(role="reader")
    browsers = [Browser(study, reader.user), Browser(study, reader.user)]
    if what == "guess":
        ReaderStudy.objects.update(guesses=3, allow_back=False)
        factories.read_all(reader)
    for browser in browsers:
        browser.load()
    if what == "confirm and rating":
        browsers[0].answer_all()
        browsers[1].load()
    key = str(uuid.uuid4())
    acts = {
        "rating": [lambda b: b.rate(2), lambda b: b.rate(5)],
        "same key": [lambda b: b.rate(2, key=key), lambda b: b.rate(2, key=key)],
        "confirm and rating": [lambda b: b.confirm(), lambda b: b.rate(5)],
        "guess": [lambda b: b.send("post", "guess/", side="left"), lambda b: b.send("post", "guess/", side="right")],
    }[what]
    answers, ready = [None, None], threading.Barrier(2)

    def act(number: int) -> None:
        try:
            ready.wait()
            answers[number] = acts[number](browsers[number])
        finally:
            connections.close_all()

    before = Presentation.objects.get(token=browsers[0].body["token"]).revision
    threads = [threading.Thread(target=act, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = sorted(answer.status_code for answer in answers)
    assert codes == ([200, 200] if what == "same key" else [200, 409]), (connection.vendor, codes)
    pair = Presentation.objects.get(token=browsers[0].body["token"])
    assert pair.revision == before + 1
    if what in ("rating", "same key"):
        assert Rating.objects.count() == 1
    if what == "guess":
        assert Guess.objects.count() == 1


def test_readers_do_not_wait_for_each_other_and_whoever_closes_the_study_waits_for_both():
    study = factories.open_(factories.make_study(subjects=1, readers=2))
    if not connection.features.has_select_for_update:
        pytest.skip("this database has one writer at a time")
    members = study.memberships.select_related("user", "study").filter(role="reader")
    browsers = [Browser(study, member.user) for member in members]
    for browser in browsers:
        browser.load()
    pair = Presentation.objects.select_related("study").get(token=browsers[0].body["token"])
    done = threading.Event()

    def act(what) -> None:
        try:
            what()
            done.set()
        finally:
            connections.close_all()

    def at_the_same_time(what, *, waits: bool) -> None:
        done.clear()
        thread = threading.Thread(target=act, args=(what,))
        with transaction.atomic():
            writes.lock(pair)
            thread.start()
            assert done.wait(0.5 if waits else 20) is not waits
        thread.join(20)
        assert done.is_set()

    at_the_same_time(lambda: browsers[1].rate(4), waits=False)
    at_the_same_time(lambda: browsers[0].rate(4), waits=True)
    at_the_same_time(lambda: browsers[1].rate(5), waits=False)  # a revision, which adds a line to the log
    at_the_same_time(lambda: move(study=study, to="paused", actor=None), waits=True)
