"""Which two series of a case a difference map compares, on which slice, and how one is placed on the other."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict

from processing.difference_map import REACH, WORDS
from readerstudy.material.alignments import Placing, placing
from readerstudy.material.models import Case, Series
from readerstudy.material.services import metric_pairs

KINDS = {"percent": "percent of the pixel", "signed": "signed, percent of the maximum"}


@dataclass(frozen=True)
class Choice:
    """What the page shows. slice counts from 1; pairs: every pair of arms of the case that could be chosen."""

    reference: Series
    test: Series
    pairs: list[str]
    slice: int
    slices: int
    kind: str
    placed: Placing

    @property
    def pair(self) -> str:
        return f"{self.reference.arm.code} vs {self.test.arm.code}"

    @property
    def words(self) -> str:
        return WORDS[self.kind]

    def query(self, **changes) -> str:
        """The choice as an address, with changes."""
        return urlencode({"pair": self.pair, "slice": self.slice, "kind": self.kind} | changes)


def choose(case: Case, data: QueryDict) -> Choice | None:
    """The choice in an address; what it does not say, or says wrongly, is the first pair, the middle slice, percent.

    None if no two arms of the case can be compared.
    """
    arms = list(case.study.arms.select_related("made_from"))
    found = case.series.filter(active=True).select_related("arm", "made_from__arm", "case")
    there = {series.arm_id: series for series in found}
    pairs = [(there[a.pk], there[b.pk]) for a, b in metric_pairs(arms) if a.pk in there and b.pk in there]
    if not pairs:
        return None
    named = {f"{a.arm.code} vs {b.arm.code}": (a, b) for a, b in pairs}
    reference, test = named.get(data.get("pair", ""), pairs[0])
    number = data.get("slice", "")
    middle = reference.slices // 2 + 1
    place = min(max(int(number), 1), reference.slices) if number.isdecimal() and len(number) < 6 else middle
    kind = data.get("kind", "")
    return Choice(
        reference, test, list(named), place, reference.slices, kind if kind in REACH else "percent",
        placing(reference, test),
    )  # fmt: skip
