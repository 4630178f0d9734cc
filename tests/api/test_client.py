"""The client that the document shows drives a study from a folder to its tables, as a browser does."""

import io
import re

import numpy as np
import pandas
import pytest
from django.test import Client
from django.urls import reverse

from processing.nifti import write_nifti
from processing.volume import Volume
from readerstudy.accounts.models import Role
from readerstudy.accounts.services import add_member
from readerstudy.api import tokens
from readerstudy.api.models import Scope
from readerstudy.home import rehearsal
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import create_study
from readerstudy.settings import BASE_DIR
from tests import factories
from tests.accounts.test_permissions import client_of
from tests.intake.test_identity import send

OF_ITS_STUDY = ["study", "confirmed_at", "rated_at", "seconds"]  # and of the day


def documented_client() -> type:
    """The first block of Python in the document."""
    code = re.findall(r"```python\n(.*?)```", (BASE_DIR / "docs/api.md").read_text(), re.DOTALL)[0]
    names: dict = {}
    exec(code, names)
    return names["Study"]


@pytest.fixture
def folder(tmp_path):
    """SOC and FAST of one place, a quarter brighter."""
    affine = np.array([[0.0, 0.0, 4.0, -8.0], [1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 40.0], [0.0, 0.0, 0.0, 1.0]])
    z, y, x = np.mgrid[0:6, 0:40, 0:32].astype(float)
    array = 400 + 150 * np.sin(x / 4) * np.cos(y / 5) + 10 * z
    delivery = tmp_path / "delivery"
    delivery.mkdir()
    for arm, factor in (("SOC", 1.0), ("FAST", 1.25)):
        write_nifti(Volume(np.round(factor * array), affine), delivery / f"S07_lumbar_sagittal_T2_{arm}.nii.gz")
    return delivery


def begun(title: str) -> ReaderStudy:
    study = create_study(title=title, user=factories.make_user(), model_name="restore", regions=["lumbar"])
    add_member(study=study, user=factories.make_user(), role=Role.READER)
    ReaderStudy.objects.filter(pk=study.pk).update(seed=7)
    factories.log_as_is(study)
    study.refresh_from_db()
    return study


def read(study: ReaderStudy) -> None:
    study.refresh_from_db()
    assert study.state == "open", list(study.jobs.exclude(error="").values_list("function", "error"))
    factories.read_briefing(study)
    factories.read_all(study.memberships.get(role=Role.READER), [4, 3, 5])


def by_program(study: ReaderStudy, site: str, folder, monkeypatch) -> dict[str, pandas.DataFrame]:
    _, words = tokens.make(member=study.memberships.get(role=Role.ADMIN), name="client", scopes=Scope.values, days=1)
    known = documented_client()(site, study.slug, words)

    def wait(path, done, seconds=0):
        factories.work_off(study)
        found = known.json(path)
        assert done(found)
        return found

    monkeypatch.setattr(known, "wait", wait)
    for row in known.json("comparisons/")["results"]:
        if "FAST-DL" in (row["first"], row["second"]):
            known.remove(f"comparisons/{row['id']}/")
    for row in known.json("arms/")["results"]:
        if row["made_from"]:
            known.remove(f"arms/{row['id']}/")
    (comparison,) = known.json("comparisons/")["results"]
    criterion = known.json("criteria/")["results"][0]["id"]
    known.change("settings/", primary_comparison=comparison["id"], primary_criterion=criterion, guesses=0)
    upload = known.send(folder)
    assert (upload["state"], upload["series"], upload["refused"]) == ("sorted", 2, [])
    for left in known.place():
        known.json(f"candidates/{left['id']}/place/", {})
    assert known.idle() == []
    made = {"reading": {"n": {"readers": 1}}, "images": None}
    told = {"results": made, "pairs": 3, "readers": 1}
    monkeypatch.setattr(rehearsal, "rehearse", lambda study, report: told)  # the reading itself takes a minute
    assert known.rehearse() == {"current": True, **made}
    assert known.step("open", title=study.title) == []
    read(study)
    known.step("closed", title=study.title)
    return {name: known.table(name) for name in ("series", "metrics", "ratings", "integrity")}


def rows(part: str, kept: list[dict], gone: list[dict]) -> dict:
    """What a browser sends of a table of the protocol."""
    sent = {f"{part}-TOTAL_FORMS": len(kept + gone), f"{part}-INITIAL_FORMS": len(kept + gone)}
    for number, row in enumerate([*kept, *gone]):
        sent |= {f"{part}-{number}-{name}": "" if value is None else value for name, value in row.items()}
        sent |= {f"{part}-{number}-DELETE": "on"} if row in gone else {}
    return sent


def by_browser(study: ReaderStudy, folder) -> dict[str, pandas.DataFrame]:
    client: Client = client_of(study.memberships.get(role=Role.ADMIN).user)

    def post(name: str, data: dict, *arguments: object) -> None:
        answer = client.post(reverse(name, args=[study.slug, *arguments]), data)
        assert answer.status_code == 302, answer.content.decode()

    fields = ("id", "first_id", "second_id", "question", "place")
    found = [
        {name.removesuffix("_id"): value for name, value in row.items()} for row in study.comparisons.values(*fields)
    ]
    dl = study.arms.get(code="FAST-DL").pk
    gone = [row for row in found if dl in (row["first"], row["second"])]
    post("edit_protocol", rows("comparisons", [row for row in found if row not in gone], gone), "comparisons")
    fields = ("id", "code", "acquisition", "reconstruction", "place")
    arms = [list(study.arms.filter(made_from__isnull=made).values(*fields)) for made in (True, False)]
    post("edit_protocol", rows("arms", *arms), "arms")
    primary = {"primary_comparison": study.comparisons.get().pk, "primary_criterion": study.criteria.first().pk}
    post("edit_protocol", primary | {"primary_test": study.primary_test, "claim": study.claim}, "hypothesis")
    asked = dict.fromkeys(("ask_integrity", "ask_diagnostic", "allow_cannot_judge", "allow_back"), "on")
    post("edit_protocol", asked | {"require_all_slices": "on", "guesses": 0}, "questions")
    send(client, study, folder)
    factories.work_off(study)
    post("confirm_candidates", {"all": "on"})
    ticked = {}
    for one in study.candidates.filter(state="proposed"):
        names = ("subject_code", "region", "plane", "weighting")
        ticked |= {f"c{one.pk}-{name}": getattr(one, name) for name in names}
        ticked |= {f"c{one.pk}-tick": "on", f"c{one.pk}-arm": one.arm_id}
    post("confirm_candidates", ticked)
    factories.work_off(study)
    post("move", {"title": study.title}, "open")
    factories.work_off(study)
    read(study)
    post("move", {"title": study.title}, "closed")
    taken = {}
    for name in ("series", "metrics", "ratings", "integrity"):
        answer = client.get(reverse("results_table", args=[study.slug, name]))
        taken[name] = pandas.read_csv(io.BytesIO(b"".join(answer.streaming_content)))
    return taken


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_study_that_a_program_drives_from_a_folder_to_its_tables_is_the_browsers(live_server, folder, monkeypatch):
    program = by_program(begun("Trial by program"), live_server.url, folder, monkeypatch)
    browser = by_browser(begun("Trial by browser"), folder)
    assert {name: len(table) for name, table in program.items()} == {
        name: len(table) for name, table in browser.items()
    }
    for name, table in program.items():
        assert len(table), name
        one, other = (each.drop(columns=OF_ITS_STUDY, errors="ignore") for each in (table, browser[name]))
        pandas.testing.assert_frame_equal(one, other, obj=name)
