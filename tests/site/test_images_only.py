"""Studies of images alone: made of a template, frozen by opening, without anything that asks readers."""

import csv
import io
import json
import re
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone

from analysis.__main__ import main as analysis_main
from processing.enhancement.networks.store import SHIPPED
from processing.errors import InputError
from processing.masks import Mask, write_mask
from processing.radiomics.presets import preset_text
from processing.radiomics.settings import read_settings
from readerstudy.accounts.permissions import OF_READERS
from readerstudy.accounts.services import add_member
from readerstudy.archive.store import put_file
from readerstudy.audit.actions import Action
from readerstudy.audit.services import record
from readerstudy.audit.verify import problems
from readerstudy.images.feature_settings import change_settings
from readerstudy.images.measure_jobs import present_measures
from readerstudy.images.radiomics import active_settings
from readerstudy.images.stability_criteria import change_criteria, criteria_of, frozen_criteria
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import ask_for_missing
from readerstudy.jobs.tasks import run_job
from readerstudy.material.models import Series, VolumeOfInterest
from readerstudy.material.selectors import in_use
from readerstudy.material.services import set_aside
from readerstudy.material.site_lists import names_of
from readerstudy.material.volumes import load
from readerstudy.material.volumes_of_interest import call_back, load_mask, remove
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.recipes import KINDS
from readerstudy.protocol.selectors import protocol_document
from readerstudy.protocol.services import ensure_takes_material, move
from readerstudy.protocol.signals import freezing
from readerstudy.protocol.study_templates import MOUMMAD, TEMPLATES, PlannedArm
from readerstudy.reading.frozen_images import frozen_problems, frozen_volumes
from readerstudy.reading.opening import request_opening
from readerstudy.reading.opening_checklist import not_ready
from readerstudy.states import State
from tests import factories, pixels
from tests.accounts.test_permissions import ADDRESSES, address
from tests.once import made_once
from tests.pages import html

pytestmark = pytest.mark.django_db


def make(template: str = "moummad") -> ReaderStudy:
    """A draft of a template, made on the page."""
    client = Client()
    client.force_login(factories.make_user(staff=True))
    client.post("/new/", {"title": "Lesions", "template": template})
    return ReaderStudy.objects.get()


def admin_of(study: ReaderStudy):
    return study.memberships.get().user


def client_of(study: ReaderStudy) -> Client:
    client = Client()
    client.force_login(admin_of(study))
    return client


def lesion_on(series: Series, name: str = "lesion 1") -> None:
    """A box in the middle of a series."""
    inside = np.zeros((series.slices, series.rows, series.columns), bool)
    inside[1:-1, 10:20, 10:20] = True
    mask = Mask("", 1, inside, np.array(series.affine, float))
    with tempfile.TemporaryDirectory() as folder:
        sha256, _ = put_file(write_mask(mask, Path(folder) / "mask.nii.gz"))
    VolumeOfInterest.objects.create(
        study=series.study,
        case=series.case,
        drawn_on=series,
        name=name,
        sha256=sha256,
        voxels=mask.voxels,
        millilitres=mask.millilitres,
    )
    factories.log_as_is(series.study)


def work_off(study: ReaderStudy) -> None:
    """Do every job, and those that follow from them."""
    ask_for_missing(study)
    while job := Job.objects.filter(study=study, state="waiting").order_by("pk").first():
        run_job(job.pk)
        ask_for_missing(study)


@made_once()
def draft() -> ReaderStudy:
    """Moummad's, without its restored arm: SOC of one subject with a lesion, and every arm made of it."""
    study = make()
    study.arms.filter(code="RESTORED").delete()
    factories.log_as_is(study)
    factories.place_pixels(study, "SOC", pixels.volume(20, 1))
    lesion_on(study.series.get())
    work_off(study)
    return study


@pytest.fixture
def frozen(draft) -> ReaderStudy:
    job = request_opening(study=draft, actor=admin_of(draft))
    run_job(job.pk)
    job.refresh_from_db()
    assert job.error == ""
    return ReaderStudy.objects.get()


@pytest.mark.parametrize(("name", "preset"), [("zhong", "zhong93"), ("moummad", "moummad104")])
def test_a_template_of_images_alone_has_its_arms_and_settings_and_asks_no_reader(name, preset):
    study = make(name)
    assert (study.slug, study.images_only, study.comparisons.count(), study.criteria.count()) == ("lesions", True, 0, 0)
    assert list(study.arms.values_list("code", flat=True)) == TEMPLATES[name].codes
    assert active_settings(study).sha256 == read_settings(preset_text(preset)).sha256
    assert criteria_of(study)["ccc"] == {"zhong": 0.90, "moummad": 0.85}[name]
    assert len(names_of(study)) == {"zhong": 10, "moummad": 0}[name]
    assert protocol_document(study)["images_only"] is True


RESTORED = [
    (arm, next(one for one in template.arms if one.code == arm.made_from))
    for template in TEMPLATES.values()
    for arm in template.arms
    if arm.model == "restore"
]


@pytest.mark.parametrize(("arm", "source"), RESTORED, ids=[arm.code for arm, _ in RESTORED])
def test_what_is_restored_was_made_as_the_network_can_undo(arm: PlannedArm, source: PlannedArm):
    """Half a matrix that is cut from k-space; one that was interpolated it leaves as it is."""
    assert source.step is not None
    assert source.step.kind is KINDS["half_matrix_kspace"]
    measured = SHIPPED / arm.model / "metrics.json"
    if measured.is_file():
        rows = json.loads(measured.read_text())["validation_psnr_db"]
        own = [row for name, row in rows.items() if name.endswith(source.step.kind.title)]
        assert own
        assert all(row["output"] > row["input"] + 0.5 for row in own)


def test_a_missing_network_is_named_before_opening(monkeypatch):
    study = make()
    monkeypatch.setattr("readerstudy.protocol.selectors.model_names", lambda: ["denoise"])
    said = "RESTORED needs the model restore, which is not on this site"
    assert said in [point.text for point in not_ready(study)]
    assert said in html(client_of(study).get(f"/studies/{study.slug}/protocol/"))


def test_it_waits_for_a_volume_of_interest_in_every_case(draft):
    assert not_ready(draft) == []
    remove(volume=VolumeOfInterest.objects.get(), actor=admin_of(draft))
    assert [point.text for point in not_ready(draft)] == ["0 of 1 cases have a volume of interest"]


def test_every_volume_is_measured_in_every_arm(draft):
    series = {one.arm.code: one for one in draft.series.filter(active=True).select_related("arm")}
    inside, soc, noisy = load_mask(VolumeOfInterest.objects.get()).array, load(series["SOC"]), load(series["HALF-NEX"])
    found = {
        (row.series.arm.code, row.measure): row.value for row in draft.volume_measures.select_related("series__arm")
    }
    assert len(found) == 3 + 3 * 7
    added = (noisy.array - soc.array)[inside].std() / np.percentile(soc.array, 99.9)
    assert added == pytest.approx(0.02, rel=0.15)  # what brings whole brains to the PSNR that Moummad et al. print
    assert found["SOC", "mean"] == pytest.approx(soc.array[inside].mean())
    assert found["HALF-NEX", "l1"] == pytest.approx(np.abs(noisy.array - soc.array)[inside].mean(), rel=1e-4)
    client, place = client_of(draft), f"/studies/{draft.slug}/images/radiomics/"
    page = html(client.get(f"{place}volumes/"))
    assert {"Coefficient of variation", "PSNR"} <= set(re.findall("<h2>([^<]*)</h2>", page))
    rows = list(csv.DictReader(io.StringIO(client.get(f"{place}voi.csv").getvalue().decode())))
    assert {(row["arm"], row["reference"]) for row in rows if row["measure"] == "ssim"} == {
        (arm, "SOC") for arm in ("HALF-MATRIX", "HALF-NEX", "DENOISED")
    }
    assert "Every feature" in html(client.get(f"{place}stability/"))
    remove(volume=VolumeOfInterest.objects.get(), actor=admin_of(draft))
    assert "Nothing measured yet" in html(client.get(f"{place}volumes/"))


def test_volumes_that_come_back_are_measured_again(draft):
    lesion_on(draft.series.get(arm__code="SOC"), "lesion 2")
    work_off(draft)

    def measured() -> list[int]:
        return [present_measures(draft).filter(voi__name=f"lesion {number}").count() for number in (1, 2)]

    both = measured()
    assert both[0] == both[1] > 0
    first = VolumeOfInterest.objects.get(name="lesion 1")
    remove(volume=first, actor=admin_of(draft))
    work_off(draft)
    assert measured() == [0, both[1]]
    call_back(volume=first, actor=admin_of(draft))
    work_off(draft)
    assert measured() == both
    assert ask_for_missing(draft) == 0


def test_opening_freezes_series_volumes_and_settings(frozen):
    assert (frozen.state, frozen.schedule_sha256, frozen.presentations.count()) == ("open", "", 0)
    said = frozen.events.get(action="study opened").data
    assert len(said["series"]) == len(MOUMMAD.arms) - 1
    assert said["volumes"] == [VolumeOfInterest.objects.get().sha256]
    assert said["settings"] == active_settings(frozen).sha256
    assert list(problems(frozen)) == []
    for refused in (
        lambda: ensure_takes_material(frozen),
        lambda: remove(volume=VolumeOfInterest.objects.get(), actor=None),
        lambda: change_settings(study=frozen, source=preset_text("zhong93"), actor=admin_of(frozen)),
        lambda: change_criteria(study=frozen, given={}, actor=admin_of(frozen)),
    ):
        with pytest.raises(InputError, match="frozen"):
            refused()


def test_what_is_not_as_it_was_frozen_is_found(frozen):
    series = Series.objects.filter(active=True).last()
    Series.objects.filter(pk=series.pk).update(sha256="f" * 64)
    factories.log_as_is(frozen)
    assert "The series are not those that the study was opened with." in list(problems(frozen))
    frozen.feature_settings.update(sha256="e" * 64)
    VolumeOfInterest.objects.update(sha256="d" * 64)
    factories.log_as_is(frozen)
    found = list(problems(frozen))
    assert "The volumes of interest are not those that the study was opened with." in found
    assert "The radiomic settings are not those that the study was opened with." in found


def test_thresholds_changed_since_opening_are_found(frozen):
    record(study=frozen, action=Action.STABILITY_CRITERIA_CHANGED, criteria=dict.fromkeys(criteria_of(frozen), 0.5))
    said = "The thresholds of stability are not those that the study was opened with."
    assert said in list(problems(frozen))


def test_an_opening_that_did_not_keep_the_thresholds_still_holds(draft):
    freezing.disconnect(frozen_criteria)
    try:
        run_job(request_opening(study=draft, actor=admin_of(draft)).pk)
    finally:
        freezing.connect(frozen_criteria)
    opened = ReaderStudy.objects.get()
    assert "thresholds" not in opened.events.get(action="study opened").data
    record(study=opened, action=Action.STABILITY_CRITERIA_CHANGED, criteria=dict.fromkeys(criteria_of(opened), 0.5))
    assert list(problems(opened)) == []


def test_a_case_set_aside_is_not_frozen_and_one_withdrawn_hides_no_other(draft):
    for number in (2, 3):
        lesion_on(factories.place_pixels(draft, "SOC", pixels.volume(20, number), subject=f"S0{number}"))
    set_aside(case=draft.cases.get(subject__code="S03"), reason="moved", actor=admin_of(draft))
    series = draft.series.filter(in_use("case__"), active=True).values_list("sha256", flat=True)
    record(study=draft, action=Action.STUDY_OPENED, series=list(series), volumes=frozen_volumes(draft))
    assert list(frozen_problems(draft)) == []
    draft.subjects.filter(code="S02").update(withdrawn_at=timezone.now())
    draft.volumes_of_interest.filter(case__subject__code="S02").update(removed_at=timezone.now())
    assert list(frozen_problems(draft)) == []
    draft.series.filter(case__subject__code="S01", arm__code="SOC").update(active=False)
    assert list(frozen_problems(draft)) == ["The series are not those that the study was opened with."]


def test_it_has_no_readers_and_no_pause(frozen):
    with pytest.raises(InputError, match="no readers"):
        add_member(study=frozen, user=factories.make_user(), role="reader", actor=None)
    with pytest.raises(InputError, match="no reading to pause"):
        move(study=frozen, to=State.PAUSED, actor=None)


def test_every_page_answers_and_those_that_ask_readers_say_that_nobody_reads(draft):
    client = client_of(draft)
    for name, action, others, converters in ADDRESSES:
        status = (answer := client.get(address(draft, name, others, converters))).status_code
        if action in OF_READERS and name != "results":
            assert status in (404, 405, 409), name
            a_page = answer.headers.get("Content-Type", "").startswith("text/html")
            assert status != 409 or not a_page or "nobody reads in it" in html(answer), name
        else:
            assert status < 500, name


def test_it_is_closed_and_locked_and_its_tables_leave(frozen):
    client = client_of(frozen)
    for page in ("", "protocol/", "material/", "images/", "images/radiomics/", "images/radiomics/stability/"):
        text = html(client.get(f"/studies/{frozen.slug}/{page}"))
        assert "Criteria<" not in text, page
        assert "Briefing" not in text, page
    move(study=frozen, to=State.CLOSED, actor=admin_of(frozen))
    sent = b"".join(client.get(f"/studies/{frozen.slug}/results/all.zip").streaming_content)
    names = {name.rpartition("/")[2] for name in zipfile.ZipFile(io.BytesIO(sent)).namelist()}
    assert {"lesions-voi.csv", "voi.schema.json", "README.txt"} <= names
    assert not {name for name in names if "ratings" in name}
    assert {"lesions-results-stability.json", "lesions-results-volumes.json"} <= names
    move(study=frozen, to=State.LOCKED, actor=admin_of(frozen))
    assert list(problems(ReaderStudy.objects.get())) == []


def test_the_commands_in_the_zip_give_its_numbers_again(frozen, tmp_path, monkeypatch, capsys):
    move(study=frozen, to=State.CLOSED, actor=admin_of(frozen))
    sent = b"".join(client_of(frozen).get(f"/studies/{frozen.slug}/results/all.zip").streaming_content)
    zipfile.ZipFile(io.BytesIO(sent)).extractall(tmp_path)
    monkeypatch.chdir(tmp_path / frozen.slug)
    told = Path("README.txt").read_text().replace("\\\n", " ")
    commands = [line.split()[3:] for line in told.splitlines() if line.startswith("  python -m analysis")]
    assert [command[0] for command in commands] == ["integrity", "stability", "voi", "scan-times"]
    for command in commands:
        assert analysis_main(command) == 0, capsys.readouterr().err
        made = Path(command[-1])
        kept = json.loads(Path(f"{frozen.slug}-{made}").read_text())
        assert json.loads(made.read_text()) == kept, command
