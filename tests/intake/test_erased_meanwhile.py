"""Files are sent again while the job erases the same bytes: they are kept, or the job that keeps them says why not."""

import threading
from contextlib import suppress

import pytest
from django.db import connections, transaction

from processing.errors import InputError
from readerstudy.archive import store
from readerstudy.archive.keeping import ensure_kept
from readerstudy.intake.models import SORT, Candidate, Upload
from readerstudy.intake.services import receive_folder
from readerstudy.intake.tasks import sort_upload
from readerstudy.intake.undoing import remove_candidate
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import claim, fail, finish, retry
from readerstudy.jobs.tasks import run_job
from readerstudy.material import erasure
from tests import factories
from tests.processing import dicom_files as files

pytestmark = pytest.mark.both_databases
MOMENT = 0.5  # seconds in which the other has done what it does, if nothing keeps it


@pytest.mark.django_db
def test_what_is_erased_between_sorting_and_storing_is_missed_and_kept_anew(tmp_path):
    study = factories.make_study(subjects=0, readers=0)
    files.series(tmp_path / "in", files.pixels(3, rows=40, columns=36))

    def send() -> Job:
        receive_folder(study=study, folder=tmp_path / "in", actor=None)
        return Job.objects.filter(function=SORT).latest("pk")

    run_job(send().pk)
    remove_candidate(candidate=Candidate.objects.get(), actor=None)
    again = claim(job_id=send().pk, worker="w")
    keep = sort_upload(again, lambda *progress: None)
    run_job(Job.objects.get(function=erasure.ERASE).pk)
    with pytest.raises(InputError, match="3 of its 3 files were erased meanwhile"):
        finish(job=again, store=keep)
    assert not Candidate.objects.exists()
    fail(job=again, error="erased meanwhile")
    assert retry(job=again)
    run_job(again.pk)
    assert store.lacking([sha256 for sha256, *_ in Candidate.objects.get().instances]) == 0


@pytest.mark.django_db(transaction=True)
def test_nothing_is_stored_between_the_question_whether_a_file_is_needed_and_its_end(monkeypatch):
    study = factories.make_study(subjects=0, readers=0)
    upload = Upload.objects.create(study=study)
    sha256 = store.put_bytes(b"sent again")
    asked, stored, said = threading.Event(), threading.Event(), []
    erase = store.erase

    def slowly(sha256: str) -> bool:
        asked.set()
        stored.wait(MOMENT)
        return erase(sha256)

    def keep() -> None:
        asked.wait(10)
        try:
            with transaction.atomic():
                ensure_kept([sha256])
                shape = {"slices": 1, "rows": 1, "columns": 1, "affine": [], "spacing": [], "parameters": {}}
                Candidate.objects.create(study=study, upload=upload, instances=[[sha256, 10, ""]], **shape)
        except InputError as reason:
            said.append(str(reason))
        finally:
            stored.set()
            connections.close_all()

    monkeypatch.setattr(store, "erase", slowly)
    keeper = threading.Thread(target=keep)
    keeper.start()
    with suppress(InputError):
        erasure.erase_files([sha256])
    keeper.join()
    assert Candidate.objects.count() == int(store.exists(sha256)), "a row without its file"
    assert len(said) == 1
