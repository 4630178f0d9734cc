"""Take deliveries in, and place what an admin has confirmed."""

import hashlib
import hmac
import os
from collections import defaultdict
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from processing.check import check_pair, placed
from processing.errors import InputError
from processing.volume import Volume
from readerstudy.accounts.models import User
from readerstudy.archive import quarantine, store_mark
from readerstudy.archive.keeping import ensure_kept
from readerstudy.audit.actions import Action
from readerstudy.audit.services import record
from readerstudy.intake.certainty import settle
from readerstudy.intake.models import SORT, Candidate, Delivered, Refusal, Upload
from readerstudy.intake.placing import Subjects, propose
from readerstudy.intake.pseudonyms import pseudonym_key
from readerstudy.intake.repeats import Repeats
from readerstudy.intake.upload_handler import SealedFile
from readerstudy.jobs.models import Job
from readerstudy.jobs.services import ask_for_missing, request_job
from readerstudy.material.models import Series
from readerstudy.material.services import case_code, ensure_unscheduled, place_series
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import ensure_takes_material

LISTED = 1000  # files of one reason that an upload's refusals name by their hash
IN_PACK = 50  # files that are sealed together


def receive_files(*, study: ReaderStudy, files: list[SealedFile], actor: User) -> Upload:
    """Files of one request, sealed by the upload handler, become an upload; a job sorts it."""
    ensure_takes_material(study)
    store_mark.ensure_own()
    if not files:
        raise InputError("No file arrived. Choose a folder, or one or more files.")
    with transaction.atomic():
        upload = Upload.objects.create(study=study, user=actor, salt=files[0].salt)
        quarantine.adopt([file.path for file in files], upload.pk)
        send_to_sort(upload, len(files), sum(file.size or 0 for file in files), actor)
    quarantine.erase(files[0].path.parent.name)
    return upload


def receive_folder(*, study: ReaderStudy, folder: Path, actor: User | None) -> Upload:
    """Every file below a folder of this machine becomes an upload; a job sorts it."""
    ensure_takes_material(study)
    store_mark.ensure_own()
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    if not paths:
        raise InputError(f"There is no file in {folder}.")
    with transaction.atomic():
        upload = Upload.objects.create(study=study, user=actor)
        target = quarantine.folder(upload.pk)

        def seal(some: list[Path]) -> quarantine.QuarantineWriter:
            writer, chunk = quarantine.QuarantineWriter(target, upload.salt), memoryview(bytearray(quarantine.FRAME))
            try:
                for path in some:
                    writer.begin(str(path.relative_to(folder)))
                    with path.open("rb", buffering=0) as file:
                        while count := file.readinto(chunk):
                            writer.write(chunk[:count])
                writer.finish()
            except BaseException:
                writer.discard()
                raise
            return writer

        together = [paths[start : start + IN_PACK] for start in range(0, len(paths), IN_PACK)]
        with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:  # while one waits for the disk, another computes
            quarantine.close_all(list(pool.map(seal, together)))
        send_to_sort(upload, len(paths), sum(path.stat().st_size for path in paths), actor)
    return upload


def send_to_sort(upload: Upload, files: int, size: int, actor: User | None) -> None:
    """All pieces are in the quarantine: a job sorts them."""
    upload.files, upload.bytes, upload.state = files, size, Upload.State.SORTING
    upload.save()
    record(study=upload.study, action=Action.UPLOAD_RECEIVED, actor=actor, upload=upload.pk, files=files, bytes=size)
    request_job(
        function=SORT,
        study=upload.study,
        label=f"upload {upload.pk}, {files} files",
        parameters={"upload": upload.pk},
        inputs={"upload": upload.pk, "salt": upload.salt},
    )


def lacking_pieces(upload: Upload) -> int:
    """How many of the pieces that were received are not in the quarantine."""
    if named := set(upload.pieces.values_list("name", flat=True)):
        return len(quarantine.lacking(upload.pk, named))
    # Sent in one request, or read from a folder: a piece is a file.
    return max(0, upload.files - quarantine.count(upload.pk))


def store_sorted(
    *,
    upload: Upload,
    series: Collection[tuple],
    refused: Iterable[tuple[str, str, int]],
    used: Iterable[str] = (),
    duplicates: int = 0,
) -> dict:
    """Keep what sorting found: candidates to confirm and refusals with reasons; the quarantine's salt goes.

    series: (SortedSeries, [(sha256, size), …] of its files in the archive). refused: (SHA-256, reason, files). used:
    names in the quarantine of the first pieces of the files that became series. duplicates: files that
    came twice in it. InputError if one of the files was erased meanwhile.
    """
    ensure_kept(sha256 for _, files in series for sha256, _ in files)
    study, counts = upload.study, {"proposed": 0, "known": 0, "refused": 0}
    subjects, arms, repeats = Subjects(study), {arm.code: arm for arm in study.arms.all()}, Repeats(study)
    for sorted_series, files in series:
        known = repeats.is_known(sorted_series)
        state = Candidate.State.KNOWN if known else Candidate.State.PROPOSED
        counts[state] += 1
        duplicates += len(files) if known else 0
        slices, rows, columns = sorted_series.shape
        conflict = "" if known else repeats.conflict(sorted_series)
        uids = sorted_series.instance_uids or [""] * len(files)
        Candidate.objects.create(
            study=study,
            upload=upload,
            state=state,
            format=sorted_series.format,
            sha256=sorted_series.sha256,
            slices=slices,
            rows=rows,
            columns=columns,
            affine=[list(map(float, row)) for row in sorted_series.affine],
            spacing=list(sorted_series.spacing),
            parameters={k: v for k, v in vars(sorted_series.parameters).items() if v is not None},
            part=sorted_series.part,
            frame_of_reference=sorted_series.frame_of_reference,
            cautions=[vars(one) for one in sorted_series.cautions],
            instances=[[sha256, size, uid] for (sha256, size), uid in zip(files, uids, strict=True)],
            subject_key=sorted_series.subject_key,
            masked_name=sorted_series.masked_name,
            **propose(sorted_series=sorted_series, subjects=subjects, arms=arms, conflict=conflict),
        )
    settle(study)
    counts["refused"] = keep_refusals(upload, refused)
    keys = upload.pieces.filter(name__in=used).values_list("key", flat=True)
    Delivered.objects.bulk_create(
        [Delivered(study=study, digest=digest) for digest in delivery_digests(study, keys)], ignore_conflicts=True
    )
    upload.pieces.all().delete()
    upload.state, upload.salt, upload.sorted_at = Upload.State.SORTED, "", timezone.now()
    upload.known_files += duplicates
    upload.save()
    transaction.on_commit(lambda: quarantine.erase(upload.pk))
    record(
        study=study,
        action=Action.UPLOAD_SORTED,
        upload=upload.pk,
        proposed=counts["proposed"],
        known=counts["known"],
        known_files=upload.known_files,
        refused=counts["refused"],
    )
    return counts


def keep_refusals(upload: Upload, refused: Iterable[tuple[str, str, int]]) -> int:
    """Keep why files are not used, and of each reason the hashes of the first ones; returns the number of files."""
    of_reason: dict[str, list[Refusal]] = defaultdict(list)
    for sha256, reason, files in refused:
        of_reason[reason[:400]].append(Refusal(upload=upload, sha256=sha256, reason=reason[:400], count=files))
    rows, total = [], 0
    for reason, found in of_reason.items():
        rows += found[:LISTED]
        if others := sum(one.count for one in found[LISTED:]):
            rows.append(Refusal(upload=upload, reason=reason, count=others))
        total += sum(one.count for one in found)
    Refusal.objects.bulk_create(rows, batch_size=500)
    return total


def delivery_digests(study: ReaderStudy, keys: Iterable[str]) -> list[str]:
    """How pieces that became part of a series are remembered; without the study's own key it says nothing."""
    secret = pseudonym_key(study)
    return [hmac.digest(secret, b"delivered " + key.encode(), hashlib.sha256).hex() for key in keys]


@transaction.atomic
def confirm(
    *, candidate: Candidate, actor: User | None, replace: bool = False, incomplete: bool = False, **placing
) -> Series:
    """Place a candidate as subject_code, site, region, plane, weighting and arm say.

    InputError if its geometry does not fit the other arms of the case, the place is taken, or files of it are missing
    and nobody said that it is to be placed although it is `incomplete`.
    """
    study = candidate.study
    ensure_takes_material(study)
    if candidate.state != Candidate.State.PROPOSED:
        raise InputError("This series has been placed or put aside already.")
    if placing.get("arm") is None:
        raise InputError("Choose an arm.")
    if candidate.lacks and not incomplete:
        raise InputError(f"{candidate.lacks} Send the series again, or tick that it is to be placed without them.")
    at = (placing["subject_code"], placing["region"], placing["plane"], placing["weighting"])
    ensure_unscheduled(study=study, code=case_code(*at))
    arrived = _place(candidate)
    for other in (
        Series.objects.filter(
            study=study,
            active=True,
            case__subject__code=placing["subject_code"],
            case__region=placing["region"],
            case__plane=placing["plane"],
            case__weighting=placing["weighting"],
        )
        .exclude(arm=placing["arm"])
        .select_related("arm")
    ):
        found = check_pair(arrived, _place(other), plane=placing["plane"], pixels=False)
        if not found.accepted:
            raise InputError(f"Does not fit the {other.arm.code} series of this case: {found.reason}")
    series = place_series(
        study=study,
        instances=candidate.instances,
        subject_key=candidate.subject_key,
        actor=actor,
        replace=replace,
        format=candidate.format,
        sha256=candidate.sha256,
        slices=candidate.slices,
        rows=candidate.rows,
        columns=candidate.columns,
        affine=candidate.affine,
        spacing=candidate.spacing,
        parameters=candidate.parameters,
        part=candidate.part,
        frame_of_reference=candidate.frame_of_reference,
        cautions=candidate.cautions,
        **placing,
    )
    for name in ("subject_code", "region", "plane", "weighting", "arm"):
        setattr(candidate, name, placing[name])
    candidate.site = series.case.subject.site
    candidate.state, candidate.series = Candidate.State.CONFIRMED, series
    candidate.save()
    return series


def _place(series: Candidate | Series) -> Volume:
    shape = series.slices, series.rows, series.columns
    frame = series.frame_of_reference or None
    return placed(series.affine, shape, slices_known=series.format == "dicom", frame_of_reference=frame)


@transaction.atomic
def dismiss(*, candidate: Candidate, actor: User | None) -> None:
    """Put a candidate aside; it can be called back."""
    Candidate.objects.filter(pk=candidate.pk, state=Candidate.State.PROPOSED).update(state=Candidate.State.DISMISSED)
    settle(candidate.study)
    record(study=candidate.study, action=Action.SERIES_PUT_ASIDE, actor=actor, sha256=candidate.sha256)


@transaction.atomic
def call_back(*, candidate: Candidate, actor: User | None) -> None:
    """Take up again a candidate that was put aside."""
    Candidate.objects.filter(pk=candidate.pk, state=Candidate.State.DISMISSED).update(state=Candidate.State.PROPOSED)
    settle(candidate.study)
    record(study=candidate.study, action=Action.SERIES_TAKEN_UP_AGAIN, actor=actor, sha256=candidate.sha256)


def confirm_certain(*, study: ReaderStudy, actor: User | None) -> tuple[int, list[str]]:
    """Place every candidate whose proposal is certain. Returns the number placed, and why others were not."""
    placed, problems = 0, []
    for candidate in study.candidates.filter(state=Candidate.State.PROPOSED, certain=True).select_related(
        "arm", "site"
    ):
        names = ("subject_code", "site", "region", "plane", "weighting", "arm")
        try:
            confirm(candidate=candidate, actor=actor, **{name: getattr(candidate, name) for name in names})
            placed += 1
        except InputError as error:
            problems.append(f"{candidate.subject_code} {candidate.plane} {candidate.weighting}: {error}")
    settle(study)
    ask_for_missing(study)
    return placed, problems


def purge_stale() -> int:
    """Erase what has rested in the quarantine for 24 hours; an upload that was not sorted by then fails and says so.

    What programs sent, and were told is taken, has that time from when it was sent to be sorted: before, no worker ran.
    """
    limit = timezone.now() - timedelta(hours=24)
    late = Job.objects.filter(function=SORT, created_at__gte=limit).values_list("parameters__upload", flat=True)
    sent = Q(state=Upload.State.RECEIVING) | Q(pk__in=list(late))
    stale = list(Upload.objects.filter(created_at__lt=limit).exclude(salt="").exclude(sent & ~Q(door="")))
    for upload in stale:
        Upload.objects.filter(pk=upload.pk).update(salt="", state=Upload.State.FAILED)
        Job.objects.filter(
            function=SORT, parameters__upload=upload.pk, state__in=[Job.State.WAITING, Job.State.FAILED]
        ).update(state=Job.State.FAILED, error="Not sorted within 24 hours; its files were erased. Send them again.")
        quarantine.erase(upload.pk)
    wanted = Upload.objects.exclude(salt="").values_list("pk", flat=True)
    return len(stale) + quarantine.erase_older_than(limit, but=set(map(str, wanted)))
