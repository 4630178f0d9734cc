"""Heads of the logs, and alarms, outside the database: append-only files, and syslog if the settings name one.

A head may lag behind its log (another host wrote, or a process died between commit and write); it is never ahead of
it, unless the log lost lines. Each line of HEADS/<slug>.log is `number sha256 mac time`; a study that was removed on
purpose ends with `removed mac time`, the MAC of its tombstone. HEADS/answers/<slug>.log has a line `presentation number
mac time` for each answer. In both, what stands before `restored number sha256 mac time` is history: the database was
restored to an earlier state, as that line of the log says. HEADS/erased/<slug>.log has a line `subject code mac time`
for each that was withdrawn: no backup from before brings it back. Writers append whole lines, so the order of a few may
be exchanged.
"""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from readerstudy.audit import keys

ANSWERS = "answers"  # the folder below
ERASED = "erased"
JOBS = "signed/jobs"  # the file that says that jobs have MACs
ALARMS = "alarms"  # no study has this address
TAIL = 8192  # bytes: some fifty lines
alarm_logger = logging.getLogger("readerstudy.audit")
syslog = logging.getLogger("readerstudy.heads")


class UnreadableError(Exception):
    """What stands outside the database is there and cannot be read; half a sentence says so."""


@dataclass(frozen=True)
class WrittenHead:
    """A head as it was written: the number and hash of a line of the log, and its MAC."""

    number: int
    sha256: str
    mac: str

    def is_ours(self, slug: str) -> bool:
        """Whether a key that this site knows made it."""
        return bool(keys.signed_with(self.mac, slug, self.number, self.sha256))


@dataclass(frozen=True)
class Alarm:
    """When the record of a study did not hold, and why."""

    at: datetime
    sentence: str


def path_of(slug: str) -> Path:
    return settings.HEADS_DIR / f"{slug}.log"


def slugs() -> list[str]:
    """Addresses of all studies of which a head was written here."""
    return sorted(path.stem for path in settings.HEADS_DIR.glob("*.log") if path.stem != ALARMS)


def slugs_taken() -> list[str]:
    """Addresses that no new study may have: those of studies that are here, or were."""
    return [*slugs(), ALARMS]


def write(*, slug: str, number: int, sha256: str, mac: str) -> None:
    """Append the head of a log. A folder that cannot be written to is an alarm, not an error."""
    _append(slug, f"{number} {sha256} {mac}")


def write_removal(*, slug: str, mac: str) -> None:
    """Append that this study was removed, with the MAC of its tombstone."""
    _append(slug, f"removed {mac}")


def write_restore(*, slug: str, number: int, sha256: str) -> None:
    """Append that what was written so far is history, as this line of the log says; in both files of the study."""
    mac = keys.sign("restored", slug, number, sha256)
    for file in (slug, f"{ANSWERS}/{slug}"):
        _append(file, f"restored {number} {sha256} {mac}")


def _since_restore(slug: str, lines: list[str]) -> list[str]:
    """Of the lines of a file, those that are not history."""
    for place in range(len(lines), 0, -1):
        words = lines[place - 1].split()
        restored = len(words) == 5 and words[0] == "restored" and words[1].isdigit()
        if restored and keys.signed_with(words[3], "restored", slug, int(words[1]), words[2]):
            return lines[place:]
    return lines


def write_answer(*, slug: str, presentation: int, number: int, mac: str) -> None:
    """Append the end of a presentation's chain of answers."""
    _append(f"{ANSWERS}/{slug}", f"{presentation} {number} {mac}")


def noted_answers(slug: str) -> dict[int, tuple[int, str]]:
    """(number, MAC) of the highest answer that was noted of each presentation, by its primary key."""
    found: dict[int, tuple[int, str]] = {}
    for line in _since_restore(slug, _lines(f"{ANSWERS}/{slug}", None)):
        words = line.split()
        if len(words) == 4 and words[0].isdigit() and words[1].isdigit():
            presentation, noted = int(words[0]), (int(words[1]), words[2])
            found[presentation] = max(found.get(presentation, noted), noted)
    return found


def write_erasure(*, slug: str, subject: int, code: str) -> None:
    """Append that a subject was withdrawn."""
    _append(f"{ERASED}/{slug}", f"{subject} {code} {keys.sign('erased', slug, subject, code)}")


def noted_erasures(slug: str) -> list[tuple[int, str]]:
    """Primary key and code of each subject that was withdrawn, as this site noted it."""
    words = [line.split() for line in _lines(f"{ERASED}/{slug}", None)]
    found = [(int(line[0]), line[1], line[2]) for line in words if len(line) == 4 and line[0].isdigit()]
    return [(pk, code) for pk, code, mac in found if keys.signed_with(mac, "erased", slug, pk, code)]


def note_jobs_signed() -> None:
    """Append that the jobs of this site have MACs from here on."""
    _append(JOBS, "signed")


def jobs_were_signed() -> bool:
    return bool(_lines(JOBS, TAIL))


def _append(slug: str, said: str) -> None:
    line = f"{said} {timezone.now().isoformat(timespec='seconds')}"
    syslog.info("%s %s", slug, line)
    path = path_of(slug)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            end = os.lseek(file, 0, os.SEEK_END)
            half = end > 0 and os.pread(file, 1, end - 1) != b"\n"  # a full disk cut the line before
            os.write(file, f"{chr(10) if half else ''}{line}\n".encode())
        finally:
            os.close(file)
    except OSError as error:
        alarm_logger.critical("%s: the head of the log could not be written outside: %s", slug, error)


def written_heads(slug: str) -> Iterator[WrittenHead]:
    """All heads of a log that can be read, as they stand in the file; without history."""
    return _parsed(_since_restore(slug, _lines(slug, None)))


def latest(slug: str) -> WrittenHead | None:
    """The highest of the last heads that this site wrote; None if there is none."""
    return _highest(slug, _since_restore(slug, _lines(slug, TAIL)))


def highest(slug: str) -> WrittenHead | None:
    """The highest of all heads that this site wrote, history too."""
    return _highest(slug, _lines(slug, None))


def _highest(slug: str, lines: list[str]) -> WrittenHead | None:
    return max((head for head in _parsed(lines) if head.is_ours(slug)), key=lambda head: head.number, default=None)


def removal_mac(slug: str) -> str:
    """The MAC of the tombstone with which the file ends; "" if the study was not removed."""
    words = [line.split() for line in _lines(slug, TAIL)]
    return next((line[1] for line in reversed(words) if len(line) == 3 and line[0] == "removed"), "")


def write_alarm(slug: str, sentence: str) -> None:
    """Tell whoever watches the site's log, and the admins, that the record of this study does not hold."""
    alarm_logger.critical("%s: %s", slug, sentence)
    if sentence not in [alarm.sentence for alarm in alarms(slug)]:
        _append_alarm(slug, sentence)


def alarms(slug: str) -> list[Alarm]:
    """The latest alarms of a study, the newest first."""
    return [alarm for whose, alarm in _alarms() if whose == slug]


def latest_alarms() -> dict[str, Alarm]:
    """The latest alarm of each study that has one, by its slug."""
    return dict(reversed(list(_alarms())))


def _alarms() -> Iterator[tuple[str, Alarm]]:
    try:
        words = [line.split(" ", 2) for line in reversed(_lines(ALARMS, TAIL))]
    except UnreadableError:
        return  # the study's own heads are no better off: whoever writes is told
    yield from ((line[1], Alarm(datetime.fromisoformat(line[0]), line[2])) for line in words if len(line) == 3)


def _append_alarm(slug: str, sentence: str) -> None:
    try:
        settings.HEADS_DIR.mkdir(parents=True, exist_ok=True)
        with path_of(ALARMS).open("a") as file:
            file.write(f"{timezone.now().isoformat(timespec='seconds')} {slug} {' '.join(sentence.split())}\n")
    except OSError as error:
        alarm_logger.critical("%s: the alarm could not be written: %s", slug, error)


def _lines(slug: str, tail: int | None) -> list[str]:
    try:
        with path_of(slug).open("rb") as file:
            if tail and (size := os.fstat(file.fileno()).st_size) > tail:
                file.seek(size - tail)
                file.readline()  # the rest of a line that began before
            return file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UnreadableError(f"{path_of(slug)} cannot be read: {error.strerror}") from error


def _parsed(lines: list[str]) -> Iterator[WrittenHead]:
    for line in lines:
        words = line.split()
        if len(words) == 4 and words[0].isdigit():
            yield WrittenHead(int(words[0]), words[1], words[2])
