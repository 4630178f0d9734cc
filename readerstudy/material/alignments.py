"""Where the series of a case lie in each other: what is to be registered, and which alignment holds."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from django.db.models import Q

from readerstudy.audit.canonical import canonical
from readerstudy.jobs.services import request_job
from readerstudy.material.models import Alignment, Case, Series
from readerstudy.material.selectors import present_series
from readerstudy.protocol.models import Arm, ReaderStudy

REGISTER = "material.register"
SAME, ALIGNED, PATIENT = "same acquisition", "aligned", "same patient coordinates, not aligned"
AWAITED = "alignment awaited"


@dataclass(frozen=True)
class Placing:
    """How points of one series are found in another: the matrix (None: the same coordinates), and in words."""

    matrix: list | None
    how: str

    @property
    def digest(self) -> str:
        """Of the matrix: what was seen under it is said of it alone."""
        return hashlib.sha256(canonical(self.matrix)).hexdigest()[:16]


def to_register(arms: Iterable[Arm], there: dict[int, Series]) -> list[tuple[Series, Series]]:
    """(fixed, moving) of one case: the reference acquisition with every accelerated one that was uploaded.

    there: active series by arm. What DL made lies where its source lies and needs no alignment of its own.
    """
    uploaded = [(arm, there[arm.pk]) for arm in arms if arm.pk in there and there[arm.pk].made_from_id is None]
    fixed = [one for arm, one in uploaded if arm.is_reference]
    moving = [one for arm, one in uploaded if arm.acquisition == "accelerated"]
    return [(a, b) for a in fixed for b in moving]


def of_case(case: Case) -> list[Alignment]:
    """Alignments of the active series of a case."""
    found = Alignment.objects.filter(fixed__case=case, fixed__active=True, moving__active=True)
    return list(found.select_related("fixed__arm", "moving__arm").order_by("moving__arm__place"))


def placing(drawn_on: Series, series: Series, alignments: list[Alignment] | None = None) -> Placing:
    """From a series, as where a mask was drawn, to another one of the same case.

    What is made from a series lies where that lies. `alignments`: those of the case, if they are at hand.
    AWAITED where the two are registered by a job that has not ended.
    """
    fixed, moving = acquired(drawn_on), acquired(series)
    if fixed.pk == moving.pk or (fixed.arm_id == moving.arm_id and fixed.affine == moving.affine):
        return Placing(None, SAME)
    if alignments is None:
        alignments = list(Alignment.objects.filter(Q(fixed__in=[fixed, moving]), Q(moving__in=[fixed, moving])))
    for one in alignments:
        if {one.fixed_id, one.moving_id} != {fixed.pk, moving.pk}:
            continue
        if not one.quality.get("used", True):
            return Placing(None, PATIENT)  # refused: too far, or too little in common
        turned = one.fixed_id != fixed.pk
        return Placing(np.linalg.inv(np.array(one.matrix, float)).tolist() if turned else one.matrix, ALIGNED)
    pair = {one.arm_id: one for one in (fixed, moving)}
    awaited = fixed.active and moving.active and to_register([fixed.arm, moving.arm], pair)
    return Placing(None, AWAITED if awaited else PATIENT)


def acquired(series: Series) -> Series:
    """The series that was acquired: itself, or what it was made from."""
    while series.made_from is not None:
        series = series.made_from
    return series


def ask_for_alignments(study: ReaderStudy, *, case: Case | None = None, renew: bool = False) -> int:
    """Ask for the registration of every two acquisitions that lack it; returns new jobs."""
    arms = list(study.arms.all())
    return sum(
        _ask_for_alignment(study, one, *pair)
        for one, there in present_series(study, case)
        for pair in to_register(arms, there)
    )


def _ask_for_alignment(study: ReaderStudy, case: Case, fixed: Series, moving: Series) -> bool:
    return request_job(
        function=REGISTER,
        study=study,
        label=f"{moving.arm.code} to {fixed.arm.code} of {case.code}",
        parameters={"case": case.pk, "fixed": fixed.pk, "moving": moving.pk},
        inputs={"fixed": fixed.pk, "moving": moving.pk},
    )[1]
