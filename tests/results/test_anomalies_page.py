"""The map of anomalies of a series: asked for, made by a worker, laid over the image, erased with the subject."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone
from PIL import Image

from processing.enhancement import anomalies
from processing.enhancement.networks import store as store_of_models
from processing.enhancement.networks.store import read_identity
from processing.nifti import write_nifti
from processing.volume import Volume
from readerstudy.archive import store
from readerstudy.images.anomaly_files import ANOMALIES
from readerstudy.images.anomaly_maps import choose
from readerstudy.jobs.models import Job
from readerstudy.material.erasure import erase_subject
from readerstudy.material.models import VolumeOfInterest
from readerstudy.material.volumes import load, load_cached, load_file_cached, slices_of
from readerstudy.protocol.services import create_study
from tests import factories, pixels
from tests.material.models import make_model
from tests.pages import html

pytestmark = pytest.mark.django_db

LESION = np.s_[3, 18:24, 12:18]


@pytest.fixture
def study(settings, tmp_path, monkeypatch):
    """A case with a bright spot in slice 4, and a network that expects there what lies around."""
    settings.MODELS_DIR = tmp_path / "models"
    settings.JOB_HEARTBEAT_SECONDS = 600
    folder = make_model(settings.MODELS_DIR, "mender")
    (folder / "config.toml").write_text('task = "inpaint"\n' + (folder / "config.toml").read_text())
    usual = pixels.volume(20, 1)
    array = usual.array.copy()
    array[LESION] += 0.5 * array.max()
    expected = usual.array + np.random.default_rng(0).normal(0, 10, usual.shape)
    monkeypatch.setattr(anomalies, "filled_by", lambda folder: lambda holes: expected)
    study = create_study(title="Anomalies", user=factories.make_user(staff=True), model_name="denoise")
    factories.place_pixels(study, "SOC", Volume(array, usual.affine))
    monkeypatch.setattr(store_of_models, "SHIPPED", tmp_path / "none")  # so that mender is the only one that inpaints
    return study


@pytest.fixture
def client(study) -> Client:
    client = Client()
    client.force_login(study.memberships.get(role="admin").user)
    return client


def url(study, path: str = "") -> str:
    return f"/studies/{study.slug}/images/anomalies/{study.cases.get().pk}/{path}"


def made(client, study) -> Job:
    client.post(url(study, "ask/"), {"arm": "SOC", "model": "mender"})
    factories.work_off(study)
    return Job.objects.filter(function=ANOMALIES).latest("pk")


def test_a_map_is_asked_for_made_and_laid_over_the_image(client, study, settings):
    assert "Map anomalies of SOC" in html(client.get(url(study)))
    assert client.get(url(study, "map.png")).status_code == 404
    client.post(url(study, "ask/"), {"arm": "SOC"})
    client.post(url(study, "ask/"), {"arm": "SOC"})
    assert Job.objects.filter(function=ANOMALIES).count() == 1
    assert "mender waits for a worker" in html(client.get(url(study)))
    factories.work_off(study)

    job = Job.objects.get(function=ANOMALIES)
    place = job.result["worst"][0]
    score = load_file_cached(job.result["sha256"])
    assert score.array[place["slice"] - 1, place["row"], place["column"]] == pytest.approx(place["value"], rel=1e-3)
    page = html(client.get(url(study, f"?slice={place['slice']}")))
    assert f"Slice {place['slice']}, row {place['row']}, column {place['column']}" in page
    assert "nobody has measured it of this model" in page
    image, layer = (
        Image.open(io.BytesIO(client.get(url(study, f"{kind}.png?slice={place['slice']}")).content))
        for kind in ("image", "map")
    )
    assert image.size == layer.size
    assert layer.mode == "RGBA"
    at = [
        round((n + 0.5) * size / count)
        for n, size, count in zip((place["column"], place["row"]), layer.size, reversed(score.shape[1:]), strict=True)
    ]
    assert layer.getpixel(tuple(at))[3] == 255
    assert layer.getpixel((1, 1))[3] == 0

    folder = settings.MODELS_DIR / "mender"
    planted = {"planted": {"lesions": 30, "area": 0.541, "interval": [0.5, 0.607], "found": 0.03}}
    nulls = [{"name": "T1 without lesions", "flagged": 0.0123}]
    (folder / "anomalies.json").write_text(
        json.dumps({"sha256": read_identity(folder).sha256, "nulls": nulls} | planted)
    )
    page = html(client.get(url(study)))
    assert "1.23 % in T1 without lesions" in page
    assert "(0.500 to 0.607)" in page
    assert "mender was not shown to make lesions stand out" in page
    assert "No lesion planted" in page
    assert "but for what patients with MS have of their own" in page


def test_image_map_and_page_have_the_slices_that_the_plane_of_the_case_says(study, tmp_path):
    array = np.random.default_rng(1).random((12, 24, 18)).astype(np.float32)
    series = factories.place_pixels(study, "SOC", Volume(array, np.diag([-1.0, -1.8, 1.0, 1.0])), subject="S02")
    image = load_cached(series)
    assert choose(series.case, QueryDict()).slices == slices_of(series) == image.shape[0] == 18
    as_looked_at, as_stored = (
        store.put_file(write_nifti(volume, tmp_path / f"{number}.nii.gz"))[0]
        for number, volume in enumerate([image, load(series)])
    )
    np.testing.assert_array_equal(load_file_cached(as_looked_at).array, image.array)
    np.testing.assert_array_equal(load_file_cached(as_stored, like=series).array, image.array)
    # A file that says what its slices are.
    series.format, series.affine = "dicom", np.diag([2.0, 2.0, 1.0, 1.0]).tolist()
    assert slices_of(series) == series.slices


def test_a_mask_gives_area_and_dice_and_one_drawn_since_asks_for_a_new_map(client, study, tmp_path):
    from processing.masks import Mask, write_mask

    assert made(client, study).result["dice"] is None
    series = study.series.get()
    mask = np.zeros((series.slices, series.rows, series.columns), bool)
    mask[LESION] = True
    sha256, _ = store.put_file(write_mask(Mask("", 1, mask, np.array(series.affine)), tmp_path / "mask.nii.gz"))
    VolumeOfInterest.objects.create(
        study=study,
        case=series.case,
        drawn_on=series,
        name="spot",
        sha256=sha256,
        voxels=int(mask.sum()),
        millilitres=1,
    )
    assert "have changed since it was made" in html(client.get(url(study)))
    result = made(client, study).result
    assert result["volumes"][0]["auc"] > 0.9
    assert result["dice"] > 0.3
    page = html(client.get(url(study)))
    assert "Against volumes of interest" in page
    assert "have changed since" not in page


def test_a_map_goes_with_its_subject_and_another_model_is_none_of_its_task(client, study, settings):
    sha256 = made(client, study).result["sha256"]
    assert store.exists(sha256)
    subject = study.subjects.get()
    subject.withdrawn_at = timezone.now()
    subject.save()
    erase_subject(subject=subject)
    factories.work_off(study)
    assert not store.exists(sha256)
    assert client.get(f"/studies/{study.slug}/images/anomalies/{study.cases.get().pk}/").status_code == 404


def test_without_a_network_local_contrast_makes_the_map(client, study, settings, tmp_path, monkeypatch):
    (settings.MODELS_DIR / "mender/config.toml").write_text('task = "denoise"\n')
    found = tmp_path / "found.json"
    monkeypatch.setattr(anomalies, "LOCAL_CONTRAST_FOUND", found)
    assert "Without a network: how far each pixel lies" in html(client.get(url(study)))
    client.post(url(study, "ask/"), {"arm": "SOC", "model": "local-contrast"})
    factories.work_off(study)
    job = Job.objects.get(function=ANOMALIES)
    wanted = anomalies.find_anomalies(load(study.series.get()), fill=None)
    assert job.result["flagged"] == wanted.flagged
    assert job.result["worst"][0]["value"] == pytest.approx(wanted.worst[0][1], abs=0.01)
    assert "nobody has measured it of this model" in html(client.get(url(study)))
    planted = {"lesions": 30, "area": 0.7, "interval": [0.65, 0.74], "found": 0.77}
    found.write_text(json.dumps({"nulls": [{"name": "T1 of somebody", "flagged": 0.05}], "planted": planted}))
    page = html(client.get(url(study)))
    assert "5.00 % in T1 of somebody" in page
    assert "(0.650 to 0.740)" in page
    assert "was not shown to make lesions stand out" not in page


def test_what_local_contrast_finds_comes_with_the_program():
    found = anomalies.found_by_local_contrast()
    assert found["planted"]["interval"][0] > 0.5
    assert len(found["nulls"]) == 3


def test_without_a_series_the_page_says_what_is_needed(client, study):
    study.series.update(active=False)
    assert "No map can be made yet" in html(client.get(url(study)))
    assert client.post(url(study, "ask/")).status_code == 404
