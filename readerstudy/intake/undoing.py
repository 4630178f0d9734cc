"""The way back, as long as no reader's list holds a case: what was confirmed waits again, or goes for good."""

from collections.abc import Collection, Iterable

from django.db import transaction
from django.db.models import Q, QuerySet

from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.archive import quarantine
from readerstudy.audit.actions import Action
from readerstudy.audit.services import record
from readerstudy.intake.certainty import settle
from readerstudy.intake.models import SORT, Candidate, Delivered, Upload
from readerstudy.intake.services import confirm
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import request_job
from readerstudy.material.erasure import ERASE
from readerstudy.material.models import Case, Series, Subject
from readerstudy.material.removal import remove_series
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import ensure_takes_material


def candidate_of(series: Series) -> Candidate:
    """What a series was before it was confirmed. InputError if it never waited, as what a model made."""
    found = Candidate.objects.filter(series=series).first()
    if found is None:
        raise InputError("This series never waited to be confirmed. Take out what it was made from, or its case.")
    return found


@transaction.atomic
def back_to_confirm(*, series: Series, actor: User | None) -> Candidate:
    """Undo a confirmation: the series waits again, and all that was made from it goes."""
    ensure_takes_material(series.study)
    candidate = candidate_of(series)
    case, arm = series.case.code, series.arm.code
    remove_series(study=series.study, series=[series], action=Action.SERIES_TAKEN_BACK, actor=actor, case=case, arm=arm)
    _wait_again(series.study, [candidate.pk])
    candidate.refresh_from_db()
    return candidate


@transaction.atomic
def move_series(*, series: Series, actor: User | None, **placing) -> Series:
    """Take a series back and place it elsewhere, all or nothing. placing: as for `confirm`."""
    candidate = candidate_of(series)
    here = (series.case.subject.code, series.case.region, series.case.plane, series.case.weighting, series.arm)
    names = ("subject_code", "region", "plane", "weighting", "arm")
    if all(placing[name] == now for name, now in zip(names, here, strict=True)):
        raise InputError("The series stands there already. Choose another case or arm.")
    moved = confirm(
        candidate=back_to_confirm(series=series, actor=actor), actor=actor, incomplete=bool(candidate.lacks), **placing
    )
    settle(series.study)
    return moved


@transaction.atomic
def remove_case(*, case: Case, keep: bool, actor: User | None) -> None:
    """Take a whole case out. keep: its series wait to be confirmed again; else they and their files go."""
    ensure_takes_material(case.study)
    series = list(case.series.all())
    candidates = _leaving(series, keep=keep)
    remove_series(
        study=case.study,
        series=series,
        cases=[case],
        action=Action.CASE_REMOVED,
        actor=actor,
        case=case.code,
        kept=keep and bool(candidates),
    )
    _wait_again(case.study, candidates)


@transaction.atomic
def remove_subject(*, subject: Subject, keep: bool, actor: User | None) -> None:
    """Take a subject with all its cases out. keep: as of `remove_case`; else what waits of it goes too."""
    ensure_takes_material(subject.study)
    series = list(Series.objects.filter(case__subject=subject))
    candidates = _leaving(series, keep=keep)
    if not keep:
        waiting = subject.study.candidates.filter(series=None)
        mine = waiting.filter(subject_code=subject.code)
        _forget(subject.study, mine | waiting.filter(subject_key=subject.key) if subject.key else mine)
    remove_series(
        study=subject.study,
        series=series,
        cases=subject.cases.all(),
        subjects=[subject],
        action=Action.SUBJECT_REMOVED,
        actor=actor,
        subject=subject.code,
        kept=keep and bool(candidates),
    )
    _wait_again(subject.study, candidates)


@transaction.atomic
def remove_upload(*, upload: Upload, actor: User | None) -> None:
    """Take out all that an upload brought: series, what waits, what was refused."""
    ensure_takes_material(upload.study)
    study, number = upload.study, upload.pk
    Job.objects.filter(study=study, function=SORT, parameters__upload=number).delete()  # one that runs stores nothing
    series = list(Series.objects.filter(candidate__upload=upload))
    pixels = list(upload.candidates.values_list("sha256", flat=True))
    _forget(study, upload.candidates.all(), copies=False)
    remove_series(study=study, series=series, action=Action.UPLOAD_REMOVED, actor=actor, upload=number, kept=False)
    upload.delete()
    _first_again(study, pixels)
    settle(study)
    transaction.on_commit(lambda: quarantine.erase(number))


@transaction.atomic
def remove_candidate(*, candidate: Candidate, actor: User | None) -> None:
    """Remove a series that is not confirmed, with its files. InputError if it was confirmed meanwhile."""
    ensure_takes_material(candidate.study)
    found = Candidate.objects.select_for_update().filter(pk=candidate.pk, series=None)
    if not found.exists():
        raise InputError("This series has been confirmed: take it back first, on the page of its case.")
    _forget(candidate.study, found)
    settle(candidate.study)
    record(study=candidate.study, action=Action.SERIES_REMOVED, actor=actor, sha256=candidate.sha256)


def _leaving(series: Iterable[Series], *, keep: bool) -> list[int]:
    """The candidates that wait again once these series are gone; without `keep` none: they go."""
    candidates = Candidate.objects.filter(series__in=list(series))
    if keep:
        return list(candidates.values_list("pk", flat=True))
    if first := candidates.first():
        _forget(first.study, candidates)
    return []


def _known(study: ReaderStudy, pixels: Iterable[str]) -> Q:
    """What came a second time."""
    return Q(study=study, state=Candidate.State.KNOWN, sha256__in=list(pixels))


def _first_again(study: ReaderStudy, pixels: Iterable[str]) -> None:
    """What another upload brought a second time is all that is left of it now: it waits to be confirmed."""
    here = set(study.series.filter(sha256__in=pixels).values_list("sha256", flat=True))
    here |= set(study.candidates.filter(state=Candidate.State.PROPOSED).values_list("sha256", flat=True))
    for sha256 in set(pixels) - here:
        if again := Candidate.objects.filter(_known(study, [sha256])).order_by("pk").first():
            Candidate.objects.filter(pk=again.pk).update(state=Candidate.State.PROPOSED)
    settle(study)


def _wait_again(study: ReaderStudy, candidates: Collection[int]) -> None:
    """These wait again; places are free that other series claim."""
    Candidate.objects.filter(pk__in=candidates).update(
        state=Candidate.State.PROPOSED, series=None, doubt="taken back: look, then confirm"
    )
    settle(study)


def _forget(study: ReaderStudy, candidates: QuerySet[Candidate], *, copies: bool = True) -> None:
    """Remove candidates and, where nothing else needs them, their files. What is sent again is taken again. copies:
    what came a second time goes too."""
    found = list(candidates)
    if copies:
        found += Candidate.objects.filter(_known(study, [one.sha256 for one in found]))
    files = sorted({sha256 for one in found for sha256, *_ in one.instances})
    numbers = sorted({one.pk for one in found})
    Candidate.objects.filter(pk__in=numbers).delete()
    Delivered.objects.filter(study=study).delete()
    if files:
        request_job(
            function=ERASE,
            study=study,
            label=f"Files of {len(numbers)} series that were taken out",
            parameters={"hashes": files},
            inputs={"study": study.pk, "candidates": numbers, "hashes": files},
        )
