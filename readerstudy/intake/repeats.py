"""What comes in again: the same files, or other ones under identifiers that are here already."""

from readerstudy.intake.models import Candidate
from readerstudy.material.models import Instance, Series
from readerstudy.protocol.models import ReaderStudy

OF_PLACED = "Place it elsewhere, replace that one on purpose, or put it aside."
OF_WAITING = "Place each where it belongs, or put one aside."


class Repeats:
    """What is here of a study when an upload is sorted."""

    def __init__(self, study: ReaderStudy) -> None:
        self.study = study
        waiting = Candidate.objects.filter(study=study, state=Candidate.State.PROPOSED)
        columns = ("pk", "sha256", "subject_key", "subject_code", "instances")
        self._waiting = list(waiting.values_list(*columns, named=True))

    def is_known(self, sorted_series) -> bool:
        """Whether the same pixels are placed or wait, and of no other patient by its header."""
        keys = {one.subject_key for one in self._waiting if one.sha256 == sorted_series.sha256}
        placed = Series.objects.filter(study=self.study, sha256=sorted_series.sha256)
        found = list(placed.values_list("candidate__subject_key", flat=True))
        if not sorted_series.instance_uids:  # a file without a patient: its key is the name of its folder
            return bool(keys or found)
        return sorted_series.subject_key in keys or any(key in (None, sorted_series.subject_key) for key in found)

    def conflict(self, sorted_series) -> str:
        """A sentence if other pixels, or another patient, have the same SOP Instance UIDs; "" if nothing has."""
        if sorted_series.conflict or not sorted_series.instance_uids:
            return sorted_series.conflict
        uids = set(sorted_series.instance_uids)
        return self._with_placed(sorted_series, uids) or self._with_waiting(sorted_series, uids)

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
        for one in self._waiting:
            what = _difference(sorted_series, sha256=one.sha256, key=one.subject_key)
            if what and uids & {"".join(uid) for _, _, *uid in one.instances}:
                whose = f" of {one.subject_code}" if one.subject_code else ""
                return f"Same SOP Instance UIDs as a series{whose} that waits, but {what}. {OF_WAITING}"
        return ""


def _difference(sorted_series, *, sha256: str, key: str) -> str:
    """What tells a series from the one that has the same identifiers; "" if nothing does."""
    if key != sorted_series.subject_key:
        return "another patient by the header"
    return "other pixels" if sha256 != sorted_series.sha256 else ""
