"""Files of prepared pairs that are missing or damaged in the archive are made again, if they come out as they were."""

from collections.abc import Callable

from processing.errors import InputError
from readerstudy.archive import store
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import request_job
from readerstudy.material.erasure import erase_files
from readerstudy.material.models import Case
from readerstudy.reading.erasure import COLUMNS
from readerstudy.reading.preparing import prepare

REMAKE = "reading.remake"
OTHERWISE = "The pairs of {} do not come out as they were shown. Restore their files from a backup."


def ask_to_remake(case: Case) -> bool:
    """Ask for the files of a case's pairs; returns whether that is a new job."""
    done = Job.objects.filter(study=case.study_id, function=REMAKE, parameters__case=case.pk, state=Job.State.DONE)
    return request_job(
        function=REMAKE,
        study=case.study,
        label=f"pairs of {case.code}, again",
        parameters={"case": case.pk},
        inputs={"case": case.pk, "time": done.count()},
    )[1]


def remake(case: Case, report: Callable[[float, str], None]) -> int:
    """Make the files of a case's pairs that are not as they were kept; returns how many. InputError if they come out
    otherwise."""
    wanted = {sha256 for both in case.pairs.values_list(*COLUMNS) for sha256 in both}
    lost = {sha256 for sha256 in wanted if not store.is_whole(sha256)}
    if not lost:
        return 0
    for sha256 in lost:
        store.erase(sha256)
    made = {getattr(pair, column) for pair in prepare(case, report).pairs for column in COLUMNS}
    if made != wanted:
        erase_files(list(made - wanted))
        raise InputError(OTHERWISE.format(case.code))
    return len(lost)
