"""From a heap of uploaded files to clean, checked series: the one call of the intake."""

from __future__ import annotations

import hashlib
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path, PurePosixPath

from processing import nifti, sidecar
from processing.deidentify.engine import reject_short_key
from processing.dicom import hints
from processing.dicom.read import SHARED_UID
from processing.errors import InputError
from processing.ingest import unreadable, workers
from processing.ingest.accept import RefusedFile, SortedSeries, accept_volume_file, description
from processing.ingest.arm_hints import BY_TIME, with_named_arms
from processing.ingest.file_names import ARMS, masked, person_folder
from processing.ingest.manifest import is_manifest, read_manifests
from processing.ingest.persons import Person, settled_by_manifest, told_apart
from processing.ingest.taking import (
    Early,
    Outcome,
    ReadFile,
    Unread,
    by_folders,
    next_folder,
    read_and_take,
    read_file,
    sentence,
    take_series,
)
from processing.ingest.unreadable import BrokenFile, broken_file

__all__ = ["RefusedFile", "Sorted", "SortedSeries", "sentence", "sort_files"]

PARTS = 200  # of the whole, at most, after which progress is told
CONFLICT = "Another series of this upload has the same SOP Instance UIDs and other pixels."
OTHER_PATIENT = "Another series of this upload has the same SOP Instance UIDs, but another patient by the header."
SAME_UID = "Another file in this folder has the same SOP Instance UID but other content."


@dataclass(frozen=True)
class Sorted:
    """Everything that was sent: taken, refused, or `duplicates` of a file that was taken, byte for byte."""

    series: list[SortedSeries]
    refused: list[RefusedFile]
    duplicates: int = 0


class Journal:
    """Where a sort stands, for one that may be killed by a file; this one forgets."""

    def reading(self, name: str) -> None:
        """This file is being read."""

    def written(self, files: list[Path]) -> None:
        """These clean files are whole, and most likely to stay."""

    def known(self, group: str) -> Outcome | None:
        """What became of this group before, if the sort got so far."""

    def done(self, group: str, outcome: Outcome) -> None:
        """The group needs no second look."""


def sort_files(
    files: Mapping[str, Path],
    out: Path,
    *,
    key: bytes,
    arms: Iterable[str] = ARMS,
    lost: Mapping[str, str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    journal: Journal | None = None,
    processes: int = 1,
) -> Sorted:
    """De-identify and check everything, series by series.

    files: uploaded name → path. out: a folder for this; series n goes to out/<n>/0001.dcm … in slice order, or
    out/<n>/volume.nii.gz. key: secret of the study, at least 16 bytes. arms: codes that names of files and folders
    may hold. lost: files that were sent and are not among these, and why. progress: called with (done, total) steps,
    not for each of many.
    processes: how many read at once.
    One bad file or series never stops the rest: it is in `refused` with a sentence. A manifest.csv places series, a
    JSON sidecar describes the NIfTI image of its name. Files with the same SOP Instance UID and other content become
    series of their own, marked as a conflict, if they lie in different folders; in one folder the second is refused.
    Raises InputError only if there are no files or the key is too short.
    """
    reject_short_key(key)
    if not files:
        raise InputError("There are no files.")
    journal = journal or Journal()
    out.mkdir(parents=True, exist_ok=True)
    steps = _Steps(progress, 2 * len(files))
    manifests = {name: path for name, path in files.items() if is_manifest(name)}
    others = {name: path for name, path in files.items() if name not in manifests}
    manifest, unread = read_manifests(manifests, others)
    refused = [RefusedFile(name, reason) for name, reason in unread]
    outcomes: list[Outcome] = []
    images: dict[str, list[ReadFile]] = defaultdict(list)
    sidecars = {sidecar.basename(name): name for name in others if name.lower().endswith(".json")}
    described: set[str] = set()
    dicom: list[tuple[str, Path]] = []
    arms = list(arms)
    persons: dict[str, Person] = {}
    said_arms: dict[str, str | None] = {}
    folders: dict[str, str] = {}
    broken = [BrokenFile(name, reason) for name, reason in (lost or {}).items()]
    for name, path in others.items():
        if name in sidecars.values():
            steps.done()
        elif nifti.is_volume_file(path) or nifti.is_volume_file(Path(name)):
            steps.done()
            journal.reading(name)
            beside = sidecars.get(sidecar.basename(name))
            described.update([beside] if beside else [])
            paths = path, others[beside] if beside else None
            try:
                outcomes.append(_volume_file(name, *paths, beside or "", out, key, journal))
            except Exception as reason:
                refused.append(RefusedFile(name, sentence(reason)))
                missing = broken_file(name, path, sentence(reason))
                broken += [missing] if missing else []
        else:
            dicom.append((name, path))

    early: dict[str, list[Early]] = defaultdict(list)
    for found, taken in workers.each(
        lambda batch: read_and_take(batch, tuple(arms), out, key),
        list(by_folders(dicom)),
        processes=processes,
        alone=lambda batch: ([read_file(*one, tuple(arms), journal.reading) for one in batch.files], {}),
    ):
        for uid, whole in taken.items():
            early[uid].append(whole)
            journal.written([file for one in whole.outcome.series for file in one.files])
            steps.done(len(whole.names))
        for one in found:
            steps.done()
            if isinstance(one, Unread):
                refused.append(one.refused)
                broken += [one.broken] if one.broken else []
                continue
            images[one.frames[0].series_uid].append(one)
            folder = one.name.rpartition("/")[0]
            if folder not in folders:
                folders[folder] = person_folder(masked(one.name, key=key, arms=arms))
            persons[one.name] = replace(one.person, folder=folders[folder])
            said_arms[one.name] = one.arm
    refused += [RefusedFile(name, sidecar.LONE) for name in sidecars.values() if name not in described]
    duplicates = 0
    groups: list[tuple[str, list[ReadFile]]] = []
    before: dict[str, Outcome | None] = {}
    for uid, members in images.items():
        if shared := _sharing_uids(members):
            why = f"{shared} of the {len(members)} files of the series {SHARED_UID}"
            refused.append(RefusedFile(members[0].name, why, len(members) - 1))
            continue
        variants, same, wrong = _variants(members)
        duplicates += same
        refused += wrong
        broken += [BrokenFile(one.name, one.reason, uid) for one in wrong]
        for number, variant in enumerate(variants):
            words = repr((uid, number, sorted(file.name for file in variant)))
            group = hashlib.sha256(words.encode()).hexdigest()
            groups.append((group, variant))
            before[group] = journal.known(group)
            fitting = [one for one in early[uid] if one.names == [file.name for file in variant]]
            if fitting and before[group] is None:
                early[uid].remove(fitting[0])
                before[group] = fitting[0].outcome
                journal.done(group, fitting[0].outcome)
    for useless in chain.from_iterable(early.values()):
        useless.discard()
    new = [(group, variant) for group, variant in groups if before[group] is None]
    taking = workers.each(
        lambda one: take_series(one[1], out, key, Journal().reading),
        new,
        processes=processes,
        alone=lambda one: take_series(one[1], out, key, journal.reading),
    )
    for (group, variant), outcome in zip(new, taking, strict=True):
        journal.written([file for one in outcome.series for file in one.files])
        journal.done(group, outcome)
        before[group] = outcome
        steps.done(len(variant))
    outcomes += [known for group, _ in groups if (known := before[group]) is not None]
    steps.finish()
    series_uids = {file.name: uid for uid, members in images.items() for file in members}
    told = [one for outcome in outcomes for one in outcome.refused]
    refused += told
    broken += [BrokenFile(one.name, one.reason, series_uids[one.name]) for one in told if one.damaged]
    series = with_named_arms(_with_arm_hints(outcomes), said_arms, key=key, arms=arms)
    series = told_apart(series, persons, key=key)
    series = unreadable.with_cautions(series, series_uids, broken)
    series = settled_by_manifest([replace(one, placing=manifest.placing(one.names[0])) for one in series])
    series, dropped = _with_conflicts(series)
    return Sorted(series, refused, duplicates + dropped)


class _Steps:
    def __init__(self, progress: Callable[[int, int], None] | None, total: int) -> None:
        self.progress, self.total, self.count = progress, total, 0

    def done(self, count: int = 1) -> None:
        before, self.count = self.count, min(self.count + count, self.total)
        if self.progress and PARTS * before // self.total < PARTS * self.count // self.total:
            self.progress(self.count, self.total)

    def finish(self) -> None:
        if self.progress:
            self.progress(self.total, self.total)


def _sharing_uids(members: list[ReadFile]) -> int:
    """How many files of a series carry the SOP Instance UID of another that lies elsewhere."""
    by_uid: dict[str, list[ReadFile]] = defaultdict(list)
    for file in members:
        by_uid[file.uid].append(file)
    places = {uid: {file.frames[0].position for file in same} for uid, same in by_uid.items()}
    return sum(len(same) for uid, same in by_uid.items() if len(places[uid]) > 1)


def _variants(members: list[ReadFile]) -> tuple[list[list[ReadFile]], int, list[RefusedFile]]:
    """The files of one series, once for each variant of its instances; duplicates dropped; files refused.

    Only where files of different folders disagree about an instance does the folder tell variants apart.
    """
    dropped, refused = 0, []
    by_folder: dict[PurePosixPath, dict[str, ReadFile]] = defaultdict(dict)
    for file in members:
        there = by_folder[file.folder].setdefault(file.uid, file)
        if there is not file and there.digest == file.digest:
            dropped += 1
        elif there is not file:
            refused.append(RefusedFile(file.name, SAME_UID))
    variants: list[dict[str, ReadFile]] = []
    folders = list(by_folder.values())
    copies: dict[str, list[ReadFile]] = defaultdict(list)
    for folder in folders:
        for uid, file in folder.items():
            copies[uid].append(file)
    if all(len(files) == 1 or len({file.digest for file in files}) == 1 for files in copies.values()):
        whole: dict[str, ReadFile] = {}
        for folder in folders:
            dropped += len(whole.keys() & folder.keys())
            whole = {**folder, **whole}
        order = {file.name: n for n, file in enumerate(members)}
        return [sorted(whole.values(), key=lambda file: order[file.name])], dropped, refused
    for folder in folders:
        known = [v for v in variants if all(uid in v and v[uid].digest == f.digest for uid, f in folder.items())]
        if known:
            dropped += len(folder)
            continue
        fitting = next((variant for variant in variants if not variant.keys() & folder.keys()), None)
        if fitting is None:
            variants.append(dict(folder))
        else:
            fitting.update(folder)
    return [list(variant.values()) for variant in variants], dropped, refused


def _volume_file(
    name: str, path: Path, beside: Path | None, beside_name: str, out: Path, key: bytes, journal: Journal
) -> Outcome:
    group = f"volume {name}"
    outcome = journal.known(group)
    if outcome is None:
        folder = next_folder(out)
        try:
            taken, unread = accept_volume_file(name, path, beside, folder=folder, key=key)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        outcome = Outcome([taken], [False], [RefusedFile(beside_name, unread)] if unread else [])
        journal.done(group, outcome)
    return outcome


def _with_arm_hints(outcomes: Iterable[Outcome]) -> list[SortedSeries]:
    outcomes = list(outcomes)
    series = [one for outcome in outcomes for one in outcome.series]
    timed = hints.arms_from_times(
        [(one.subject_key, description(one.parameters), one.shape) for one in series],
        [one.parameters.acquisition_seconds for one in series],
        [deep_learning for outcome in outcomes for deep_learning in outcome.deep_learning],
    )
    return [
        one if one.arm_hint or not by_time else replace(one, arm_hint=by_time, arm_reason=BY_TIME)
        for one, by_time in zip(series, timed, strict=True)
    ]


def _with_conflicts(series: list[SortedSeries]) -> tuple[list[SortedSeries], int]:
    """Series that share instances: marked if pixels or patients differ, else the first stays alone; files dropped."""
    owners: dict[str, list[SortedSeries]] = defaultdict(list)
    kept, dropped = [], 0
    for one in series:
        rivals = {id(rival): rival for uid in one.instance_uids for rival in owners[uid]}
        if any((rival.sha256, rival.subject_key) == (one.sha256, one.subject_key) for rival in rivals.values()):
            shutil.rmtree(one.files[0].parent)
            dropped += len(one.files)
            continue
        kept.append(one)
        for uid in one.instance_uids:
            owners[uid].append(one)
    said: dict[int, str] = {}
    for several in owners.values():
        patients = len({one.subject_key for one in several})
        said |= {id(one): OTHER_PATIENT if patients > 1 else CONFLICT for one in several if len(several) > 1}
    return [replace(one, conflict=said.get(id(one), "")) for one in kept], dropped
