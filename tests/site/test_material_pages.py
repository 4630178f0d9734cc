"""The material: map, series to confirm, upload, case."""

import csv
import io
import re
import time

import numpy as np
import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import Count
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image
from pytest_django.asserts import assertHTMLEqual

from processing.nifti import write_nifti
from processing.volume import Volume
from readerstudy.archive.quarantine import packs, unseal_piece
from readerstudy.archive.store import put_bytes
from readerstudy.intake import widgets
from readerstudy.intake.models import Candidate, Refusal, Upload
from readerstudy.intake.services import LISTED, keep_refusals
from readerstudy.intake.views_material import REASONS, SHOWN
from readerstudy.jobs.models import Job
from readerstudy.material.models import Case, Series, Subject
from readerstudy.protocol.services import create_study, move
from tests import factories
from tests.pages import html

pytestmark = pytest.mark.django_db


def url(study, path: str = "") -> str:
    return f"/studies/{study.slug}/material/{path}"


def cells(page: str) -> list[str]:
    return re.findall(r'<a id="m\d+-\d+" class="cell (\w+)', page)


def candidate(study, subject: str = "S09", arm: str | None = "SOC", seed: str = "", **changes) -> Candidate:
    """A series that waits, as sorting leaves it."""
    upload, _ = Upload.objects.get_or_create(study=study, state="sorted", salt="")
    facts = factories.series_facts(seed or f"candidate {subject} {arm}") | {"rows": 64, "columns": 64}
    return Candidate.objects.create(
        **{
            "study": study,
            "upload": upload,
            "instances": [[put_bytes(facts["sha256"].encode()), 64]],
            "subject_key": subject,
            "subject_code": subject,
            "region": "lumbar",
            "plane": "sagittal",
            "weighting": "T2",
            "arm": study.arms.filter(code=arm).first(),
            "certain": arm is not None,
            **facts,
            **changes,
        }
    )


def row(one: Candidate, *, arm=None, **changes) -> dict[str, str]:
    """What the browser sends of one row of the confirm table."""
    values = {
        "tick": "on",
        "subject_code": one.subject_code,
        "region": one.region,
        "plane": one.plane,
        "weighting": one.weighting,
        "arm": str((arm or one.arm).pk if arm or one.arm else ""),
        **changes,
    }
    return {f"c{one.pk}-{name}": value for name, value in values.items() if value}


@pytest.fixture
def draft(sign_in, db):
    """An empty draft and its admin's client."""
    user = factories.make_user(staff=True)
    study = create_study(title="Empty", user=user, model_name="m")
    return study, sign_in(user)


def test_the_map_has_one_cell_per_case_and_arm_with_its_state(study, admin):
    case = Case.objects.get(subject__code="S02")
    case.pairs.all().delete()
    case.series.filter(arm__code__in=["SOC-DL", "FAST-DL"]).delete()
    arms = {arm.code: arm for arm in study.arms.all()}
    for code, state in (("SOC-DL", "failed"), ("FAST-DL", "waiting")):
        Job.objects.filter(parameters__case=case.pk, parameters__arm=arms[code].pk).delete()
        Job.objects.create(
            key=code,
            study=study,
            function="material.enhance",
            label=code,
            state=state,
            error="Disk full.",
            parameters={"case": case.pk, "arm": arms[code].pk},
        )
    page = html(admin.get(url(study)))
    assert sorted(cells(page)) == ["failed", *["there"] * 6, "waiting"]
    assert "6 of 8 series are there" in page
    assert "S02 sagittal T2, SOC-DL: failed: Disk full." in page


def test_a_large_study_is_one_map_and_answers_quickly(draft):
    study, client = draft
    arms = list(study.arms.all())
    from readerstudy.material.models import Series, Subject

    site, rows = study.sites.get(), []
    for number in range(111):
        subject, _ = Subject.objects.get_or_create(study=study, site=site, code=f"S{number // 2:02d}")
        case = Case.objects.create(
            study=study, subject=subject, code=f"c{number}", region="lumbar", plane="sagittal", weighting=f"T{number}"
        )
        rows += [Series(study=study, case=case, arm=arm, **factories.series_facts(f"{number} {arm}")) for arm in arms]
    Series.objects.bulk_create(rows)
    started = time.perf_counter()
    page = html(client.get(url(study)))
    assert time.perf_counter() - started < 3
    assert len(cells(page)) == 444
    assert "55 subjects" in page or "56 subjects" in page
    assert html(client.get(url(study, "?view=table"))).count("<tr>") > 111


def test_the_page_asks_again_and_gets_only_what_changed(study, admin):
    page = html(admin.get(url(study)))
    seen = re.search(r'data-seen="([^"]+)"', page).group(1)
    ask = {"HTTP_HX_REQUEST": "true"}
    assert admin.get(url(study, f"?seen={seen}&shown=0"), **ask).status_code == 204
    study.pairs.all().delete()
    study.series.filter(arm__code="SOC-DL").first().delete()
    answer = admin.get(url(study, f"?seen={seen}&shown=0"), **ask)
    assert answer.status_code == 200
    assert b'id="live"' in answer.content
    assert b"<html" not in answer.content


def test_the_first_series_to_confirm_bring_a_fresh_page(draft):
    study, client = draft
    candidate(study)
    answer = client.get(url(study, "?seen=x&shown=0"), HTTP_HX_REQUEST="true")
    assert answer["HX-Redirect"] == url(study)


@pytest.mark.slow
def test_a_full_page_of_series_is_confirmed_at_once(draft):
    study, client = draft
    shown = [candidate(study, f"S{number:03d}") for number in range(SHOWN)]
    rows = {name: value for one in shown for name, value in row(one, replace="on").items()}
    assert len(rows) == 7 * SHOWN
    assert client.post(url(study, "confirm/"), rows).status_code == 302
    assert study.series.filter(active=True).count() == SHOWN


def test_more_series_to_confirm_do_not_disturb_who_is_choosing(draft):
    study, client = draft
    candidate(study)
    candidate(study, "S10")
    answer = client.get(url(study, "?seen=x&shown=1"), HTTP_HX_REQUEST="true")
    assert "HX-Redirect" not in answer
    assert b"1 more series to confirm" in answer.content


def test_certain_series_come_ticked_and_doubtful_ones_do_not(draft):
    study, client = draft
    sure, unsure = candidate(study), candidate(study, "S10", None)
    page = html(client.get(url(study)))
    assert re.search(rf'name="c{sure.pk}-tick"[^>]*checked', page)
    assert not re.search(rf'name="c{unsure.pk}-tick"[^>]*checked', page)


def test_ticked_series_are_placed_as_chosen(draft):
    study, client = draft
    one, other = candidate(study), candidate(study, "S10", None)
    fast = study.arms.get(code="FAST")
    data = row(one) | row(other, arm=fast, subject_code="S09")
    page = html(client.post(url(study, "confirm/"), data, follow=True))
    assert "2 series placed." in page
    case = study.cases.get()
    assert {series.arm.code for series in case.series.all()} == {"SOC", "FAST"}


def test_what_cannot_be_placed_stays_with_its_reason_and_what_was_chosen(draft):
    study, client = draft
    good, bad = candidate(study), candidate(study, "S10", None, weighting="PD")
    answer = client.post(url(study, "confirm/"), row(good) | row(bad, subject_code="S77"))
    page = html(answer)
    assert answer.status_code == 422
    assert "1 series placed." in page
    assert "Choose an arm." in page
    assert 'value="S77"' in page
    bad.refresh_from_db()
    assert bad.state == "proposed"


def test_a_series_that_does_not_lie_where_the_others_do_is_refused_beside_its_row(draft):
    study, client = draft
    client.post(url(study, "confirm/"), row(candidate(study)))
    far = candidate(study, arm="FAST", affine=np.diag([1.0, 1.0, 9.0, 1.0]).tolist())
    page = html(client.post(url(study, "confirm/"), row(far)))
    assert "Does not fit the SOC series of this case" in page


def test_a_taken_place_can_be_replaced_on_purpose(draft):
    study, client = draft
    client.post(url(study, "confirm/"), row(candidate(study)))
    again = candidate(study, seed="again")
    page = html(client.post(url(study, "confirm/"), row(again)))
    assert "has a series in SOC already" in page
    assert f'name="c{again.pk}-replace"' in page
    assert client.post(url(study, "confirm/"), row(again, replace="on")).status_code == 302
    assert list(study.series.order_by("version").values_list("version", "active")) == [(1, False), (2, True)]


def test_a_series_is_put_aside_and_taken_up_again(draft):
    study, client = draft
    one = candidate(study)
    client.post(url(study, "confirm/"), row(one) | {"aside": "1"})
    page = html(client.get(url(study)))
    assert "Put aside: S09 sagittal T2" in page
    client.post(url(study, "confirm/"), {"take_up": one.pk})
    one.refresh_from_db()
    assert one.state == "proposed"
    assert not study.series.exists()


def test_files_that_are_not_used_are_listed_by_reason_without_their_names(draft):
    study, client = draft
    upload = Upload.objects.create(study=study, state="sorted", salt="")
    for number in range(3):
        Refusal.objects.create(upload=upload, sha256=f"{number}" * 64, reason="The file ends too early.")
    page = html(client.get(url(study)))
    assert page.count("The file ends too early.") == 1
    assert "3 files" in page


def test_an_upload_rests_sealed_with_its_folders_and_a_job_sorts_it(draft):
    study, client = draft
    file = SimpleUploadedFile("anna%2Fscan%2F1.dcm", b"DICM" * 100)
    assert client.post(url(study, "upload/"), {"files": [file]})["Location"] == url(study)
    upload = Upload.objects.get()
    assert (upload.files, upload.bytes) == (1, 400)
    (sealed,) = packs(upload.pk)
    assert b"DICM" not in sealed.read_bytes()
    assert unseal_piece(sealed, upload.salt, sealed.with_suffix(".plain"))[0] == "anna/scan/1.dcm"
    assert Job.objects.get(function="intake.sort").parameters == {"upload": upload.pk}
    page = html(client.get(url(study)))
    assert "Upload waits for a worker" in page
    assert "anna" not in page


def test_sending_nothing_gets_one_sentence(draft):
    study, client = draft
    assert "No file arrived" in html(client.post(url(study, "upload/"), {}))


def test_series_of_scheduled_cases_are_frozen_and_new_ones_are_placed(study, admin):
    factories.open_(study)
    assert "The series of scheduled cases are frozen" in html(admin.get(url(study)))
    taken = candidate(study, "S01", "SOC", seed="other pixels", rows=8, columns=6)
    new = candidate(study, "S09", "SOC")
    page = html(admin.post(url(study, "confirm/"), row(taken, replace="on") | row(new)))
    assert "is scheduled: its series are frozen" in page
    assert study.series.filter(case__subject__code="S09").exists()
    assert study.series.filter(case__subject__code="S01", arm__code="SOC").count() == 1


def test_nothing_is_added_once_the_study_is_closed(study, admin):
    move(study=factories.open_(study), to="closed", actor=None)
    page = html(admin.get(url(study)))
    assert "The study takes no more series" in page
    assert "upload/" not in page
    file = SimpleUploadedFile("1.dcm", b"x")
    assert admin.post(url(study, "upload/"), {"files": [file]}).status_code == 409
    assert not Upload.objects.exists()


def test_a_case_shows_its_arms_and_can_become_a_training_case(study, admin):
    case = Case.objects.first()
    page = html(admin.get(url(study, f"cases/{case.pk}/")))
    for arm in study.arms.all():
        assert f">{arm.code}</h2>" in page
    admin.post(url(study, f"cases/{case.pk}/training/"), {"on": "1"})
    case.refresh_from_db()
    assert case.training
    assert "Use for reading" in html(admin.get(url(study, f"cases/{case.pk}/")))


def test_the_picture_of_a_series_is_a_png_with_square_pixels(study, admin, tmp_path):
    array = np.linspace(0, 100, 3 * 40 * 20, dtype=np.float32).reshape(3, 40, 20)
    path = tmp_path / "volume.nii.gz"
    write_nifti(Volume(array, np.diag([2.0, 1.0, 4.0, 1.0])), path)
    series = study.series.first()
    series.format = "nifti"
    series.save()
    series.instances.all().delete()
    series.instances.create(position=0, sha256=put_bytes(path.read_bytes()), size=1)
    answer = admin.get(url(study, f"series/{series.pk}/picture.png"))
    assert answer["Content-Type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).size == (480, 480)


def test_a_picture_of_another_study_is_not_shown(study, admin, draft):
    other, client = draft
    series = study.series.first()
    assert client.get(url(other, f"series/{series.pk}/picture.png")).status_code == 404
    assert client.get(url(study, f"series/{series.pk}/picture.png")).status_code == 404


def csv_of(client, study) -> list[dict]:
    answer = client.get(url(study, "to-confirm.csv"))
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


def send_csv(client, study, text: str):
    file = SimpleUploadedFile("table.csv", text.encode())
    return html(client.post(url(study, "to-confirm/"), {"table": file}, follow=True))


def test_proposals_go_out_as_csv_and_come_back_changed(draft, settings):
    study, client = draft
    one, other = candidate(study), candidate(study, "S10", None)
    assert [row["series"] for row in csv_of(client, study)] == [str(one.pk), str(other.pk)]
    page = send_csv(client, study, f"series;subject;arm\n{other.pk};P-7;FAST\n{one.pk};;\n")
    assert "2 series as the CSV says" in page
    other.refresh_from_db()
    one.refresh_from_db()
    assert (other.subject_code, other.arm.code, other.certain) == ("P-7", "FAST", True)
    assert one.subject_code == "S09"
    assert list(settings.QUARANTINE_DIR.glob("request-*")) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("subject,arm\nS1,SOC\n", "must name the column series"),
        ("series,arm\n{pk},SLOW\n", "Line 2: there is no arm of this name"),
        ("series,arm\n{pk},SOC\n999999,SOC\n", "Line 3: no series of this number"),
        ("series,subject\n{pk}," + "x" * 21 + "\n", "Line 2: a subject has 20 letters at most"),
        ("", "must name the column series"),
    ],
)
def test_a_csv_that_cannot_be_taken_changes_nothing_and_names_the_line(draft, text, why):
    study, client = draft
    one = candidate(study, arm=None)
    assert why in send_csv(client, study, text.format(pk=one.pk))
    one.refresh_from_db()
    assert one.arm is None


def test_what_is_not_used_can_be_taken_along(draft):
    study, client = draft
    upload = Upload.objects.create(study=study, state="sorted", salt="")
    Refusal.objects.create(upload=upload, sha256="a" * 64, reason="The file ends too early.")
    lines = b"".join(client.get(url(study, "not-used.csv")).streaming_content).decode().splitlines()
    assert lines[1] == f"{upload.pk},{'a' * 64},The file ends too early.,1"


def grow(study, *numbers: int) -> None:
    """Cases with all their series, series that wait, that are put aside or known, and refused files."""
    site, (upload, _) = study.sites.get(), Upload.objects.get_or_create(study=study, state="sorted", salt="")
    arms = list(study.arms.all())
    for number in numbers:
        subject = Subject.objects.create(study=study, site=site, code=f"S{number:03d}")
        case = Case.objects.create(
            study=study, subject=subject, code=f"c{number}", region="lumbar", plane="sagittal", weighting="T2"
        )
        for arm in arms:
            Series.objects.create(study=study, case=case, arm=arm, **factories.series_facts(f"{number} {arm}"))
        for state in Candidate.State:
            candidate(study, f"W{number:03d}", seed=f"{number} {state}", upload=upload, state=state)
        Refusal.objects.create(upload=upload, sha256=f"{number:064x}", reason=f"Reason {number}.", count=5)


@pytest.mark.parametrize("path", ["", "?view=table", "?seen=x&shown=3"])
def test_a_large_study_takes_as_many_queries_as_a_small_one(draft, path, django_assert_num_queries):
    study, client = draft
    more = {"HTTP_HX_REQUEST": "true"} if "seen" in path else {}
    grow(study, 1, 2)
    with CaptureQueriesContext(connection) as small:
        client.get(url(study, path), **more)
    grow(study, *range(3, 12))
    with django_assert_num_queries(len(small)):
        client.get(url(study, path), **more)


def test_what_people_wrote_stays_text_on_the_map(draft):
    study, client = draft
    grow(study, 1)
    Subject.objects.filter(study=study).update(code='"><b>x')
    page = html(client.get(url(study)))
    assert "&quot;&gt;&lt;b&gt;x sagittal T2" in page
    assert "<b>x" not in page


MANY = ("intake_refusal", "intake_candidate", "material_series", "material_instance")


def joins(queries: CaptureQueriesContext) -> list[str]:
    """Queries that join a table of many rows."""
    return [one["sql"] for one in queries if any(f'JOIN "{table}"' in one["sql"] for table in MANY)]


def test_no_query_of_the_page_joins_a_table_of_many_rows(draft):
    study, client = draft
    grow(study, 1, 2)
    with CaptureQueriesContext(connection) as queries:
        client.get(url(study))
    assert joins(queries) == []
    with CaptureQueriesContext(connection) as queries:
        list(study.uploads.annotate(refused=Count("refusals"), series=Count("candidates")))
    assert joins(queries) != []


def test_refused_files_of_one_reason_are_one_line_with_their_number(draft):
    study, client = draft
    upload = Upload.objects.create(study=study, state="sorted", salt="", files=3000)
    refused = [(f"{number:064x}", "This is not a DICOM file.", 1) for number in range(LISTED + 500)]
    assert keep_refusals(upload, [*refused, ("", "The series holds 40 volumes.", 40)]) == LISTED + 540
    assert Refusal.objects.count() == LISTED + 2
    page = html(client.get(url(study)))
    assert f"{LISTED + 500:,} files" in page
    assert page.count("This is not a DICOM file.") == 1
    lines = b"".join(client.get(url(study, "not-used.csv")).streaming_content).decode().splitlines()
    assert lines[LISTED + 1] == f"{upload.pk},,This is not a DICOM file.,500"
    assert lines[LISTED + 2] == f"{upload.pk},,The series holds 40 volumes.,40"


def test_of_many_reasons_the_first_are_shown_and_the_others_counted(draft):
    study, client = draft
    upload = Upload.objects.create(study=study, state="sorted", salt="")
    for number in range(REASONS + 3):
        Refusal.objects.create(upload=upload, sha256=f"{number:064x}", reason=f"Reason {number}.")
    page = html(client.get(url(study)))
    assert len(re.findall(r"Reason \d+\.", page)) == REASONS
    assert "3 further reasons are in the CSV" in page


@pytest.mark.parametrize(("quick", "django"), [(widgets.Input, forms.TextInput), (widgets.Tick, forms.CheckboxInput)])
@pytest.mark.parametrize("value", ["", None, True, 'S"1 <b>'])
def test_quick_widgets_write_what_those_of_django_write(quick, django, value):
    attrs = {"class": "input", "id": "id_x", "disabled": True, "required": False}
    assertHTMLEqual(quick().render("x", value, attrs), django().render("x", value, attrs))


@pytest.mark.parametrize("value", ["", None, "1", 'a"b'])
def test_a_quick_select_writes_what_that_of_django_writes(value):
    choices = [("", "choose"), ("1", "SOC <1>"), ('a"b', "a & b")]
    attrs = {"class": "select", "id": "id_x"}
    expected = forms.Select(choices=choices).render("x", value, attrs)
    assertHTMLEqual(widgets.Select(choices=choices).render("x", value, attrs), expected)


def test_feedback_belongs_to_training_cases_of_a_draft(study, admin):
    case = study.cases.first()
    page = url(study, f"cases/{case.pk}/")
    assert "After a practice pair" not in html(admin.get(page))
    Case.objects.filter(pk=case.pk).update(training=True)
    factories.log_as_is(study)
    kept = html(admin.post(page + "feedback/", {"feedback": " The cord <b>moves</b>. "}, follow=True))
    assert "The cord &lt;b&gt;moves&lt;/b&gt;." in kept
    study.state = "open"
    study.opened_at, study.schedule_sha256 = timezone.now(), "0" * 64
    study.save()
    assert admin.post(page + "feedback/", {"feedback": "later"}).status_code == 409
    case.refresh_from_db()
    assert case.feedback == "The cord <b>moves</b>."


@pytest.mark.parametrize("columns", [1, -1])
def test_a_picture_shows_the_left_side_on_the_right_however_the_file_is_stored(study, admin, columns):
    """One bright spot, left and anterior of the patient; axial, in two orders of storage."""
    across = np.arange(32) * 2.0 - 31
    x, y = np.meshgrid(across * columns, across)
    image = 100.0 * (np.hypot(x, y) < 28) + 800.0 * (np.hypot(x - 16, y + 14) < 5)
    affine = np.diag([2.0 * columns, 2.0, 5.0, 1.0])
    affine[:2, 3] = -31.0 * columns, -31.0
    volume = Volume(np.stack([image] * 4), affine)
    series = factories.place_pixels(study, "SOC", volume, subject="S09")
    type(series.case).objects.filter(pk=series.case_id).update(plane="axial")
    png = Image.open(io.BytesIO(admin.get(url(study, f"series/{series.pk}/picture.png")).content))
    grey = np.asarray(png, float)
    row, column = (np.argwhere(grey > 0.8 * grey.max()).mean(axis=0) / grey.shape).tolist()
    assert row < 0.4
    assert column > 0.6
