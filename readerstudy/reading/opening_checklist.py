"""What is there and what is missing before a study can be opened."""

from dataclasses import dataclass

from django.db.models import Count, Q

from readerstudy.accounts.models import Role
from readerstudy.material.drawing import to_look_at
from readerstudy.material.selectors import (
    in_use,
    not_as_asked,
    sent_not_simulated,
    series_progress,
    simulated_not_sent,
)
from readerstudy.material.volumes_of_interest import active_volumes
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.selectors import arms_of, comparisons_of, models_not_here, pairs_by_slices, slices_in_one
from readerstudy.reading.checks import held_back


@dataclass(frozen=True)
class Point:
    """One line of the checklist before opening; `page` names the tab on which it is mended, `later` says that opening
    itself will do what is left."""

    done: bool
    text: str
    page: str = ""
    later: bool = False


def checklist(study: ReaderStudy) -> list[Point]:
    """What must be so before readers start; where images alone are compared, before they are frozen."""
    if study.images_only:
        return [*_images_alone(study), *_series(study, series_progress(study))]
    arms, comparisons, criteria = len(study.arms.all()), len(study.comparisons.all()), len(study.criteria.all())
    readers = study.memberships.filter(role=Role.READER).count()
    used = study.cases.filter(in_use()).aggregate(all=Count("pk"), to_read=Count("pk", filter=Q(training=False)))
    cases, pairs = used["to_read"], used["all"] * comparisons
    progress = series_progress(study, used["all"])
    prepared, held = prepared_pairs(study), len(held_back(study))
    return [
        Point(arms > 1 and comparisons > 0, f"{arms} arms, {comparisons} comparisons", "protocol"),
        Point(criteria > 0, f"{criteria} criteria with wording and anchors", "protocol"),
        Point(
            study.primary_comparison_id is not None and study.primary_criterion_id is not None,
            "Primary hypothesis",
            "protocol",
        ),
        *_thick_arms(study),
        Point(readers > 0, f"{readers} reader{'' if readers == 1 else 's'} with an account", "protocol"),
        Point(cases > 0, f"{cases} case{'' if cases == 1 else 's'} to read", "material"),
        *_series(study, progress),
        *([Point(False, f"{held} case{'' if held == 1 else 's'} held back: look at them", "checks")] if held else []),
        Point(
            pairs > 0 and prepared == pairs,
            f"{prepared} of {pairs} pairs prepared on one geometry",
            "jobs",
            later=pairs > 0 and progress[0] == progress[1],
        ),
    ]


def _images_alone(study: ReaderStudy) -> list[Point]:
    arms, cases = study.arms.count(), study.cases.filter(in_use())
    volumes = active_volumes(study=study, case__set_aside="")
    count, drawn, left = cases.count(), len({volume.case_id for volume in volumes}), to_look_at(study)
    return [
        Point(arms > 1, f"{arms} arms", "protocol"),
        Point(count > 0, f"{count} case{'' if count == 1 else 's'}", "material"),
        Point(0 < count == drawn, f"{drawn} of {count} cases have a volume of interest", "material"),
        *([Point(False, f"{left} drawn volumes to look at in other arms", "material")] if left else []),
    ]


def _series(study: ReaderStudy, progress: tuple[int, int]) -> list[Point]:
    """Whether each series is there, and as its arm says. progress: how many are, of how many."""
    there, wanted = progress
    remade = len(not_as_asked(study))
    sent, left = sent_not_simulated(study).count(), simulated_not_sent(study).count()
    return [
        Point(0 < wanted == there, f"{there} of {wanted} series are there", "material"),
        *(
            Point(False, f"{arm.code} needs the model {arm.model_name}, which is not on this site", "models")
            for arm in (models_not_here(study) if there < wanted or not wanted else [])
        ),
        *([Point(False, f"{remade} series to be made again, as the protocol has it now", "jobs")] if remade else []),
        *([Point(False, f"{sent} uploaded series in a simulated arm: remove them", "material")] if sent else []),
        *([Point(False, f"{left} simulated series in an uploaded arm: remove them", "material")] if left else []),
    ]


def _thick_arms(study: ReaderStudy) -> list[Point]:
    """One line where arms have thicker slices than what was sent: they pair with none of other slices."""
    thick = [arm.code for arm in arms_of(study) if slices_in_one(arm) > 1]
    unlike = [f"{one.first.code} vs {one.second.code}" for one in comparisons_of(study) if not pairs_by_slices(one)]
    if not thick:
        return []
    said = f"{', '.join(thick)}: thicker slices, compared with no arm of other slices"
    return [Point(not unlike, said if not unlike else f"Slices of another thickness: {', '.join(unlike)}", "protocol")]


def not_ready(study: ReaderStudy) -> list[Point]:
    """What keeps an admin from opening the study."""
    return in_the_way(checklist(study))


def in_the_way(points: list[Point]) -> list[Point]:
    """Those points of the checklist that keep an admin from opening the study."""
    return [point for point in points if not point.done and not point.later]


def prepared_pairs(study: ReaderStudy) -> int:
    """Prepared pairs whose two series are still the active ones."""
    return study.pairs.filter(in_use("case__"), first__active=True, second__active=True).count()
