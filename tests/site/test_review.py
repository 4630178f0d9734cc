"""The log is reviewed and signed, each unblinding assessed; readers see nothing of it."""

import pytest
from django.test import Client

from processing.errors import InputError
from readerstudy.accounts.models import Role
from readerstudy.accounts.services import add_member
from readerstudy.audit.reviews import sign_review, to_review
from readerstudy.audit.verify import problems
from readerstudy.home.log import sentence
from readerstudy.home.next_steps import tasks_of
from readerstudy.home.selectors import studies_of, study_rows
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.unblinding import assess, unblind
from tests import factories
from tests.once import made_once
from tests.pages import html
from tests.tampering import run

pytestmark = pytest.mark.django_db
PASSWORD = "a long password"


@made_once(committed=True)
def study():
    study = factories.open_(factories.make_study(subjects=2, readers=1))
    add_member(study=study, user=factories.make_user(), role=Role.ANALYST)
    factories.read_pair(study.presentations.get(position=1), [3])
    unblind(
        study=study, proof=factories.proof_of(admin_of(study)), what="R1-0001", reason="A finding needs care at once"
    )
    return study


def admin_of(study):
    return study.memberships.get(role="admin").user


@pytest.fixture
def analyst(study) -> Client:
    client = Client()
    client.force_login(study.memberships.get(role="analyst").user)
    return client


def address(study, rest: str = "review/") -> str:
    return f"/studies/{study.slug}/log/{rest}"


def signed(client: Client, study, **changed):
    last = study.events.last()
    data = {"line": last.number, "sha256": last.sha256, "remarks": "One unblinding.", "password": PASSWORD} | changed
    return client.post(address(study), data)


def test_a_review_is_signed_up_to_the_line_that_was_shown_and_is_itself_a_line(study, analyst):
    page = html(analyst.get(address(study)))
    assert "unblinded R1-0001 (1 pair): A finding needs care at once" in page
    last = study.events.last()
    assert signed(analyst, study).status_code == 302
    review = study.events.last()
    assert review.data == {
        "line": last.number,
        "sha256": last.sha256,
        "lines": last.number,
        "own": 0,
        "problems": [],
        "remarks": "One unblinding.",
        "meaning": "I have reviewed the log of this study up to this line.",
        "proved_by": "password",
    }
    assert f"reviewed the log up to line {last.number}" in sentence(review)
    assert list(problems(study)) == []
    assert [event.action for event in to_review(study)] == ["trail reviewed"]
    assert "One unblinding." in html(analyst.get(address(study)))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"password": "wrong"}, "This is not your password."),
        ({"sha256": "0" * 64}, "The log has no such line."),
        ({"line": 10**6}, "The log has no such line."),
    ],
)
def test_nothing_is_signed_without_the_password_or_of_another_log(study, analyst, changed, said):
    before = study.events.count()
    answer = signed(analyst, study, **changed)
    assert answer.status_code == 422
    assert said in html(answer)
    assert study.events.count() == before


def test_what_was_reviewed_is_not_reviewed_again(study):
    last = study.events.last()
    known = {
        "study": study,
        "line": last.number,
        "sha256": last.sha256,
        "actor": admin_of(study),
        "proved_by": "password",
    }
    sign_review(**known, remarks="")
    with pytest.raises(InputError, match="already"):
        sign_review(**known, remarks="")


def test_who_signs_a_record_that_does_not_hold_signs_that(study, analyst):
    run("UPDATE material_case SET training = %s WHERE study_id = %s", True, study.pk)
    signed(analyst, study)
    assert "no line of the log tells of it" in study.events.last().data["problems"][0]
    assert "no line of the log tells of it" in html(analyst.get(address(study)))


def test_an_unblinding_is_assessed_and_signed_and_stands_with_it_everywhere(study, analyst):
    event = study.events.get(action="unblinded")
    admin = admin_of(study)
    [task] = [one for one in tasks_of(study_rows(studies_of(admin))) if one.page == "review"]
    assert task.text == "1 unblinding is not assessed"
    page = address(study, f"unblinding/{event.number}/")
    assert "R1-0001</span> read before" in html(analyst.get(page))
    said = {"impact": "none", "assessment": "The pair had been read and signed.", "measures": "", "password": PASSWORD}
    assert analyst.post(page, said | {"password": "wrong"}).status_code == 422
    assert analyst.post(page, said | {"assessment": "no"}).status_code == 422
    assert analyst.post(page, said).status_code == 302
    assert [one for one in tasks_of(study_rows(studies_of(admin))) if one.page == "review"] == []
    line = study.events.last()
    assert (line.action, line.data["line"], line.data["impact"]) == ("unblinding assessed", event.number, "none")
    client = Client()
    client.force_login(admin)
    assert "The pair had been read and signed." in html(client.get(f"/studies/{study.slug}/unblinding/"))
    proof = factories.proof_of(admin)
    assess(study=study, line=event.number, impact="pairs", assessment="After all.....", measures="", proof=proof)
    assert "who unblinded" in html(analyst.get(address(study)))
    assert analyst.get(address(study, "unblinding/1/")).status_code == 404


def test_a_locked_study_is_reviewed_too(study, analyst):
    ReaderStudy.objects.filter(pk=study.pk).update(state="locked")
    assert signed(analyst, study).status_code == 302


def test_readers_find_none_of_it(study):
    reader = Client()
    reader.force_login(study.memberships.get(role="reader").user)
    number = study.events.get(action="unblinded").number
    for rest in ("review/", f"unblinding/{number}/", "accesses/", "accesses/accesses.csv", "accesses/codebook.csv"):
        assert reader.get(address(study, rest)).status_code == 404
        assert reader.post(address(study, rest), {"password": PASSWORD}).status_code == 404
