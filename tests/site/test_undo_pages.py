"""The way back, as a person finds it on the pages."""

import pytest
from django.test import Client

from readerstudy.accounts.services import add_member
from readerstudy.archive import store
from readerstudy.intake.models import Candidate, Upload
from readerstudy.material.models import Case
from tests import factories
from tests.confirmed import make_confirmed_study, series_of
from tests.once import made_once
from tests.pages import html

pytestmark = pytest.mark.django_db


@made_once()
def study():
    return make_confirmed_study()


def page(study, path: str) -> str:
    return f"/studies/{study.slug}/material/{path}"


def case_page(study, subject: str = "S01") -> str:
    return page(study, f"cases/{Case.objects.get(study=study, subject__code=subject).pk}/")


def test_a_series_is_taken_back_after_what_goes_was_named(study, admin):
    fast = series_of(study, "S01", "FAST")
    address = page(study, f"series/{fast.pk}/back/")
    shown = html(admin.get(case_page(study)))
    assert address in shown
    assert page(study, f"series/{series_of(study, 'S01', 'FAST-DL').pk}/back/") not in shown  # goes with FAST
    asked = html(admin.get(address))
    assert "1 series made from it" in asked
    assert "3 prepared pairs" in asked
    assert study.series.count() == 8  # asking changes nothing
    answer = admin.post(address, {"keep": "1"}, follow=True)
    assert answer.redirect_chain[-1][0] == page(study, "#confirm")
    assert "1 series to confirm" in html(answer)
    assert study.series.count() == 6


def test_a_series_moves_by_a_form_that_holds_where_it_is(study, admin):
    fast = series_of(study, "S01", "FAST")
    address = page(study, f"series/{fast.pk}/move/")
    assert 'value="S01"' in html(admin.get(address))
    place = {"subject_code": "S02", "region": "lumbar", "plane": "sagittal", "weighting": "T2", "arm": fast.arm_id}
    refused = admin.post(address, place)
    assert refused.status_code == 422
    assert "has a series in FAST already" in html(refused)
    assert admin.post(address, place | {"subject_code": "S09"}).status_code == 302
    assert series_of(study, "S09", "FAST").arm == fast.arm


def test_a_series_moves_to_a_new_subject_of_another_site(study, admin):
    other = study.sites.create(code="Site 2")
    factories.log_as_is(study)
    fast = series_of(study, "S01", "FAST")
    place = {"subject_code": "S09", "region": "lumbar", "plane": "sagittal", "weighting": "T2", "arm": fast.arm_id}
    assert admin.post(page(study, f"series/{fast.pk}/move/"), place | {"site": other.pk}).status_code == 302
    assert series_of(study, "S09", "FAST").case.subject.site == other


@pytest.mark.parametrize(("button", "waiting"), [("keep", 2), ("go", 0)])
@pytest.mark.parametrize("what", ["cases", "subjects"])
def test_a_case_or_a_subject_goes_by_one_of_two_buttons(study, admin, what, button, waiting):
    case = Case.objects.get(study=study, subject__code="S01")
    address = page(study, f"{what}/{case.pk if what == 'cases' else case.subject_id}/remove/")
    assert address in html(admin.get(case_page(study)))
    asked = html(admin.get(address))
    assert "2 series that were confirmed" in asked
    assert "3 prepared pairs" in asked
    admin.post(address, {button: "1"})
    assert not Case.objects.filter(pk=case.pk).exists()
    assert study.candidates.filter(state="proposed").count() == waiting


def test_an_upload_is_taken_back_from_the_list_of_uploads(study, admin):
    upload = Upload.objects.get()
    address = page(study, f"uploads/{upload.pk}/remove/")
    shown = html(admin.get(page(study, "")))
    assert address in shown
    assert "4 of 4 series confirmed" in shown
    assert "4 series that were confirmed" in html(admin.get(address))
    admin.post(address, {"go": "1"})
    assert not study.series.exists()
    assert address not in html(admin.get(page(study, "")))


def test_a_series_that_was_put_aside_is_removed_and_a_confirmed_one_is_not(study, admin):
    fast = series_of(study, "S01", "FAST")
    address = page(study, f"candidates/{fast.candidate.pk}/remove/")
    assert "take it back first" in html(admin.post(address))
    admin.post(page(study, f"series/{fast.pk}/back/"))
    candidate = study.candidates.get(state="proposed")
    file = candidate.instances[0][0]
    admin.post(page(study, "confirm/"), {"aside_one": candidate.pk})
    assert address in html(admin.get(page(study, "")))
    assert "1 file" in html(admin.get(address))
    admin.post(address)
    factories.work_off(study)
    assert not study.candidates.filter(pk=candidate.pk).exists()
    assert not store.exists(file)


def test_a_case_is_set_aside_and_taken_up_and_stays_on_the_map(study, admin):
    aside = case_page(study) + "set-aside/"
    assert aside in html(admin.get(case_page(study)))
    assert "Say why" in html(admin.post(aside, {"reason": " "}, follow=True))
    assert "set aside: no FAST" in html(admin.post(aside, {"reason": "no FAST"}, follow=True))
    shown = html(admin.get(page(study, "")))
    assert shown.count("case set aside (no FAST)") == 4
    assert "4 of 4 series are there" in shown
    assert "set aside: no FAST" in html(admin.get(page(study, "?view=table")))
    admin.post(aside, {"back": "1"})
    assert "8 of 8 series are there" in html(admin.get(page(study, "")))


def test_nothing_of_it_is_offered_or_possible_once_readers_see_the_case(study, admin):
    fast = series_of(study, "S01", "FAST")
    factories.open_(study)
    assert "/back/" not in html(admin.get(case_page(study)))
    answer = admin.post(page(study, f"series/{fast.pk}/back/"))
    assert answer.status_code == 422
    assert "is scheduled: its series are frozen" in html(answer)


WAYS = ["series/{series}/back/", "series/{series}/move/", "cases/{case}/remove/", "subjects/{subject}/remove/"]
WAYS += ["cases/{case}/set-aside/", "uploads/{upload}/remove/", "candidates/{candidate}/remove/"]


@pytest.mark.parametrize("way", WAYS)
def test_only_an_admin_and_only_by_a_form_of_this_site(study, admin, sign_in, way):
    fast = series_of(study, "S01", "FAST")
    numbers = {"series": fast.pk, "case": fast.case_id, "subject": fast.case.subject_id, "candidate": fast.candidate.pk}
    address = page(study, way.format(upload=Upload.objects.get().pk, **numbers))
    for role in ("reader", "analyst"):
        member = add_member(study=study, user=factories.make_user(), role=role)
        assert sign_in(member.user).post(address).status_code == 404
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(study.memberships.get(role="admin").user)
    assert strict.post(address, {"keep": "1", "reason": "x"}).status_code == 403
    other = factories.make_study(subjects=0)
    stranger = sign_in(other.memberships.get(role="admin").user)
    assert stranger.post(address.replace(study.slug, other.slug), {"keep": "1", "reason": "x"}).status_code == 404
    assert study.series.count() == 8
    assert not Candidate.objects.filter(state="proposed").exists()
