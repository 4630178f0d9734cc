"""The client that the document shows, against a site that answers: a folder in, a table out."""

import re

import numpy as np
import pytest

from processing.nifti import write_nifti
from processing.volume import Volume
from readerstudy.accounts.models import Role
from readerstudy.api import tokens
from readerstudy.api.models import Scope
from readerstudy.intake.models import SORT
from readerstudy.jobs.models import Job
from readerstudy.jobs.tasks import run_job
from readerstudy.protocol.services import move
from readerstudy.settings import BASE_DIR
from readerstudy.states import State
from tests import factories


def client() -> type:
    """The first block of Python in the document."""
    code = re.findall(r"```python\n(.*?)```", (BASE_DIR / "docs/api.md").read_text(), re.DOTALL)[0]
    names: dict = {}
    exec(code, names)
    return names["Study"]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_folder_goes_in_and_a_table_comes_out(live_server, tmp_path, monkeypatch):
    study = factories.make_study(subjects=1)
    member = study.memberships.get(role=Role.ADMIN)
    _, words = tokens.make(member=member, name="client", scopes=Scope.values, days=1)
    volume = Volume(np.random.default_rng(1).uniform(0, 900, (6, 40, 32)).round(), np.diag([4.0, 1.0, 1.0, 1.0]))
    folder = tmp_path / "delivery"
    folder.mkdir()
    write_nifti(volume, folder / "S07_lumbar_sagittal_T2_SOC.nii.gz")
    known = client()(live_server.url, study.slug, words)

    def wait(path, done, seconds=0):
        for job in Job.objects.filter(function=SORT, state="waiting"):
            run_job(job.pk)
        return known.json(path)

    monkeypatch.setattr(known, "wait", wait)
    upload = known.send(folder)
    assert (upload["state"], upload["series"], upload["refused"]) == ("sorted", 1, [])
    left = known.place()
    assert left == known.json("candidates/")["results"]
    assert len(left) + study.series.filter(case__subject__code="S07").count() == 1
    factories.open_(study)
    move(study=study, to=State.CLOSED, actor=None)
    assert set(known.table("series")["subject"]) == set(study.subjects.values_list("code", flat=True))
