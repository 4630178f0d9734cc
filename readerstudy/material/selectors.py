"""What material is there, missing, running, failed."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from readerstudy.jobs.models import Job
from readerstudy.material.models import Case, Series
from readerstudy.protocol import recipes
from readerstudy.protocol.models import Arm, ReaderStudy, Region
from readerstudy.protocol.selectors import arms_of

# state of a cell: its word
STATES = {
    "there": "there",
    "missing": "missing",
    "running": "running",
    "waiting": "waiting",
    "failed": "failed",
    "unsure": "to confirm",
}


NOT_DONE = (Job.State.WAITING, Job.State.RUNNING, Job.State.FAILED)
ENHANCE, SIMULATE = "material.enhance", "material.simulate"  # jobs that make the series of an arm from another
ORDER = list(Region.values)  # of the regions on the map


def in_use(path: str = "") -> Q:
    """Cases that count: their subjects were not withdrawn, and nobody set them aside. path: lookup of the case."""
    return Q(**{f"{path}subject__withdrawn_at": None, f"{path}set_aside": ""})


def set_aside(study: ReaderStudy) -> QuerySet[Case]:
    """Cases that somebody set aside, with the reason in `set_aside`."""
    return study.cases.filter(subject__withdrawn_at=None).exclude(set_aside="").order_by("code")


@dataclass(frozen=True)
class MaterialCell:
    """One case in one arm: there, missing, waiting, running, failed or unsure (to confirm)."""

    case: Case
    arm: Arm
    state: str
    series: Series | None = None
    job: Job | None = None

    @property
    def label(self) -> str:
        """What the cell is for who cannot see the map."""
        aside = f"case set aside ({self.case.set_aside})" if self.case.set_aside else ""
        return f"{self.case.label}, {self.arm.code}: " + ": ".join(
            filter(None, [aside, STATES[self.state], self.readout])
        )

    @property
    def readout(self) -> str:
        if self.series:
            seconds = self.series.parameters.get("acquisition_seconds")
            simulated = self.series.simulated
            return ", ".join(
                part
                for part in [
                    self.series.part,
                    f"{self.series.slices} slices, {self.series.rows} × {self.series.columns}",
                    f"{seconds:.0f} s" if seconds else "",
                    f"simulated ({simulated})" if simulated else "",
                    f"{self.series.model_name} {self.series.model_version}" if self.series.model_name else "",
                    f"version {self.series.version}" if self.series.version > 1 else "",
                ]
                if part
            )
        return self.job.error if self.job and self.job.state == Job.State.FAILED else ""


def present_series(study: ReaderStudy, case: Case | None = None) -> list[tuple[Case, dict[int, Series]]]:
    """Each case in use with its active series by arm, of one case or all; without empty cases."""
    found: dict[int, dict[int, Series]] = {}
    present = study.series.filter(in_use("case__"), active=True).select_related("arm", "case", "made_from__arm")
    for one in present.filter(case=case) if case else present:
        found.setdefault(one.case_id, {})[one.arm_id] = one
    cases = [case] if case and found else study.cases.filter(pk__in=found)
    return [(one, found[one.pk]) for one in cases]


def is_simulated_otherwise(series: Series, source: Series) -> bool:
    """Whether a made series, or what it says of its source, is simulated, or not, in another way than now."""
    arm = series.arm
    if arm.recipe is None:
        return series.model_name in recipes.MAKERS or series.simulated != source.simulated
    wanted = recipes.sha256(recipes.of_case(arm.recipe, series.case.code, arm.code))
    return series.model_sha256 != wanted or series.simulated.rpartition("; ")[0] != source.simulated


def not_as_asked(study: ReaderStudy) -> list[Series]:
    """Made series that are to be made again, because the arm or the series that they come from is another one now."""
    there = {
        (one.case_id, one.arm_id): one
        for one in study.series.filter(in_use("case__"), active=True).select_related("arm", "case")
    }
    return [
        one
        for one in there.values()
        if one.made_from_id
        and one.arm.made_from_id
        and (source := there.get((one.case_id, one.arm.made_from_id)))
        and (source.pk != one.made_from_id or is_simulated_otherwise(one, source))
    ]


def sent_not_simulated(study: ReaderStudy) -> QuerySet[Series]:
    """Series that were uploaded into an arm which the protocol simulates."""
    return study.series.filter(in_use("case__"), active=True, made_from=None, arm__recipe__isnull=False)


def simulated_not_sent(study: ReaderStudy) -> QuerySet[Series]:
    """Series that were simulated in an arm which is uploaded now."""
    found = study.series.filter(in_use("case__"), active=True, made_from__isnull=False, arm__made_from=None)
    return found.filter(model_name__in=recipes.MAKERS)


# (subject, region, plane, weighting, arm) of series that wait to be confirmed: codes, and the arm's number.
Awaited = Collection[tuple[str, str, str, str, int | None]]


def material_grid(study: ReaderStudy, *, awaited: Awaited = ()) -> list[tuple[Case, list[MaterialCell]]]:
    """Every case with one cell per arm, by region, subject, case; without those of withdrawn subjects."""
    # Of thousands of series, where each lies and since when takes longer to read than all the rest.
    return _rows(study, _cases(study, withdrawn=False), awaited, without=("affine", "spacing", "created_at"))


def _cases(study: ReaderStudy, *, withdrawn: bool) -> QuerySet[Case]:
    cases = study.cases.filter(subject__withdrawn_at__isnull=not withdrawn)
    return cases.select_related("subject__site").order_by("subject__code", "code")


def _rows(
    study: ReaderStudy, cases: QuerySet[Case], awaited: Awaited, without: tuple[str, ...] = ()
) -> list[tuple[Case, list[MaterialCell]]]:
    arms = arms_of(study)
    present = Series.objects.filter(study=study, active=True, case__in=cases.order_by()).defer(*without)
    series = {(one.case_id, one.arm_id): one for one in present.order_by()}
    jobs: dict[tuple[int, int], Job] = {}
    not_done = Job.objects.filter(study=study, function__in=(ENHANCE, SIMULATE), state__in=NOT_DONE)
    for job in not_done.order_by("pk"):
        jobs[job.parameters["case"], job.parameters["arm"]] = job
    rows = []
    for case in sorted(cases, key=lambda case: ORDER.index(case.region)):
        cells = []
        for arm in arms:
            there, latest = series.get((case.pk, arm.pk)), jobs.get((case.pk, arm.pk))
            if there:
                state = "there"
            elif latest:
                state = latest.state
            elif (case.subject.code, case.region, case.plane, case.weighting, arm.pk) in awaited:
                state = "unsure"
            else:
                state = "missing"
            cells.append(MaterialCell(case, arm, state, there, latest))
        rows.append((case, cells))
    return rows


def series_progress(study: ReaderStudy, used: int | None = None) -> tuple[int, int]:
    """Series that are there, and series that the protocol asks for (cases × arms). used: how many cases are in use, if
    that is known."""
    cases = study.cases.filter(in_use())
    there = study.series.filter(active=True, echo=1, case__in=cases).count()
    return there, (cases.count() if used is None else used) * len(study.arms.all())


def is_taken(
    study: ReaderStudy, *, subject_code: str, region: str, plane: str, weighting: str, arm: Arm | None
) -> bool:
    """Whether a series stands already where this one is to be placed."""
    return study.series.filter(
        active=True,
        case__subject__code=subject_code,
        case__region=region,
        case__plane=plane,
        case__weighting=weighting,
        arm=arm,
    ).exists()


def cells_and_neighbours(case: Case, *, awaited: Awaited = ()) -> tuple[list[MaterialCell], Case | None, Case | None]:
    """One cell per arm of this case, and the cases before and after it in the order of the map."""
    cases = _cases(case.study, withdrawn=case.subject.withdrawn_at is not None)
    order = sorted(cases, key=lambda one: ORDER.index(one.region))
    place = order.index(case)
    before = order[place - 1] if place else None
    after = order[place + 1] if place + 1 < len(order) else None
    return _rows(case.study, cases.filter(pk=case.pk), awaited)[0][1], before, after


def simulation_note(study: ReaderStudy) -> str:
    """Which arms were simulated, and how, in one sentence for tables and captions; "" if none was."""
    arms = "; ".join(f"{arm} ({how})" for arm, how in simulated_arms(study).items())
    return f"Simulated, not acquired: {arms}." if arms else ""


def simulated_arms(study: ReaderStudy) -> dict[str, str]:
    """Arm to how its series were simulated, and how many of them; what was made from a simulated series counts with
    it."""
    said: dict[str, list[str]] = {}
    present = study.series.filter(in_use("case__"), active=True).order_by("arm__place")
    for arm, parameters in present.values_list("arm__code", "parameters"):
        said.setdefault(arm, []).append(parameters.get("simulated", ""))
    return {arm: _ways(each) for arm, each in said.items() if any(each)}


def _ways(said: list[str]) -> str:
    """How the series of an arm were simulated, and of how many that holds; said: of each, "" where it was acquired."""
    simulated = list(filter(None, said))
    some = f", {len(simulated)} of {len(said)} series" if len(simulated) < len(said) else ""
    return min(simulated) + (" and others" if len(set(simulated)) > 1 else "") + some
