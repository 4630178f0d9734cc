"""What lies in the archive is what was kept: `verify_archive` finds the rest, and no damaged image reaches a reader."""

import os
import time
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from readerstudy.archive import parts, store
from readerstudy.archive.backup import archive_names
from readerstudy.jobs.models import Job
from readerstudy.jobs.tasks import run_job
from readerstudy.material.models import Case
from readerstudy.reading.amendments import withdraw_subject
from readerstudy.reading.preparing import prepare, replace_prepared
from readerstudy.reading.remaking import REMAKE
from tests import factories
from tests.once import made_once

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@made_once(committed=True)
def study():
    """One case with pixels, in one comparison, which one reader reads."""
    made = factories.make_study(subjects=0)
    factories.two_acquisitions(made)
    made.comparisons.exclude(first__code="SOC", second__code="FAST").delete()
    made.arms.exclude(code__in=["SOC", "FAST"]).delete()
    made.primary_comparison = made.comparisons.get()
    made.save()
    case = Case.objects.get(study=made)
    prepared = prepare(case, lambda share, what: None)
    replace_prepared(case, prepared.pairs, prepared.check)
    factories.log_as_is(made)
    return factories.open_(made)


@pytest.fixture(autouse=True)
def unknown_to_the_process():
    parts._stands.clear()


def verified() -> str:
    said = StringIO()
    with suppress(CommandError):
        call_command("verify_archive", stdout=said, stderr=said)
    return said.getvalue()


def path_of(sha256: str) -> Path:
    return Path(storages["archive"].path(store.place_of(sha256)))


def damage(sha256: str, place: int = -1) -> None:
    content = bytearray(path_of(sha256).read_bytes())
    content[place] ^= 1
    path_of(sha256).write_bytes(content)


def test_each_fault_of_the_archive_is_found_and_nothing_else(study, tmp_path):
    assert verified().startswith("Every file that a study needs is there")
    pair = study.pairs.get()
    damage(pair.first_left_sha256)
    path_of(pair.first_right_sha256).unlink()
    foreign = store.put_bytes(b"of nobody")
    assert "foreign" not in verified()  # a job may be about to name it
    os.utime(path_of(foreign), (time.time() - 7200,) * 2)
    with pytest.raises(CommandError) as refused:
        call_command("verify_archive", stderr=StringIO())
    assert refused.value.returncode == 1
    said = verified()
    assert f"{pair.first_left_sha256}: damaged" in said
    assert f"{pair.first_right_sha256}: missing" in said
    assert f"{foreign}: foreign" in said
    assert len(said.splitlines()) == 3


def test_what_a_withdrawn_subject_left_is_found_once_its_job_is_done(study):
    for name in archive_names():
        os.utime(storages["archive"].path(name), (time.time() - 7200,) * 2)
    subject = study.subjects.get()
    withdraw_subject(study=study, subject=subject, reason="Asked for.", actor=None)
    assert verified().startswith("Every file")
    Job.objects.filter(function="material.erase").update(state="done")
    said = verified()
    assert said.count("should have been erased") + said.count("foreign") == len(list(archive_names()))


@pytest.fixture
def reading(study):
    """(client, address of the frames of the pair whose turn it is, its files)."""
    presentation = study.presentations.order_by("position").first()
    client = Client()
    client.force_login(presentation.reader.user)
    pair = study.pairs.get()
    address = reverse("current", args=[study.slug]).removesuffix("current/") + f"{presentation.token}/frames/"
    return client, address, (pair.first_left_sha256, pair.first_right_sha256)


def test_a_damaged_or_missing_image_is_never_shown_and_is_made_again_as_it_was(study, reading):
    client, address, files = reading
    whole = [client.get(f"{address}{index}/") for index in range(3)]
    assert {answer.status_code for answer in whole} == {200}
    for spoil in (damage, lambda sha256: path_of(sha256).unlink()):
        for sha256 in files:
            spoil(sha256)
        last = len(study.pairs.get().order) - 1
        answer = client.get(f"{address}{last}/")
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert "made again" in answer.json()["detail"]
        assert not any(sha256.encode() in answer.content for sha256 in files)
        client.get(f"{address}{last}/")
        job = Job.objects.get(function=REMAKE, state="waiting")  # asked for once
        run_job(job.pk)
        job.refresh_from_db()
        assert (job.state, job.error) == ("done", "")
        again = [client.get(f"{address}{index}/") for index in range(3)]
        assert [answer.content for answer in again] == [answer.content for answer in whole]
    assert verified().startswith("Every file")


def test_images_that_would_come_out_otherwise_are_not_put_in_their_place(study, reading):
    client, address, files = reading
    damage(files[0])
    damage(files[1])
    series = study.series.get(arm__code="FAST", active=True)
    other = study.series.get(arm__code="SOC", active=True)
    series.instances.update(sha256=other.instances.get().sha256)  # behind the site's back
    assert client.get(f"{address}0/").status_code == 503
    job = Job.objects.get(function=REMAKE)
    run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "failed"
    assert "Restore" in job.error
    assert client.get(f"{address}0/").status_code == 503


def test_checking_a_frame_asks_nothing_more_of_the_database(study, reading):
    client, address, _ = reading
    client.get(f"{address}0/")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert client.get(f"{address}1/").status_code == 200
    assert len(asked) == 2
