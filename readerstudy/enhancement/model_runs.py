"""One model on every series of an arm: ask for it, and how far it is."""

from dataclasses import dataclass, field

from django.db import transaction

from processing.errors import InputError
from processing.model_identity import ModelIdentity
from readerstudy.accounts.models import User
from readerstudy.audit.actions import Action
from readerstudy.audit.services import record
from readerstudy.enhancement.outputs import ask_for_output, current_models, is_outdated
from readerstudy.jobs.models import Job
from readerstudy.jobs.selectors import steps
from readerstudy.jobs.services import retry
from readerstudy.material.models import Series
from readerstudy.material.selectors import ENHANCE, present_series
from readerstudy.protocol import enhancers
from readerstudy.protocol.models import Arm, ReaderStudy
from readerstudy.protocol.services import ensure_takes_material, save_protocol
from readerstudy.states import State


@dataclass(frozen=True)
class Run:
    """A made arm and how far its series are. total: cases whose source is there; done: those whose output this
    version of its model made from it; other: outputs of another model or version; uploaded: outputs that were sent;
    frozen: of those not done, cases that readers see; seconds_left: None while unknown."""

    arm: Arm
    total: int = 0
    done: int = 0
    other: int = 0
    uploaded: int = 0
    frozen: int = 0
    running: int = 0
    waiting: int = 0
    failed: list[Job] = field(default_factory=list)
    seconds_left: float | None = None

    @property
    def left(self) -> int:
        """Outputs that a run could make now."""
        return self.total - self.done - self.uploaded - self.frozen

    @property
    def busy(self) -> bool:
        return bool(self.running + self.waiting)


def made_arms(study: ReaderStudy) -> list[Arm]:
    """Arms that a model makes."""
    return list(study.arms.exclude(model_name="").select_related("made_from"))


def _scheduled(study: ReaderStudy) -> set[int]:
    return set(study.presentations.order_by().values_list("case", flat=True).distinct())


def _is_done(present: Series | None, source: Series, models: dict[str, ModelIdentity]) -> bool:
    return present is not None and present.made_from_id == source.pk and not is_outdated(present, models)


def runs(study: ReaderStudy) -> list[Run]:
    """Every made arm of the protocol, as its own model would make it."""
    models, scheduled = current_models(), _scheduled(study)
    by_case = [(case.pk, there) for case, there in present_series(study)]
    counted = {str(row["arm"]): row for row in steps(study) if row["function"] == ENHANCE}
    newest = {
        (job.parameters["case"], job.parameters["arm"]): job
        for job in Job.objects.filter(study=study, function=ENHANCE).order_by("pk")
    }
    found = []
    for arm in made_arms(study):
        pairs = [(case, by[arm.made_from_id], by.get(arm.pk)) for case, by in by_case if arm.made_from_id in by]
        left = [(case, present) for case, source, present in pairs if not _is_done(present, source, models)]
        uploaded = [case for case, present in left if present and present.made_from_id is None]
        jobs = [newest[case, arm.pk] for case, *_ in pairs if (case, arm.pk) in newest]
        row = counted.get(str(arm.pk), {})
        found.append(
            Run(
                arm,
                len(pairs),
                len(pairs) - len(left),
                sum(present is not None and present.made_from_id is not None for _, present in left),
                len(uploaded),
                sum(case in scheduled and case not in uploaded for case, _ in left),
                sum(job.state == Job.State.RUNNING for job in jobs),
                sum(job.state == Job.State.WAITING for job in jobs),
                [job for job in jobs if job.state == Job.State.FAILED],
                row.get("seconds_left"),
            )
        )
    return found


@transaction.atomic
def run(*, study: ReaderStudy, arm: Arm, model: str, actor: User) -> int:
    """Have a model make an arm in every case; returns how many series were asked for, failed ones again included.

    In a draft the arm is made by this model from now on, and outputs of another model or version are made anew. Once
    the study was opened, only outputs that are missing are made, by the model that the protocol names. Pressing twice
    changes nothing. InputError if that may not be.
    """
    ensure_takes_material(study)
    models = current_models()
    if model not in models:
        raise InputError(f"The model “{model}” is not here any more.")
    if enhancers.works_on_kspace(model):
        raise InputError(f"{model} works on k-space: choose reconstruction by it under Protocol, Arms.")
    if arm.made_from is None or arm.recipe:
        how = "simulated" if arm.recipe else "uploaded"
        raise InputError(f"{arm.code} is {how}. Choose an arm that a model makes from another, or add one first.")
    study.refresh_from_db()
    if arm.model_name != model:
        if study.state != State.DRAFT:
            raise InputError(f"{arm.code} is made by {arm.model_name}: opening the study froze its protocol.")
        arm.model_name = model
        save_protocol(study=study, actor=actor, instances=[arm])
    scheduled, asked = _scheduled(study), 0
    for case, there in present_series(study):
        if case.pk in scheduled:
            continue
        job, new = ask_for_output(study, case, arm, there, models, study.state == State.DRAFT)
        asked += new or (job is not None and retry(job=job))
    if asked:
        record(
            study=study,
            action=Action.MODEL_RUN,
            actor=actor,
            arm=arm.code,
            source=arm.made_from.code,
            model=model,
            sha256=models[model].sha256,
            series=asked,
        )
    return asked
