"""What readers see of a case: all its pairs on one grid, in both orders; made once, checked before the study opens."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import accumulate

from processing.errors import InputError
from readerstudy.archive import store
from readerstudy.archive.keeping import ensure_kept
from readerstudy.audit.actions import Action
from readerstudy.audit.registry import unit_name
from readerstudy.audit.seals import Seal
from readerstudy.audit.services import record
from readerstudy.jobs.services import request_job
from readerstudy.material.models import Case, Series
from readerstudy.material.selectors import in_use, present_series
from readerstudy.material.volumes import load
from readerstudy.protocol.models import Comparison, ReaderStudy
from readerstudy.reading import checks
from readerstudy.reading.models import CaseCheck, PreparedPair

PREPARE = "reading.prepare"


@dataclass(frozen=True)
class Prepared:
    """What became of a case: its pairs, stored as files but not as rows, none while it is held back; and its check."""

    pairs: list[PreparedPair]
    check: CaseCheck


def prepare(case: Case, report: Callable[[float, str], None]) -> Prepared:
    """Check the series of a case against each other and make its pairs. InputError if the arms do not fit."""
    from processing.grid import common_grid, laid
    from processing.pair import levelled, make_pair

    comparisons = list(case.study.comparisons.select_related("first", "second"))
    series = checks.shown_series(case)
    volumes = {arm: load(one) for arm, one in series.items()}
    report(0.2, "aligning")
    volumes, grid = laid(volumes, common_grid([volumes[arm] for arm in sorted(volumes)], plane=case.plane))
    check = checks.look_at(case, comparisons, series.values(), volumes, grid)
    report(0.3, "preparing pairs")
    if check.stops:
        return Prepared([], check)
    pairs, made = [], []
    for number, comparison in enumerate(comparisons):
        pairs.append(make_pair(volumes[comparison.first_id], volumes[comparison.second_id], grid=grid))
        report(0.3 + 0.6 * (number + 1) / len(comparisons), "preparing pairs")
    for comparison, pair in zip(comparisons, levelled(pairs), strict=True):
        left, right = pair.frames["first_left"], pair.frames["second_left"]
        made.append(
            PreparedPair(
                study=case.study,
                case=case,
                comparison=comparison,
                first=series[comparison.first_id],
                second=series[comparison.second_id],
                geometry=pair.geometry,
                order=list(pair.order),
                flags=list(pair.flags),
                offsets=list(accumulate(map(len, left), initial=0)),
                first_left_sha256=store.put_bytes(b"".join(left)),
                first_right_sha256=store.put_bytes(b"".join(right)),
            )
        )
    return Prepared(made, check)


def replace_prepared(case: Case, made: list[PreparedPair], check: CaseCheck | None = None) -> None:
    """Let these be the pairs of the case, and log it. In a transaction. InputError once the case is scheduled, and if
    one of their files was erased meanwhile."""
    if case.presentations.exists():
        raise InputError(f"{case.code} is scheduled: what readers see of it cannot change any more.")
    files = {sha256 for pair in made for sha256 in (pair.first_left_sha256, pair.first_right_sha256)}
    ensure_kept(files | ({check.picture} if check and check.picture else set()))
    before = units_of(case.pairs.all())
    PreparedPair.objects.filter(case=case).delete()
    PreparedPair.objects.bulk_create(made)
    seals = {*before, *units_of(made)}
    if check is not None:
        seals |= checks.keep(check)
    action = Action.CASE_HELD_BACK if check is not None and check.stops else Action.PAIRS_PREPARED
    record(study=case.study, action=action, case=case.code, pairs=len(made), seals=seals)


def units_of(pairs: Iterable[PreparedPair]) -> list[Seal]:
    """What the log seals of these pairs."""
    return [("pairs", unit_name(one.case_id, one.comparison_id)) for one in pairs]


def cases_to_show(study: ReaderStudy) -> list[Case]:
    """The cases of a study that readers see: those in use."""
    found = study.cases.filter(in_use()).select_related("study")
    return list(found.order_by("code"))


def is_prepared(case: Case) -> bool:
    """Whether there is a pair of the present series for every comparison."""
    current = case.pairs.filter(first__active=True, second__active=True)
    return current.count() == case.study.comparisons.count()


def are_files_there(case: Case) -> bool:
    """Whether the files of all pairs of a case are there. InputError if one is not what it was when it was made."""
    for pair in case.pairs.all():
        for sha256 in (pair.first_left_sha256, pair.first_right_sha256):
            try:
                content = store.read(sha256)
            except FileNotFoundError:
                return False
            if hashlib.sha256(content).hexdigest() != sha256:
                raise InputError(
                    f"A file of the prepared pairs of {case.code} is damaged in the archive (SHA-256 {sha256[:12]}). "
                    "Restore it from a backup."
                )
    return True


def ask_for_pairs(study: ReaderStudy, *, case: Case | None = None, renew: bool = False) -> int:
    """Ask for the pairs of every case whose series are all there; returns new jobs."""
    comparisons = list(study.comparisons.select_related("first", "second"))
    return sum(_ask_for_pairs(study, one, comparisons, there) for one, there in present_series(study, case))


def _ask_for_pairs(study: ReaderStudy, case: Case, comparisons: list, there: dict[int, Series]) -> bool:
    shown = [there.get(arm) for arm in sorted({arm for c in comparisons for arm in (c.first_id, c.second_id)})]
    if not shown or not all(shown) or case.presentations.exists():
        return False
    passed = checks.let_pass_at(case, [one for one in shown if one])
    return request_job(
        function=PREPARE,
        study=study,
        label=f"pairs of {case.code}",
        parameters={"case": case.pk},
        inputs={
            "series": [one.pk for one in shown if one],
            "comparisons": [(c.first_id, c.second_id) for c in comparisons],
            **({"let_pass": passed} if passed else {}),
        },
    )[1]


def ensure_unscheduled(study: ReaderStudy, code: str, **_: object) -> None:
    """InputError if readers see the case of this code: opening, or an amendment, froze its series."""
    if study.presentations.filter(case__code=code).exists():
        raise InputError(f"{code} is scheduled: its series are frozen.")


def pairs_of_comparison(study: ReaderStudy, part: object, **_: object) -> list[Seal]:
    """The sealed prepared pairs that go with a comparison."""
    if not isinstance(part, Comparison):
        return []
    return [("pairs", unit_name(case, part.pk)) for case in part.pairs.values_list("case", flat=True)]


def pairs_of(case: Case) -> list:
    """Prepared pairs of a case: what was noted while they were put on one grid."""
    return list(case.pairs.select_related("comparison__first", "comparison__second").order_by("comparison__place"))
