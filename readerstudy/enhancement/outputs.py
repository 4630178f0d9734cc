"""Series that models and recipes make: which are missing, which are outdated, and the jobs that make them."""

from collections import Counter

from processing.enhancement.networks.store import shipped_models
from processing.model_identity import ModelIdentity
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import request_job
from readerstudy.material.models import Case, Series
from readerstudy.material.selectors import ENHANCE, SIMULATE, is_simulated_otherwise, present_series
from readerstudy.protocol import enhancers, recipes
from readerstudy.protocol.models import Arm, ReaderStudy


def current_models() -> dict[str, ModelIdentity]:
    """The models that a worker would use now, by name."""
    return enhancers.own_models() | {model.name: model for model in shipped_models()}


def is_outdated(series: Series, models: dict[str, ModelIdentity]) -> bool:
    """Whether a made series would come out differently now: its arm names another model, or the model changed, its
    weights or what is done with what they find, which a version of its own tells."""
    if series.made_from_id is None:
        return False
    now = models.get(series.arm.model_name)
    return now is not None and (now.version, now.sha256) != (series.model_version, series.model_sha256)


def outdated(study: ReaderStudy) -> list[dict]:
    """Made arms whose outputs an earlier model made: arm, what made them, how many."""
    models, found = current_models(), Counter[tuple[Arm, str]]()
    for one in study.series.filter(active=True, made_from__isnull=False).select_related("arm"):
        if is_outdated(one, models):
            found[one.arm, f"{one.model_name} {one.model_version}".strip()] += 1
    return [{"arm": arm, "model": model, "outputs": count} for (arm, model), count in found.items()]


def ask_for_outputs(study: ReaderStudy, *, case: Case | None = None, renew: bool = False) -> int:
    """Ask for every series that is missing of an arm that a model makes; returns new jobs. renew: also for those that
    an earlier version made."""
    models = current_models()
    arms = list(study.arms.exclude(model_name=""))
    return sum(
        ask_for_output(study, one, arm, there, models, renew)[1]
        for one, there in present_series(study, case)
        for arm in arms
    )


def ask_for_simulated(study: ReaderStudy, *, case: Case | None = None, renew: bool = False) -> int:
    """The same for every arm that is simulated."""
    arms = list(study.arms.filter(recipe__isnull=False))
    return sum(
        ask_for_output(study, one, arm, there, {}, renew)[1]
        for one, there in present_series(study, case)
        for arm in arms
    )


def ask_for_output(
    study: ReaderStudy, case: Case, arm: Arm, there: dict[int, Series], models: dict[str, ModelIdentity], renew: bool
) -> tuple[Job | None, bool]:
    """The job that makes a series of this arm, if one is wanted, and whether it is new. there: active series by arm;
    models: as current_models gives them. Until readers see the case, what another recipe made is made
    again."""
    source = there.get(arm.made_from_id) if arm.made_from_id else None
    present = there.get(arm.pk)
    if source is None or (present and present.made_from_id is None):
        return None, False  # nothing to make it from, or uploaded on purpose
    if present and present.made_from_id == source.pk:
        other = is_simulated_otherwise(present, source) and not case.presentations.exists()
        if not other and not (renew and is_outdated(present, models)):
            return None, False
    # A maker that comes back after another one shall not find its first job done, nor a later one.
    instead_of = {"instead_of": [present.pk, _last_job(study, case, arm)]} if present else {}
    maker: dict[str, object] = {"model": arm.model_name}
    now = models.get(arm.model_name)
    version = maker | {"model_sha256": now.sha256 if now else ""}
    if arm.recipe:
        maker = version = {"recipe": recipes.of_case(arm.recipe, case.code, arm.code)}
    return request_job(
        function=SIMULATE if arm.recipe else ENHANCE,
        study=study,
        label=f"{arm.code} of {case.code}",
        parameters={"case": case.pk, "arm": arm.pk, "source": source.pk, **maker},
        inputs={"case": case.pk, "arm": arm.pk, "source": source.sha256, **version, **instead_of},
    )


def _last_job(study: ReaderStudy, case: Case, arm: Arm) -> int | None:
    """The number of the last job that made a series of this case in this arm."""
    done = Job.objects.filter(study=study, function__in=(ENHANCE, SIMULATE), state=Job.State.DONE)
    made = done.filter(parameters__case=case.pk, parameters__arm=arm.pk)
    return made.order_by("pk").values_list("pk", flat=True).last()
