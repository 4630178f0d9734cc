"""Nothing is shown or taken away of a study whose rows were changed behind the site's back."""

import pytest
from django.test import Client
from django.urls import reverse

from readerstudy.audit import heads
from readerstudy.images.models import Feature, Metric
from readerstudy.images.radiomics import active_settings
from readerstudy.material.models import Alignment, VolumeOfInterest
from readerstudy.results import services
from tests import factories
from tests.once import made_once
from tests.tampering import run

pytestmark = pytest.mark.django_db
CHANGES = {
    "a margin": "UPDATE protocol_readerstudy SET margin_net = 0.5 WHERE id = %s",
    "a score": (
        "UPDATE reading_rating SET score = 6 - score WHERE score <> 3 AND presentation_id IN "
        "(SELECT id FROM reading_presentation WHERE study_id = %s)"
    ),
    "a side": (
        "UPDATE reading_presentation SET first_side = CASE first_side WHEN 'left' THEN 'right' ELSE 'left' END "
        "WHERE study_id = %s"
    ),
    "a metric": "UPDATE results_metric SET value = 0.9 WHERE study_id = %s",
    "a feature": "UPDATE results_feature SET value = 9 WHERE study_id = %s",
    "a scan time": "UPDATE material_series SET parameters = '{\"acquisition_seconds\": 1}' WHERE study_id = %s",
    "an alignment": "UPDATE material_alignment SET matrix = '[[2]]' WHERE study_id = %s",
}
QUALITY = {"used": True, "translation_mm": [1.0, 0.0, 0.0], "rotation_degrees": 0.0}
FILES = {
    "results_table": ["ratings"],
    "results_zip": [],
    "results_protocol": [],
    "results_numbers": ["preference"],
    "metrics_csv": [],
    "features_csv": [],
    "scan_times_csv": [],
    "stability_csv": [],
    "stability_json": [],
}


@made_once(committed=True)
def study():
    study = factories.make_study(subjects=2, readers=1)
    series = {one.arm.code: one for one in study.series.filter(case__subject__code="S01").select_related("arm")}
    soc, fast = series["SOC"], series["FAST"]
    Metric.objects.create(
        study=study,
        case=soc.case,
        reference=soc,
        test=fast,
        metric="ssim",
        region="whole",
        value=0.5,
        range_rule="x",
        settings_hash="0" * 64,
    )
    Alignment.objects.create(
        study=study, fixed=soc, moving=fast, matrix=[[1]], quality=QUALITY, conventions={}, picture=""
    )
    volume = VolumeOfInterest.objects.create(
        study=study, case=soc.case, drawn_on=soc, name="VOI1", sha256="0" * 64, voxels=3, millilitres=1.0
    )
    chosen = active_settings(study)
    for one in (soc, fast):
        Feature.objects.create(
            study=study,
            voi=volume,
            series=one,
            settings=chosen,
            image_type="original",
            feature_class="glcm",
            feature="x",
            value=1.5,
        )
    study = factories.open_(study)
    factories.read_all(study.memberships.get(role="reader"), [4, 3, 3, 2])
    study.jobs.all().delete()
    return factories.move(study=study, to="closed", actor=None)


@pytest.fixture
def client(study):
    client = Client()
    client.force_login(study.memberships.get(role="admin").user)
    return client


def refused(study, client, address: str) -> bool:
    """Whether the page says that the record does not hold, an alarm tells of it and no line was added."""
    before = study.events.count()
    answer = client.get(address)
    if answer.status_code != 409:
        return False
    assert "The record of this study does not hold" in answer.content.decode()
    assert heads.alarms(study.slug)
    assert study.events.count() == before
    return True


def address(study, name: str) -> str:
    return reverse(name, args=[study.slug, *FILES.get(name, [])])


@pytest.mark.both_databases
@pytest.mark.parametrize("change", CHANGES)
def test_no_file_leaves_a_study_whose_rows_were_changed(study, client, change):
    run(CHANGES[change], study.pk)
    left = [name for name in FILES if not refused(study, client, address(study, name))]
    assert left == []


@pytest.mark.both_databases
def test_files_leave_a_study_that_holds(study, client):
    there = [name for name in FILES if not name.startswith(("stability", "results_numbers"))]
    assert [client.get(address(study, name)).status_code for name in there] == [200] * len(there)
    assert heads.alarms(study.slug) == []


@pytest.mark.parametrize("change", ["a margin", "a score", "a side", "a metric"])
def test_results_that_were_looked_at_before_are_not_shown_once_their_rows_were_changed(study, client, change):
    page = reverse("results", args=[study.slug])
    assert client.get(page).status_code == 200
    run(CHANGES[change], study.pk)
    assert refused(study, client, page)
    assert refused(study, client, reverse("results_section", args=[study.slug, "readers"]))


@pytest.mark.parametrize(
    ("page", "change"),
    [
        ("image_metrics", "a metric"),
        ("image_metrics", "an alignment"),
        ("scan_times", "a scan time"),
        ("stability", "a feature"),
        ("radiomics", "a feature"),
    ],
)
def test_pages_of_images_are_not_shown_once_their_rows_were_changed(study, client, page, change):
    assert client.get(address(study, page)).status_code == 200
    run(CHANGES[change], study.pk)
    assert refused(study, client, address(study, page))


def test_what_was_made_before_is_shown_without_being_checked_again(study, client, monkeypatch):
    page = reverse("results", args=[study.slug])
    client.get(page)
    monkeypatch.setattr(services, "ensure_whole", lambda study: pytest.fail("checked again"))
    assert client.get(page).status_code == 200


@pytest.mark.both_databases
def test_while_readers_write_a_page_of_images_does_not_look_at_answers():
    study = factories.open_(factories.make_study(subjects=1, readers=1))
    run(
        "UPDATE reading_answerhead SET number = 7 WHERE presentation_id IN "
        "(SELECT id FROM reading_presentation WHERE study_id = %s)",
        study.pk,
    )
    client = Client()
    client.force_login(study.memberships.get(role="admin").user)
    assert client.get(address(study, "metrics_csv")).status_code == 200
