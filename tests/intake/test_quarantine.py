"""What may identify rests encrypted, and only there."""

import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.utils import timezone

from processing.errors import InputError
from processing.ingest.sealed import path_from, rows, sealed, words_of
from readerstudy.archive import quarantine
from readerstudy.intake import services
from readerstudy.intake.models import Upload
from readerstudy.jobs.models import Job
from tests import factories

SALT = "00" * 16


def seal(tmp_path, content: bytes, name: str = "DOE^JANE.dcm"):
    writer = quarantine.QuarantineWriter(tmp_path, SALT)
    writer.begin(name)
    writer.write(content)
    writer.close()
    return writer.path


def test_a_sealed_file_comes_back_whole_and_shows_nothing(tmp_path):
    content = b"Jane Doe 1970-01-01" * 100_000
    path = seal(tmp_path, content)
    assert b"Jane" not in path.read_bytes()
    assert "DOE" not in path.name
    assert quarantine.unseal_piece(path, SALT, tmp_path / "plain") == ("DOE^JANE.dcm", 1, 1)
    assert (tmp_path / "plain").read_bytes() == content


def test_without_its_salt_nobody_reads_it(tmp_path):
    path = seal(tmp_path, b"secret")
    with pytest.raises(InputError, match="damaged"):
        quarantine.unseal_piece(path, "11" * 16, tmp_path / "plain")


def test_a_file_cut_short_is_noticed(tmp_path):
    path = seal(tmp_path, b"x" * 3_000_000)
    path.write_bytes(path.read_bytes()[:1_500_000])
    with pytest.raises(InputError, match=r"damaged|cut short"):
        quarantine.unseal_piece(path, SALT, tmp_path / "plain")


def upload_of(study, folder, **content: bytes) -> Upload:
    folder.mkdir()
    for name, each in content.items():
        (folder / name).write_bytes(each)
    return services.receive_folder(study=study, folder=folder, actor=None)


def unsealed(upload: Upload, target):
    files = quarantine.unseal_upload(upload.pk, upload.salt, target, progress=lambda done, total: None)
    return {name: file.path for name, file in files.items()}


@pytest.mark.django_db
def test_a_dicom_file_is_read_without_a_plain_copy_on_the_disk(tmp_path):
    dicom, other = bytes(128) + b"DICM" + b"Jane Doe" * 300_000, b"no DICOM"
    upload = upload_of(factories.make_study(subjects=0), tmp_path / "in", a=dicom, b=other)
    (tmp_path / "plain").mkdir()
    files = unsealed(upload, tmp_path / "plain")
    assert [path.read_bytes() for path in tmp_path.glob("plain/*")] == [other]
    assert files["b"].read_bytes() == other
    assert files["a"].read_bytes() == pickle.loads(pickle.dumps(files["a"])).read_bytes() == dicom
    assert path_from(words_of(files["a"])).read_bytes() == dicom
    for wrong in (-1, 1):
        with pytest.raises(InputError, match=r"damaged|cut short"):
            sealed(files["a"], files["a"].key, len(dicom) + wrong).read_bytes()
    with pytest.raises(ValueError, match="bytes only"):
        files["a"].open("w")
    with ThreadPoolExecutor(1) as pool:
        files["a"].begin(pool)
    assert [files["a"].read_bytes() for _ in range(2)] == [dicom, dicom]


@pytest.mark.django_db
def test_a_dicom_file_that_was_damaged_in_the_quarantine_is_refused_and_not_taken_for_another(tmp_path):
    dicom = bytes(128) + b"DICM" + os.urandom(3_000_000)
    upload = upload_of(factories.make_study(subjects=0), tmp_path / "in", a=dicom)
    (sealed_file,) = quarantine.packs(upload.pk)
    content = bytearray(sealed_file.read_bytes())
    content[2_500_000] ^= 1
    sealed_file.write_bytes(content)
    files = unsealed(upload, tmp_path)
    with pytest.raises(InputError, match="damaged"):
        files["a"].read_bytes()
    with ThreadPoolExecutor(1) as pool:
        files["a"].begin(pool)
    with pytest.raises(InputError, match="damaged"):
        files["a"].read_bytes()
    sealed_file.write_bytes(content[:2_000_000])
    with pytest.raises(InputError, match=r"damaged|cut short"):
        files["a"].read_bytes()


def test_pieces_of_a_pack_are_told_apart_and_read_alone(tmp_path):
    sent = {"a": bytes(128) + b"DICM" + os.urandom(2_500_000), "b": b"", "c": b"x", "d": bytes(128) + b"DICM"}
    writer = quarantine.QuarantineWriter(tmp_path, SALT)
    names = []
    for name, content in sent.items():
        names.append(writer.begin(name))
        writer.write(content)
    writer.close()
    found = list(rows(writer.path))
    assert [f"{writer.path.name}/{one.place}".rstrip("/") for one in found] == names
    assert [one.size for one in found] == [len(content) for content in sent.values()]
    for piece, (name, content) in zip(names, sent.items(), strict=True):
        assert quarantine.unseal_piece(tmp_path / piece, SALT, tmp_path / "plain") == (name, 1, 1)
        assert (tmp_path / "plain").read_bytes() == content
    whole, second = writer.path.read_bytes(), int(names[1].partition("-")[2])
    writer.path.write_bytes(whole[:-5])
    with pytest.raises(InputError, match="cut short"):
        list(rows(writer.path))
    writer.path.write_bytes(whole[second:])  # a piece at another place is none
    with pytest.raises(InputError, match="damaged"):
        quarantine.unseal_piece(writer.path, SALT, tmp_path / "plain")


def test_a_discarded_file_leaves_nothing(tmp_path):
    writer = quarantine.QuarantineWriter(tmp_path, SALT)
    writer.begin("a")
    writer.write(b"half")
    writer.discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db
def test_what_nobody_sorted_within_a_day_is_erased_and_the_upload_says_so(tmp_path, settings):
    study = factories.make_study(subjects=1)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.dcm").write_bytes(b"Jane Doe")
    old = services.receive_folder(study=study, folder=tmp_path / "in", actor=None)
    new = services.receive_folder(study=study, folder=tmp_path / "in", actor=None)
    refused = quarantine.folder("request-refused")
    yesterday = timezone.now() - timedelta(hours=25)
    Upload.objects.filter(pk=old.pk).update(created_at=yesterday)
    os.utime(refused, (yesterday.timestamp(), yesterday.timestamp()))
    services.purge_stale()
    assert sorted(path.name for path in settings.QUARANTINE_DIR.iterdir()) == [str(new.pk)]
    old.refresh_from_db()
    assert (old.state, old.salt) == ("failed", "")
    assert "Send them again" in Job.objects.get(parameters__upload=old.pk).error
