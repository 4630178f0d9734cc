"""A pair that does not show the same place is held back, with a picture, until an admin has looked."""

import io

import numpy as np
import pytest
from django.db import transaction
from django.test import Client
from PIL import Image
from scipy import ndimage

import processing.grid
from processing.errors import InputError
from processing.volume import Volume
from readerstudy.accounts.models import Role
from readerstudy.accounts.services import add_member
from readerstudy.audit.verify import problems
from readerstudy.material import volumes
from readerstudy.reading import checks, preparing
from readerstudy.reading.models import CaseCheck
from readerstudy.reading.opening import request_opening
from readerstudy.reading.opening_checklist import not_ready
from readerstudy.reading.preparing import ask_for_pairs
from readerstudy.states import State
from tests import factories
from tests.once import made_once
from tests.pages import html

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def anatomy() -> Volume:
    rng = np.random.default_rng(0)
    noise = ndimage.gaussian_filter(rng.normal(size=(8, 96, 96)), (1, 4, 4))
    affine = np.array([[0.0, 0.0, 4.0, -8.0], [2.0, 0.0, 0.0, 0.0], [0.0, -2.0, 0.0, 40.0], [0.0, 0.0, 0.0, 1.0]])
    return Volume(np.round((500 + 200 * noise / noise.std()).clip(50)), affine)


@made_once()
def study():
    """One case whose FAST is mirrored from head to foot, and one whose series lie right; no pair prepared yet."""
    study = factories.make_study(subjects=0, readers=1)
    study.comparisons.exclude(first__code="SOC", second__code="FAST").delete()
    study.arms.filter(made_from__isnull=False).delete()
    study.primary_comparison = study.comparisons.get()
    study.save()
    right = anatomy()
    mirrored = right.with_array(np.ascontiguousarray(right.array[:, ::-1]))
    for subject, fast in (("S01", mirrored), ("S02", right)):
        factories.place_pixels(study, "SOC", right, subject=subject)
        factories.place_pixels(study, "FAST", fast, subject=subject)
    factories.log_as_is(study)
    study.jobs.all().delete()
    ask_for_pairs(study)
    factories.work_off(study)
    return study


def admin_of(study):
    return study.memberships.get(role=Role.ADMIN).user


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def number(case) -> int:
    return CaseCheck.objects.get(case=case).pk


@pytest.fixture
def wrong(study):
    return study.cases.get(subject__code="S01")


def test_only_the_mirrored_case_is_held_back_and_has_no_pairs(study, wrong):
    assert [check.case for check in checks.held_back(study)] == [wrong]
    assert [case.pairs.count() for case in study.cases.order_by("code")] == [0, 1]
    assert "mirrored head to foot" in wrong.check_made.findings[0]["text"]
    assert study.events.filter(action="case held back", data__case=wrong.code).exists()
    assert "1 case held back: look at them" in [point.text for point in not_ready(study)]


def test_opening_is_refused_until_somebody_looked(study, wrong):
    with pytest.raises(InputError, match="1 case held back"):
        request_opening(study=study, actor=admin_of(study))
    checks.let_pass(case=wrong, check=number(wrong), reason="Both show the same side.", actor=admin_of(study))
    request_opening(study=study, actor=admin_of(study))
    factories.work_off(study)
    study.refresh_from_db()
    assert study.state == State.OPEN
    assert list(problems(study)) == []


def test_opening_itself_looks_at_cases_that_were_prepared_before_there_were_checks(study, wrong):
    study.checks.all().delete()
    factories.log_as_is(study)
    request_opening(study=study, actor=admin_of(study))
    factories.work_off(study)
    job = study.jobs.get(function="reading.open")
    study.refresh_from_db()
    assert (job.state, study.state) == ("failed", State.DRAFT)
    assert f"1 case held back ({wrong.code})" in job.error
    assert [check.case for check in checks.held_back(study)] == [wrong]


def test_letting_pass_needs_a_reason_and_can_be_taken_back(study, wrong, django_capture_on_commit_callbacks):
    admin = admin_of(study)
    with pytest.raises(InputError, match="Say what you saw"):
        checks.let_pass(case=wrong, check=number(wrong), reason="  ", actor=admin)
    with pytest.raises(InputError, match="already"):
        checks.hold_again(case=wrong, check=number(wrong), actor=admin)
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            checks.let_pass(case=wrong, check=number(wrong), reason="It is a phantom.", actor=admin)
        factories.work_off(study)
        assert wrong.pairs.count() == 1
        with django_capture_on_commit_callbacks(execute=True):
            checks.hold_again(case=wrong, check=number(wrong), actor=admin)
        factories.work_off(study)
        assert wrong.pairs.count() == 0
        assert len(checks.held_back(study)) == 1
    assert list(problems(study)) == []


def test_only_what_was_on_the_screen_is_let_pass(study, wrong):
    seen = number(wrong)
    with transaction.atomic():
        checks.keep(preparing.prepare(wrong, lambda *_: None).check)
    factories.log_as_is(study)
    client = signed_in(admin_of(study))
    for check in (seen, "", "x"):
        client.post(f"/studies/{study.slug}/protocol/checks/{wrong.pk}/", {"reason": "Same side.", "check": check})
    assert "was checked again meanwhile" in html(client.get(f"/studies/{study.slug}/protocol/checks/"))
    assert [check.case for check in checks.held_back(study)] == [wrong]


def test_another_series_is_looked_at_anew(study, wrong):
    checks.let_pass(case=wrong, check=number(wrong), reason="It is a phantom.", actor=admin_of(study))
    study.series.filter(case=wrong, arm__code="FAST").update(active=False)
    assert checks.let_pass_at(wrong, checks.shown_series(wrong).values()) == ""
    assert not checks.is_checked(wrong)


def test_a_series_that_is_replaced_while_another_is_looked_at_counts_as_not_looked_at(study, wrong, monkeypatch):
    def load_and_replace(series):
        study.series.filter(pk=series.pk).update(active=False)
        return volumes.load(series)

    looked_at = sorted(one.pk for one in checks.shown_series(wrong).values())
    monkeypatch.setattr(preparing, "load", load_and_replace)
    assert preparing.prepare(wrong, lambda *_: None).check.series == looked_at
    assert checks.shown_series(wrong) == {}


def test_nothing_passes_once_the_study_is_open(study, wrong):
    wrong.study.state = State.OPEN
    with pytest.raises(InputError, match="has been opened"):
        checks.let_pass(case=wrong, check=number(wrong), reason="Late.", actor=admin_of(study))


def test_the_page_shows_the_picture_and_what_to_do(study, wrong):
    client = signed_in(admin_of(study))
    page = html(client.get(f"/studies/{study.slug}/protocol/checks/"))
    assert "2 of 2 cases checked" in " ".join(page.split())
    assert "mirrored head to foot" in page
    png = client.get(f"/studies/{study.slug}/protocol/checks/{wrong.pk}/picture/")
    picture = Image.open(io.BytesIO(png.content))
    assert picture.width > 2.9 * picture.height
    client.post(
        f"/studies/{study.slug}/protocol/checks/{wrong.pk}/", {"reason": "Looked: same side.", "check": number(wrong)}
    )
    assert "Looked: same side." in client.get(f"/studies/{study.slug}/material/cases/{wrong.pk}/").content.decode()


@pytest.mark.parametrize(("role", "page", "picture", "post"), [("analyst", 200, 200, 404), ("reader", 404, 404, 404)])
def test_who_may_look_and_who_may_let_pass(study, wrong, role, page, picture, post):
    if role == "reader":
        user = study.memberships.get(role=Role.READER).user
    else:
        user = add_member(study=study, user=factories.make_user(), role=role).user
    client, base = signed_in(user), f"/studies/{study.slug}/protocol/checks/"
    codes = [client.get(base).status_code, client.get(f"{base}{wrong.pk}/picture/").status_code]
    codes.append(client.post(f"{base}{wrong.pk}/", {"reason": "Mine.", "check": number(wrong)}).status_code)
    assert codes == [page, picture, post]
    assert checks.held_back(study)


def test_a_check_that_was_tampered_with_is_found(study, wrong):
    study.checks.filter(case=wrong).update(held=False)
    assert any("Check of case" in problem for problem in map(str, problems(study)))


def test_each_arm_is_brought_onto_the_grid_once(monkeypatch):
    study = factories.make_study(subjects=0, readers=0)
    still = anatomy()
    for number, arm in enumerate(("SOC", "FAST", "FAST-DL")):
        moved = still.affine.copy()
        moved[1, 3] += 0.8 * number
        factories.place_pixels(study, arm, Volume(still.array, moved))
    resampled = []
    resample = processing.grid._resample
    monkeypatch.setattr(processing.grid, "_resample", lambda *given: resampled.append(1) or resample(*given))
    assert len(preparing.prepare(study.cases.get(), lambda *progress: None).pairs) == 3
    assert len(resampled) == 3
