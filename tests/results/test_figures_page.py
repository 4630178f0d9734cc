"""Difference maps and figure panels: chosen in the address, drawn from the stored pixels, nothing of anybody else."""

import io
from xml.etree import ElementTree

import numpy as np
import pytest
from django.test import Client
from PIL import Image

from readerstudy.material.models import Alignment
from readerstudy.protocol.services import create_study
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    study = create_study(title="Figures", user=factories.make_user(staff=True), model_name="m")
    factories.two_acquisitions(study)
    return study


@pytest.fixture
def client(study) -> Client:
    return signed_in(study)


def signed_in(study, role: str = "admin") -> Client:
    client = Client()
    client.force_login(
        study.memberships.filter(role=role).first().user, backend="django.contrib.auth.backends.ModelBackend"
    )
    return client


def images(study, path: str) -> str:
    return f"/studies/{study.slug}/images/{path}"


def test_a_difference_map_shows_both_images_and_the_map(client, study):
    case = study.cases.get()
    page = client.get(images(study, f"difference/{case.pk}/?pair=SOC vs FAST&slice=2&kind=percent")).content.decode()
    assert "slice=2" in page
    assert "Not aligned: limited by repositioning" in page
    shown = [
        Image.open(io.BytesIO(client.get(images(study, f"difference/{case.pk}/slice.png?kind={kind}")).content))
        for kind in ("percent", "signed")
    ]
    place = (int(shown[0].width * 0.78), shown[0].height // 2)
    percent, signed = (image.getpixel(place) for image in shown)
    assert sum(percent) > 60  # a quarter brighter: neither black nor grey
    assert signed[0] > signed[2]  # orange: brighter


def test_an_alignment_is_used_and_said(client, study):
    series = {one.arm.code: one for one in study.series.select_related("arm")}
    Alignment.objects.create(
        study=study, fixed=series["SOC"], moving=series["FAST"], matrix=np.eye(4).tolist(), conventions={}, picture="",
        quality={"used": True, "translation_mm": [0, 0, 0], "before": {}, "after": {}, "overlap": 1},
    )  # fmt: skip
    page = client.get(images(study, f"difference/{study.cases.get().pk}/")).content.decode()
    assert "Aligned rigidly" in page


def test_a_figure_is_what_its_address_says(client, study):
    case = study.cases.get()
    query = f"?case={case.pk}&chosen=1&a=FAST&b=SOC&slice=3&columns=1&letters=1&scale=1"
    page = client.get(images(study, f"figures/{query}")).content.decode()
    assert "(a) FAST, scan time 1:32 min; (b) SOC, scan time 2:57 min" in page
    assert "slice 3 of 6" in page
    root = ElementTree.fromstring(client.get(images(study, f"figures/figure.svg{query}")).content)
    words = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert words[:4] == ["(a) FAST", "1:32", "(b) SOC", "2:57"]
    answer = client.get(images(study, f"figures/figure.png{query}"))
    assert answer["Content-Disposition"] == f'attachment; filename="{study.slug}-{case.code}-3.png"'
    assert Image.open(io.BytesIO(answer.content)).width == round(85 * 300 / 25.4)


@pytest.mark.parametrize("query", ["?slice=99999999&zoom=7&x=-3&columns=9", "?chosen=1&a=NONE", "?slice=two&kind=hot"])
def test_what_an_address_says_wrongly_falls_back(client, study, query):
    case = study.cases.get()
    for path in (f"difference/{case.pk}/", f"difference/{case.pk}/slice.png", "figures/", "figures/figure.png"):
        assert client.get(images(study, path + query)).status_code == 200, path


def test_cases_of_other_studies_are_not_found(client, study):
    other = factories.make_study(subjects=1).cases.get()
    for path in (
        f"difference/{other.pk}/", f"difference/{other.pk}/slice.png", f"figures/?case={other.pk}",
        f"figures/figure.svg?case={other.pk}", "figures/figure.gif",
    ):  # fmt: skip
        assert client.get(images(study, path)).status_code == 404, path


def test_a_withdrawn_subject_is_shown_no_more(client, study):
    from django.utils import timezone

    study.subjects.update(withdrawn_at=timezone.now())
    case = study.cases.get()
    assert client.get(images(study, f"difference/{case.pk}/slice.png")).status_code == 404
    assert "No series yet" in client.get(images(study, "figures/")).content.decode()
