"""Two writes on one pair at the same moment: one is stored, the other is told."""

import threading
import uuid

import pytest
from django.db import connection, connections

from readerstudy.protocol.models import ReaderStudy
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
