"""Prepare what readers see: all pairs of one case, on one grid, in both orders."""

from itertools import accumulate

from readerstudy.archive.store import put_bytes
from readerstudy.jobs.models import Job
from readerstudy.jobs.registry import job_function
from readerstudy.material.models import Case
from readerstudy.material.volumes import load
from readerstudy.reading.models import PreparedPair


@job_function("reading.prepare")
def prepare_pairs(job: Job, report):
    from processing.pair import common_grid, levelled, make_pair

    case = Case.objects.select_related("study").get(pk=job.parameters["case"])
    comparisons = list(case.study.comparisons.select_related("first", "second"))
    arms = {arm.pk for c in comparisons for arm in (c.first, c.second)}
    series = {one.arm_id: one for one in case.series.filter(active=True, arm__in=arms)}
    volumes = {arm: load(one) for arm, one in series.items()}
    report(0.2, "aligning")
    grid = common_grid([volumes[arm] for arm in sorted(volumes)])
    pairs, made = [], []
    for number, comparison in enumerate(comparisons):
        pairs.append(make_pair(volumes[comparison.first_id], volumes[comparison.second_id], grid=grid))
        report(0.2 + 0.7 * (number + 1) / len(comparisons), "preparing pairs")
    for comparison, pair in zip(comparisons, levelled(pairs), strict=True):
        left, right = pair.frames["first_left"], pair.frames["second_left"]
        made.append(
            PreparedPair(
                study=case.study, case=case, comparison=comparison, first=series[comparison.first_id],
                second=series[comparison.second_id], geometry=pair.geometry, order=list(pair.order),
                flags=list(pair.flags), offsets=list(accumulate(map(len, left), initial=0)),
                first_left_sha256=put_bytes(b"".join(left)), first_right_sha256=put_bytes(b"".join(right)),
            )
        )  # fmt: skip

    def store() -> dict:
        PreparedPair.objects.filter(case=case).delete()
        PreparedPair.objects.bulk_create(made)
        return {"pairs": len(made), "flags": sorted({flag for pair in made for flag in pair.flags})}

    return store
