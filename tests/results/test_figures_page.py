"""Difference maps and figure panels: chosen in the address, drawn from the stored pixels, nothing of anybody else."""

import base64
import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from django.test import Client
from PIL import Image

from processing.volume import Volume
from readerstudy.material.models import Alignment
from readerstudy.protocol.services import create_study
from tests import factories
from tests.pages import html

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


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
    client.force_login(study.memberships.filter(role=role).first().user)
    return client


def images(study, path: str) -> str:
    return f"/studies/{study.slug}/images/{path}"


def test_a_difference_map_shows_both_images_and_the_map(client, study):
    case = study.cases.get()
    page = html(client.get(images(study, f"difference/{case.pk}/?pair=SOC vs FAST&slice=2&kind=percent")))
    assert "slice=2" in page
    assert "Not aligned yet: limited by repositioning" in page
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
        study=study,
        fixed=series["SOC"],
        moving=series["FAST"],
        matrix=np.eye(4).tolist(),
        conventions={},
        picture="",
        quality={"used": True, "translation_mm": [0, 0, 0], "before": {}, "after": {}, "overlap": 1},
    )
    case = study.cases.get()
    assert "Aligned rigidly" in html(client.get(images(study, f"difference/{case.pk}/")))
    page = html(client.get(images(study, f"figures/?case={case.pk}&chosen=1&a=SOC&b=FAST&maps=1")))
    assert "Below: difference to SOC in percent of its maximum; FAST rigidly aligned." in page


def test_a_figure_is_what_its_address_says(client, study):
    case = study.cases.get()
    query = f"?case={case.pk}&chosen=1&a=FAST&b=SOC&slice=3&columns=1&letters=1&scale=1"
    page = html(client.get(images(study, f"figures/{query}")))
    assert "(a) FAST, scan time 1:32 min; (b) SOC, scan time 2:57 min" in page
    assert "slice 3 of 6" in page
    embedded = re.search(r'src="data:image/png;base64,([^"]+)"', page)
    assert embedded
    assert Image.open(io.BytesIO(base64.b64decode(embedded[1]))).width == 1040
    root = ElementTree.fromstring(client.get(images(study, f"figures/figure.svg{query}")).content)
    words = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert words[:4] == ["(a) FAST", "1:32 min", "(b) SOC", "2:57 min"]
    answer = client.get(images(study, f"figures/figure.png{query}"))
    assert answer["Content-Disposition"] == f'attachment; filename="{study.slug}-{case.code}-3.png"'
    assert Image.open(io.BytesIO(answer.content)).width == round(85 * 300 / 25.4)


def test_series_that_share_no_grid_are_said_and_can_be_changed(client, study):
    fast = study.series.get(arm__code="FAST")
    array = np.random.default_rng(1).random((6, 40, 32))
    far = np.array([[0.0, 0.0, 4.0, 900.0], [1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 40.0], [0.0, 0.0, 0.0, 1.0]])
    study.series.filter(pk=fast.pk).update(active=False, version=9)
    factories.place_pixels(study, "FAST", Volume(np.round(400 * array), far), subject="S01")
    page = html(client.get(images(study, "figures/")))
    assert "no slice in common" in page
    assert 'name="a"' in page
    assert client.get(images(study, "figures/figure.png")).status_code == 404


def test_taking_a_figure_away_is_logged_with_its_address(client, study):
    client.get(images(study, f"figures/figure.png?case={study.cases.get().pk}&chosen=1&a=FAST&slice=3"))
    event = study.events.filter(action="results exported").get()
    assert event.data["file"].endswith("-3.png")
    assert "a=FAST" in event.data["figure"]


@pytest.mark.parametrize("query", ["?slice=99999999&zoom=7&x=-3&columns=9", "?chosen=1&a=NONE", "?slice=two&kind=hot"])
def test_what_an_address_says_wrongly_falls_back(client, study, query):
    case = study.cases.get()
    for path in (f"difference/{case.pk}/", f"difference/{case.pk}/slice.png", "figures/", "figures/figure.png"):
        assert client.get(images(study, path + query)).status_code == 200, path


def test_cases_of_other_studies_are_not_found(client, study):
    other = factories.make_study(subjects=1).cases.get()
    for path in (
        f"difference/{other.pk}/",
        f"difference/{other.pk}/slice.png",
        f"figures/?case={other.pk}",
        f"figures/figure.svg?case={other.pk}",
        "figures/figure.gif",
    ):
        assert client.get(images(study, path)).status_code == 404, path


def test_a_withdrawn_subject_is_shown_no_more(client, study):
    from django.utils import timezone

    study.subjects.update(withdrawn_at=timezone.now())
    case = study.cases.get()
    assert client.get(images(study, f"difference/{case.pk}/slice.png")).status_code == 404
    assert "No series yet" in html(client.get(images(study, "figures/")))
