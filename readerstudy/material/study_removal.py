"""A whole study goes: rows, files, what rests in the quarantine. A tombstone stays. An admin does it, never time."""

from datetime import date

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format

from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.audit.models import Tombstone
from readerstudy.audit.removal import remove_study
from readerstudy.jobs.services import request_job
from readerstudy.material.erasure import ERASE
from readerstudy.material.models import Alignment, Instance, VolumeOfInterest
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.signals import removed, removing_study
from readerstudy.states import ENDED


def kept_until(study: ReaderStudy) -> date | None:
    """The day until which a study that has ended is to be kept; None if it may go."""
    held = study.state in ENDED and study.keep_until is not None and timezone.localdate() <= study.keep_until
    return study.keep_until if held else None


def files_of_study(study: ReaderStudy, **_: object) -> set[str]:
    """Hashes of the files of its material."""
    return {
        *Instance.objects.filter(series__study=study).values_list("sha256", flat=True),
        *VolumeOfInterest.objects.filter(study=study).values_list("sha256", flat=True),
        *Alignment.objects.filter(study=study).values_list("picture", flat=True),
    }


def remove_whole_study(*, study: ReaderStudy, reason: str, actor: User | None) -> Tombstone:
    """Remove a draft, or a study that has ended, with the files that no other study needs.

    InputError without a reason, while it is read, or before the day until which it is kept; RecordError if its log
    does not hold.
    """
    if (day := kept_until(study)) is not None:
        raise InputError(
            f"The study is to be kept until {date_format(day, 'j F Y')}. Change that day first: the log tells of it."
        )
    with transaction.atomic():
        told = removing_study.send(sender=ReaderStudy, study=study)
        files = sorted({sha256 for _, hashes in told for sha256 in hashes or ()})
        stone = remove_study(study=study, reason=reason, actor=actor)
        if files:
            request_job(
                function=ERASE,
                study=None,
                label=f"Files of {study.slug}",
                parameters={"hashes": files},
                inputs={"removed": study.slug, "line": stone.sha256},
            )
    removed.send(sender=ReaderStudy, study=study)
    return stone
