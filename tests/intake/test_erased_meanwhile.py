"""Files are sent again while the job erases the same bytes: they are kept, or the job that keeps them says why not."""

import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from django.core.files.storage import storages
from django.db import connections, transaction

from processing.errors import InputError
from processing.ingest.masks import TakenMask
from processing.masks import Mask, write_mask
from readerstudy.archive import store
from readerstudy.archive.keeping import ensure_kept
from readerstudy.audit.studies import study_for_update
from readerstudy.intake.models import SORT, Candidate, Upload
from readerstudy.intake.services import receive_folder
from readerstudy.intake.tasks import sort_upload
from readerstudy.intake.undoing import remove_candidate
from readerstudy.jobs import registry
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import claim, fail, finish, retry
from readerstudy.jobs.tasks import run_job
from readerstudy.material import erasure, volumes_of_interest
from readerstudy.material.alignments import REGISTER
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.preparing import PREPARE
from readerstudy.results import imported, imported_tables
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


def in_archive() -> set[str]:
    return {path.name for path in Path(storages["archive"].path("")).rglob("*") if path.is_file()}


@pytest.mark.django_db
@pytest.mark.parametrize("function", [PREPARE, REGISTER])
def test_pairs_and_pictures_that_were_erased_meanwhile_are_not_stored(function):
    study = factories.make_study(subjects=0, readers=0)
    factories.two_acquisitions(study)
    study.comparisons.exclude(first__code="SOC", second__code="FAST").delete()
    case, before = study.cases.get(), in_archive()
    places = {arm: case.series.get(arm__code=code).pk for arm, code in (("fixed", "SOC"), ("moving", "FAST"))}
    made = factories.make_job(study, function=function, parameters={"case": case.pk, **places})
    job = claim(job_id=made.pk, worker="w")
    keep = registry.find(function)(job, lambda *progress: None)
    assert [store.erase(sha256) for sha256 in in_archive() - before]
    with pytest.raises(InputError, match="erased meanwhile"):
        finish(job=job, store=keep)
    assert not study.pairs.exists()
    assert not study.alignments.exists()


def _import_table(study: ReaderStudy) -> None:
    made = {"ratings": "x", "map": "y", "notes": [], "slips": [], "rows": 1, "cells": 1}
    imported.import_table(study=study, actor=None, title="Pilot", sheet=b"z", made=made)


def _receive_mask(study: ReaderStudy) -> None:
    case = study.cases.get()
    on = case.series.get(arm__code="SOC")
    with tempfile.TemporaryDirectory() as folder:
        file = SimpleNamespace(size=6, path=Path(folder, "sealed"))
        volumes_of_interest.receive_masks(case=case, drawn_on=on, name="cord", files=[file], actor=None, key=b"")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("keep", [_import_table, _receive_mask])
def test_who_keeps_files_and_a_job_that_ends_do_not_wait_for_each_other(keep, monkeypatch, tmp_path):
    study = factories.make_study(subjects=1, readers=0)
    mask = Mask("", 1, np.ones(factories.SHAPE, bool), np.diag([1.0, 1.0, 4.0, 1.0]))
    taken = TakenMask(write_mask(mask, tmp_path / "mask.nii.gz"), "", mask.voxels, mask.millilitres)
    monkeypatch.setattr(volumes_of_interest, "_taken", lambda *_: [taken])
    held, errors = threading.Event(), []

    def end_a_job() -> None:
        with transaction.atomic():
            study_for_update(study)
            held.set()
            time.sleep(MOMENT)
            ensure_kept([])

    def beside(do: Callable[[], None]) -> None:
        try:
            do()
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    job = threading.Thread(target=beside, args=[end_a_job])
    job.start()
    held.wait(10)
    beside(lambda: keep(study))
    job.join()
    assert errors == []
    assert study.volumes_of_interest.count() + len(imported_tables.tables(study)) == 1


@pytest.mark.django_db(transaction=True)
def test_there_is_no_turn_without_a_transaction():
    with pytest.raises(transaction.TransactionManagementError):
        ensure_kept([])
