"""Opening as a job: check what is prepared, prepare what is not, make the schedule, freeze. All or nothing."""

from collections.abc import Callable

from django.db import transaction

from processing.errors import InputError
from readerstudy.accounts.models import Role, User
from readerstudy.audit import chain, keys
from readerstudy.audit.actions import Action
from readerstudy.audit.models import Event
from readerstudy.audit.services import record
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import UNDER_WAY, request_job, retry
from readerstudy.material.models import Case
from readerstudy.material.selectors import in_use
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.selectors import protocol_document
from readerstudy.reading import checks, preparing
from readerstudy.reading.opening_checklist import not_ready
from readerstudy.reading.services import open_study
from readerstudy.states import State

OPEN = "reading.open"


@transaction.atomic
def request_opening(*, study: ReaderStudy, actor: User) -> Job:
    """Ask a worker to open the study, and log who asked; asked again after a failure it tries again. InputError names
    what is missing."""
    if study.state != State.DRAFT:
        raise InputError("This study has been opened already.")
    if missing := not_ready(study):
        raise InputError("Not ready to open: " + "; ".join(point.text for point in missing) + ".")
    series = study.series.filter(in_use("case__"), active=True).order_by("pk").values_list("sha256", flat=True)
    job, new = request_job(
        function=OPEN,
        study=study,
        label="Opening",
        parameters={"actor": actor.pk},
        inputs={"study": study.pk, "protocol": protocol_document(study)["sha256"], "series": list(series)},
    )
    again = not new and retry(job=job, parameters={"actor": actor.pk})
    if new or again:
        record(study=study, action=Action.OPENING_ASKED_FOR, actor=actor)
    return job


def last_opening(study: ReaderStudy) -> Job | None:
    """The job that opens this study, as it stands; None if nobody has asked for it."""
    return Job.objects.filter(study=study, function=OPEN).order_by("-created_at", "-pk").first()


def ensure_not_opening(study: ReaderStudy, **_: object) -> None:
    """InputError while a job opens this study: what it checks may not go meanwhile."""
    if Job.objects.filter(study=study, function=OPEN, state__in=UNDER_WAY).exists():
        raise InputError("The study is being opened. Wait until that has ended, or cancel that job first.")


def prepare_missing(study: ReaderStudy, report: Callable[[float, str], None]) -> list[tuple[Case, preparing.Prepared]]:
    """Check every case at both ends and its pairs against their hashes; pairs for those that have none yet.

    InputError if a case is held back; what was found is kept, so that it can be looked at.
    """
    if study.images_only:
        return []
    cases, made = preparing.cases_to_show(study), []
    each = study.comparisons.count()
    for number, case in enumerate(cases):
        done, message = 0.98 * number / len(cases), f"{number * each:,} of {len(cases) * each:,} pairs ready"
        report(done, message)
        if preparing.is_prepared(case) and preparing.are_files_there(case) and checks.is_checked(case):
            continue
        prepared = preparing.prepare(case, lambda share, _: report(done + 0.98 * share / len(cases), message))  # noqa: B023
        if prepared.check.stops:
            with transaction.atomic():
                preparing.replace_prepared(case, prepared.pairs, prepared.check)
        else:
            made.append((case, prepared))
    if held := checks.held_back(study):
        codes = ", ".join(check.case.code for check in held[:5])
        raise InputError(
            f"Not opened: {len(held)} case{'' if len(held) == 1 else 's'} held back ({codes}). "
            "Look at what stands against them, then let them pass or correct their series."
        )
    report(0.98, "making the schedule")
    return made


def finish(*, study: ReaderStudy, actor: int) -> dict:
    """Open the study in the name of who asked for it, who must still be its admin. InputError also where the log does
    not say so: what was asked for once, before a backup, may have been put in again."""
    admin = study.memberships.filter(role=Role.ADMIN, user=actor, user__is_active=True).select_related("user").first()
    if admin is None:
        raise InputError("Who asked for the opening is no admin of this study any more.")
    asked = Event.objects.filter(study=study, action=Action.OPENING_ASKED_FOR, actor=actor).last()
    if asked is None or asked.key not in keys.known() or chain.line_problem(asked, study.slug):
        raise InputError("The log does not say that this admin asked for the opening.")
    opened = open_study(study=study, actor=admin.user)
    return {"presentations": opened.presentations.count(), "schedule": opened.schedule_sha256}
