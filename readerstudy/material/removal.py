"""Take series out again, with all that was made from them, as long as no reader's list holds their case.

What hangs on a series, each app says for its own: the log seals it, and it goes with the series.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from django.db import transaction
from django.db.models import QuerySet

from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.audit.actions import Action
from readerstudy.audit.registry import unit_name
from readerstudy.audit.seals import Seal
from readerstudy.audit.services import ensure_sealed, record
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import UNDER_WAY, ask_for_missing, request_job
from readerstudy.material.erasure import ERASE
from readerstudy.material.models import Case, Instance, Series, Subject, VolumeOfInterest
from readerstudy.material.services import ensure_unscheduled
from readerstudy.material.signals import removing_series
from readerstudy.protocol.models import ReaderStudy

NAMES = ("source", "series", "fixed", "moving", "reference", "test")  # of series among the parameters of jobs


@dataclass(frozen=True)
class Dependant:
    """Rows that go with series. section, unit: how the log seals them; rows: (ids of series) → QuerySet; one, many:
    what a unit is called; files: columns that hold hashes of files; place: those that others point at go later."""

    section: str
    unit: tuple[str, ...]
    rows: Callable[[Collection[int]], QuerySet]
    one: str
    many: str
    files: tuple[str, ...] = ()
    place: int = 0


_dependants: list[Dependant] = []


def register(*dependants: Dependant) -> None:
    """Have these rows go with their series. For AppConfig.ready()."""
    _dependants.extend(dependants)


def dependants() -> list[Dependant]:
    """All that hang on series, in the order in which they go."""
    return sorted(_dependants, key=lambda one: one.place)


@dataclass(frozen=True)
class Outgoing:
    """What goes: `series`, `units` of what hangs on them by its kind, `files`; and the earlier versions that stand
    again then."""

    series: list[Series]
    units: list[tuple[Dependant, set[str]]] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    again: list[Series] = field(default_factory=list)

    @property
    def in_words(self) -> list[str]:
        """Each kind with its number."""
        made = sum(one.made_from_id is not None for one in self.series)
        found = [(made, "series made from it", "series made from it")]
        found += [(len(units), one.one, one.many) for one, units in self.units]
        return [f"{number:,} {one if number == 1 else many}" for number, one, many in found if number]

    @property
    def seals(self) -> list[Seal]:
        units = [(one.section, unit) for one, units in self.units for unit in units]
        return [*units, *(("series", str(one.pk)) for one in [*self.series, *self.again])]


def outgoing(series: Iterable[Series]) -> Outgoing:
    """What goes with these series."""
    found = list(series)
    for source in found:  # grows while we go
        found += [made for made in Series.objects.filter(made_from=source.pk) if made not in found]
    ids = [one.pk for one in found]
    units: list[tuple[Dependant, set[str]]] = []
    files = set(Instance.objects.filter(series__in=ids).values_list("sha256", flat=True))
    for one in dependants():
        rows = one.rows(ids).order_by()
        units.append((one, {unit_name(*row) for row in rows.values_list(*one.unit).distinct()}))
        files |= {sha256 for column in one.files for sha256 in rows.values_list(column, flat=True)}
    return Outgoing(found, units, files - {""}, _standing_again(found))


def _standing_again(gone: Sequence[Series]) -> list[Series]:
    """Of each place that an active series leaves, the latest version before it."""
    ids = {one.pk for one in gone}
    again: list[Series] = []
    for one in gone:
        if one.active:
            others = Series.objects.filter(case=one.case_id, arm=one.arm_id, echo=one.echo).exclude(pk__in=ids)
            again += others.order_by("-version")[:1]
    return again


@transaction.atomic
def remove_series(
    *,
    study: ReaderStudy,
    series: Collection[Series],
    action: Action,
    actor: User | None,
    cases: Iterable[Case] = (),
    subjects: Iterable[Subject] = (),
    **said,
) -> Outgoing:
    """Take series out with what hangs on them; an earlier version stands again. Cases without a series and subjects
    without a case go too, as do these `cases` and `subjects`. said: for the line of the log.

    Files go that nothing else needs. InputError if readers see a case, the study is being opened, or a job that was
    asked for just now is ending.
    """
    removing_series.send(sender=Series, study=study, series=[one.pk for one in series])
    places = {one.case_id for one in series} | {case.pk for case in cases}
    # Before the study is held: a job that ends holds its own row first. One that runs stores nothing from here on.
    kept_by_jobs = _forget_jobs(study, places, {one.pk for one in outgoing(series).series})
    of_places = list(Case.objects.filter(pk__in=places).select_related("subject"))
    people = {case.subject for case in of_places} | set(subjects)
    for case in of_places:
        ensure_unscheduled(study=study, code=case.code)
    held = [("cases", case.code) for case in of_places] + [("subjects", one.code) for one in people]
    ensure_sealed(study=study, seals=held)
    found = outgoing(series)
    ensure_sealed(study=study, seals=found.seals)
    ids = [one.pk for one in found.series]
    kept_by_jobs |= _forget_jobs(study, places, set(ids), wait=False)
    for one, _ in found.units:
        one.rows(ids).delete()
    Series.objects.filter(pk__in=ids).update(made_from=None)  # so that they can go in any order
    Series.objects.filter(pk__in=ids).delete()
    Series.objects.filter(pk__in=[one.pk for one in found.again]).update(active=True)
    empty = Case.objects.filter(pk__in=places, series=None)
    seals = [*found.seals, *(("cases", code) for code in empty.values_list("code", flat=True))]
    empty.delete()
    alone = Subject.objects.filter(pk__in=[one.pk for one in people], cases=None)
    seals += [("subjects", code) for code in alone.values_list("code", flat=True)]
    alone.delete()
    record(study=study, action=action, actor=actor, seals=seals, series=len(ids), **said)
    if files := sorted(found.files | kept_by_jobs):
        request_job(
            function=ERASE,
            study=study,
            label=f"Files of {len(ids)} series that were taken out",
            parameters={"hashes": files},
            inputs={"study": study.pk, "series": sorted(ids), "hashes": files},
        )
    for case in Case.objects.filter(pk__in=places):
        transaction.on_commit(partial(ask_for_missing, study, case=case))
    return found


def _forget_jobs(study: ReaderStudy, cases: Collection[int], series: Collection[int], *, wait: bool = True) -> set[str]:
    """Forget the jobs of these cases that have not ended, or that work on these series, so that they can be asked for
    anew; returns the hashes of what they kept. InputError if one that is ending is not to be waited for: it may wait
    for the study, which is held here."""
    masks = list(VolumeOfInterest.objects.filter(case__in=cases).values_list("pk", flat=True))
    gone = [job for job in Job.objects.filter(study=study, parameters__case__in=list(cases)) if _touches(job, series)]
    gone += Job.objects.filter(study=study, parameters__voi__in=masks, parameters__series__in=list(series))
    gone += Job.objects.filter(study=study, parameters__voi__in=masks, state__in=UNDER_WAY)
    numbers = {job.pk for job in gone}
    if not wait:
        free = set(Job.objects.filter(pk__in=numbers).select_for_update(skip_locked=True).values_list("pk", flat=True))
        if numbers & set(Job.objects.filter(pk__in=numbers - free).values_list("pk", flat=True)):
            raise InputError("A job that works on this is just ending. Try again.")
    Job.objects.filter(pk__in=numbers).delete()
    return {sha256 for job in gone if (sha256 := job.result.get("sha256"))}


def _touches(job: Job, series: Collection[int]) -> bool:
    named = {job.parameters[name] for name in NAMES if name in job.parameters}
    return not named or bool(named & set(series)) or job.state in UNDER_WAY
