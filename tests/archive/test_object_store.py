"""Archive, quarantine and analyses in an object store: machines of one site need no disk in common.

What a machine has of it are copies: never more than settings allow, never damaged, never of what was erased; and both
orders of a pair come together, so that no time tells which of them a reader sees.
"""

import os
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from dicomweb_client.api import DICOMwebClient
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone
from pydicom import dcmread

from readerstudy.archive import backup, kept, near, object_storage, parts, quarantine, store, store_mark
from readerstudy.archive.models import Erasure
from readerstudy.archive.places import storages_at
from readerstudy.images.analyses import erase_analyses, store_analysis, stored_analysis
from readerstudy.intake import deliveries, services
from readerstudy.intake.models import Upload
from readerstudy.intake.watched_folder import WatchedFolder
from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import LaterError
from readerstudy.jobs.tasks import run_job
from readerstudy.material.models import Case, Series
from readerstudy.material.volumes import load
from readerstudy.reading.preparing import prepare, replace_prepared
from tests import factories
from tests.archive import bucket
from tests.dicomweb.material import SITE, SLICES, session, words_of, write_series

pytestmark = pytest.mark.django_db
problem = store_mark.problem


@pytest.fixture(scope="module")
def endpoint():
    with bucket.object_store() as address:
        yield address


@pytest.fixture
def site(endpoint, tmp_path, monkeypatch):
    """Be one of its machines: `with site("web 1"):`."""
    for name, value in (bucket.CREDENTIALS | {"AWS_ENDPOINT_URL_S3": endpoint}).items():
        monkeypatch.setenv(name, value)
    bucket.forget_connections()
    name = bucket.new_bucket(endpoint)
    yield lambda machine: bucket.machine(tmp_path / machine, name)
    bucket.forget_connections()


def files_of(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def delivered(tmp_path) -> Path:
    """A folder of DICOM files, as a person drops it."""
    from tests.processing import dicom_files

    folder = tmp_path / "delivered"
    folder.mkdir()
    dicom_files.series(folder, dicom_files.pixels())
    return folder


# -- from the upload to the reader -----------------------------------------------------------------------------------


def test_three_machines_without_a_common_disk_take_sort_and_show(
    site, tmp_path, delivered, django_capture_on_commit_callbacks
):
    with site("web 1"):
        study = factories.make_study(subjects=0)
        upload = services.receive_folder(study=study, folder=delivered, actor=None)
        assert quarantine.count(upload.pk) == len(list(delivered.iterdir()))
        with override_settings(QUARANTINE_DIR=tmp_path / "nothing here"):
            assert quarantine.packs(upload.pk)
    assert not list((tmp_path / "web 1" / "quarantine" / str(upload.pk)).glob("*.part"))
    sent = b"".join(path.read_bytes() for path in (tmp_path / "web 1").rglob("*") if path.is_file())
    with site("worker"), django_capture_on_commit_callbacks(execute=True):
        run_job(Job.objects.get(function="intake.sort").pk)
        upload.refresh_from_db()
        assert upload.state == Upload.State.SORTED, Job.objects.get(function="intake.sort").error
        candidate = upload.candidates.get()
    with site("web 2"):
        assert not quarantine.all_packs()
        assert store.lacking(candidate_files(candidate)) == 0
        assert store.read(candidate_files(candidate)[0])[128:132] == b"DICM"
    assert b"DICM" not in sent  # what lay on the web server's disk was sealed


def candidate_files(candidate) -> list[str]:
    return [sha256 for sha256, *_ in candidate.instances]


def by_folder(study, folder: Path) -> None:
    """Put into a watched folder."""
    watched = WatchedFolder(study, folder, settle=1)
    watched.look(0)
    assert watched.look(1) == SLICES


def by_dicomweb(study, folder: Path) -> None:
    """Sent by a program, one file after the other."""
    client = DICOMwebClient(f"{SITE}/dicomweb/studies/{study.slug}", session=session(words_of(study)))
    for path in sorted(folder.iterdir()):
        client.store_instances([dcmread(path)])


@pytest.mark.parametrize("bring", [by_folder, by_dicomweb])
def test_what_comes_by_other_doors_is_sorted_by_a_machine_that_did_not_take_it(
    site, tmp_path, bring, django_capture_on_commit_callbacks
):
    write_series(tmp_path / "in", 1)
    with site("door"):
        study = factories.make_study(subjects=0)
        bring(study, tmp_path / "in")
        upload = Upload.objects.get()
        Upload.objects.update(last_at=upload.last_at - 2 * deliveries.QUIET)
    assert not files_of(tmp_path / "door" / "quarantine")
    with site("worker"), django_capture_on_commit_callbacks(execute=True):
        assert deliveries.send_on() == 1
        run_job(Job.objects.get(function="intake.sort").pk)
        upload.refresh_from_db()
        assert upload.state == Upload.State.SORTED, Job.objects.get(function="intake.sort").error
        assert len(candidate_files(upload.candidates.get())) == SLICES
    with site("door"):
        assert not quarantine.all_packs()


def opened(study):
    """One case with pixels, in one comparison, which one reader reads."""
    factories.two_acquisitions(study)
    study.comparisons.exclude(first__code="SOC", second__code="FAST").delete()
    study.arms.exclude(code__in=["SOC", "FAST"]).delete()
    study.primary_comparison = study.comparisons.get()
    study.save()
    case = Case.objects.get(study=study)
    made = prepare(case, lambda share, what: None)
    replace_prepared(case, made.pairs, made.check)
    factories.log_as_is(study)
    return factories.open_(study)


@pytest.fixture
def reading(site):
    """(pair, client, address of its frames), made on one machine."""
    with site("worker"):
        study = opened(factories.make_study(subjects=0))
    presentation = study.presentations.order_by("position").first()
    client = Client()
    client.force_login(presentation.reader.user)
    address = reverse("current", args=[study.slug]).removesuffix("current/") + f"{presentation.token}/frames/"
    return study.pairs.get(), client, address


def test_a_frame_is_sent_by_the_site_and_both_orders_come_near_together(site, reading, tmp_path):
    pair, client, address = reading
    both = {pair.first_left_sha256, pair.first_right_sha256}
    with site("web"):
        answer = client.get(address + "0/")
        assert answer.status_code == 200
        assert not {"Location", "ETag", "Last-Modified"} & set(answer.headers)
        assert files_of(tmp_path / "web" / "near") == both
        for spared in both:  # whichever of them is lacking, it comes before either is read
            near.forget(both - {spared})
            assert client.get(address + "1/").status_code == 200
            assert files_of(tmp_path / "web" / "near") == both
    with site("another web"):  # the same bytes from every machine
        assert client.get(address + "0/").content == answer.content


def test_a_damaged_copy_is_fetched_anew_and_a_damaged_original_never_shown(site, reading, tmp_path):
    pair, client, address = reading
    with site("web"):
        good = client.get(address + "0/").content
        for sha256 in (pair.first_left_sha256, pair.first_right_sha256):
            path = next((tmp_path / "web" / "near").rglob(sha256))
            path.write_bytes(b"\0" * path.stat().st_size)
        assert client.get(address + "0/").content == good
        for sha256 in (pair.first_left_sha256, pair.first_right_sha256):
            storages["archive"].save(store.place_of(sha256), ContentFile(b"\0" * 100))
            near.forget([sha256])
        assert not store.is_whole(pair.first_left_sha256)
    with site("web 2"):
        assert client.get(address + "0/").status_code == 503
        assert not files_of(tmp_path / "web 2" / "near")


def test_a_series_is_read_as_from_a_folder_and_left_when_copies_have_to_go(site, tmp_path):
    with site("worker"):
        study = factories.make_study(subjects=0)
        factories.two_acquisitions(study)
        series = Series.objects.first()
    with site("another"), store.local_files(list(series.instances.values_list("sha256", flat=True))) as paths:
        near.forget(series.instances.values_list("sha256", flat=True))
        assert all(path.read_bytes() for path in paths)
        assert load(series).array.shape[0] == series.slices


# -- copies ------------------------------------------------------------------------------------------------------------


def test_copies_take_no_more_room_than_allowed_and_the_longest_unused_go_first(site, tmp_path):
    with site("worker"):
        hashes = [store.put_bytes(bytes([number]) * 1000) for number in range(20)]
    with site("web"), override_settings(NEAR_BYTES=8_000):
        for number, sha256 in enumerate(hashes):
            store.read(sha256)
            os.utime(next((tmp_path / "web").rglob(sha256)), (number, number))
            store.read(hashes[0])  # is asked for all the time
        there = files_of(tmp_path / "web" / "near")
        assert len(there) <= 8
        assert {hashes[0], hashes[-1]} <= there
        assert hashes[1] not in there


def test_what_was_erased_goes_from_every_machine(site, tmp_path):
    with site("worker"):
        sha256 = store.put_bytes(b"of somebody who withdrew")
    for name in ("web 1", "web 2"):
        with site(name):
            store.read(sha256)
    with site("worker"):
        assert store.erase(sha256)
    with site("web 1"):
        assert Client().get("/healthz").status_code in (200, 503)  # whoever watches the site asks for it
        assert not files_of(tmp_path / "web 1" / "near")
        with pytest.raises(FileNotFoundError):
            store.read(sha256)
    assert files_of(tmp_path / "web 2" / "near") == {sha256}
    Erasure.objects.update(at=timezone.now() - timedelta(days=30))
    with site("web 2"):  # which was off for a month
        near.forget_erased()
        assert not files_of(tmp_path / "web 2" / "near")


def test_what_an_analysis_made_is_seen_and_erased_from_everywhere(site, tmp_path):
    name = f"results/a-{'0' * 64}.json"
    with site("worker"):
        study = factories.make_study(subjects=0)
        store_analysis(name, {"x": 1})
        store_analysis(other := f"results/a-{'1' * 64}.json", {"x": 2})
        store_analysis(mine := f"results/{study.slug}-{'1' * 64}.json", {"x": 3})
    with site("web"):
        assert stored_analysis(name) is None  # another took its place
        assert stored_analysis(other) == {"x": 2}
        kept.write_text(other, kept.read_text(other).replace("2}", "3}"))
        assert stored_analysis(other) is None  # not by the site
        erase_analyses(study)
    with site("worker"):
        assert stored_analysis(mine) is None
        assert kept.read_text(other)
    assert not list((tmp_path / "worker").rglob("*.json"))


# -- the store, and when it is away ------------------------------------------------------------------------------------


def test_a_machine_that_sees_another_bucket_says_so(site, endpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(store_mark, "problem", problem)
    with site("web"):
        assert store_mark.mark_new_store() == ""
    with site("worker"):
        assert store_mark.problem() == ""
    with bucket.machine(tmp_path / "stray", bucket.new_bucket(endpoint)):
        assert "bears no mark" in store_mark.problem()
    with bucket.machine(tmp_path / "stray", "nowhere"):
        assert "cannot be read" in store_mark.problem() or "no mark" in store_mark.problem()


def test_while_the_store_is_away_a_job_waits_and_a_reader_is_told(site, reading, monkeypatch):
    pair, client, address = reading
    with site("web"):
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")  # nobody listens there
        monkeypatch.setattr(object_storage, "CONFIG", object_storage.CONFIG.merge(object_storage.Config(retries=None)))
        bucket.forget_connections()
        with pytest.raises(LaterError, match="does not answer"):
            store.exists(pair.first_left_sha256)
        client.raise_request_exception = False
        assert client.get(address + "0/").status_code == 503
        job = factories.make_job(study=pair.study, function="reading.prepare", parameters={"case": pair.case_id})
        run_job(job.pk)
        job.refresh_from_db()
        assert (job.state, job.attempts) == ("waiting", 0)
        assert "does not answer" in job.message


def test_a_backup_of_one_becomes_the_other(site, tmp_path, delivered, monkeypatch):
    with site("web"):
        study = factories.make_study(subjects=0)
        sha256 = store.put_bytes(b"kept")
        services.receive_folder(study=study, folder=delivered, actor=None)
        packs, files = quarantine.all_packs(), list(backup.archive_names())
        assert store.place_of(sha256) in files
        with quarantine.pack_here(packs[0]) as path:
            assert path.stat().st_size
        target = tmp_path / "packs"
        for name in packs:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            with quarantine.pack_here(name) as path:
                (target / name).write_bytes(path.read_bytes())
        quarantine.clear()
        assert not quarantine.all_packs()
        quarantine.put_back(target)
        assert quarantine.all_packs() == packs
        quarantine.erase_older_than(timezone.now() + timedelta(minutes=1))
        assert not quarantine.all_packs()
    said = StringIO()
    with site("web"):
        call_command("verify_archive", stdout=said, stderr=said)
    assert "Every file" in said.getvalue() or "foreign" in said.getvalue()


@pytest.mark.parametrize("address", ["s3://", "gs://bucket", "s3://bucket/a?b=c"])
def test_an_address_that_names_no_bucket_is_refused(address):
    from django.core.exceptions import ImproperlyConfigured

    with pytest.raises(ImproperlyConfigured, match="READERSTUDY_STORAGE"):
        storages_at(address, Path())
    assert parts.KEPT


def test_what_the_cache_in_redis_holds_is_json():
    from readerstudy.serving.plain_values import PlainValues

    plain = PlainValues()
    for value in (7, True, "y", [1.5, 2.5], {"a": None}):
        said = plain.dumps(value)
        assert plain.loads(said if isinstance(said, bytes) else str(said).encode()) == value
    with pytest.raises(ValueError):
        plain.loads(b"\x80\x04K\x01.")  # a pickle
