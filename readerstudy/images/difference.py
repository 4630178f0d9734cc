"""Which two series of a case a difference map compares, on which slice, and how one is placed on the other."""

from dataclasses import dataclass
from urllib.parse import urlencode

import numpy as np
from django.http import QueryDict

from processing.errors import InputError
from processing.pictures.difference_map import WORDS, Kind, largest_slice
from readerstudy.images.metric_jobs import metric_pairs
from readerstudy.material.alignments import ALIGNED, AWAITED, SAME, Placing, placing
from readerstudy.material.models import Case, Series, VolumeOfInterest
from readerstudy.material.volumes import load_cached, slices_of
from readerstudy.material.volumes_of_interest import active_volumes, load_mask

KINDS = {"percent": "percent of the pixel", "signed": "signed, percent of the maximum"}


@dataclass(frozen=True)
class DifferenceChoice:
    """What the page shows. slice counts from 1; pairs, volumes: every pair of arms of the case, and volume of interest,
    that could be chosen."""

    reference: Series
    test: Series
    pairs: list[str]
    slice: int
    slices: int
    kind: Kind
    placed: Placing
    voi: VolumeOfInterest | None
    volumes: list[VolumeOfInterest]

    @property
    def pair(self) -> str:
        return f"{self.reference.arm.code} vs {self.test.arm.code}"

    @property
    def words(self) -> str:
        outside = f"; grey also outside {self.voi.name}" if self.voi else ""
        return f"{WORDS[self.kind]}{outside}"

    @property
    def registered(self) -> str:
        """How the two lie in each other, as a sentence."""
        return {
            SAME: "The same acquisition: what differs, the processing altered.",
            ALIGNED: f"Aligned rigidly; linear interpolation smooths {self.test.arm.code}.",
            AWAITED: "Not aligned yet: limited by repositioning.",
        }.get(self.placed.how, "Not aligned: limited by repositioning.")

    @property
    def repositioned(self) -> bool:
        """Whether a part of the difference is the patient's movement."""
        return self.placed.how not in (SAME, ALIGNED)

    def query(self, **changes) -> str:
        """The choice as an address, with changes."""
        voi = {"voi": self.voi.pk} if self.voi else {}
        return urlencode({"pair": self.pair, "slice": self.slice, "kind": self.kind, **voi} | changes)

    @property
    def where(self) -> str:
        """The slice, and the volume of interest where one is shown, as they stand in an address."""
        return urlencode({"slice": self.slice, **({"voi": self.voi.pk} if self.voi else {})})

    def inside(self) -> np.ndarray | None:
        """The volume of interest on the reference."""
        return None if self.voi is None else _carried(self.voi, self.reference)


def choose(case: Case, data: QueryDict) -> DifferenceChoice | None:
    """The choice in an address; what it does not say, or says wrongly, is the first pair, the middle slice, percent.

    Of a volume of interest it is the slice that holds most. None if no two arms of the case can be compared.
    """
    arms = list(case.study.arms.select_related("made_from"))
    found = case.series.filter(active=True).select_related("arm", "made_from__arm", "case")
    there = {series.arm_id: series for series in found}
    pairs = [(there[a.pk], there[b.pk]) for a, b in metric_pairs(arms) if a.pk in there and b.pk in there]
    if not pairs:
        return None
    named = {f"{a.arm.code} vs {b.arm.code}": (a, b) for a, b in pairs}
    reference, test = named.get(data.get("pair", ""), pairs[0])
    slices = slices_of(reference)
    volumes = active_volumes(case)
    voi = next((one for one in volumes if str(one.pk) == data.get("voi")), None)
    number = data.get("slice", "")
    if number.isdecimal() and len(number) < 6:
        place = min(max(int(number), 1), slices)
    else:
        place = slices // 2 + 1 if voi is None else _largest_slice(voi, reference)
    return DifferenceChoice(
        reference,
        test,
        list(named),
        place,
        slices,
        "signed" if data.get("kind") == "signed" else "percent",
        placing(reference, test),
        voi,
        volumes,
    )


def _carried(voi: VolumeOfInterest, reference: Series) -> np.ndarray:
    """The mask on the reference as it is looked at."""
    from processing.masks import carry

    matrix = placing(voi.drawn_on, reference).matrix
    seen = load_cached(reference)
    return carry(
        load_mask(voi), seen.shape, seen.affine, matrix=None if matrix is None else np.array(matrix)
    ).mask.array


def _largest_slice(voi: VolumeOfInterest, reference: Series) -> int:
    try:
        return largest_slice(_carried(voi, reference), load_cached(reference)) + 1
    except (InputError, FileNotFoundError):
        return 1
