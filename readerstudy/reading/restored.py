"""After a restore: who was withdrawn since the backup is withdrawn again, and the pixels erased at once."""

from collections.abc import Callable

from processing.errors import InputError
from readerstudy.audit import heads
from readerstudy.audit.services import RecordError
from readerstudy.jobs.models import Job
from readerstudy.material.erasure import ERASE, erase_files
from readerstudy.material.models import Subject
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.amendments import withdraw_subject

REASON = "Withdrawn before, after the backup from which the site was restored."


def withdraw_again(study: ReaderStudy, say: Callable[[str], object], **_: object) -> None:
    """By the list that is kept outside the database."""
    if heads.removal_mac(study.slug):
        say(f"{study.slug} was removed on purpose since the backup: remove it again with `manage.py remove_study`.")
    for number, code in heads.noted_erasures(study.slug):
        if subject := Subject.objects.filter(pk=number, study=study, code=code, withdrawn_at=None).first():
            try:
                withdraw_subject(study=study, subject=subject, reason=REASON, actor=None)
                say(f"{study.slug}: {code} was withdrawn since the backup, and is withdrawn again.")
            except (InputError, RecordError) as error:
                say(f"{study.slug}: {code} was withdrawn since the backup, and is here again: {error}")
    for job in Job.objects.filter(study=study, function=ERASE).exclude(state=Job.State.DONE):
        erase_files(job.parameters["hashes"])
