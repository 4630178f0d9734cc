"""Volumes of interest that are drawn in the browser: what the page gets, each save as a version, looks at other arms.

The browser draws on the series as radiologists look at it (`processing.grid.oriented`); kept is the mask in the order
of the series itself.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from processing.errors import InputError
from processing.volume import Volume, spacing_of
from readerstudy.accounts.models import User
from readerstudy.archive.keeping import ensure_kept
from readerstudy.archive.store import put_file
from readerstudy.audit.actions import Action
from readerstudy.audit.services import ensure_sealed, record
from readerstudy.audit.studies import study_for_update
from readerstudy.jobs.services import ask_for_missing
from readerstudy.material import volumes_of_interest
from readerstudy.material.alignments import AWAITED, Placing, acquired, placing
from readerstudy.material.models import Alignment, Case, Series, VolumeOfInterest
from readerstudy.material.volumes_of_interest import NAME, NAME_SAID, active_volumes, call_back, load_mask, remove
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import ensure_not_frozen


class StaleError(Exception):
    """Somebody else saved what this save would replace."""


def scene(*, series: Series, image: Volume) -> dict:
    """What the browser needs to draw on a series, as JSON; image: the series as it is looked at."""
    from processing.drawn import scale_of, window_of
    from processing.grid import letters

    columns, rows, slices = image.spacing
    scale = scale_of(image)
    lower, upper = window_of(image, scale)
    return {
        "shape": image.shape,
        "spacing": [slices, rows, columns],
        "letters": letters(image.affine),
        "scale": scale,
        "window": {"lower": lower, "upper": upper},
        "arm": series.arm.code,
    }


def drawings(*, case: Case, series: Series, image: Volume, second_of: User | None = None) -> list[dict]:
    """The volumes of a case where they lie on a series as it is looked at, as JSON but for `looks`, which are Look.

    second_of: only this person's second drawings, so that they are made without a look at the first. InputError if the
    file of one is not there.
    """
    from processing.drawn import runs_of
    from processing.masks import carry

    of = {"second": True, "drawn_by": second_of} if second_of else {}
    found = []
    there = volumes_of_interest.of_case(case)["series"]
    for volume in active_volumes(case, **of):
        placed = placing(volume.drawn_on, series)
        matrix = None if placed.matrix is None else np.array(placed.matrix)
        mask = load_mask(volume)
        try:
            carried = carry(mask, image.shape, image.affine, matrix=matrix)
        except InputError:
            continue  # nothing of it lies on this series
        found.append(
            {
                "name": volume.name,
                "base": volume.pk,
                "version": volume.version,
                "by": volume.drawn_by.username if volume.drawn_by else "",
                "runs": runs_of(carried.mask.array),
                "reaches_beyond": volume.drawn_on.arm.code if carried.outside else "",
                "looks": [] if volume.second else looks(volume, there),
            }
        )
    return found


def save(
    *,
    case: Case,
    series: Series,
    image: Volume,
    name: str,
    runs: list,
    base: int | None,
    second: bool,
    actor: User,
) -> VolumeOfInterest:
    """Keep a drawing as a version of its own. image: the series as it is looked at; base: the version it began from.

    InputError for a name that is none, an empty drawing, or one that this series would cut; StaleError if another
    version holds than the one it began from.
    """
    from processing.drawn import mask_of
    from processing.masks import Mask, carry, write_mask

    name = name.strip()
    _ensure_whole(case, series, base)
    if not NAME.fullmatch(name):
        raise InputError(NAME_SAID)
    drawn = Mask("", 1, mask_of(runs, image.shape), image.affine)
    if not drawn.voxels:
        raise InputError("Nothing is drawn yet. To take a volume out, remove it on the page of the case.")
    mask = carry(drawn, (series.slices, series.rows, series.columns), np.array(series.affine, float)).mask
    if mask.voxels != drawn.voxels:
        raise InputError("The series has another grid than the one that was drawn on. Reload the page.")
    with tempfile.TemporaryDirectory() as folder:
        sha256 = put_file(write_mask(mask, Path(folder) / "drawn.nii.gz"))[0]
    with transaction.atomic():
        study_for_update(case.study)
        ensure_not_frozen(case.study)
        ensure_kept([sha256])
        same = VolumeOfInterest.objects.filter(case=case, name=name, second=second)
        same = same.filter(drawn_by=actor) if second else same
        before = same.filter(removed_at=None).select_related("drawn_by").first()
        if (before.pk if before else None) != base:
            raise StaleError(_stale(name, before))
        seals = [("volumes", str(before.pk))] if before else []
        ensure_sealed(study=case.study, seals=seals)
        same.filter(removed_at=None).update(removed_at=timezone.now())
        volume = VolumeOfInterest.objects.create(
            study_id=case.study_id,
            case=case,
            drawn_on=series,
            name=name,
            sha256=sha256,
            voxels=mask.voxels,
            millilitres=mask.millilitres,
            origin=VolumeOfInterest.Origin.DRAWN,
            drawn_by=actor,
            version=(same.aggregate(last=Max("version"))["last"] or 0) + 1,
            second=second,
        )
        record(
            study=case.study,
            action=Action.VOLUME_OF_INTEREST_DRAWN,
            actor=actor,
            case=case.code,
            volume=name,
            version=volume.version,
            second=second,
            arm=series.arm.code,
            sha256=sha256,
            seals=[*seals, ("volumes", str(volume.pk))],
        )
        if not second:
            transaction.on_commit(lambda: ask_for_missing(case.study, case=case))
    return volume


def _ensure_whole(case: Case, series: Series, base: int | None) -> None:
    """InputError if the version that a drawing began from reaches beyond the series, which would cut it."""
    from processing.masks import carry

    begun = next((one for one in case.volumes_of_interest.select_related("drawn_on__arm") if one.pk == base), None)
    if begun is None or begun.drawn_on_id == series.pk:
        return
    matrix = placing(begun.drawn_on, series).matrix
    shape, affine = (series.slices, series.rows, series.columns), np.array(series.affine, float)
    if carry(load_mask(begun), shape, affine, matrix=None if matrix is None else np.array(matrix)).outside:
        raise InputError(
            f"{begun.name} reaches beyond this series, which would cut it. Draw it on {begun.drawn_on.arm.code}."
        )


def _stale(name: str, now: VolumeOfInterest | None) -> str:
    if now is None:
        return f"{name} was removed meanwhile. Reload the page; your drawing stays in this browser until it is saved."
    by = f" by {now.drawn_by.username}" if now.drawn_by else ""
    return (
        f"Version {now.version} of {name} was saved{by} meanwhile, and yours began from an earlier one. Reload the "
        "page to go on from it."
    )


@transaction.atomic
def back_to(*, volume: VolumeOfInterest, actor: User) -> None:
    """Have an earlier version hold again, in place of the one that holds."""
    study_for_update(volume.study)
    same = VolumeOfInterest.objects.filter(case=volume.case_id, name=volume.name, second=False, removed_at=None)
    for now in same.exclude(pk=volume.pk).select_related("study", "case"):
        remove(volume=now, actor=actor)
    call_back(volume=volume, actor=actor)


def needs_look(volume: VolumeOfInterest, series: Series) -> bool:
    """Whether a person has to look where a volume lies on a series: it was drawn here, on another acquisition."""
    return volume.origin == VolumeOfInterest.Origin.DRAWN and acquired(series).pk != acquired(volume.drawn_on).pk


def fits(volume: VolumeOfInterest, series: Series, placed: Placing) -> bool:
    """Whether a volume is measured on a series: a person said that it fits, where it is carried to now.

    What is made from a series lies where that lies, and follows what was said of it.
    """
    return not needs_look(volume, series) or _said(volume, series, placed) is True


def _said(volume: VolumeOfInterest, series: Series, placed: Placing) -> bool | None:
    """What a person said of a volume where it is carried to now; None if nobody did."""
    said = volume.looks.get(str(acquired(series).pk))
    return said["fits"] if said and said["matrix"] == placed.matrix else None


def unseen(study: ReaderStudy, volumes: list[VolumeOfInterest] | None = None) -> set[tuple[int, int]]:
    """(volume, series) that are not measured, as nobody said that the drawn volume fits there; of all volumes that
    count, or of these."""
    return {(volume.pk, one.pk) for volume, one, placed in _places(study, volumes) if not fits(volume, one, placed)}


def to_look_at(study: ReaderStudy) -> int:
    """At how many places on other acquisitions nobody has looked yet, or not since they changed."""
    return sum(
        one.made_from_id is None and needs_look(volume, one) and _said(volume, one, placed) is None
        for volume, one, placed in _places(study)
    )


def _places(
    study: ReaderStudy, among: list[VolumeOfInterest] | None = None
) -> Iterator[tuple[VolumeOfInterest, Series, Placing]]:
    """Every drawn volume that counts, with each active series of its case."""
    drawn = VolumeOfInterest.Origin.DRAWN
    if among is None:
        among = active_volumes(study=study, origin=drawn, case__set_aside="")
    volumes = [one for one in among if one.origin == drawn]
    cases = {volume.case_id for volume in volumes}
    series: dict[int, list[Series]] = {}
    for one in study.series.filter(active=True, case__in=cases).select_related("arm", "made_from__made_from__arm"):
        series.setdefault(one.case_id, []).append(one)
    alignments = list(Alignment.objects.filter(study=study, fixed__case__in=cases))
    for volume in volumes:
        for one in series.get(volume.case_id, []):
            yield volume, one, placing(volume.drawn_on, one, alignments)


@dataclass(frozen=True)
class Look:
    """Where a drawn volume was carried to: series, how and where, what a person said of it (None: nothing yet), who."""

    series: Series
    how: str
    digest: str
    fits: bool | None
    by: str = ""


@dataclass(frozen=True)
class Shown:
    """A volume on the page of its case: looks at other acquisitions, earlier versions, second drawings."""

    volume: VolumeOfInterest
    looks: list[Look]
    earlier: list[VolumeOfInterest]
    seconds: list[tuple[VolumeOfInterest, dict[str, float | None]]]


def of_case(case: Case) -> dict:
    """What the page of a case shows: as `volumes_of_interest.of_case` says, with all that belongs to each volume."""
    page = volumes_of_interest.of_case(case)
    rows = case.volumes_of_interest.select_related("drawn_by", "drawn_on__arm", "drawn_on__made_from__made_from")
    shown = [
        Shown(
            volume,
            looks(volume, page["series"]),
            [one for one in rows if one.name == volume.name and not one.second and one.version < volume.version],
            [
                (one, agreement(volume, one))
                for one in rows
                if one.name == volume.name and one.second and one.removed_at is None
            ],
        )
        for volume in page["there"]
    ]
    return page | {"there": shown}


def agreement(first: VolumeOfInterest, second: VolumeOfInterest) -> dict[str, float | None]:
    """How far two drawings agree, on the grid of the first: measures of `processing.metrics.overlap`."""
    from processing.masks import carry
    from processing.metrics.overlap import MEASURES, overlap

    placed = placing(second.drawn_on, first.drawn_on)
    matrix = None if placed.matrix is None else np.array(placed.matrix)
    try:
        one = load_mask(first)
        other = carry(load_mask(second), one.array.shape, one.affine, matrix=matrix).mask.array
    except InputError:
        return dict.fromkeys(MEASURES)
    return overlap(one.array, other, spacing=spacing_of(one.affine)[::-1]).values


def looks(volume: VolumeOfInterest, there: list[Series]) -> list[Look]:
    """The other acquisitions of a case, for a volume that was drawn here. there: active series of the case."""
    found = []
    for series in there:
        if series.made_from_id is None and needs_look(volume, series):
            placed = placing(volume.drawn_on, series)
            by = volume.looks.get(str(series.pk), {}).get("by", "")
            found.append(Look(series, placed.how, placed.digest, _said(volume, series, placed), by))
    return found


@transaction.atomic
def look(*, volume: VolumeOfInterest, series: Series, says_fits: bool, seen: str, actor: User) -> None:
    """Keep what a person says of a volume on another arm. InputError while its place is not known, or if it is not the
    one that was seen. seen: digest of that placing."""
    study_for_update(volume.study)
    ensure_not_frozen(volume.study)
    ensure_sealed(study=volume.study, seals=(seals := [("volumes", str(volume.pk))]))
    volume.refresh_from_db()
    placed = placing(volume.drawn_on, series)
    if placed.how == AWAITED:
        raise InputError("The alignment of the two acquisitions is not there yet. Look again when it is.")
    if seen != placed.digest:
        raise InputError("The alignment of the two acquisitions has changed. Reload the page and look again.")
    if volume.removed_at or not needs_look(volume, series):
        raise InputError("Another version holds now. Reload the page.")
    said = {"fits": says_fits, "by": actor.username, "at": timezone.now().isoformat(), "matrix": placed.matrix}
    volume.looks = volume.looks | {str(acquired(series).pk): said}
    volume.save(update_fields=["looks"])
    record(
        study=volume.study,
        action=Action.VOLUME_OF_INTEREST_LOOKED_AT,
        actor=actor,
        case=volume.case.code,
        volume=volume.name,
        version=volume.version,
        arm=series.arm.code,
        fits=says_fits,
        seals=seals,
    )
    transaction.on_commit(lambda: ask_for_missing(volume.study, case=volume.case))
