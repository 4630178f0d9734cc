"""Volumes of interest: masks that were drawn once per case and are carried to its arms."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.archive.keeping import ensure_kept
from readerstudy.archive.quarantine import unseal_piece
from readerstudy.archive.store import local_files, put_file
from readerstudy.audit.actions import Action
from readerstudy.audit.services import ensure_sealed, record
from readerstudy.audit.studies import study_for_update
from readerstudy.jobs.services import ask_for_missing
from readerstudy.material.models import Case, Series, VolumeOfInterest
from readerstudy.protocol.services import ensure_not_frozen

if TYPE_CHECKING:
    from processing.ingest.masks import Said, TakenMask

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _/.+-]{0,39}")
NAME_SAID = "A name has up to 40 letters, digits, spaces and _ / . + -, and names no person."
LARGEST_FILE = 256 << 20


def active_volumes(case: Case | None = None, **of) -> list[VolumeOfInterest]:
    """Volumes that count, of one case or as `of` says. Second drawings do not, unless `of` asks for them."""
    of = {"removed_at": None, "second": False, "case__subject__withdrawn_at": None} | of
    found = VolumeOfInterest.objects.filter(**of)
    found = found.filter(case=case) if case else found
    return list(found.select_related("case__subject", "drawn_on__arm", "drawn_on__made_from__made_from", "drawn_by"))


def of_case(case: Case) -> dict:
    """What the page of a case shows: volumes, removed ones whose name is free, and the series to draw on."""
    volumes = active_volumes(case)
    removed = case.volumes_of_interest.filter(second=False).exclude(removed_at=None).order_by("-removed_at")
    removed = removed.exclude(name__in=[volume.name for volume in volumes])
    seconds: dict[tuple[str, int | None], VolumeOfInterest] = {}
    for one in case.volumes_of_interest.filter(second=True).select_related("drawn_by").order_by("version"):
        seconds[one.name, one.drawn_by_id] = one
    series = list(case.series.filter(active=True).select_related("arm").order_by("arm__place"))
    series.sort(key=lambda one: (one.arm.acquisition != "reference", one.arm.reconstruction != "standard"))
    return {
        "there": volumes,
        "series": series,
        "removed": [*removed, *(one for one in seconds.values() if one.removed_at)],
    }


def load_mask(volume: VolumeOfInterest):
    """The mask of a volume of interest."""
    from processing.masks import read_mask

    with local_files([volume.sha256], ".nii.gz") as (path,):
        return read_mask(path)[0]


def receive_masks(
    *,
    case: Case,
    drawn_on: Series,
    name: str,
    files: list,
    actor: User,
    key: bytes,
    known: Sequence[str] = (),
) -> list[VolumeOfInterest]:
    """Take the masks of sealed files of a request: every label of every file becomes a volume of interest.

    Without a name, one that the file gives is kept if it is in `known` or of anatomical words, else VOI1, VOI2, …
    key: of the study's pseudonyms. InputError, with nothing kept, if a file holds no mask, lies beside its series, says
    that it was drawn on another one, or a name is taken.
    """
    name = name.strip()
    if name and not NAME.fullmatch(name):
        raise InputError(NAME_SAID)
    ensure_not_frozen(case.study)
    if not files:
        raise InputError("Choose a file with a mask.")
    if sum(file.size for file in files) > LARGEST_FILE:
        raise InputError("Masks of one upload may have 256 MB together; send fewer at once, or compressed.")
    made = []
    # Plain bytes stay inside the quarantine and go with this block.
    with tempfile.TemporaryDirectory(dir=files[0].path.parent) as folder:
        masks = _taken(files, Path(folder), drawn_on, key, known)
        list(_names(case, name, masks))  # raises if one is taken
        kept = [put_file(mask.path)[0] for mask in masks]
    with transaction.atomic():
        study_for_update(case.study)
        ensure_kept(kept)
        for mask, given, sha256 in zip(masks, _names(case, name, masks), kept, strict=True):
            volume = VolumeOfInterest.objects.create(
                study_id=case.study_id,
                case=case,
                drawn_on=drawn_on,
                name=given,
                sha256=sha256,
                voxels=mask.voxels,
                millilitres=mask.millilitres,
            )
            record(
                study=case.study,
                action=Action.VOLUME_OF_INTEREST_ADDED,
                actor=actor,
                case=case.code,
                volume=given,
                arm=drawn_on.arm.code,
                sha256=sha256,
                seals=[("volumes", str(volume.pk))],
            )
            made.append(volume)
        transaction.on_commit(lambda: ask_for_missing(case.study, case=case))
    return made


def _taken(files: list, folder: Path, drawn_on: Series, key: bytes, known: Sequence[str]) -> list["TakenMask"]:
    from processing.ingest.masks import take_masks

    plain, clean = folder / "plain", folder / "clean"
    plain.mkdir()
    clean.mkdir()
    for number, file in enumerate(files):
        unseal_piece(file.path, file.salt, plain / str(number))
    masks, said = take_masks(
        sorted(plain.iterdir(), key=lambda path: int(path.name)),
        clean,
        shape=(drawn_on.slices, drawn_on.rows, drawn_on.columns),
        affine=np.array(drawn_on.affine, float),
        key=key,
        known=known,
    )
    for one in said:
        _ensure_of(drawn_on, one)
    return masks


def _ensure_of(series: Series, said: "Said") -> None:
    """InputError if a file says that it was drawn on another patient, series or frame of reference."""
    patient = series.case.subject.key
    if patient and said.patient and patient not in said.patient:
        raise InputError("The mask is of another patient than this case, by its PatientID. Nothing was added.")
    uids = [uid for forms in said.images for uid in forms]
    if uids and not series.instances.filter(uid__in=uids).exists():
        other = Series.objects.filter(study=series.study_id, instances__uid__in=uids).select_related("case", "arm")
        if (found := other.first()) is not None:
            raise InputError(
                f"The mask was drawn on {found.arm.code} of {found.case.code}, by the images that it refers to. "
                "Add it there."
            )
    frame = series.frame_of_reference
    if frame and any(frame not in forms for forms in said.frames):
        raise InputError(
            "The mask has another frame of reference than this series, so its coordinates say nothing here. Choose the "
            "series on which it was drawn."
        )


def _names(case: Case, name: str, masks: list) -> Iterator[str]:
    taken = {volume.name for volume in active_volumes(case)}
    for number, mask in enumerate(masks, 1):
        if name:
            given = name if len(masks) == 1 else f"{name[:36]} {number}"
            if given in taken:
                raise InputError(f"There is a volume of interest {given} already; remove it or take another name.")
        else:
            given = mask.name
            if not given or given in taken:
                given = next(code for code in (f"VOI{n}" for n in range(1, 10_000)) if code not in taken)
        taken.add(given)
        yield given


@transaction.atomic
def remove(*, volume: VolumeOfInterest, actor: User) -> None:
    """Take a volume of interest out: its features leave the table. It can be called back."""
    ensure_not_frozen(volume.study)
    ensure_sealed(study=volume.study, seals=(seals := [("volumes", str(volume.pk))]))
    if VolumeOfInterest.objects.filter(pk=volume.pk, removed_at=None).update(removed_at=timezone.now()):
        record(
            study=volume.study,
            action=Action.VOLUME_OF_INTEREST_REMOVED,
            actor=actor,
            case=volume.case.code,
            volume=volume.name,
            seals=seals,
        )


@transaction.atomic
def call_back(*, volume: VolumeOfInterest, actor: User) -> None:
    """Undo `remove`. InputError if its name has been given away."""
    ensure_not_frozen(volume.study)
    if volume.case.subject.withdrawn_at:
        raise InputError("Its subject was withdrawn and the mask erased.")
    others = VolumeOfInterest.objects.filter(~Q(pk=volume.pk), case=volume.case, name=volume.name, removed_at=None)
    others = others.filter(second=volume.second, **({"drawn_by": volume.drawn_by_id} if volume.second else {}))
    if others.exists():
        raise InputError(f"There is another volume of interest {volume.name} now.")
    ensure_sealed(study=volume.study, seals=(seals := [("volumes", str(volume.pk))]))
    if VolumeOfInterest.objects.filter(pk=volume.pk, removed_at__isnull=False).update(removed_at=None):
        record(
            study=volume.study,
            action=Action.VOLUME_OF_INTEREST_CALLED_BACK,
            actor=actor,
            case=volume.case.code,
            volume=volume.name,
            seals=seals,
        )
        transaction.on_commit(lambda: ask_for_missing(volume.study, case=volume.case))
