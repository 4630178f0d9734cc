"""A sheet becomes an imported table, step by step, and its results are those of the command line."""

import io
import json
import re
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from analysis.__main__ import main
from readerstudy.accounts.services import add_member
from readerstudy.results import imported
from tests import factories
from tests.once import made_once

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
SHEET = "Patient;Leser;Kriterium;Erstes;Zweites;Seite;Note\n" + "".join(
    f"S{n % 6};R{n % 2};{criterion};FAST;SOC;{'links' if n % 3 else 'rechts'};{1 + (n * 7) % 5}\n"
    for n in range(12)
    for criterion in ("Schärfe", "Rauschen")
)
FIRST = {"role": "", "map": "", "was": ""}


@pytest.fixture(autouse=True)
def _own_cache(settings, tmp_path):
    settings.VAR_DIR = tmp_path


@made_once()
def study():
    study = factories.make_study(subjects=1, readers=1)
    add_member(study=study, user=factories.make_user("analyst of it"), role="analyst")
    return study


@pytest.fixture
def client(study) -> Client:
    client = Client()
    client.force_login(study.memberships.get(role="analyst").user)
    return client


def send(client: Client, study, said: dict, sheet: bytes = SHEET.encode("latin-1"), name: str = "sheet.csv"):
    return client.post(
        reverse("import_sheet", args=[study.slug]), said | {"file": SimpleUploadedFile(name, sheet)}, headers=HTMX
    )


def fields(html: str) -> dict[str, str]:
    """What the form would send, without a button."""
    from html import unescape

    found = {}
    for tag in re.findall(r"<input[^>]*>", html, re.DOTALL):
        told = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if "name" in told and (told.get("type") not in ("radio", "checkbox") or re.search(r"\bchecked\b", tag)):
            found[told["name"]] = unescape(told.get("value", ""))
    for name, text in re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>(.*?)</textarea>', html, re.DOTALL):
        found[name] = unescape(text.removeprefix("\n"))
    for name, options in re.findall(r'<select[^>]*name="([\w-]+)"[^>]*>(.*?)</select>', html, re.DOTALL):
        chosen = re.search(r'<option(?: value="([^"]*)")? selected>([^<]*)', options)
        first = re.search(r'<option(?: value="([^"]*)")?[^>]*>([^<]*)', options)
        one = chosen or first
        found[name] = unescape(one[2] if one[1] is None else one[1]) if one else ""
    return found


def clicked(client: Client, study, *steps: dict, sheet: bytes = SHEET.encode("latin-1")) -> tuple[str, dict[str, str]]:
    said = FIRST
    for step in ({}, *steps):
        html = send(client, study, said | step, sheet).content.decode()
        said = fields(html)
    return html, said


def built(client: Client, study) -> tuple[str, dict[str, str]]:
    order = [("subject", 0), ("reader", 1), ("first", 3), ("second", 4), ("criterion", 2), ("side", 5), ("scores", 6)]
    return clicked(
        client,
        study,
        *({"column": str(place)} for _, place in order),
        {"side-0": "right", "side-1": "left"},
    )


def test_by_clicking_to_the_results_of_the_command(client, study, tmp_path):
    html, said = built(client, study)
    assert "24 ratings" in html
    answer = send(client, study, said | {"analyse": "1", "title": "Pilot"})
    assert "by code alone" in answer.content.decode()
    answer = send(client, study, said | {"analyse": "1", "title": "Pilot", "codes": "on"})
    table = imported.tables(study)[0]
    assert answer["HX-Redirect"] == reverse("imported_table", args=[study.slug, table.number])
    page = client.get(answer["HX-Redirect"]).content.decode()
    assert "imported" in page
    assert "not given in this study" in page
    everything = client.get(reverse("imported_zip", args=[study.slug, table.number]))
    with zipfile.ZipFile(io.BytesIO(everything.content)) as archive:
        kept = {name: archive.read(name) for name in archive.namelist()}
    (tmp_path / "sheet.csv").write_bytes(SHEET.encode("latin-1"))
    (tmp_path / "map.yaml").write_bytes(kept["imported/map.yaml"])
    ratings, results = tmp_path / "ratings.csv", tmp_path / "results.json"
    assert (
        main(["convert", str(tmp_path / "sheet.csv"), "--map", str(tmp_path / "map.yaml"), "--out", str(ratings)]) == 0
    )
    assert ratings.read_bytes() == kept["imported/ratings.csv"]
    assert main(["reading", str(ratings), "--json", str(results)]) == 0
    assert (
        json.loads(results.read_text())["comparisons"]
        == json.loads(kept["imported/results-reading.json"])["comparisons"]
    )
