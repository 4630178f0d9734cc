"""What the volumes of interest of one case hold in each arm, and how far that is from the reference arm."""

import hashlib

import numpy as np

from processing.errors import InputError
from readerstudy.audit.actions import Action
from readerstudy.audit.canonical import canonical
from readerstudy.audit.registry import unit_name
from readerstudy.audit.services import record
from readerstudy.images.measure_jobs import MEASURE, reference_of
from readerstudy.images.models import VolumeMeasure
from readerstudy.images.one_grid import as_acquired, registered
from readerstudy.images.stored_numbers import ensure_stored_as_written
from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import job_function
from readerstudy.material.alignments import ALIGNED, placing
from readerstudy.material.drawing import fits
from readerstudy.material.models import Alignment, Case, Series
from readerstudy.material.selectors import present_series
from readerstudy.material.volumes import load
from readerstudy.material.volumes_of_interest import active_volumes, load_mask


@job_function(MEASURE)
def measure_volumes(job: Job, report):
    from processing.masks import carry
    from processing.metrics.in_volume import ALONE, BESIDE, InVolume, alone, beside

    case = Case.objects.select_related("study").get(pk=job.parameters["case"])
    later = Job.objects.filter(function=MEASURE, parameters__case=case.pk, state=Job.State.WAITING, pk__gt=job.pk)
    if later.exists():
        return lambda: {"measures": 0}  # volumes came meanwhile: that job measures all of them
    there = dict(present_series(case.study, case)).get(case, {})
    volumes, reference = active_volumes(case), reference_of(there)
    if reference is None or not volumes:
        raise InputError("There is no series of the reference arm, or no volume of interest, any more.")
    alignments = list(Alignment.objects.filter(fixed__case=case))
    masks = {volume.pk: load_mask(volume) for volume in volumes}
    base = load(reference)
    rows: list[VolumeMeasure] = []

    def carried(volume, series: Series, shape, affine) -> np.ndarray:
        matrix = placing(volume.drawn_on, series, alignments).matrix
        return carry(masks[volume.pk], shape, affine, matrix=None if matrix is None else np.array(matrix)).mask.array

    def keep(volume, series: Series, found: InVolume, how: dict, source: Series | None = None) -> None:
        rows.extend(
            VolumeMeasure(
                study=case.study,
                voi=volume,
                series=series,
                reference=source,
                measure=name,
                value=value,
                reason=found.reasons.get(name, "")[:200],
                data_range=found.data_range,
                registered=how.get("registered", False),
                settings_hash=_settings_hash(how),
            )
            for name, value in found.values.items()
        )

    for number, one in enumerate(there.values()):
        report(0.1 + 0.8 * number / len(there), f"measuring {one.arm.code}")
        own = base if one.pk == reference.pk else load(one)
        pair = None
        if one.pk != reference.pk:
            placed = placing(reference, one, alignments)
            pair = (
                registered(base, own, np.array(placed.matrix))
                if placed.how == ALIGNED
                else as_acquired(base, own, case.plane)
            )
        for volume in volumes:
            if not fits(volume, one, placing(volume.drawn_on, one, alignments)):
                continue  # nobody said that it lies there as it should
            try:
                keep(volume, one, alone(own, carried(volume, one, own.shape, own.affine)), {})
                if pair:
                    a, b, within, how = pair
                    inside = carried(volume, reference, a.shape, a.affine)
                    keep(volume, one, beside(a, b, inside, within=within), how, reference)
            except InputError as error:
                done = {row.measure for row in rows if row.voi_id == volume.pk and row.series_id == one.pk}
                for names, source in ((ALONE, None), (BESIDE if pair else (), reference)):
                    left = [name for name in names if name not in done]
                    keep(volume, one, InVolume(dict.fromkeys(left), dict.fromkeys(left, str(error))), {}, source)

    def store() -> dict:
        before = VolumeMeasure.objects.filter(voi__case=case)
        units = {row.pk for row in volumes} | set(before.values_list("voi_id", flat=True))
        before.delete()
        made = VolumeMeasure.objects.bulk_create(rows, batch_size=500)
        ensure_stored_as_written(case.study, made, VolumeMeasure.objects.filter(voi__case=case))
        record(
            study=case.study,
            action=Action.VOLUMES_MEASURED,
            case=case.code,
            volumes=len(volumes),
            seals=[("volume measures", unit_name(unit)) for unit in sorted(units)],
        )
        return {"measures": len(rows)}

    return store


def _settings_hash(how: dict) -> str:
    from processing.metrics.in_volume import CONVENTIONS

    return hashlib.sha256(canonical({**CONVENTIONS, **how})).hexdigest()
