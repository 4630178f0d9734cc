"""Admins and readers write to each other: without arms, each reader the own letters alone, all of it in the log."""

import pytest
from django.core import mail
from django.test import Client

from readerstudy.audit.verify import problems
from readerstudy.home.log import sentence
from readerstudy.home.next_steps import tasks_of
from readerstudy.home.selectors import readings_of, studies_of, study_rows
from readerstudy.protocol.models import ReaderStudy
from tests import factories
from tests.once import made_once
from tests.pages import html

pytestmark = pytest.mark.django_db


@made_once(committed=True)
def study():
    return factories.open_(factories.make_study(subjects=1, readers=2))


@pytest.fixture
def admin(study):
    return study.memberships.get(role="admin")


def reader(study, code: str):
    return study.memberships.get(code=code)


def client_of(member) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def page(study) -> str:
    return f"/studies/{study.slug}/letters/"


def test_a_readers_problem_waits_for_the_admin_until_somebody_answers_or_notes_it(study, admin):
    one = client_of(reader(study, "R1"))
    assert one.post(page(study), {"text": "The left image of R1-0002 is black."}).status_code == 302
    (task,) = [task for task in tasks_of(study_rows(studies_of(admin.user))) if task.page == "letters"]
    assert task.text == "R1 wrote to you"
    assert "The left image of R1-0002 is black." in html(client_of(admin).get(page(study)))
    assert sentence(study.events.last()).endswith("reported as R1: The left image of R1-0002 is black.")
    client_of(admin).post(f"{page(study)}R1/note/")
    assert [task for task in tasks_of(study_rows(studies_of(admin.user))) if task.page == "letters"] == []
    assert list(problems(study)) == []


def test_a_reminder_waits_for_its_reader_alone_and_the_mail_has_none_of_its_words(study, admin, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    one, two = reader(study, "R1"), reader(study, "R2")
    one.user.email = "one@clinic.example"
    one.user.save()
    client_of(admin).post(page(study), {"reader": "R1", "text": "Please go on soon."})
    assert [row["letter"] for member in (one, two) for row in readings_of(member.user)] == [True, False]
    assert "Please go on soon." in html(client_of(one).get(page(study)))
    assert "Please go on soon." not in html(client_of(two).get(page(study)))
    assert "A letter waits for you" in html(client_of(one).get("/"))
    assert "Please go on" not in mail.outbox[0].body
    assert page(study) in mail.outbox[0].body
    client_of(one).post(f"{page(study)}R1/note/")
    assert [row["letter"] for row in readings_of(one.user)] == [False]


@pytest.mark.parametrize("text", ["Is FAST worse?", "the fast one", "FAST-DL", ""])
def test_no_arm_is_named_to_a_reader(study, admin, text):
    before = study.events.count()
    assert client_of(admin).post(page(study), {"reader": "R1", "text": text}).status_code == 422
    assert study.events.count() == before


def test_a_letter_that_is_too_long_is_refused_in_words_and_none_is_cut(study):
    one = client_of(reader(study, "R1"))
    answer = one.post(page(study), {"text": "x" * 2001})
    assert answer.status_code == 422
    assert "A letter has at most 2,000 characters, and this one has 2,001." in html(answer)
    assert "x" * 2001 in html(answer)  # what was written is not lost
    longest = "x" * 1998 + "\ny"
    assert one.post(page(study), {"text": longest.replace("\n", "\r\n")}).status_code == 302  # as browsers send lines
    assert study.events.last().data["text"] == longest


def test_a_reader_writes_for_nobody_else(study):
    one = client_of(reader(study, "R1"))
    assert one.post(page(study), {"reader": "R2", "text": "as another"}).status_code == 404
    assert one.post(f"{page(study)}R2/note/").status_code == 404
    assert one.post(f"{page(study)}R1/note/", follow=True).status_code == 200
    assert not study.events.filter(action__startswith="letter").exists()


def test_a_locked_study_takes_no_letters_and_shows_those_it_has(study, admin):
    client_of(reader(study, "R1")).post(page(study), {"text": "It was slow."})
    ReaderStudy.objects.filter(pk=study.pk).update(state="locked")
    assert client_of(admin).post(page(study), {"reader": "R1", "text": "Thank you."}).status_code == 422
    assert "It was slow." in html(client_of(admin).get(page(study)))
