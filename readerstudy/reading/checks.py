"""What stands against a case before a reader sees it, and what an admin who has looked lets pass."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.archive import store
from readerstudy.audit.actions import Action
from readerstudy.audit.seals import Seal
from readerstudy.audit.services import ensure_sealed, record
from readerstudy.jobs.services import ask_for_missing
from readerstudy.material.erasure import units
from readerstudy.material.models import Alignment, Case, Series
from readerstudy.material.selectors import in_use
from readerstudy.protocol.models import Comparison, ReaderStudy
from readerstudy.reading.models import CaseCheck, PreparedPair
from readerstudy.states import State

if TYPE_CHECKING:
    from processing.grid import Grid
    from processing.volume import Volume

VERSION = 1  # another rule for what is held back is another version: cases are looked at again


def shown_series(case: Case) -> dict[int, Series]:
    """The active series of a case that readers see, by arm."""
    arms = {arm for both in case.study.comparisons.values_list("first", "second") for arm in both}
    return {one.arm_id: one for one in case.series.filter(active=True, arm__in=arms)}


def _numbers(series: Iterable[Series]) -> list[int]:
    return sorted(one.pk for one in series)


def _current(case: Case, series: Iterable[Series]) -> CaseCheck | None:
    found = CaseCheck.objects.filter(case=case, version=VERSION).first()
    return found if found and found.series == _numbers(series) else None


def is_checked(case: Case) -> bool:
    """Whether the present series of a case were looked at."""
    return _current(case, shown_series(case).values()) is not None


def let_pass_at(case: Case, series: Iterable[Series]) -> str:
    """When an admin let just these series of the case pass; "" if nobody did."""
    found = _current(case, series)
    return found.released_at.isoformat() if found and found.released_at else ""


def look_at(
    case: Case,
    comparisons: Sequence[Comparison],
    series: Collection[Series],
    volumes: Mapping[int, Volume],
    grid: Grid,
) -> CaseCheck:
    """Check each pair of a case; not saved. What was let pass before stays so while the series are the same.

    series: whose `volumes` these are; others may stand there by now. InputError if a pair cannot be shown at all.
    """
    from processing.check import HELD_BACK, check_pair
    from processing.pictures.picture import better_fit_png

    findings, picture = [], ""
    for comparison in comparisons:
        first, second = volumes[comparison.first_id], volumes[comparison.second_id]
        found = check_pair(first, second, plane=case.plane, grid=grid)
        if not found.accepted:
            raise InputError(f"{comparison.first.code} and {comparison.second.code}: {found.reason}")
        if found.fit and not picture:
            picture = store.put_bytes(better_fit_png(first, second, grid, found.fit))
        names = {"first": comparison.first.code, "second": comparison.second.code}
        findings += [{**names, "code": one.code, "text": one.text} for one in found.cautions]
    check = CaseCheck(
        study=case.study,
        case=case,
        series=_numbers(series),
        version=VERSION,
        findings=findings,
        held=any(one["code"] in HELD_BACK for one in findings),
        picture=picture,
    )
    before = _current(case, series)
    if check.held and before:
        for name in ("released_reason", "released_by", "released_at"):
            setattr(check, name, getattr(before, name))
    return check


def keep(check: CaseCheck) -> set[Seal]:
    """Let this be the check of its case; what the log is to seal. In a transaction."""
    CaseCheck.objects.filter(case=check.case).delete()
    check.save()
    return {_seal(check)}


def _seal(check: CaseCheck) -> Seal:
    return ("checks", str(check.case_id))


def held_back(study: ReaderStudy) -> list[CaseCheck]:
    """Checks that keep a case of the study from its readers."""
    waiting = study.checks.filter(in_use("case__"), held=True, released_at=None)
    return [one for one in waiting.select_related("case__subject") if is_checked(one.case)]


@transaction.atomic
def let_pass(*, case: Case, check: int, reason: str, actor: User | None) -> None:
    """An admin has looked at this check (its number): readers may see the case. InputError without a reason, where
    nothing is held back, or where the case was checked again meanwhile."""
    reason = reason.strip()
    if not reason:
        raise InputError("Say what you saw: the reason is kept in the log.")
    _release(case, check, reason=reason[:200], actor=actor)


@transaction.atomic
def hold_again(*, case: Case, check: int, actor: User | None) -> None:
    """Take back that a case was let pass: its pairs go."""
    _release(case, check, reason="", actor=actor)


def _release(case: Case, seen: int, *, reason: str, actor: User | None) -> None:
    if case.study.state != State.DRAFT:
        raise InputError("The study has been opened: its cases are frozen.")
    check = CaseCheck.objects.select_for_update().filter(case=case, held=True).first()
    if check is None or check.stops == (not reason):
        raise InputError(f"{case.code} is {'' if reason else 'already '}not held back.")
    if check.pk != seen:
        raise InputError(f"{case.code} was checked again meanwhile: look at what was found now.")
    ensure_sealed(study=case.study, seals=[_seal(check)])
    check.released_reason, check.released_by = reason, actor if reason else None
    check.released_at = timezone.now() if reason else None
    check.save()
    pairs = PreparedPair.objects.filter(case=case)
    seals = [_seal(check), *units("pairs", pairs.values_list("case_id", "comparison_id"))]
    pairs.delete()
    record(study=case.study, action=Action.CASE_RELEASED, actor=actor, case=case.code, reason=reason, seals=seals)
    transaction.on_commit(lambda: ask_for_missing(case.study, case=case))


@dataclass(frozen=True)
class Against:
    """What stands against one case: sentences, each with the arms it is about; and its check, once there is one."""

    case: Case
    points: list[tuple[str, str]]
    check: CaseCheck | None


def stands_against(study: ReaderStudy, cases: Collection[Case]) -> list[Against]:
    """Everything worth a look before the study opens, held-back cases first."""
    checks = {one.case_id: one for one in study.checks.filter(case__in=cases)}
    points: dict[int, list[tuple[str, str]]] = {}
    for one in checks.values():
        found = [(f"{each['first']} vs {each['second']}", each["text"]) for each in one.findings]
        points.setdefault(one.case_id, []).extend(found)
    for series in study.series.filter(case__in=cases, active=True).exclude(cautions=[]).select_related("arm"):
        found = [(series.arm.code, each["text"]) for each in series.cautions]
        points.setdefault(series.case_id, []).extend(found)
    for alignment in _far_apart(study, cases):
        text = f"Moved by {alignment.shift:.1f} mm between the two: over half a slice."
        arms = f"{alignment.fixed.arm.code} vs {alignment.moving.arm.code}"
        points.setdefault(alignment.fixed.case_id, []).append((arms, text))
    shown = [Against(case, points[case.pk], checks.get(case.pk)) for case in cases if points.get(case.pk)]
    return sorted(shown, key=lambda one: not (one.check and one.check.stops))


def _far_apart(study: ReaderStudy, cases: Collection[Case]) -> list[Alignment]:
    """Alignments of the present series of these cases that move by over half a slice."""
    present = study.alignments.filter(fixed__case__in=cases, fixed__active=True, moving__active=True)
    found = present.select_related("fixed__arm", "moving__arm")
    known = (one for one in found if "translation_mm" in one.quality)
    return [one for one in known if one.shift > 0.5 * float(one.fixed.spacing[2])]
