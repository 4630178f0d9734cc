"""What comes in again: the same files, or other ones under identifiers that are here already."""

from collections import defaultdict
from typing import NamedTuple

from readerstudy.intake.models import Candidate
from readerstudy.material.models import Instance, Series
from readerstudy.protocol.models import ReaderStudy

OF_PLACED = "Place it elsewhere, replace that one on purpose, or put it aside."
OF_WAITING = "Place each where it belongs, or put one aside."


class _Waiting(NamedTuple):
    """A series that waits to be confirmed."""

    sha256: str
    subject_key: str
    subject_code: str


class Repeats:
    """What is here of a study when an upload is sorted."""

    def __init__(self, study: ReaderStudy) -> None:
        self.study = study
        waiting = Candidate.objects.filter(study=study, state=Candidate.State.PROPOSED)
        self._by_pixels: dict[str, set[str]] = defaultdict(set)  # SHA-256: keys of subjects
        self._by_uid: dict[str, dict[int, _Waiting]] = defaultdict(dict)
        columns = ("pk", "sha256", "subject_key", "subject_code", "instances")
        for number, sha256, key, code, instances in waiting.values_list(*columns).order_by("pk"):
            self._by_pixels[sha256].add(key)
            for _, _, *uid in instances:
                self._by_uid["".join(uid)][number] = _Waiting(sha256, key, code)
        self._by_uid.pop("", None)  # of files without
        self._placed: dict[str, list[str | None]] = defaultdict(list)  # SHA-256: keys of subjects
        for sha256, key in Series.objects.filter(study=study).values_list("sha256", "candidate__subject_key"):
            self._placed[sha256].append(key)

    def is_known(self, sorted_series) -> bool:
        """Whether the same pixels are placed or wait, and of no other patient by its header."""
        keys = self._by_pixels.get(sorted_series.sha256, set())
        found = self._placed.get(sorted_series.sha256, [])
        if not sorted_series.instance_uids:  # a file without a patient: its key is the name of its folder
            return bool(keys or found)
        return sorted_series.subject_key in keys or any(key in (None, sorted_series.subject_key) for key in found)

    def conflict(self, sorted_series) -> str:
        """A sentence if other pixels, or another patient, have the same SOP Instance UIDs; "" if nothing has."""
        if sorted_series.conflict or not sorted_series.instance_uids:
            return sorted_series.conflict
        uids = set(sorted_series.instance_uids)
        with_placed = self._with_placed(sorted_series, uids) if self._placed else ""
        return with_placed or self._with_waiting(sorted_series, uids)

    def _with_placed(self, sorted_series, uids: set[str]) -> str:
        same = Instance.objects.filter(series__study=self.study, uid__in=uids)
        same = same.select_related("series__case__subject", "series__arm", "series__candidate").order_by("series")
        for series in {one.series_id: one.series for one in same}.values():
            candidate = getattr(series, "candidate", None)
            key = candidate.subject_key if candidate else sorted_series.subject_key
            place = f"{series.case.label} {series.arm.code}, version {series.version}"
            if what := _difference(sorted_series, sha256=series.sha256, key=key):
                return f"Same SOP Instance UIDs as {place}, but {what}. {OF_PLACED}"
        return ""

    def _with_waiting(self, sorted_series, uids: set[str]) -> str:
        found = {number: one for uid in uids if uid in self._by_uid for number, one in self._by_uid[uid].items()}
        for _, one in sorted(found.items()):
            if what := _difference(sorted_series, sha256=one.sha256, key=one.subject_key):
                whose = f" of {one.subject_code}" if one.subject_code else ""
                return f"Same SOP Instance UIDs as a series{whose} that waits, but {what}. {OF_WAITING}"
        return ""


def _difference(sorted_series, *, sha256: str, key: str) -> str:
    """What tells a series from the one that has the same identifiers; "" if nothing does."""
    if key != sorted_series.subject_key:
        return "another patient by the header"
    return "other pixels" if sha256 != sorted_series.sha256 else ""
