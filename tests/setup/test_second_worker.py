"""A second worker on another folder, beside a running site: it takes nothing, says so, and works once it sees the
store."""

import json
import shutil
import subprocess
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from readerstudy.serving import embedded_redis
from readerstudy.serving.supervisor import worker_command
from tests.site_process import ROOT, running_site, until

pytestmark = pytest.mark.slow

SEND = """
from pathlib import Path
from readerstudy.intake.services import receive_folder
from tests import factories
study = factories.make_study(subjects=0, title="Two workers")
for _ in range({uploads}):
    receive_folder(study=study, folder=Path({folder!r}), actor=None)
"""


def health(url: str) -> dict:
    try:
        with urlopen(f"{url}/healthz") as answer:
            return json.load(answer)
    except HTTPError as error:
        return json.load(error)


def test_it_takes_no_upload_and_says_so_until_it_sees_the_store(tmp_path: Path) -> None:
    sent, second = tmp_path / "sent", tmp_path / "second"
    sent.mkdir()
    (tmp_path / "first").mkdir()
    (sent / "a.dcm").write_bytes(b"no image")
    (second / "static").mkdir(parents=True)
    with running_site(tmp_path / "first") as site:
        own = {
            "READERSTUDY_VAR": str(second),
            "DATABASE_URL": f"sqlite:///{site.var / 'db.sqlite3'}",
            "REDIS_URL": f"redis+socket://{embedded_redis.socket_path(site.var)}",
            "READERSTUDY_KEYS": str(site.var / "keys.json"),
        }
        log = second / "worker.log"
        with log.open("wb") as output:
            worker = subprocess.Popen(
                [*worker_command(), "--hostname", "second@here"],
                cwd=ROOT,
                env=site.env | own,
                stdout=output,
                stderr=output,
            )
        try:
            until(lambda: health(site.url)["workers"] == "idle")
            until(lambda: "Canceling queue" in log.read_text())
            assert "archive seen here is not this site's" in log.read_text()
            ((name, reason),) = site.rows("select worker, reason from jobs_worker where reason <> ''")
            assert name.endswith(f":{worker.pid}")
            assert "bears no mark" in reason
            site.python(SEND.format(uploads=4, folder=str(sent)))
            until(lambda: site.rows("select state from jobs_job where function = 'intake.sort'") == [("done",)] * 4)
            refused = "select count(*) from intake_refusal group by upload_id"
            assert site.rows(refused) == [(1,)] * 4
            assert not (second / "quarantine").exists()

            for place in ("archive", "quarantine"):  # as if its folders were mounted now
                (second / place).mkdir(exist_ok=True)
                shutil.copy(site.var / place / "store", second / place / "store")
            until(lambda: "Started consuming" in log.read_text())
            until(lambda: health(site.url) == {"database": "ok", "store": "ok", "workers": "ok"})
        finally:
            worker.kill()
            worker.wait()
