"""Prepared pairs and checks of a withdrawn subject. Answers stay; its presentations become void (`amendments`)."""

from django.db.models import QuerySet

from readerstudy.audit.seals import Seal
from readerstudy.material.erasure import Holder, units
from readerstudy.material.models import Case, Subject
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.models import CaseCheck, PreparedPair

COLUMNS = ("first_left_sha256", "first_right_sha256")


def _pairs(cases: QuerySet[Case]) -> QuerySet[PreparedPair]:
    return PreparedPair.objects.filter(case__in=cases)


def _seals(cases: QuerySet[Case]) -> list[Seal]:
    checks = CaseCheck.objects.filter(case__in=cases)
    return [
        *units("pairs", _pairs(cases).values_list("case_id", "comparison_id")),
        *units("checks", checks.values_list("case_id")),
    ]


def _files(subject: Subject, cases: QuerySet[Case]) -> set[str]:
    pictures = CaseCheck.objects.filter(case__in=cases).exclude(picture="").values_list("picture", flat=True)
    return {*pictures, *(sha256 for both in _pairs(cases).values_list(*COLUMNS) for sha256 in both)}


def _erase(subject: Subject, cases: QuerySet[Case]) -> dict[str, int]:
    count = _pairs(cases).count()
    _pairs(cases).delete()
    CaseCheck.objects.filter(case__in=cases).delete()
    return {"pairs": count}


def _needed(hashes: list[str]) -> set[str]:
    pictures = CaseCheck.objects.filter(picture__in=hashes).values_list("picture", flat=True)
    return set(pictures) | {
        sha256
        for column in COLUMNS
        for sha256 in PreparedPair.objects.filter(**{f"{column}__in": hashes}).values_list(column, flat=True)
    }


def pair_files(study: ReaderStudy, **_: object) -> set[str]:
    """Hashes of all prepared pairs of a study that is removed, and of the pictures of its checks."""
    pictures = study.checks.exclude(picture="").values_list("picture", flat=True)
    return {*pictures, *(sha256 for both in study.pairs.values_list(*COLUMNS) for sha256 in both)}


HOLDER = Holder(seals=_seals, files=_files, erase=_erase, needed=_needed)
