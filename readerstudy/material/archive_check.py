"""The archive against the database: what is missing, damaged, foreign, or should have been erased."""

from collections.abc import Iterator
from datetime import timedelta

from django.core.files.storage import storages
from django.db import transaction
from django.utils import timezone

from readerstudy.archive import store
from readerstudy.archive.backup import archive_names
from readerstudy.jobs.models import Job
from readerstudy.material.erasure import ERASE, still_needed
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.signals import removing_study

UNDER_WAY = timedelta(hours=1)  # a job keeps files before the rows that name them


def named_files() -> set[str]:
    """Hashes of all files that some row of a study names, erased ones too."""
    with transaction.atomic():
        told = [
            hashes
            for study in ReaderStudy.objects.all()
            for _, hashes in removing_study.send(sender=ReaderStudy, study=study)
        ]
        transaction.set_rollback(True)  # none is removed
    return {sha256 for hashes in told for sha256 in hashes or ()}


def problems() -> Iterator[str]:
    """A sentence for each file that is not as it should be. Reads every byte of the archive."""
    named = named_files()
    needed = still_needed(named)
    to_erase = {
        sha256
        for parameters in Job.objects.filter(function=ERASE).exclude(state=Job.State.DONE).values_list("parameters")
        for sha256 in parameters[0]["hashes"]
    }
    there, before = set(), timezone.now() - UNDER_WAY
    for name in archive_names():
        sha256 = name.rpartition("/")[2]
        there.add(sha256)
        if sha256 in to_erase - needed:
            continue
        if name != store.place_of(sha256) or sha256 not in named:
            if storages["archive"].get_modified_time(name) < before:
                yield f"{name}: foreign, no study names it."
        elif not store.is_whole(sha256):
            yield f"{name}: damaged, its content has another hash."
        elif sha256 not in needed:
            yield f"{name}: should have been erased."
    for sha256 in sorted(needed - there):
        yield f"{store.place_of(sha256)}: missing."
