"""What other programs send, file by file and in no order of ours: it gathers in one upload of each door, sealed, until
nothing has come for a while; then it is sorted like any other.

A door is a way in with its sender: `stow` for DICOMweb, `c-store` with the title of the peer, `folder`.
"""

import hashlib
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.archive import quarantine, store_mark
from readerstudy.intake.models import Piece, Upload
from readerstudy.intake.services import keep_refusals, send_to_sort
from readerstudy.jobs import disk
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import ensure_takes_material

QUIET = timedelta(seconds=30)  # without a file: nothing more is to come
LONGEST = timedelta(hours=1)  # then what is there is sorted, whatever else comes
LARGEST = 1 << 30  # bytes of one file, as of its pixels
NOTED = 5.0  # seconds between two notes that files still come
WENT_ON = "What was sent before is being sorted already. Send this again."


class TooLateError(InputError):
    """The upload went on to be sorted while this came."""


@transaction.atomic
def gathering(*, study: ReaderStudy, door: str, user: User | None = None, token: int | None = None) -> Upload:
    """The upload in which what comes by this door gathers. token: number of that of the program that sends it.

    InputError if the study takes no material, NoRoomError if the disk is nearly full.
    """
    study = ReaderStudy.objects.select_for_update().get(pk=study.pk)
    ensure_takes_material(study)
    store_mark.ensure_own()
    disk.ensure_room()
    mine = study.uploads.filter(door=door, user=user, token=token, state=Upload.State.RECEIVING)
    now = timezone.now()
    upload = mine.filter(last_at__gte=now - QUIET, created_at__gte=now - LONGEST).order_by("-pk").first()
    upload = upload or Upload(study=study, door=door, user=user, token=token)
    upload.last_at = now
    upload.save()
    return upload


class Delivery:
    """Files on their way into an upload that gathers: all are kept by `keep`, or none."""

    def __init__(self, upload: Upload) -> None:
        self.upload = upload
        self._writer = quarantine.QuarantineWriter(quarantine.folder(upload.pk), upload.salt)
        self._pieces: list[Piece] = []
        self._noted = time.monotonic()

    def __enter__(self) -> "Delivery":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind:
            self._writer.discard()

    def take(self, name: str, content: Iterable[bytes], *, at_most: int) -> bool:
        """Seal one file; False if it has more than `at_most` bytes, and is left out for that."""
        head, size = f"{name}\0001\0001".encode(), 0
        digest, piece = hashlib.sha256(head + b"\n"), self._writer.begin(name)
        for chunk in content:
            size += len(chunk)
            if size > at_most:
                return False
            digest.update(chunk)
            self._writer.write(chunk)
            self._note()
        self._pieces.append(Piece(upload=self.upload, key=digest.hexdigest(), name=piece, size=size))
        return True

    def _note(self) -> None:
        if time.monotonic() - self._noted > NOTED:
            self._noted = time.monotonic()
            disk.ensure_room()
            Upload.objects.filter(pk=self.upload.pk).update(last_at=timezone.now())

    def keep(self) -> int:
        """Have all that was taken on the disk, and counted; returns how many files are new to the upload.

        TooLateError if it went on to be sorted meanwhile.
        """
        new: dict[str, Piece] = {}
        try:
            if self._pieces:
                self._writer.close_for_all()
                new = self._count()
        finally:
            if not new:
                self._writer.discard()
        return len(new)

    @transaction.atomic
    def _count(self) -> dict[str, Piece]:
        receiving = Upload.objects.filter(pk=self.upload.pk, state=Upload.State.RECEIVING).exclude(salt="")
        upload = receiving.select_for_update().first()
        if upload is None:
            raise TooLateError(WENT_ON)
        there = set(upload.pieces.filter(key__in=[piece.key for piece in self._pieces]).values_list("key", flat=True))
        new = {piece.key: piece for piece in self._pieces if piece.key not in there}
        Piece.objects.bulk_create(new.values())
        upload.files += len(new)
        upload.bytes += sum(piece.size for piece in new.values())
        upload.last_at = timezone.now()
        upload.save()
        return new


def send_on() -> int:
    """Have sorted what has gathered, where nothing more comes; returns how many uploads. What is of a study that takes
    nothing any more is erased, and the upload says so."""
    now = timezone.now()
    waiting = Upload.objects.filter(state=Upload.State.RECEIVING).exclude(door="").exclude(salt="")
    due = waiting.filter(Q(last_at__lt=now - QUIET) | Q(created_at__lt=now - LONGEST))
    sent = 0
    for number in due.values_list("pk", flat=True):
        with suppress(Upload.DoesNotExist), transaction.atomic():  # another worker may have been faster
            upload = waiting.select_related("study").select_for_update(of=("self",)).get(pk=number)
            sent += _send(upload)
    return sent


def _send(upload: Upload) -> bool:
    if not upload.files:
        upload.delete()
        return False
    try:
        ensure_takes_material(upload.study)
    except InputError as error:
        keep_refusals(upload, [("", str(error), upload.files)])
        upload.salt, upload.state = "", Upload.State.FAILED
        upload.save()
        transaction.on_commit(lambda: quarantine.erase(upload.pk))
        return False
    send_to_sort(upload, upload.files, upload.bytes, upload.user)
    return True
