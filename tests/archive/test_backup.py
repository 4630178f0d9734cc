"""A backup that was made while people read becomes a site again; what was cut, changed or half done never does."""

import io
import os
import re
import shutil
import signal
import tarfile

import pytest

from processing.errors import InputError
from readerstudy.archive import sealed_stream
from readerstudy.archive.sealed_stream import CHUNK, OpeningFile, SealingFile
from tests.archive.place import BEGIN, PASSPHRASE, URL, Place
from tests.upgrade.make_fixture import PACKED, SHARED

# Answers go on while the copy is made; after it more are given, and a subject is withdrawn.
SOURCE = """
import sys, threading
from pathlib import Path
from django.core.management import call_command
from django.db import connection
call_command("migrate", verbosity=0)
from readerstudy.archive import backup, store_mark
store_mark.mark_new_store()
from readerstudy.intake.pseudonyms import pseudonym_key
from readerstudy.intake.services import receive_folder
from readerstudy.material.models import Subject
from readerstudy.reading.amendments import withdraw_subject
from tests import factories
study = factories.open_(factories.make_study(subjects=3, readers=2))
draft = factories.make_study(subjects=0, title="Draft")
folder = Path(sys.argv[1]); folder.mkdir(); (folder / "a.dcm").write_bytes(b"Jane Doe" * 100)
receive_folder(study=draft, folder=folder, actor=None)
key = pseudonym_key(study).hex()
pairs = list(study.presentations.order_by("position", "pk"))
read, stop = [], threading.Event()
def write():
    try:
        for pair in pairs[:-2]:
            if stop.is_set(): break
            factories.read_pair(pair); read.append(pair.pk)
    finally:
        connection.close()
writer = threading.Thread(target=write); writer.start()
while not read: pass
made = backup.make(Path(sys.argv[2]), sys.argv[3])
during = len(read); stop.set(); writer.join()
factories.read_pair(next(one for one in pairs if one.pk not in read))
last = study.events.order_by("-number").first()
withdraw_subject(study=study, subject=Subject.objects.get(study=study, code="S02"), reason="Asked for.", actor=None)
end = study.events.order_by("-number").first()
print("MADE", made["files"], during, last.number, end.number, key)
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """(place, backup, what the site said) of a site that goes on after its backup."""
    folder = tmp_path_factory.mktemp("source")
    place = Place.new(folder / "var")
    given = ["", str(folder / "in"), str(folder / "one.backup"), PASSPHRASE]
    said = place.python(f"import sys; sys.argv = {given!r}" + SOURCE)
    yield place, folder / "one.backup", said.split("MADE ")[1].split()
    place.remove()


@pytest.fixture
def target(tmp_path):
    place = Place.new(tmp_path / "var")
    yield place
    place.remove()


LOOK = """
from readerstudy.archive import quarantine, store_mark
from readerstudy.intake.models import Upload
from readerstudy.intake.pseudonyms import pseudonym_key
from readerstudy.material.models import Subject
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.models import Rating
study = ReaderStudy.objects.exclude(title="Draft").get()
upload = Upload.objects.get()
(pack,) = quarantine.packs(upload.pk)
print("LOOK", pseudonym_key(study).hex(), [s.code for s in Subject.objects.exclude(withdrawn_at=None)],
      Rating.objects.count() > 0, len(quarantine.plain_bytes(pack, upload.salt)), repr(store_mark.problem()))
"""


@pytest.mark.both_databases
@pytest.mark.slow
def test_a_site_comes_back_from_a_backup_made_while_people_read(source, target):
    place, file, (files, _, _, end, key) = source
    target.var.mkdir(parents=True)
    shutil.copytree(place.var / "heads", target.var / "heads")  # they stand outside, and are ahead of the backup
    code, said = target.manage("restore", str(file))
    assert code == 0, said
    assert re.search(rf"Lines up to event {end} were written since the backup, and are lost", said), said
    assert "S02 was withdrawn since the backup, and is withdrawn again" in said
    assert "Restored from" in said
    assert f"{int(files):,} files" in said
    code, said = target.manage("verify_audit")
    assert code == 0, said
    assert f"Outside the database its log ended with event {end}" in said
    look = target.python(LOOK)
    assert f"LOOK {key} ['S02'] True 800 ''" in look
    code, said = target.manage("restore", str(file))
    assert code == 1
    assert "This place is not empty" in said


def test_what_is_cut_changed_or_of_another_passphrase_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(sealed_stream, "COST", 4)
    content, path = os.urandom(3 * CHUNK + 17), tmp_path / "x"
    with path.open("wb") as file:
        sealing = SealingFile(file, PASSPHRASE)
        for start in range(0, len(content), 70_000):
            sealing.write(content[start : start + 70_000])
        sealing.close()
    sealed = path.read_bytes()

    def opened(stream: bytes, passphrase: str = PASSPHRASE) -> bytes:
        opening = OpeningFile(io.BytesIO(stream), passphrase)
        found = opening.read(len(content))
        opening.finish()
        return found

    assert opened(sealed) == content
    head, piece = len(sealed_stream.MAGIC) + sealed_stream.HEADER.size, CHUNK + sealed_stream.SEAL
    faults = {
        "cut at a chunk": sealed[: head + 2 * piece],
        "cut within one": sealed[:-5],
        "a bit": sealed[: head + 5] + bytes([sealed[head + 5] ^ 1]) + sealed[head + 6 :],
        "the cost": sealed[: len(sealed_stream.MAGIC)] + b"\5" + sealed[len(sealed_stream.MAGIC) + 1 :],
        "chunks exchanged": sealed[:head]
        + sealed[head + piece : head + 2 * piece]
        + sealed[head : head + piece]
        + sealed[head + 2 * piece :],
        "one more": sealed + b"x",
        "another file": b"PK" + sealed,
    }
    for stream in faults.values():
        with pytest.raises(InputError):
            opened(stream)
    with pytest.raises(InputError, match="passphrase"):
        opened(sealed, "another passphrase")
    with pytest.raises(InputError, match="too short"):
        SealingFile(io.BytesIO(), "short")


@pytest.mark.slow
def test_a_restore_that_is_killed_or_finds_damage_leaves_no_site_and_is_done_again(source, target, tmp_path):
    _, file, _ = source
    damaged = tmp_path / "damaged"
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    damaged.write_bytes(content)
    code, said = target.manage("restore", str(damaged))
    assert code == 1
    assert "damaged" in said
    assert not (target.var / "restoring").exists()
    assert not [path for path in (target.var / "archive").rglob("*") if path.is_file()]

    slow = (
        "import time\nfrom readerstudy.archive import database_copy, restore\n"
        "from pathlib import Path\n"
        "def wait(*_): print('HERE', flush=True); time.sleep(60)\n"
        "database_copy.put = wait\n"
        f"restore.restore(Path({str(file)!r}), {PASSPHRASE!r}, print)\n"
    )
    process = target.process("-c", BEGIN + slow, DJANGO_SETTINGS_MODULE="readerstudy.settings")
    assert "HERE" in process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert [path for path in (target.var / "archive").rglob("*") if path.is_file()]  # half of a site lies there
    code, said = target.run("-m", "readerstudy.serving.prepare")
    assert code == 1
    assert "A restore is under way here, or was broken off" in said
    code, said = target.manage("restore", str(file))
    assert code == 0, said
    code, said = target.manage("verify_audit")
    assert code == 0, said


@pytest.mark.slow
@pytest.mark.skipif(bool(URL), reason="the fixture's file is of SQLite")
def test_a_backup_of_an_earlier_version_becomes_a_site_of_this_one(target, tmp_path):
    """Its tables are of version 0.1.0: brought up to date here, sealed, and the restore told in each log."""
    with tarfile.open(PACKED) as packed:
        packed.extractall(tmp_path / "packed", filter="data")
    before = Place(tmp_path / "packed" / "sqlite")
    for name in SHARED:
        shutil.move(tmp_path / "packed" / name, before.var / name)
    file = tmp_path / "old.backup"
    before.python(
        "from readerstudy.archive import backup\n"
        f"with open({str(file)!r}, 'wb') as file: backup.write_to(file, {PASSPHRASE!r})"
    )
    code, said = target.manage("restore", str(file))
    assert code == 0, said
    assert said.count("says that the site was restored") == 3
    code, said = target.manage("verify_audit")
    assert code == 0, said
    assert "PSEUDONYM True" in target.python(
        "import hashlib, hmac\nfrom readerstudy.intake.pseudonyms import pseudonym_key\n"
        "from readerstudy.protocol.models import ReaderStudy\nstudy = ReaderStudy.objects.first()\n"
        f"old = hmac.digest({(before.var / 'secret_key').read_text()!r}.encode(), "
        "f'pseudonyms of {study.pk}'.encode(), hashlib.sha256)\nprint('PSEUDONYM', pseudonym_key(study) == old)"
    )
