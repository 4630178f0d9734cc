"""Models: list, card, curves, before and after on one's own series, a run on the whole study."""

import io
import json
import re
import shutil
from datetime import timedelta

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image

from processing.enhancement.detectability import write
from processing.enhancement.networks.store import SHIPPED, onnx_sha256, read_config
from processing.volume import Volume
from readerstudy.archive import store
from readerstudy.enhancement import previews, tasks
from readerstudy.enhancement.outputs import current_models
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import ask_for_missing, requeue_lost_jobs
from readerstudy.jobs.tasks import run_job
from readerstudy.material import volumes
from readerstudy.material.models import Alignment
from readerstudy.protocol.services import create_study
from tests import factories, pixels
from tests.material.models import make_model
from tests.pages import html

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def own(settings, tmp_path):
    """The folder of the models of one's own, with one in it."""
    settings.MODELS_DIR = tmp_path / "models"
    settings.JOB_HEARTBEAT_SECONDS = 600  # a test's transaction is its own: a beat beside it would only wait
    make_model(settings.MODELS_DIR)
    return settings.MODELS_DIR


@pytest.fixture
def study(own):
    study = create_study(title="Models", user=factories.make_user(staff=True), model_name="own")
    for arm, noise in (("SOC", 40), ("FAST", 120)):
        factories.place_pixels(study, arm, pixels.volume(noise, 1))
    return study


@pytest.fixture
def client(study) -> Client:
    client = Client()
    client.force_login(study.memberships.get(role="admin").user)
    return client


def url(study, path: str = "") -> str:
    return f"/studies/{study.slug}/models/{path}"


def text(client, study, path: str = "") -> str:
    answer = client.get(url(study, path))
    assert answer.status_code == 200, path
    return html(answer)


def preview(client, study, arm: str = "FAST", **more) -> Job:
    """Ask for a preview and make it."""
    case = study.cases.get()
    client.post(url(study, "own/before-after/ask/"), {"case": case.pk, "arm": arm, **more})
    factories.work_off(study)
    return Job.objects.filter(function=previews.PREVIEW).latest("pk")


def align(study) -> None:
    series = {one.arm.code: one for one in study.series.filter(made_from=None).select_related("arm")}
    Alignment.objects.update_or_create(
        fixed=series["SOC"],
        moving=series["FAST"],
        defaults={
            "study": study,
            "matrix": np.eye(4).tolist(),
            "conventions": {},
            "picture": "",
            "quality": {"used": True, "translation_mm": [0, 0, 0], "before": {}, "after": {}, "overlap": 1},
        },
    )


def test_shipped_models_and_ones_own_stand_in_one_list(client, study):
    page = text(client, study)
    assert all(folder.parent.name in page for folder in SHIPPED.glob("*/identity.json"))
    assert "1,234" in page
    assert "Measured to lose at discs at 5 %." in page
    assert current_models()["own"].sha256 in page
    assert 'value="model:own"' in html(client.get(f"/studies/{study.slug}/protocol/arms/"))


def test_a_folder_that_cannot_be_used_is_said_and_hides_no_other(client, study, own):
    for name in ("broken", "twin", "shadow"):
        shutil.copytree(own / "own", own / name)
    (own / "broken/identity.json").write_text("{")
    identity = own / "shadow/identity.json"
    identity.write_text(identity.read_text().replace('"own"', '"denoise"'))
    page = text(client, study)
    assert "The folder “broken” has an identity.json that cannot be read." in page
    assert "The folder “twin” holds another model “own”" in page
    assert "The folder “shadow” holds another model “denoise”" in page
    assert page.count('<span class="badge">own</span>') == 1


def test_the_card_is_shown_without_what_it_could_do(client, study):
    page = text(client, study, "own/")
    assert "&lt;script&gt;alert(1)" in page
    assert 'href="javascript' not in page
    assert "example.org" not in page
    assert "a picture" in page
    assert "<h3>Limits</h3>" in page
    assert '<td class="num">1.00</td>' in page
    assert "style=" not in page


def test_curves_metrics_and_facts_of_a_model(client, study):
    page = text(client, study, "own/")
    assert 'aria-label="Loss from 0.5 at step 10 to 0.2 at step 20"' in page
    assert "shapes at 5 %: input 18.00, output 26.00 dB at step 20" in page
    assert "PSNR in dB, foreground" in page
    assert "CC0 1.0." in page
    assert current_models()["own"].sha256 in page
    assert "Measured to be worse than its input: discs at 5 %" in page
    for name in ("loss", "psnr", "change"):
        assert f'data-figure="{name}"' in page
    drawn = client.get(url(study, "own/"), {"figure": "psnr", "form": "pdf", "width": "85"})
    assert drawn.content.startswith(b"%PDF")


def test_small_findings_that_are_detected_less_well_are_said_in_list_and_page(client, study, own):
    assert "Small findings" not in text(client, study, "own/")
    finding = {"name": "disc, 2 pixels wide", "area": [0.9, 0.8], "detectability": [1.8, None], "change": [-0.2, -0.05]}
    row = {"degradation": "noise of 5 %", "background": "phantoms", "places": 200, "volumes": 2, "psnr": [20.0, 25.0]}
    write(own / "own", [row | {"area": [0.9, 0.8], "change": [-0.2, -0.05], "findings": [finding]}])
    assert "Small findings are detected less well after it, by a model observer: noise of 5 %." in text(client, study)
    page = text(client, study, "own/")
    assert "PSNR rises by 5.0 dB, but small findings are detected less well" in page
    assert '<td class="num">-0.200 to -0.050</td>' in page
    assert "channelised Hotelling observer" in page


def test_a_network_for_kspace_makes_no_arm_of_images(client, study, own):
    config = make_model(own, "filler") / "config.toml"
    config.write_text('task = "reconstruct"\n' + config.read_text())
    arm = study.arms.get(code="FAST-DL")
    answer = client.post(url(study, "filler/run/"), {"arm": arm.pk}, follow=True)
    assert "filler works on k-space: choose reconstruction by it under Protocol, Arms." in html(answer)
    assert 'value="model:filler"' not in html(client.get(f"/studies/{study.slug}/protocol/arms/"))


def test_two_trainings_stand_beside_each_other_over_steps_or_time(client, study, own):
    make_model(own, "rival")
    page = text(client, study, "own/?with=rival&by=time")
    assert "Second colour: rival." in page
    assert "output 26.00 dB after 0 minutes; the other: output 26.00 dB" in page
    assert "Change of PSNR per epoch: last epoch +0.000 dB; last epoch +0.000 dB" in page
    assert page.count("<td>+3.50 dB</td>") == 2
    assert "Second colour" not in text(client, study, "own/?with=nobody")


def test_a_model_without_a_log_says_that_no_curve_was_kept(client, study, own):
    (own / "own/log.jsonl").unlink()
    assert "No curve was kept" in text(client, study, "own/")


def test_damaged_weights_and_records_are_said_on_every_page(client, study, own):
    (own / "own/model.safetensors").write_bytes(b"x")
    for path in ("", "own/", "own/before-after/"):
        assert "do not match their recorded SHA-256" in text(client, study, path)
    assert preview(client, study).state == "failed"
    assert "do not match their recorded SHA-256" in text(client, study, "own/before-after/?arm=FAST")
    (own / "own/metrics.json").write_text("{")
    for path in ("", "own/"):
        assert "The record of the model “own” is damaged" in text(client, study, path)


@pytest.mark.parametrize("name", ["model.onnx", "config.toml"])
def test_a_model_in_onnx_that_changes_while_the_site_runs_is_said(client, study, own, name):
    folder = own / "own"
    (folder / "model.safetensors").unlink()
    (folder / "model.onnx").write_bytes(b"x")
    identity = json.loads((folder / "identity.json").read_text())
    identity["sha256"] = onnx_sha256(b"x", read_config(folder))
    (folder / "identity.json").write_text(json.dumps(identity))
    assert "recorded SHA-256" not in text(client, study)
    with (folder / name).open("a") as file:
        file.write("\nchanged = 1")
    assert "do not match their recorded SHA-256" in text(client, study)


def test_a_model_that_was_removed_is_not_found_and_its_arms_are_named(client, study, own):
    shutil.rmtree(own / "own")
    assert client.get(url(study, "own/")).status_code == 404
    assert "is made by own, which is not here any more" in text(client, study)
    enhance_all(study)
    job = Job.objects.filter(function="material.enhance").first()
    assert job.error.startswith("There is no model “own” here")


def test_a_preview_is_made_by_a_job_and_shown_with_its_noise_and_time(client, study):
    before = text(client, study, "own/before-after/?arm=FAST")
    assert "Run own on this series" in before
    series = study.series.count()
    case = study.cases.get()
    client.post(url(study, "own/before-after/ask/"), {"case": case.pk, "arm": "FAST"})
    waiting = text(client, study, "own/before-after/?arm=FAST")
    assert "own waits for a worker" in waiting
    assert 'hx-trigger="every 2s"' in waiting
    factories.work_off(study)
    page = text(client, study, "own/before-after/?arm=FAST&slice=2")
    assert "Noise found" in page
    assert "What own changed" in page
    assert re.search(r"data-divider [^>]*autofocus", page)
    assert study.series.count() == series
    shown = {
        kind: Image.open(io.BytesIO(client.get(url(study, f"own/before-after/{kind}.png?arm=FAST&slice=2")).content))
        for kind in ("input", "output", "change")
    }
    assert len({image.size for image in shown.values()}) == 1
    assert shown["change"].mode == "RGB"
    assert client.get(url(study, "own/before-after/nonsense.png?arm=FAST")).status_code == 404


def test_asking_twice_makes_one_job_and_a_failed_one_runs_again(client, study):
    first, again = preview(client, study), preview(client, study)
    assert (first.pk, again.state) == (again.pk, "done")
    Job.objects.filter(pk=first.pk).update(state="failed", error="Disk full.")
    assert "Disk full." in text(client, study, "own/before-after/?arm=FAST")
    assert preview(client, study).state == "done"


def test_an_output_is_measured_against_the_reference_that_it_was_aligned_to(client, study):
    assert preview(client, study).result["measured"] is None
    assert "n/a, FAST has not been aligned to SOC yet" in text(client, study, "own/before-after/?arm=FAST")
    align(study)
    assert "The alignment has changed since this was measured" in text(client, study, "own/before-after/?arm=FAST")
    measured = preview(client, study).result["measured"]
    assert measured["reference"] == "SOC"
    soc, fast = (volumes.load(study.series.get(arm__code=code)).array for code in ("SOC", "FAST"))
    by_hand = 10 * np.log10(soc.max() ** 2 / np.mean((fast.astype(float) - soc) ** 2))
    assert measured["input"]["whole"]["psnr"] == pytest.approx(by_hand, abs=1e-3)
    assert "n/a, SOC is the reference itself" not in text(client, study, "own/before-after/?arm=FAST")


def test_two_models_are_compared_on_one_slice(client, study, own):
    make_model(own, "other")
    align(study)
    preview(client, study, **{"with": "other"})
    assert Job.objects.filter(function=previews.PREVIEW, state="done").count() == 2
    page = text(client, study, "own/before-after/?arm=FAST&with=other")
    assert "What own changed" in page
    assert "What other changed" in page
    assert "/models/other/before-after/output.png" in page
    assert len(re.findall(r'<td class="num">\d+\.\d\d</td>', page)) >= 6


def test_a_series_without_pixels_is_said(client, study):
    for one in study.series.get(arm__code="FAST").instances.all():
        store.erase(one.sha256)
    assert preview(client, study).error == "The pixels of FAST of S01-lumbar-sag-T2 are not in the archive."
    assert "are not in the archive" in text(client, study, "own/before-after/?arm=FAST")
    volumes._kept.clear()
    assert client.get(url(study, "own/before-after/input.png?arm=FAST")).status_code == 404


def test_a_phase_image_is_refused_in_a_sentence(client, study):
    phase = pixels.volume(40, 1)
    signed = Volume(phase.array - phase.array.mean(), phase.affine)
    factories.place_pixels(study, "FAST", signed, subject="S02")
    case = study.cases.get(subject__code="S02")
    client.post(url(study, "own/before-after/ask/"), {"case": case.pk, "arm": "FAST"})
    factories.work_off(study)
    page = text(client, study, f"own/before-after/?case={case.pk}&arm=FAST")
    assert "only magnitude images can be processed" in page
    assert "Try again" in page


def test_a_study_without_series_says_what_to_send(own, sign_in_as):
    empty = create_study(title="Empty", user=factories.make_user(staff=True), model_name="own")
    client = sign_in_as(empty)
    assert "No series yet" in text(client, empty, "own/before-after/")
    assert "0 of 0" in text(client, empty, "own/")


@pytest.fixture
def sign_in_as():
    def make(study, role: str = "admin") -> Client:
        client = Client()
        client.force_login(study.memberships.get(role=role).user)
        return client

    return make


def enhance_all(study) -> None:
    """Let DL outputs be asked for, and make them."""
    ask_for_missing(study)
    for number in study.jobs.filter(function="material.enhance", state="waiting").values_list("pk", flat=True):
        run_job(number)


def made(study) -> list[str]:
    return sorted(study.series.filter(active=True, made_from__isnull=False).values_list("arm__code", flat=True))


@pytest.mark.both_databases
def test_a_run_on_the_study_makes_an_arm_with_this_model_and_pressing_twice_changes_nothing(client, study, own):
    make_model(own, "other")
    enhance_all(study)
    assert made(study) == ["FAST-DL", "SOC-DL"]
    arm = study.arms.get(code="FAST-DL")
    assert "1 of 1" in text(client, study, "own/")
    answer = html(client.post(url(study, "other/run/"), {"arm": arm.pk}, follow=True))
    assert "1 series of FAST-DL asked for." in answer
    again = html(client.post(url(study, "other/run/"), {"arm": arm.pk}, follow=True))
    assert "Nothing to ask for" in again
    assert "1 waiting" in text(client, study, "other/")
    enhance_all(study)
    assert study.series.get(arm=arm, active=True).model_name == "other"
    assert study.events.filter(action="model run").count() == 1
    # And back: the first job of the first model is done, yet its output is not the active one.
    client.post(url(study, "own/run/"), {"arm": arm.pk})
    enhance_all(study)
    assert study.series.get(arm=arm, active=True).model_name == "own"


def test_a_series_that_its_file_name_called_phase_is_not_enhanced(client, study):
    caution = {"code": "phase", "text": "The name of the file speaks of phase."}
    study.series.filter(active=True).update(cautions=[caution])
    enhance_all(study)
    assert made(study) == []
    job = Job.objects.filter(function="material.enhance").first()
    assert job.error == "Only magnitude images can be processed. The name of the file speaks of phase."
    assert preview(client, study).state == "failed"


def test_failed_outputs_are_named_and_a_run_tries_them_again(client, study):
    arm = study.arms.get(code="FAST-DL")
    ask_for_missing(study)
    Job.objects.filter(function="material.enhance").update(state="failed", error="Out of memory.")
    page = text(client, study, "own/")
    assert "1 failed" in page
    assert "FAST-DL of S01-lumbar-sag-T2: Out of memory." in page
    client.post(url(study, "own/run/"), {"arm": arm.pk})
    assert Job.objects.get(function="material.enhance", parameters__arm=arm.pk).state == "waiting"


def test_opening_freezes_which_model_makes_an_arm(own, sign_in_as):
    study = factories.open_(factories.make_study(subjects=1))
    client, arm = sign_in_as(study), study.arms.get(code="FAST-DL")
    answer = html(client.post(url(study, "own/run/"), {"arm": arm.pk}, follow=True))
    assert "opening the study froze its protocol" in answer
    study.arms.filter(pk=arm.pk).update(model_name="own")
    answer = html(client.post(url(study, "own/run/"), {"arm": arm.pk}, follow=True))
    assert "Nothing to ask for" in answer
    assert "1 frozen" in text(client, study, "own/")
    study.arms.get(pk=arm.pk)
    uploaded = client.post(url(study, "own/run/"), {"arm": study.arms.get(code="SOC").pk}, follow=True)
    assert "SOC is uploaded" in html(uploaded)
    study.state = "closed"
    study.save()
    assert client.post(url(study, "own/run/"), {"arm": arm.pk}).status_code == 409
    assert "takes no more series" in text(client, study, "own/")


def test_a_withdrawn_subjects_previews_are_erased(client, study):
    from readerstudy.material.erasure import erase_subject

    sha256 = preview(client, study).result["sha256"]
    subject = study.subjects.get()
    subject.withdrawn_at = timezone.now()
    subject.save()
    erase_subject(subject=subject)
    factories.work_off(study)
    assert not store.exists(sha256)
    assert "No series yet" in text(client, study, "own/before-after/")


def test_a_preview_that_was_erased_meanwhile_is_not_kept(client, study, monkeypatch):
    def keep_and_lose(path):
        sha256, size = store.put_file(path)
        store.erase(sha256)
        return sha256, size

    monkeypatch.setattr(tasks, "put_file", keep_and_lose)
    job = preview(client, study)
    assert (job.state, "erased meanwhile" in job.error) == ("failed", True)


def test_previews_are_forgotten_after_a_week_and_can_be_asked_for_again(client, study):
    job = preview(client, study)
    previews.erase_old_previews()
    assert store.exists(job.result["sha256"])
    Job.objects.filter(pk=job.pk).update(finished_at=timezone.now() - timedelta(days=8))
    requeue_lost_jobs()
    assert previews.erase_old_previews() == 1
    assert not store.exists(job.result["sha256"])
    assert preview(client, study).state == "done"


def test_an_analyst_looks_and_a_reader_finds_nothing(study, sign_in_as):
    from readerstudy.accounts.services import add_member

    for role in ("analyst", "reader"):
        add_member(study=study, user=factories.make_user(), role=role)
    analyst, reader = sign_in_as(study, "analyst"), sign_in_as(study, "reader")
    assert "An admin of the study can run" in text(analyst, study, "own/before-after/")
    assert analyst.post(url(study, "own/before-after/ask/"), {}).status_code == 404
    for path in ("", "own/", "own/before-after/", "own/before-after/input.png"):
        assert reader.get(url(study, path)).status_code == 404
