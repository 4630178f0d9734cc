"""Maps of anomalies of a series: which can be made, asked for, found again."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict

from processing.enhancement.anomalies import LOCAL_CONTRAST, found_by_local_contrast
from processing.enhancement.networks.model_record import read_record
from processing.enhancement.networks.store import read_config
from processing.errors import InputError
from readerstudy.archive import store
from readerstudy.images.anomaly_files import ANOMALIES
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import job_key, request_job, retry
from readerstudy.material.alignments import AWAITED, placing
from readerstudy.material.models import Case, Series
from readerstudy.material.volumes import slices_of
from readerstudy.material.volumes_of_interest import active_volumes
from readerstudy.protocol import enhancers

TASK = "inpaint"
SHOWN = 8  # worst places that are listed


@dataclass(frozen=True)
class AnomalyChoice:
    """What the page shows. slice counts from 1; arms: every series of the case that could be chosen; models: those that
    inpaint, and local contrast; job: the newest map of this series by these weights, current: whether asking now would
    find it."""

    source: Series
    arms: Sequence[Series]
    model: str
    models: Sequence[str]
    slice: int
    slices: int
    job: Job | None
    current: bool
    null: dict | None

    @property
    def needs_no_network(self) -> bool:
        return self.model == LOCAL_CONTRAST

    @property
    def done(self) -> bool:
        return self.job is not None and self.job.state == Job.State.DONE

    @property
    def made(self) -> dict:
        """The result of the job; empty while there is none."""
        return self.job.result if self.job and self.done else {}

    @property
    def busy(self) -> bool:
        return self.job is not None and self.job.state in (Job.State.WAITING, Job.State.RUNNING)

    @property
    def shown_to_find(self) -> bool:
        """Whether the model makes planted lesions stand out: the interval of its area under the curve lies above ½."""
        limits = (self.null or {}).get("planted", {}).get("interval")
        return bool(limits) and limits[0] > 0.5

    @property
    def worst(self) -> list[dict]:
        """The highest places, one per slice, slices from 1."""
        return self.made.get("worst", [])[:SHOWN]

    def query(self, **changes) -> str:
        """The choice as an address, with changes."""
        return urlencode({"arm": self.source.arm.code, "model": self.model, "slice": self.slice} | changes)


def inpainting_models() -> list[str]:
    """Names of the models here that inpaint."""
    return [name for name in enhancers.folders() if read_config(enhancers.folder(name)).get("task") == TASK]


def null_of(model: str) -> dict | None:
    """What `benchmarks.anomalies --write` found of a model in volumes without planted lesions; None if it never ran."""
    if model == LOCAL_CONTRAST:
        return found_by_local_contrast() or None
    try:
        return read_record(enhancers.folder(model)).anomalies or None
    except InputError:
        return None


def choose(case: Case, data: QueryDict) -> AnomalyChoice | None:
    """The choice in an address; what it does not say, or says wrongly, is the first arm, the middle slice and the first
    model. None without a series."""
    arms = list(case.series.filter(active=True).select_related("arm", "case__study").order_by("arm__place"))
    models = [*inpainting_models(), LOCAL_CONTRAST]
    if not arms:
        return None
    source = next((one for one in arms if one.arm.code == data.get("arm")), arms[0])
    model = data.get("model", "") if data.get("model") in models else models[0]
    slices = slices_of(source)
    number = data.get("slice", "")
    place = min(max(int(number), 1), slices) if number.isdecimal() and len(number) < 6 else slices // 2 + 1
    request = _request(source, model)
    job = _newest(source, model, request["inputs"]["model_sha256"])
    key = job_key(function=ANOMALIES, version=job.version, inputs=request["inputs"]) if job else ""
    current = job is not None and job.key == key
    return AnomalyChoice(source, arms, model, models, place, slices, job, current, null_of(model))


def _newest(source: Series, model: str, sha256: str) -> Job | None:
    """The newest map; none if its file is gone."""
    jobs = Job.objects.filter(function=ANOMALIES, study=source.study_id, parameters__series=source.pk)
    jobs = jobs.filter(parameters__model=model, parameters__model_sha256=sha256).exclude(state=Job.State.CANCELLED)
    job = jobs.order_by("-pk").first()
    return None if job and job.state == Job.State.DONE and not store.exists(job.result["sha256"]) else job


def _request(source: Series, model: str) -> dict:
    """Arguments of request_job: what the map depends on is in its key, masks of the case included."""
    sha256 = "" if model == LOCAL_CONTRAST else enhancers.read_identity(enhancers.folder(model)).sha256
    volumes = []
    for volume in active_volumes(source.case):
        placed = placing(volume.drawn_on, source)
        if placed.how != AWAITED:
            volumes.append({"voi": volume.pk, "mask": volume.sha256, "matrix": placed.matrix})
    of = {"series": source.pk, "model": model, "model_sha256": sha256, "volumes": volumes}
    return {
        "function": ANOMALIES,
        "label": f"{model} on {source.arm.code} of {source.case.code}"[:120],
        "study": source.case.study,
        "parameters": {"case": source.case_id, **of},
        "inputs": of | {"pixels": source.sha256},
    }


def request_map(*, source: Series, model: str) -> Job:
    """Ask for a map; what is there or on its way already is not asked for twice. InputError if the model is not here
    any more."""
    job, new = request_job(**_request(source, model))
    if not new and job.state == Job.State.DONE and not store.exists(job.result["sha256"]):
        Job.objects.filter(pk=job.pk, state=Job.State.DONE).delete()
        job, new = request_job(**_request(source, model))
    if not new:
        retry(job=job)
    return job
