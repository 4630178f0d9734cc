"""A study with series that came as DICOM, and who asks for them: dicomweb-client, over Django's test client."""

import io
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import requests
from django.core.management import call_command
from django.test import Client
from requests.adapters import BaseAdapter

from processing.derived import write_derived
from processing.model_identity import ModelIdentity
from processing.series import read
from readerstudy.accounts.models import Role
from readerstudy.accounts.services import add_member
from readerstudy.api import tokens
from readerstudy.api.models import Scope
from readerstudy.material import volumes
from readerstudy.material.services import add_series
from readerstudy.protocol.models import ReaderStudy
from tests import factories
from tests.processing import dicom_files

SITE = "http://testserver"
MODEL = ModelIdentity("denoise", "1.0.0", "0" * 64, "float32", "Less noise.", task="denoise")
SLICES = 4


def write_series(folder: Path, number: int, *, slices: int = SLICES, **changes) -> list[Path]:
    """A series of a head with UIDs of its own, in a study of its patient's."""
    paths = []
    for n in range(slices):
        image = dicom_files.pixels(1, rows=64, columns=48, seed=100 * number + n)[0]
        uids = {"SeriesInstanceUID": f"1.2.9.{number}", "SOPInstanceUID": f"1.2.9.{number}.{n + 1}"}
        dataset = dicom_files.classic(n, image, z=3.0 * n, BodyPartExamined="BRAIN", **{**uids, **changes})
        paths.append(dicom_files.save(dataset, folder / f"{n}.dcm"))
    return paths


def make_material() -> ReaderStudy:
    """SOC and FAST as a scanner sent them, FAST-DL as a model made it of FAST; an admin, a reader, an analyst."""
    study = factories.make_study(subjects=0)
    add_member(study=study, user=factories.make_user(), role=Role.ANALYST)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_series(folder / "SOC", 1)
        write_series(folder / "FAST", 2)
        call_command("import_folder", study.slug, str(folder), "--confirm-certain", stdout=io.StringIO())
        source = study.series.get(arm__code="FAST")
        with volumes.stored_files(source) as paths:
            files = write_derived(paths, volumes.load(source), folder / "made", model=MODEL)
            facts = volumes.series_fields(read(files))
        add_series(
            case=source.case,
            arm=study.arms.get(code="FAST-DL"),
            instances=volumes.archive_files(files),
            replace=False,
            format="dicom",
            made_from=source,
            **facts,
        )
    return study


def words_of(study: ReaderStudy, role: str = Role.ADMIN, scopes=tuple(Scope.values)) -> str:
    """A new token of the first member with this role."""
    member = study.memberships.filter(role=role).order_by("pk").first()
    return tokens.make(member=member, name="program", scopes=scopes, days=7)[1]


class TestClientAdapter(BaseAdapter):
    """Sends what requests would send to the site of the tests."""

    def send(self, request: requests.PreparedRequest, **_: object) -> requests.Response:
        parts = urlsplit(request.url)
        body = request.body if isinstance(request.body, bytes) else b"".join(request.body or ())
        more = {"data": body} if request.method == "POST" else {}
        found = Client().generic(
            request.method,
            f"{parts.path}?{parts.query}",
            content_type=request.headers.get("Content-Type", ""),
            headers={name: value for name, value in request.headers.items() if name not in ("Content-Type",)},
            **more,
        )
        answer = requests.Response()
        answer.status_code, answer.request, answer.url = found.status_code, request, request.url
        answer.headers.update(found.headers)
        answer.raw = io.BytesIO(b"".join(found.streaming_content) if found.streaming else found.content)
        return answer

    def close(self) -> None:
        """Nothing is open."""


def session(words: str) -> requests.Session:
    made = requests.Session()
    made.mount(SITE, TestClientAdapter())
    made.headers["Authorization"] = f"Bearer {words}"
    return made
