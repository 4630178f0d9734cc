"""What material is there, missing, running, failed."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from processing.enhancement.networks.store import shipped_models
from readerstudy.jobs.models import Job
from readerstudy.material import enhancers
from readerstudy.material.models import Case, Series
from readerstudy.protocol.models import Arm, ReaderStudy

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
class Cell:
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
            return ", ".join(
                part
                for part in [
                    f"{self.series.slices} slices, {self.series.rows} × {self.series.columns}",
                    f"{seconds:.0f} s" if seconds else "",
                    f"{self.series.model_name} {self.series.model_version}" if self.series.model_name else "",
                    f"version {self.series.version}" if self.series.version > 1 else "",
                ]
                if part
            )
        return self.job.error if self.job and self.job.state == Job.State.FAILED else ""


def active_series(study: ReaderStudy):
    return study.series.filter(active=True).select_related("case__subject__site", "arm")


def grid(study: ReaderStudy, *, withdrawn: bool = False) -> list[tuple[Case, list[Cell]]]:
    """Every case with one cell per arm, by region, subject, case; those of withdrawn subjects only if asked for."""
    arms = list(study.arms.all())
    series = {(s.case_id, s.arm_id): s for s in active_series(study)}
    jobs: dict[tuple[int, int], Job] = {}
    for job in Job.objects.filter(study=study, function="material.enhance").order_by("pk"):
        jobs[job.parameters["case"], job.parameters["arm"]] = job
    to_confirm = defaultdict(set)
    for subject, region, plane, weighting, arm in study.candidates.filter(state="proposed").values_list(
        "subject_code", "region", "plane", "weighting", "arm"
    ):
        to_confirm[subject, region, plane, weighting].add(arm)
    rows = []
    order = ["cervical", "thoracic", "lumbar", "brain", "abdomen", "other"]
    cases = study.cases.filter(subject__withdrawn_at__isnull=not withdrawn)
    cases = cases.select_related("subject__site").order_by("subject__code", "code")
    for case in sorted(cases, key=lambda case: order.index(case.region)):
        cells = []
        for arm in arms:
            there, job = series.get((case.pk, arm.pk)), jobs.get((case.pk, arm.pk))
            if there:
                state = "there"
            elif job and job.state in (Job.State.WAITING, Job.State.RUNNING, Job.State.FAILED):
                state = job.state
            elif arm.pk in to_confirm[case.subject.code, case.region, case.plane, case.weighting]:
                state = "unsure"
            else:
                state = "missing"
            cells.append(Cell(case, arm, state, there, job))
        rows.append((case, cells))
    return rows


def current_models() -> dict[str, str]:
    """Name → SHA-256 of the models that a worker would use now."""
    return enhancers.own_hashes() | {model.name: model.sha256 for model in shipped_models()}


def is_outdated(series: Series, models: dict[str, str]) -> bool:
    """Whether a made series would come out differently now: its arm names another model, or the model changed."""
    if series.made_from_id is None:
        return False
    now = models.get(series.arm.model_name)
    return now is not None and now != series.model_sha256


def outdated(study: ReaderStudy) -> list[dict]:
    """Made arms whose outputs an earlier model made: arm, what made them, how many."""
    models, found = current_models(), Counter()
    for one in study.series.filter(active=True, made_from__isnull=False).select_related("arm"):
        if is_outdated(one, models):
            found[one.arm, f"{one.model_name} {one.model_version}".strip()] += 1
    return [{"arm": arm, "model": model, "outputs": count} for (arm, model), count in found.items()]


def progress(study: ReaderStudy) -> tuple[int, int]:
    """Series that are there, and series that the protocol asks for (cases × arms)."""
    arms = study.arms.count()
    cases = study.cases.filter(subject__withdrawn_at=None)
    there = study.series.filter(active=True, echo=1, case__in=cases).count()
    return there, cases.count() * arms


def prepared_pairs(study: ReaderStudy) -> int:
    """Prepared pairs whose two series are still the active ones."""
    return study.pairs.filter(first__active=True, second__active=True, case__subject__withdrawn_at=None).count()


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


def in_grid(case: Case) -> tuple[list[Cell], Case | None, Case | None]:
    """One cell per arm of this case, and the cases before and after it in the order of the map."""
    rows = grid(case.study, withdrawn=case.subject.withdrawn_at is not None)
    place = next(number for number, (found, _) in enumerate(rows) if found == case)
    before = rows[place - 1][0] if place else None
    after = rows[place + 1][0] if place + 1 < len(rows) else None
    return rows[place][1], before, after


def pairs_of(case: Case) -> list:
    """Prepared pairs of a case: what was noted while they were put on one grid."""
    return list(case.pairs.select_related("comparison__first", "comparison__second").order_by("comparison__place"))
