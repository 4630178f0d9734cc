"""Image metrics of one pair of series."""

import hashlib

from readerstudy.audit.services import canonical
from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import job_function
from readerstudy.material.models import Series
from readerstudy.material.volumes import load
from readerstudy.results import tasks_radiomics  # noqa: F401  registers its function
from readerstudy.results.models import Metric


@job_function("results.compare")
def compare_series(job: Job, report):
    from processing.pair import common_grid, on_grid
    from processing.quality import compare
    from processing.volume import Volume

    reference = Series.objects.select_related("case").get(pk=job.parameters["reference"])
    test = Series.objects.get(pk=job.parameters["test"])
    volumes = [load(reference), load(test)]
    report(0.2, "aligning")
    grid = common_grid(volumes)
    a, b = (Volume(on_grid(volume, grid), grid.affine) for volume in volumes)
    report(0.4, "comparing")
    comparison = compare(a, b)
    conventions = dict(comparison.conventions)
    data_range = conventions.pop("data_range")
    settings_hash = hashlib.sha256(canonical(conventions | {"resampled": grid.resampled})).hexdigest()
    rows = [
        Metric(
            study_id=reference.study_id,
            case=reference.case,
            reference=reference,
            test=test,
            metric=metric,
            region=region,
            value=value,
            reason="" if value is not None else comparison.reasons[f"{where}.{metric}"],
            data_range=data_range,
            range_rule=conventions["range_rule"],
            registered=conventions["registered"],
            settings_hash=settings_hash,
        )
        for where, region, values in (
            ("volume", "whole", comparison.volume),
            ("foreground", "foreground", comparison.foreground),
        )
        for metric, value in values.items()
    ]

    def store() -> dict:
        Metric.objects.filter(reference=reference, test=test).delete()
        Metric.objects.bulk_create(rows)
        return {"metrics": len(rows)}

    return store
