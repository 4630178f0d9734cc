"""Take an upload in piece by piece, so that after a lost line or a reload only what is missing is sent.

The browser names every piece by a key, SHA-256 of its head and its bytes, asks which keys are missing, sends those in
batches and says when it is done. A batch is a row of pieces: lengths of head and bytes, head, bytes. The head is
`path NUL part NUL parts`, UTF-8.
"""

import hashlib
import shutil
import struct
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from django.db import transaction
from django.utils import timezone

from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.archive import quarantine, store_mark
from readerstudy.intake.models import Delivered, Piece, Upload
from readerstudy.intake.services import delivery_digests, send_to_sort
from readerstudy.jobs import disk
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import ensure_takes_material

LENGTHS = struct.Struct(">IQ")  # of head and bytes
LONGEST_HEAD = 8192
LARGEST_PIECE = 64 << 20
BROKEN = "The batch arrived damaged and was not kept; it is sent again."


def piece_key(head: bytes, content: bytes) -> str:
    """The name under which a piece is asked for and found again."""
    return hashlib.sha256(head + b"\n" + content).hexdigest()


def unfinished(*, study: ReaderStudy, user: User, token: int | None = None) -> Upload | None:
    """The upload of this person that broke off, if its pieces are still there. token: number of that of a program,
    which goes on with its own alone."""
    mine = study.uploads.filter(user=user, token=token, door="", state=Upload.State.RECEIVING, created_at__gt=_oldest())
    return mine.order_by("-pk").first()


def _oldest():
    return timezone.now() - timedelta(hours=23)


class Stream(Protocol):
    """What bytes are read from: a file, or a request."""

    def read(self, count: int, /) -> bytes: ...


@transaction.atomic
def begin(*, study: ReaderStudy, user: User, files: int, size: int, token: int | None = None) -> Upload:
    """A new upload of so many files and bytes, or the one that this person, or program, has not finished.

    NoRoomError if there is not enough room for it, sealed and unpacked.
    """
    ensure_takes_material(study)
    store_mark.ensure_own()
    if files < 1:
        raise InputError("No file arrived. Choose a folder, or one or more files.")
    upload = unfinished(study=study, user=user, token=token)
    upload = upload or Upload.objects.create(study=study, user=user, token=token)
    free = shutil.disk_usage(quarantine.folder(upload.pk)).free
    there = sum(upload.pieces.values_list("size", flat=True))
    # Sealed, unsealed for sorting, and kept: three times for a while.
    room = max(0, free - disk.reserve())
    if 3 * size - there > room:
        raise disk.NoRoomError(
            f"The site has room for about {room // 3 / 1e9:.1f} GB, this is {size / 1e9:.1f} GB. Send less at a time, "
            "or have the disk of the site enlarged."
        )
    upload.files, upload.bytes = files, size
    upload.save()
    return upload


def open_upload(*, study: ReaderStudy, user: User, number: int, token: int | None = None) -> Upload:
    """The upload of this person, or program, while it is being received. InputError if it has ended."""
    mine = study.uploads.filter(user=user, token=token, door="", state=Upload.State.RECEIVING)
    upload = mine.filter(pk=number).first()
    if upload is None or not upload.salt:
        raise InputError("This upload has ended. Drop the folder again.")
    return upload


def missing(*, upload: Upload, keys: Sequence[str]) -> dict[str, list[int]]:
    """Which of these pieces are to be sent, and which became part of a series before, by their place in `keys`."""
    _forget_vanished(upload)
    there = set(upload.pieces.filter(key__in=keys).values_list("key", flat=True))
    digests = delivery_digests(upload.study, keys)
    used = set(Delivered.objects.filter(study=upload.study, digest__in=digests).values_list("digest", flat=True))
    return {
        "missing": [place for place, key in enumerate(keys) if key not in there],
        "known": [place for place, digest in enumerate(digests) if digest in used],
    }


def _forget_vanished(upload: Upload) -> None:
    """What is not in the quarantine any more is to be sent again."""
    pieces = list(upload.pieces.values_list("pk", "name"))  # before the files: a batch leaves those first
    lacking = quarantine.lacking(upload.pk, [name for _, name in pieces])
    vanished = [pk for pk, name in pieces if name in lacking]
    upload.pieces.filter(pk__in=vanished).delete()


def receive_batch(*, upload: Upload, stream: Stream) -> int:
    """Seal the pieces of one batch; returns how many are new. All of the batch is kept or nothing.

    InputError if the batch is damaged, NoRoomError if the disk is full.
    """
    disk.ensure_room()
    writer, pieces = quarantine.QuarantineWriter(quarantine.folder(upload.pk), upload.salt), []
    try:
        while lengths := _exactly(stream, LENGTHS.size, may_end=True):
            head_length, size = LENGTHS.unpack(lengths)
            if head_length > LONGEST_HEAD or size > LARGEST_PIECE:
                raise InputError(BROKEN)
            head = _exactly(stream, head_length)
            name, part, parts = _parsed(head)
            piece = writer.begin(name, part=part, parts=parts)
            digest = hashlib.sha256(head + b"\n")
            left = size
            while left:
                chunk = _exactly(stream, min(left, quarantine.FRAME))
                digest.update(chunk)
                writer.write(chunk)
                left -= len(chunk)
            pieces.append(Piece(upload=upload, key=digest.hexdigest(), name=piece, size=size))
        writer.close_for_all()
        with transaction.atomic():
            # What came twice at the same time stays once.
            there = set(upload.pieces.filter(key__in=[p.key for p in pieces]).values_list("key", flat=True))
            new = {piece.key: piece for piece in pieces if piece.key not in there}
            Piece.objects.bulk_create(new.values())
    except OSError as error:
        writer.discard()
        kind = disk.NoRoomError if disk.is_no_room(error) else InputError
        raise kind(f"The site could not keep the batch: {error.strerror or error}. Nothing is lost.") from error
    except BaseException:
        writer.discard()
        raise
    if not new:
        writer.discard()
    return len(new)


def _exactly(stream: Stream, count: int, *, may_end: bool = False) -> bytes:
    found = bytearray()
    while len(found) < count and (chunk := stream.read(count - len(found))):
        found += chunk
    if len(found) < count and (found or not may_end):
        raise InputError(BROKEN)
    return bytes(found)


def _parsed(head: bytes) -> tuple[str, int, int]:
    try:
        name, part, parts = head.decode().split("\0")
        numbers = int(part), int(parts)
    except ValueError as error:
        raise InputError(BROKEN) from error
    if not name or not 1 <= numbers[0] <= numbers[1] <= 10**6:
        raise InputError(BROKEN)
    return name, *numbers


@transaction.atomic
def finish(*, upload: Upload, keys: Sequence[str], files: int, actor: User, known: int = 0) -> list[int]:
    """Have the upload sorted if all of `keys` are there; else return the places of those that are not. known: files
    that the browser did not send, as they are here already.

    What is there besides, from a folder that was dropped before, is not looked at, and erased with the rest.
    """
    ensure_takes_material(upload.study)
    _forget_vanished(upload)
    there = dict(upload.pieces.values_list("key", "name"))
    if lacking := [place for place, key in enumerate(keys) if key not in there]:
        return lacking
    if not keys:
        raise InputError("Nothing of this is new.")
    wanted = set(keys)
    upload.pieces.exclude(key__in=wanted).delete()
    size = sum(upload.pieces.values_list("size", flat=True))
    upload.known_files = known
    send_to_sort(upload, files, size, actor)
    names = [there[key] for key in wanted]
    transaction.on_commit(lambda: quarantine.keep_only(upload.pk, names))
    return []


@transaction.atomic
def discard(*, upload: Upload) -> None:
    """Give an unfinished upload up: its pieces are erased."""
    number = upload.pk
    upload.delete()
    transaction.on_commit(lambda: quarantine.erase(number))
