"""What material is there, missing, running, failed."""

from collections.abc import Collection
from dataclasses import dataclass

from readerstudy.jobs.models import Job
from readerstudy.material.models import Case, Series
from readerstudy.protocol.models import Arm, ReaderStudy, Region

# state of a cell: its word
STATES = {
    "there": "there",
    "missing": "missing",
    "running": "running",
    "waiting": "waiting",
    "failed": "failed",
    "unsure": "to confirm",
}


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
        return f"{self.case.label}, {self.arm.code}: " + ": ".join(filter(None, [STATES[self.state], self.readout]))

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
    """Each case with its active series by arm, of one case or all; without withdrawn subjects and empty cases."""
    found: dict[int, dict[int, Series]] = {}
    present = study.series.filter(active=True, case__subject__withdrawn_at=None).select_related("arm", "made_from__arm")
    for one in present.filter(case=case) if case else present:
        found.setdefault(one.case_id, {})[one.arm_id] = one
    return [(one, found[one.pk]) for one in study.cases.filter(pk__in=found)]


def active_series(study: ReaderStudy):
    return study.series.filter(active=True).select_related("case__subject__site", "arm")


# (subject, region, plane, weighting, arm) of series that wait to be confirmed: codes, and the arm's number.
Awaited = Collection[tuple[str, str, str, str, int | None]]


def material_grid(
    study: ReaderStudy, *, awaited: Awaited = (), withdrawn: bool = False
) -> list[tuple[Case, list[MaterialCell]]]:
    """Every case with one cell per arm, by region, subject, case; those of withdrawn subjects only if asked for."""
    arms = list(study.arms.all())
    series = {(s.case_id, s.arm_id): s for s in active_series(study)}
    jobs: dict[tuple[int, int], Job] = {}
    for job in Job.objects.filter(study=study, function="material.enhance").order_by("pk"):
        jobs[job.parameters["case"], job.parameters["arm"]] = job
    rows = []
    cases = study.cases.filter(subject__withdrawn_at__isnull=not withdrawn)
    cases = cases.select_related("subject__site").order_by("subject__code", "code")
    for case in sorted(cases, key=lambda case: Region.values.index(case.region)):
        cells = []
        for arm in arms:
            there, latest = series.get((case.pk, arm.pk)), jobs.get((case.pk, arm.pk))
            if there:
                state = "there"
            elif latest and latest.state in (Job.State.WAITING, Job.State.RUNNING, Job.State.FAILED):
                state = latest.state
            elif (case.subject.code, case.region, case.plane, case.weighting, arm.pk) in awaited:
                state = "unsure"
            else:
                state = "missing"
            cells.append(MaterialCell(case, arm, state, there, latest))
        rows.append((case, cells))
    return rows


def series_progress(study: ReaderStudy) -> tuple[int, int]:
    """Series that are there, and series that the protocol asks for (cases × arms)."""
    arms = study.arms.count()
    cases = study.cases.filter(subject__withdrawn_at=None)
    there = study.series.filter(active=True, echo=1, case__in=cases).count()
    return there, cases.count() * arms


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
    rows = material_grid(case.study, awaited=awaited, withdrawn=case.subject.withdrawn_at is not None)
    place = next(number for number, (found, _) in enumerate(rows) if found == case)
    before = rows[place - 1][0] if place else None
    after = rows[place + 1][0] if place + 1 < len(rows) else None
    return rows[place][1], before, after


def simulation_note(study: ReaderStudy) -> str:
    """Which arms were simulated, and how, in one sentence for tables and captions; "" if none was.

    What was made from a simulated series counts with it.
    """
    found: dict[str, set[str]] = {}
    present = study.series.filter(active=True, case__subject__withdrawn_at=None).order_by("arm__place")
    for arm, said in present.values_list("arm__code", "parameters"):
        if how := said.get("simulated"):
            found.setdefault(arm, set()).add(how)
    if not found:
        return ""
    arms = (f"{arm} ({sorted(ways)[0]}{' and others' if len(ways) > 1 else ''})" for arm, ways in found.items())
    return f"Simulated, not acquired: {'; '.join(arms)}."
