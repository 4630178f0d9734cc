"""Volumes of interest: masks that were drawn once per case and are carried to its arms."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

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

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _/.+-]{0,39}")
LARGEST_FILE = 256 << 20


def active_volumes(case: Case | None = None, **of) -> list[VolumeOfInterest]:
    """Volumes that count, of one case or as `of` says."""
    found = VolumeOfInterest.objects.filter(removed_at=None, case__subject__withdrawn_at=None, **of)
    found = found.filter(case=case) if case else found
    return list(found.select_related("case__subject", "drawn_on__arm", "drawn_on__made_from__made_from"))


def of_case(case: Case) -> dict:
    """What the page of a case shows: volumes, removed ones whose name is free, and the series to draw on."""
    volumes = active_volumes(case)
    removed = case.volumes_of_interest.exclude(removed_at=None).order_by("-removed_at")
    series = list(case.series.filter(active=True).select_related("arm").order_by("arm__place"))
    series.sort(key=lambda one: (one.arm.acquisition != "reference", one.arm.reconstruction != "standard"))
    return {
        "there": volumes,
        "series": series,
        "removed": removed.exclude(name__in=[volume.name for volume in volumes]),
    }


def load_mask(volume: VolumeOfInterest):
    """The mask of a volume of interest."""
    from processing.masks import read_mask

    with local_files([volume.sha256], ".nii.gz") as (path,):
        return read_mask(path)[0]


def receive_masks(*, case: Case, drawn_on: Series, name: str, files: list, actor: User) -> list[VolumeOfInterest]:
    """Take the masks of sealed files of a request: every label of every file becomes a volume of interest.

    Without a name, one of anatomical words that the file gives is kept, else VOI1, VOI2, … InputError, with nothing
    kept, if a file holds no mask, one lies beside its series, or a name is taken.
    """
    from processing.masks import carry, write_mask

    name = name.strip()
    if name and not NAME.fullmatch(name):
        raise InputError("A name has up to 40 letters, digits, spaces and _ / . + -, and names no person.")
    if not files:
        raise InputError("Choose a file with a mask.")
    if sum(file.size for file in files) > LARGEST_FILE:
        raise InputError("Masks of one upload may have 256 MB together; send fewer at once, or compressed.")
    shape = (drawn_on.slices, drawn_on.rows, drawn_on.columns)
    affine, made = np.array(drawn_on.affine, float), []
    with tempfile.TemporaryDirectory() as folder:
        masks = list(_masks(files, Path(folder)))
        list(_names(case, name, masks))  # raises if one is taken
        for mask in masks:
            carry(mask, shape, affine)  # raises if nothing of it lies on the series
        kept = [put_file(write_mask(mask, Path(folder) / "clean.nii.gz"))[0] for mask in masks]
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


def _masks(files: list, folder: Path) -> Iterator:
    from processing.masks import read_mask

    for file in files:
        plain = folder / "plain"
        unseal_piece(file.path, file.salt, plain)
        yield from read_mask(plain)
        plain.unlink()


def _names(case: Case, name: str, masks: list) -> Iterator[str]:
    from processing.masks import anatomical_name

    taken = {volume.name for volume in active_volumes(case)}
    for number, mask in enumerate(masks, 1):
        if name:
            given = name if len(masks) == 1 else f"{name[:36]} {number}"
            if given in taken:
                raise InputError(f"There is a volume of interest {given} already; remove it or take another name.")
        else:
            given = anatomical_name(mask.name)
            if not given or given in taken:
                given = next(code for code in (f"VOI{n}" for n in range(1, 10_000)) if code not in taken)
        taken.add(given)
        yield given


@transaction.atomic
def remove(*, volume: VolumeOfInterest, actor: User) -> None:
    """Take a volume of interest out: its features leave the table. It can be called back."""
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
    if volume.case.subject.withdrawn_at:
        raise InputError("Its subject was withdrawn and the mask erased.")
    others = VolumeOfInterest.objects.filter(~Q(pk=volume.pk), case=volume.case, name=volume.name, removed_at=None)
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
