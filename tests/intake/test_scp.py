"""C-STORE as scanners and PACS use it: storescu of dcmtk and Orthanc send, the receiver takes or says why not."""

from __future__ import annotations

import json
import shutil
import socket
import struct
import subprocess
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connections
from pydicom import dcmread

from processing.errors import InputError
from readerstudy.archive import quarantine
from readerstudy.intake import deliveries, scp
from readerstudy.intake.models import Upload
from readerstudy.jobs import disk
from tests import factories
from tests.dicomweb.material import write_series
from tests.once import made_once

pytestmark = pytest.mark.django_db
ORTHANC = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")


@made_once()
def study():
    return factories.make_study(subjects=0, title="Spine")


class Shared(scp.Receiver):
    """Works in what the test's own transaction holds, whatever thread calls it."""

    def handlers(self):
        own = connections["default"]

        def within(handler):
            def called(event):
                connections["default"] = own
                return handler(event)

            return called

        return [(event, within(handler)) for event, handler in super().handlers()]


@pytest.fixture
def start(study, monkeypatch):
    """Start a receiver for these peers; its port."""
    monkeypatch.setattr(scp, "close_old_connections", lambda: None)  # the one that is shared
    with ExitStack() as stack:

        def started(*peers: str, largest: int = 64 << 20) -> int:
            known = [scp.read_peer(one) for one in peers or ("MRI1@127.0.0.1",)]
            receiver = Shared(known, largest, {"SPINE": study.slug})
            connections["default"].inc_thread_sharing()
            stack.callback(connections["default"].dec_thread_sharing)
            return stack.enter_context(scp.serving(receiver, ("127.0.0.1", 0), associations=2))

        yield started


def storescu(port: int, *paths: Path, calling: str = "MRI1", called: str = "SPINE", options: tuple[str, ...] = ()):
    program = shutil.which("storescu")
    if program is None:
        pytest.skip("dcmtk is not installed")
    command = [program, "-v", *options, "-aet", calling, "-aec", called, "127.0.0.1", str(port), *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def said(done) -> str:
    return done.stdout + done.stderr


def test_what_storescu_sends_gathers_sealed_in_one_upload(start, study, tmp_path):
    paths = write_series(tmp_path / "in", 1)
    port = start()
    assert storescu(port, *paths).returncode == 0
    (upload,) = Upload.objects.all()
    assert (upload.study, upload.user, upload.door, upload.files) == (study, None, "c-store MRI1", len(paths))
    packs = quarantine.packs(upload.pk)
    assert not any(b"Muster" in pack.read_bytes() for pack in packs)
    unsealed = quarantine.unseal_upload(upload.pk, upload.salt, tmp_path, progress=lambda *_: None)
    assert sorted(unsealed) == [f"1.2.9.1.{n + 1}.dcm" for n in range(len(paths))]
    Upload.objects.update(last_at=upload.last_at - 2 * deliveries.QUIET)
    assert deliveries.send_on() == 1


def test_an_image_arrives_as_it_was_sent_whatever_the_syntax(start, tmp_path):
    (path,) = write_series(tmp_path / "in", 1, slices=1)
    port = start()
    assert storescu(port, path, options=("-xi",)).returncode == 0  # implicit
    (upload,) = Upload.objects.all()
    (pack,) = quarantine.packs(upload.pk)
    quarantine.unseal_piece(pack, upload.salt, tmp_path / "back.dcm")
    back, sent = dcmread(tmp_path / "back.dcm"), dcmread(path)
    assert back.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2"
    assert back.PixelData == sent.PixelData
    assert back.PatientName == sent.PatientName


REJECTED = [
    ({"calling": "MRI2"}, ("MRI1@127.0.0.1",), "Calling AE Title Not Recognized"),
    ({"called": "HEAD"}, ("MRI1@127.0.0.1",), "Called AE Title Not Recognized"),
    ({}, ("MRI1@127.0.0.1=head",), "Called AE Title Not Recognized"),
    ({}, ("MRI1@127.0.0.7", "MRI2@127.0.0.1"), "Calling AE Title Not Recognized"),
    ({}, ("MRI1@10.0.0.0/24",), "Association Request Failed"),  # hung up on
]


@pytest.mark.parametrize(("asked", "peers", "why"), REJECTED)
def test_only_known_peers_reach_only_their_studies(start, study, tmp_path, asked, peers, why):
    done = storescu(start(*peers), *write_series(tmp_path / "in", 1, slices=1), **asked)
    assert done.returncode != 0
    assert why in said(done)
    assert not Upload.objects.exists()


def test_who_cannot_be_looked_up_is_not_let_in(start, study, tmp_path, monkeypatch):
    def away(*_):
        raise OperationalError

    monkeypatch.setattr(scp.Receiver, "study_of", away)
    done = storescu(start(), *write_series(tmp_path / "in", 1, slices=1))
    assert "Rejected Transient" in said(done)


def test_a_study_is_called_by_its_short_name_or_by_the_title_that_it_was_given(study):
    receiver = scp.Receiver([], 1, scp.read_titles([f"WRIST={study.slug}", "HEAD=of-no-study"]))
    assert receiver.study_of("WRIST") == receiver.study_of(study.slug.upper()) == study
    assert receiver.study_of("HEAD") is None


def test_a_peer_of_one_study_sends_to_it(start, study, tmp_path):
    port = start(f"MRI1@127.0.0.0/8=elsewhere,{study.slug}")
    assert storescu(port, *write_series(tmp_path / "in", 1, slices=1)).returncode == 0
    assert Upload.objects.get().study == study


def test_what_is_no_mr_image_is_not_even_agreed_on(start, tmp_path):
    ct = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "Modality": "CT"}
    done = storescu(start(), *write_series(tmp_path / "in", 1, slices=1, **ct))
    assert "No valid Presentation Context" in said(done)
    assert not Upload.objects.exists()


REFUSED = [
    ("closed", "0124"),
    ("full", "a700"),
    ("fault", "0110"),
    ("late", "a700"),
]


@pytest.mark.parametrize(("what", "status"), REFUSED)
def test_a_refusal_has_its_status(start, tmp_path, monkeypatch, what, status):
    def refuse(**_):
        raise InputError("The study is closed: it takes no more series.")

    def late(*_):
        raise deliveries.TooLateError("Send this again.")

    def fail(*_):
        raise RuntimeError

    if what == "closed":
        monkeypatch.setattr(scp, "gathering", refuse)
    elif what == "full":
        monkeypatch.setattr(disk, "problem", lambda: "The disk of the site is nearly full.")
    else:
        monkeypatch.setattr(scp.Delivery, "keep", late if what == "late" else fail)
    done = storescu(start(), *write_series(tmp_path / "in", 1, slices=1), options=("-d",))
    assert f"0x{status}" in said(done)
    assert not Upload.objects.filter(files__gt=0).exists()
    assert not any(quarantine.packs(upload.pk) for upload in Upload.objects.all())


def test_an_image_that_fills_the_memory_is_hung_up_on(start, tmp_path):
    paths = write_series(tmp_path / "in", 1, slices=2)
    done = storescu(start(largest=paths[0].stat().st_size // 2), *paths)
    assert done.returncode != 0
    assert not Upload.objects.exists()
    done = storescu(start(largest=2 * paths[0].stat().st_size), *paths)  # the limit is of an image, not of all
    assert done.returncode == 0


@pytest.mark.parametrize("kind", [1, 4])  # that asks for an association, and that brings an image
def test_a_pdu_that_announces_more_than_was_agreed_on_is_hung_up_on(start, kind):
    with socket.create_connection(("127.0.0.1", start()), timeout=5) as peer:
        peer.sendall(struct.pack(">BBI", kind, 0, (1 << 32) - 1) + b"\0" * 100)
        with suppress(ConnectionResetError):  # as it may be told
            assert peer.recv(1) == b""


def test_what_comes_deflated_is_taken(start, tmp_path):
    assert storescu(start(), *write_series(tmp_path / "in", 1, slices=1), options=("-xd",)).returncode == 0
    assert Upload.objects.get().files == 1


@pytest.mark.parametrize("text", ["MRI1", "MRI1@", "@10.0.0.1", "MRI1@here", f"{'M' * 17}@10.0.0.1", "A\\B@10.0.0.1"])
def test_what_is_no_peer_is_said(text):
    with pytest.raises(InputError, match="is no peer"):
        scp.read_peer(text)


def test_the_command_says_what_it_cannot_do(study):
    with pytest.raises(CommandError, match="is no title of a study"):
        call_command("storescp", "--peer", "MRI1@10.0.0.1", "--title", "WRIST")
    with pytest.raises(CommandError, match="There is no study head"):
        call_command("storescp", "--peer", "MRI1@10.0.0.1=head")


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Orthanc:
    """A PACS of its own, without a plugin, that knows the receiver."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = free_port()
        settings = {
            "StorageDirectory": str(folder / "store"),
            "IndexDirectory": str(folder / "store"),
            "HttpPort": self.port,
            "DicomServerEnabled": False,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "Plugins": [],
            "DicomAet": "PACS",
            "DicomModalities": {"study": ["SPINE", "127.0.0.1", port]},
        }
        (folder / "orthanc.json").write_text(json.dumps(settings))
        with (folder / "orthanc.log").open("wb") as log:
            self.process = subprocess.Popen([str(ORTHANC), str(folder / "orthanc.json")], stdout=log, stderr=log)
        end = time.monotonic() + 30
        while True:
            try:
                self.ask("system")
                return
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise
                time.sleep(0.1)

    def ask(self, path: str, body: bytes | None = None) -> dict | list:
        with urlopen(Request(f"http://127.0.0.1:{self.port}/{path}", body), timeout=30) as answer:
            return json.loads(answer.read())


@pytest.mark.skipif(ORTHANC is None, reason="Orthanc is not installed")
def test_orthanc_sends_a_series(start, study, tmp_path):
    port = start("PACS@127.0.0.1")
    pacs = Orthanc(tmp_path, port)
    try:
        for path in write_series(tmp_path / "in", 1):
            pacs.ask("instances", path.read_bytes())
        (series,) = pacs.ask("series")
        told = pacs.ask("modalities/study/store", json.dumps({"Resources": [series]}).encode())
        assert (told["InstancesCount"], told["FailedInstancesCount"]) == (4, 0)
    finally:
        pacs.process.terminate()
        pacs.process.wait(30)
    upload = Upload.objects.get()
    assert (upload.door, upload.files) == ("c-store PACS", 4)
