"""Make a study, change its protocol, open and close it, all through the pages."""

import re
from importlib import import_module

import pytest
from django.apps import apps
from django.test import Client

from analysis.protocol import PRIMARY_TESTS
from analysis.sample_size import TESTS
from readerstudy.accounts.models import Membership, User
from readerstudy.home.forms_sample_size import NAMES
from readerstudy.protocol.models import PrimaryTest, ReaderStudy
from readerstudy.protocol.selectors import protocol_document
from readerstudy.states import State
from tests import factories
from tests.pages import fields, html

pytestmark = pytest.mark.django_db
PASSWORD = "only Cleo knows it"


def url(study, path: str = "protocol/") -> str:
    return f"/studies/{study.slug}/{path}"


NEW = {"title": "Knee, fast", "reader_title": "Knee MRI", "regions": ["knee"], "description": ""}


def test_a_new_study_is_a_draft_with_criteria_of_its_region(sign_in):
    user = factories.make_user(staff=True)
    answer = sign_in(user).post("/new/", NEW)
    study = ReaderStudy.objects.get()
    assert answer["Location"] == url(study) == "/studies/knee-mri/protocol/"
    assert (study.state, study.arms.count(), study.comparisons.count()) == ("draft", 4, 3)
    names = list(study.criteria.values_list("name", flat=True))
    assert names[:3] == ["SNR", "Resolution", "Artifacts"]
    assert {"Cartilage", "Menisci"} < set(names)
    assert "Cord delineation" not in names
    assert {tuple(one.regions) for one in study.criteria.all()} == {()}
    assert Membership.objects.get(study=study).user == user


def test_criteria_of_one_region_among_several_are_asked_for_there(sign_in):
    sign_in(factories.make_user(staff=True)).post("/new/", NEW | {"regions": ["lumbar", "cervical", "brain"]})
    criteria = {one.code: one.regions for one in ReaderStudy.objects.get().criteria.all()}
    assert criteria["snr"] == []
    assert criteria["cord_delineation"] == ["lumbar", "cervical"]
    assert criteria["grey_white"] == ["brain"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"regions": []}, "Choose at least one region."),
        ({"reader_title": ""}, "Give the title that readers see."),
        ({"reader_title": "FAST-DL or SOC of the knee"}, "Readers would learn what is compared"),
    ],
)
def test_a_new_study_needs_regions_and_a_title_that_blinds(sign_in, changes, said):
    answer = sign_in(factories.make_user(staff=True)).post("/new/", NEW | changes)
    assert said in html(answer)
    assert not ReaderStudy.objects.exists()


def test_sites_are_added_renamed_and_removed_while_no_subject_has_them(study, admin):
    path = url(study, "protocol/sites/")
    data = fields(admin.get(path).content.decode()) | {"sites-0-code": "Basel", "sites-1-code": "Bern"}
    assert admin.post(path, data).status_code == 302
    assert list(study.sites.values_list("code", flat=True)) == ["Basel", "Bern"]
    data = fields(admin.get(path).content.decode())
    assert "Basel has subjects" in html(admin.post(path, data | {"sites-0-DELETE": "on"}))
    assert admin.post(path, data | {"sites-1-DELETE": "on"}).status_code == 302
    data = fields(admin.get(path).content.decode())
    assert "at least one site" in html(admin.post(path, data | {"sites-0-DELETE": "on"}))
    assert study.sites.count() == 1


def test_a_subject_moves_to_another_site_and_the_log_says_so(study, admin):
    bern = study.sites.create(code="Bern")
    factories.log_as_is(study)
    page = admin.post(url(study, "material/subject-site/"), {"subject": "S01", "site": bern.pk}, follow=True)
    assert "S01 belongs to Bern now" in html(page)
    assert study.subjects.get(code="S01").site == bern
    assert study.events.order_by("-number").first().data["earlier"] == "Site 1"
    page = admin.post(url(study, "material/subject-site/"), {"subject": "S77", "site": bern.pk}, follow=True)
    assert "Choose a subject of this study" in html(page)


def test_only_staff_make_studies(sign_in):
    assert sign_in(factories.make_user()).get("/new/").status_code == 404


def test_saving_a_table_unchanged_changes_nothing(study, admin):
    before = protocol_document(study)["sha256"]
    for part in ("arms", "comparisons", "criteria"):
        page = admin.get(url(study, f"protocol/{part}/")).content.decode()
        answer = admin.post(url(study, f"protocol/{part}/"), fields(page))
        assert answer.status_code == 302, part
    assert protocol_document(study)["sha256"] == before
    assert not study.events.filter(action="protocol changed").exists()


def test_a_criterion_gets_other_words_and_a_new_one_is_added(study, admin):
    path = url(study, "protocol/criteria/")
    data = fields(admin.get(path).content.decode())
    data |= {
        "criteria-0-better": "less grain",
        "criteria-8-name": "Pelvis",
        "criteria-8-asks": "a",
        "criteria-8-better": "b",
    }
    assert admin.post(path, data).status_code == 302
    assert study.criteria.get(code="snr").better == "less grain"
    assert study.criteria.get(code="pelvis").anchors[2] == "no difference"


def test_anchors_need_five_lines(study, admin):
    path = url(study, "protocol/criteria/")
    data = fields(admin.get(path).content.decode()) | {"criteria-0-anchors": "worse\nsame\nbetter"}
    assert "Five lines are needed" in html(admin.post(path, data))


def test_two_arms_cannot_have_one_name(study, admin):
    path = url(study, "protocol/arms/")
    data = fields(admin.get(path).content.decode())
    data |= {"arms-4-code": "SOC", "arms-4-acquisition": "reference", "arms-4-reconstruction": "dl"}
    assert "An arm of this name exists already" in html(admin.post(path, data))


def test_a_made_arm_names_its_model(study, admin):
    path = url(study, "protocol/arms/")
    data = fields(admin.get(path).content.decode()) | {"arms-2-made_by": ""}
    assert "Choose what makes this arm" in html(admin.post(path, data))


def test_an_arm_that_is_compared_cannot_be_removed(study, admin):
    path = url(study, "protocol/arms/")
    data = fields(admin.get(path).content.decode()) | {"arms-0-DELETE": "on"}
    assert "SOC is compared. Remove its comparisons first." in html(admin.post(path, data))
    assert study.arms.filter(code="SOC").exists()


def test_a_comparison_of_an_arm_with_itself_is_refused(study, admin):
    path = url(study, "protocol/comparisons/")
    data = fields(admin.get(path).content.decode())
    data["comparisons-0-second"] = data["comparisons-0-first"]
    assert "needs two different arms" in html(admin.post(path, data))


@pytest.mark.parametrize(("name", "margin"), [("margin_mean", "2"), ("margin_net", "1")])
def test_a_margin_as_wide_as_the_scale_is_refused(study, admin, name, margin):
    path = url(study, "protocol/hypothesis/")
    data = fields(admin.get(path).content.decode()) | {name: margin}
    assert "spans the whole scale" in html(admin.post(path, data))
    study.refresh_from_db()
    assert getattr(study, name) != float(margin)


def test_margins_are_set_and_logged(study, admin):
    path = url(study, "protocol/hypothesis/")
    data = fields(admin.get(path).content.decode()) | {"margin_mean": "0.5", "margin_net": ""}
    assert admin.post(path, data).status_code == 302
    study.refresh_from_db()
    assert float(study.margin_mean) == 0.5
    assert study.events.get(action="settings changed").data["changes"] == {"margin_mean": "0.5"}


def test_the_protocol_says_whether_every_slice_must_be_seen(study, admin):
    told = html(admin.get(url(study, "protocol/")))
    assert "Every slice must be seen" in told
    assert "pixel values" not in told
    path = url(study, "protocol/questions/")
    data = {name: value for name, value in fields(admin.get(path).content.decode()).items() if "slices" not in name}
    assert admin.post(path, data | {"show_values": "on"}).status_code == 302
    study.refresh_from_db()
    assert (study.require_all_slices, study.show_values) == (False, True)
    told = html(admin.get(url(study, "protocol/")))
    assert "may be confirmed before every slice was seen" in told
    assert "may see pixel values, mean and SD of regions" in told


@pytest.mark.parametrize(
    ("claim", "kinds"),
    [
        ("equivalence", ["equivalence"]),
        ("noninferiority", ["noninferiority"]),
        ("both", ["equivalence", "noninferiority"]),
    ],
)
def test_the_protocol_declares_what_the_margin_is_to_show(study, admin, claim, kinds):
    path = url(study, "protocol/hypothesis/")
    data = fields(admin.get(path).content.decode()) | {"margin_mean": "", "margin_net": "0.2", "claim": claim}
    assert admin.post(path, data).status_code == 302
    study.refresh_from_db()
    margins = protocol_document(study)["margins"]
    assert margins == [{"kind": kind, "on": "net_preference", "margin": 0.2} for kind in kinds]
    assert study.get_claim_display() in html(admin.get(url(study, "protocol/")))


def test_a_draft_declares_the_exact_test_and_may_choose_another(study, admin):
    assert protocol_document(study)["primary_test"] == "cluster_permutation"
    path = url(study, "protocol/hypothesis/")
    data = fields(admin.get(path).content.decode())
    assert data["primary_test"] == "cluster_permutation"
    assert admin.post(path, data | {"primary_test": "as_published"}).status_code == 200
    before = protocol_document(study)["sha256"]
    assert admin.post(path, data | {"primary_test": "datta_satten"}).status_code == 302
    study.refresh_from_db()
    document = protocol_document(study)
    assert (document["primary_test"], document["sha256"] == before) == ("datta_satten", False)
    assert "Datta–Satten" in html(admin.get(url(study, "protocol/")))


def test_the_test_is_part_of_what_is_frozen(study):
    """A study opened now: another test is another hash."""
    opened = factories.open_(study)
    assert list(protocol_document(opened)).index("primary_test") < list(protocol_document(opened)).index("sha256")
    assert protocol_document(opened)["sha256"] == opened.protocol_sha256
    opened.primary_test = "cluster_sign_flip"
    assert protocol_document(opened)["sha256"] != opened.protocol_sha256


def test_what_was_opened_before_keeps_its_test_and_drafts_take_the_exact_one(study):
    opened = factories.open_(factories.make_study())
    migration = import_module("readerstudy.protocol.migrations.0005_primary_test")
    migration.keep_the_test(apps, None)
    study.refresh_from_db()
    opened.refresh_from_db()
    assert (study.primary_test, opened.primary_test) == ("cluster_permutation", "cluster_sign_flip")


def test_every_test_of_a_protocol_is_one_of_the_analysis_and_can_be_planned():
    assert set(PrimaryTest.values) <= set(PRIMARY_TESTS) & set(TESTS) & set(NAMES)
    assert PRIMARY_TESTS[0] == PrimaryTest.CLUSTER_PERMUTATION


def test_the_checklist_names_what_is_missing_and_the_button_stays_closed(study, admin):
    study.memberships.filter(role="reader").delete()
    page = html(admin.get(url(study)))
    assert "0 readers with an account" in page
    assert "1 point is missing" in page
    assert re.search(r"<button[^>]* disabled>Open the study", page)


def test_opening_asks_for_the_title_and_freezes(study, admin):
    path = url(study, "protocol/to/open/")
    assert study.title in html(admin.get(path))
    assert "This is not the title" in html(admin.post(path, {"title": "something"}))
    admin.post(path, {"title": study.title})
    factories.work_off(study)
    study.refresh_from_db()
    assert study.state == State.OPEN
    page = html(admin.get(url(study)))
    assert study.protocol_sha256 in page
    assert study.schedule_sha256 in page
    assert str(study.seed) in page
    assert admin.get(url(study, "protocol/arms/")).status_code == 409
    assert admin.post(url(study, "protocol/arms/"), {}).status_code == 409


def test_the_hash_shown_before_opening_is_the_hash_that_is_frozen(study, admin):
    before = html(admin.get(url(study)))
    factories.open_(study)
    study.refresh_from_db()
    assert study.schedule_sha256 in before


def test_a_study_with_missing_points_is_not_opened(study, admin):
    study.memberships.filter(role="reader").delete()
    page = html(admin.post(url(study, "protocol/to/open/"), {"title": study.title}, follow=True))
    assert "Not ready to open" in page
    assert not study.jobs.filter(function="reading.open").exists()
    study.refresh_from_db()
    assert study.state == State.DRAFT


def test_pause_resume_close_lock(study, admin):
    factories.open_(study)
    for to, typed in (("paused", ""), ("open", ""), ("closed", study.title), ("locked", study.title)):
        admin.post(url(study, f"protocol/to/{to}/"), {"title": typed})
        study.refresh_from_db()
        assert study.state == to


def test_a_step_that_the_state_does_not_allow_is_refused_in_words(study, admin):
    page = html(admin.post(url(study, "protocol/to/locked/"), {"title": study.title}, follow=True))
    assert "that step cannot be taken now" in page
    study.refresh_from_db()
    assert study.state == State.DRAFT


def test_an_analyst_sees_the_protocol_but_no_way_to_change_it(study, analyst):
    page = html(analyst.get(url(study)))
    assert "Open the study" not in page
    assert "protocol/arms/" not in page
    assert analyst.post(url(study, "protocol/to/open/"), {"title": study.title}).status_code == 302
    study.refresh_from_db()
    assert study.state == State.DRAFT


def test_a_new_person_gets_a_link_that_is_shown_once_and_sets_a_password_nobody_else_knows(study, admin):
    data = {"username": "cleo", "role": "reader", "new": "on"}
    page = html(admin.post(url(study, "people/"), data))
    link = re.search(r"http://testserver(/invitation/[^<]+)<", page).group(1)
    assert link not in html(admin.get(url(study, "people/")))
    assert not User.objects.get(username="cleo").has_usable_password()
    person = {"first_name": "Cleo", "last_name": "Ray", "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert Client().post(link, person)["Location"] == "/login/"
    assert Client().post("/login/", {"username": "cleo", "password": PASSWORD}).status_code == 302
    assert Client().post(link, person).status_code == 410
    assert not User.objects.get(username="cleo").is_staff
    assert study.memberships.get(user__username="cleo").code == "R2"


def test_an_unknown_name_is_not_made_by_mistake(study, admin):
    page = html(admin.post(url(study, "people/"), {"username": "nobody", "role": "reader"}))
    assert "There is no account nobody" in page
    assert not User.objects.filter(username="nobody").exists()


def test_readers_are_fixed_once_the_study_is_open(study, admin):
    factories.open_(study)
    page = html(admin.post(url(study, "people/"), {"username": "late", "role": "reader", "new": "on"}))
    assert "readers are fixed by the schedule" in page
    assert not User.objects.filter(username="late").exists()


def test_the_last_admin_cannot_leave(study, admin):
    member = study.memberships.get(role="admin")
    page = html(admin.post(url(study, f"people/{member.pk}/remove/"), follow=True))
    assert "A study needs an admin" in page
