"""Image metrics of one pair of series, as acquired or after registration."""

import hashlib

import numpy as np

from readerstudy.audit.actions import Action
from readerstudy.audit.canonical import canonical
from readerstudy.audit.registry import unit_name
from readerstudy.audit.services import record
from readerstudy.images.metric_jobs import COMPARE
from readerstudy.images.models import Metric
from readerstudy.images.one_grid import as_acquired, registered
from readerstudy.images.stored_numbers import ensure_stored_as_written
from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import job_function
from readerstudy.jobs.slots import processors_of_a_job
from readerstudy.material.models import Series
from readerstudy.material.volumes import load


@job_function(COMPARE)
def compare_series(job: Job, report):
    from processing.metrics.quality import compare

    reference = Series.objects.select_related("study", "case", "arm").get(pk=job.parameters["reference"])
    test = Series.objects.select_related("arm").get(pk=job.parameters["test"])
    matrix = job.parameters.get("matrix")
    volumes = load(reference), load(test)
    report(0.2, "on one grid")
    a, b, within, how = (
        as_acquired(*volumes, reference.case.plane) if matrix is None else registered(*volumes, np.array(matrix))
    )
    report(0.4, "comparing")
    threads = processors_of_a_job()
    comparison = compare(a, b, within=within, threads=threads)
    conventions = dict(comparison.conventions)
    data_range = conventions.pop("data_range")
    conventions |= how
    settings_hash = hashlib.sha256(canonical(conventions)).hexdigest()
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
        own = Metric.objects.filter(reference=reference, test=test, registered=how["registered"])
        own.delete()
        ensure_stored_as_written(reference.study, Metric.objects.bulk_create(rows), own.all())
        record(
            study=reference.study,
            action=Action.METRICS_COMPUTED,
            case=reference.case.code,
            reference=reference.arm.code,
            test=test.arm.code,
            registered=how["registered"],
            seals=[("metrics", unit_name(reference.pk, test.pk))],
        )
        return {"metrics": len(rows)}

    return store
