"""A worker that is killed in the middle loses nothing: real Redis, real worker, kill -9."""

import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from processing.phantom.study import make_study
from tests.site_process import Site, running_site

pytestmark = pytest.mark.slow

MAKE_STUDY = """
from readerstudy.accounts.models import User
from readerstudy.protocol.services import create_study
user = User.objects.create_user("boss", password="a long password", is_staff=True)
print(create_study(title="Killed", user=user, model_name="denoise").slug)
"""


@pytest.fixture
def site(tmp_path: Path):
    with running_site(tmp_path) as site:
        yield site


def rows(site: Site, query: str) -> list[tuple]:
    with sqlite3.connect(f"file:{site.var}/db.sqlite3?mode=ro", uri=True) as connection:
        return connection.execute(query).fetchall()


def wait_for(site: Site, query: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not rows(site, query)[0][0]:
        assert time.monotonic() < deadline, rows(site, "select function, state, error from jobs_job")
        time.sleep(0.1)


def test_every_output_is_there_once_after_kill_9(site: Site, tmp_path: Path):
    make_study(tmp_path / "scans", subjects=1, seed=5)
    slug = site.python(MAKE_STUDY)
    site.manage("import_folder", slug, str(tmp_path / "scans"), "--confirm-certain")
    for _ in range(2):
        wait_for(site, "select count(*) from jobs_job where state = 'running'")
        for process in site.processes("celery"):
            os.kill(process.pid, signal.SIGKILL)
        time.sleep(1)
    wait_for(site, "select not exists(select 1 from jobs_job where state in ('waiting', 'running'))")

    assert rows(site, "select distinct state from jobs_job") == [("done",)]
    assert rows(site, "select max(attempts) > 1 from jobs_job") == [(1,)], "no job was interrupted"
    made = rows(site, "select case_id, arm_id, count(*) from material_series where active group by 1, 2")
    cases = rows(site, "select count(*) from material_case")[0][0]
    assert len(made) == 4 * cases
    assert {count for *_, count in made} == {1}
    assert rows(site, "select count(*), count(distinct case_id || '/' || comparison_id) from reading_preparedpair") == [
        (3 * cases, 3 * cases)
    ]
    drafts = [path for path in (site.var / "archive").rglob(".*") if path.is_file()]
    assert drafts == [], "no half file is left in the archive"
