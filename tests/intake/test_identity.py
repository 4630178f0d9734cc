"""Nothing that names a patient is stored, served or logged after an upload was sorted."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import re
import zlib
from pathlib import Path

import pytest
from django.db import connection
from django.urls import reverse

from readerstudy.intake import receiving, services
from readerstudy.intake.models import Candidate, Refusal, Upload
from readerstudy.jobs.models import Job
from readerstudy.jobs.tasks import run_job
from readerstudy.material.models import Series
from tests import factories
from tests.intake import planted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def leaks(content: bytes, forms: dict[bytes, str], where: str) -> list[str]:
    """Which forms stand in `content`, as it is or unpacked."""
    layers = [content]
    for start in (at.start() for at in re.finditer(rb"\x1f\x8b\x08", content)):
        try:
            layers.append(zlib.decompressobj(31).decompress(content[start:]))
        except zlib.error:
            continue
    return [f"{what} {where}" for layer in layers for form, what in forms.items() if form in layer.lower()]


def send(client, study, folder: Path) -> Upload:
    """Upload as the page's script does."""
    pieces = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        pieces.append((f"{path.relative_to(folder).as_posix()}\x001\x001".encode(), path.read_bytes()))
    size = sum(len(content) for _, content in pieces)
    begun = client.post(
        reverse("api_uploads", args=[study.slug]),
        json.dumps({"files": len(pieces), "bytes": size}),
        content_type="application/json",
    )
    upload = Upload.objects.get(pk=begun.json()["upload"])
    batch = b"".join(receiving.LENGTHS.pack(len(head), len(content)) + head + content for head, content in pieces)
    sent = client.post(
        reverse("api_pieces", args=[study.slug, upload.pk]), batch, content_type="application/octet-stream"
    )
    assert sent.json() == {"new": len(pieces)}
    keys = [receiving.piece_key(head, content) for head, content in pieces]
    done = client.post(
        reverse("api_finish_upload", args=[study.slug, upload.pk]),
        json.dumps({"keys": keys, "files": len(pieces)}),
        content_type="application/json",
    )
    assert done.json()["missing"] == []
    return upload


def served(client, study) -> dict[str, bytes]:
    """Everything that an admin reaches by following addresses of pages."""
    waiting, seen = [reverse("material", args=[study.slug]), "/"], {}
    while waiting and len(seen) < 400:
        address = waiting.pop()
        if address in seen or re.search(r"^/static/|logout|sign-out", address):
            continue
        response = client.get(address)
        body = b"".join(response.streaming_content) if response.streaming else response.content
        seen[address] = repr(response.headers).encode() + body
        if "html" in response.headers.get("Content-Type", ""):
            waiting += [
                found.decode().replace("&amp;", "&") for found in re.findall(rb'(?:href|src|hx-get)="(/[^"#]*)', body)
            ]
        if response.status_code in (301, 302):
            waiting.append(response.headers["Location"])
    return seen


def test_no_identifier_is_stored_served_or_logged(client, tmp_path, settings, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    study = factories.make_study(subjects=0)
    client.force_login(study.memberships.get(role="admin").user)
    planted.write(tmp_path / "sent")
    forms = planted.needles()
    sent = b"".join(path.read_bytes() for path in sorted((tmp_path / "sent").rglob("*")) if path.is_file())
    assert len({leak.split(" in ")[0] for leak in leaks(sent, forms, "")}) > 8, "what is searched for was planted"
    capfd.readouterr()

    upload = send(client, study, tmp_path / "sent")
    job = Job.objects.get(function="intake.sort")
    sealed = {path: path.read_bytes() for path in settings.QUARANTINE_DIR.rglob("*") if path.is_file()}
    assert sealed
    found = [leak for path, content in sealed.items() for leak in leaks(content, forms, "sealed in quarantine")]
    run_job(job.pk)
    job.refresh_from_db()
    upload.refresh_from_db()
    assert (job.state, upload.state) == (Job.State.DONE, Upload.State.SORTED), job.error
    assert Candidate.objects.count() == 12, list(Refusal.objects.values_list("reason", flat=True))
    reasons = set(Refusal.objects.values_list("reason", flat=True))
    for words in (
        "truncated",
        "CT Image",
        "orientation",
        "missing between",
        "not a DICOM",
        "JSON file without",
        "manifest.csv, line 3",
        "NIfTI header",
        "leads out of the archive",
    ):
        assert [reason for reason in reasons if words in reason], (words, reasons)
    placed = Candidate.objects.get(subject_code="S07")  # by the good line of the manifest
    assert [one["code"] for one in placed.cautions] == ["several_patients"], "names in many charsets under one number"
    names = ("subject_code", "site", "region", "plane", "weighting", "arm")
    services.confirm(candidate=placed, actor=None, **{name: getattr(placed, name) for name in names})
    assert Series.objects.exists()
    for path in [path for path in (tmp_path).rglob("*") if path.is_file() and "sent" not in path.parts]:
        found += leaks(path.read_bytes(), forms, f"in {path.relative_to(tmp_path)}")
        found += leaks(str(path.relative_to(tmp_path)).encode(), forms, "in a file name")
    assert not list(settings.QUARANTINE_DIR.rglob("*.bin"))
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            rows = cursor.fetchall()
            plain = "\n".join(str(value) for row in rows for value in row).encode()
            found += leaks(plain + repr(rows).encode(), forms, f"in table {table}")
    pages = served(client, study)
    assert len(pages) > 10
    for address, body in pages.items():
        found += leaks(body + address.encode(), forms, f"served at {address}")
    printed = capfd.readouterr()
    found += leaks((caplog.text + printed.out + printed.err).encode(), forms, "logged or printed")
    assert found == []


def test_the_search_finds_what_is_hidden():
    forms = planted.needles()
    for hidden in (
        b"x" + planted.NAME.lower().encode(),
        planted.NAME.encode("utf-16-le"),
        planted.FOREIGN["ISO 2022 IR 87"].encode("iso2022_jp"),
        planted.FOREIGN["ISO_IR 126"].encode("iso8859_7"),
        json.dumps(planted.FOREIGN["ISO_IR 127"]).encode(),
        gzip.compress(planted.FIRST.encode()),
        base64.b64encode(b"ab" + planted.NAME.encode() + b"cdef"),
        planted.NUMBER.encode().hex().upper().encode(),
    ):
        assert leaks(hidden, forms, ""), hidden
