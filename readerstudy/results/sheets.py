"""Other people's sheets, read in a process that may die of them; nothing of a sheet stays behind."""

import base64
from collections.abc import Mapping
from threading import BoundedSemaphore
from typing import Any

from analysis.convert.sheet import MOST_BYTES
from processing.errors import InputError
from processing.ingest import confined
from readerstudy.archive.quarantine import erase_requests, plain_bytes
from readerstudy.intake.upload_handler import SealedFile

LIMITS = confined.ProcessLimits(memory=3 << 30, cpu_seconds=60, file_bytes=1 << 20, wall_seconds=120)
_ONE = BoundedSemaphore(1)  # in a process: sheets take memory from those who read
PATIENCE = 5  # seconds


def content(files: list[SealedFile]) -> bytes:
    """The bytes of the one sheet of a request, whose seal goes. InputError."""
    try:
        if len(files) != 1:
            raise InputError("Choose a sheet: XLSX or CSV.")
        if (files[0].size or 0) > MOST_BYTES + (1 << 20):  # the seal makes it a little larger
            raise InputError(f"The file has over {MOST_BYTES // 1_000_000} MB; take what is no rating out of it.")
        return plain_bytes(files[0].path, files[0].salt)
    finally:
        erase_requests(files)


def look(sheet: bytes, said: Mapping[str, str]) -> dict[str, Any]:
    """What to show of a sheet after one more step at its map (`analysis.convert.desk.look`). InputError."""
    return _asked("look", sheet, said=dict(said))


def make(sheet: bytes, text: str) -> dict[str, Any]:
    """The ratings of a sheet by its map (`analysis.convert.desk.make`). InputError."""
    return _asked("make", sheet, map=text)


def _asked(function: str, sheet: bytes, **arguments: Any) -> dict[str, Any]:
    if not _ONE.acquire(timeout=PATIENCE):
        raise InputError("Another sheet is being read. Try again in a moment.")
    try:
        return _answer(function, sheet, **arguments)
    finally:
        _ONE.release()


def _answer(function: str, sheet: bytes, **arguments: Any) -> dict[str, Any]:
    whole = {"sheet": base64.b64encode(sheet).decode(), **arguments}
    answer = confined.run(f"analysis.convert.desk:{function}", whole, limits=LIMITS)
    if "refused" in answer:
        raise InputError(answer["refused"])
    return answer
