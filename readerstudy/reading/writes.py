"""What every write of a reader goes through: once by its key, in its turn, on what its browser saw; then it counts.

Two browsers of one reader may show the same pair. What one of them wrote, the other must know before it writes.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.utils import timezone

from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading import selectors
from readerstudy.reading.models import Presentation, Write
from readerstudy.states import State


class ConflictError(Exception):
    """The presentation or the study is in a state that does not take this; `more` is what the browser needs besides."""

    def __init__(self, code: str, detail: str, **more: object) -> None:
        super().__init__(detail)
        self.code, self.more = code, more


@dataclass(frozen=True)
class KnownState:
    """State and revision of a presentation, as the browser knew them when it wrote."""

    state: str
    revision: int

    @classmethod
    def of(cls, presentation: Presentation) -> "KnownState":
        return cls(presentation.state, presentation.revision)

    def holds(self, presentation: Presentation) -> bool:
        """Whether it is so still. A pair fetched before its turn is answered as it was fetched: whether it was begun
        does not matter, whether it was confirmed does."""
        confirmed = [state == Presentation.State.CONFIRMED for state in (self.state, presentation.state)]
        return confirmed[0] == confirmed[1] and self.revision == presentation.revision


# What Django's `select_for_update` cannot say. KEY SHARE: others may hold the study so too, who adds a line to its log
# (`audit.studies.study_for_log`) beside them, and nobody who would move it (`select_for_update`).
HELD = """
SELECT study.* FROM protocol_readerstudy study JOIN accounts_membership reader ON reader.study_id = study.id
WHERE reader.id = %s FOR KEY SHARE OF study FOR NO KEY UPDATE OF reader
"""


def lock(presentation: Presentation) -> None:
    """Wait for whoever moves this study, and for other writes of this reader, then see study and pair as they are. In a
    transaction.

    Without it an answer that is on its way while the study is closed would arrive after it, and a pair could be left
    behind while another window takes back an answer on it. Readers do not wait for each other: a line of the log, for
    which one does, is added last.
    """
    if connection.vendor == "postgresql":
        (presentation.study,) = ReaderStudy.objects.raw(HELD, [presentation.reader_id])
    else:  # SQLite has one writer at a time
        presentation.study = ReaderStudy.objects.get(pk=presentation.study_id)
    fields = ["state", "confirmed_at", "revision", "seen"]
    presentation.refresh_from_db(fields=fields, from_queryset=Presentation.objects.select_for_update())


def ensure_open(presentation: Presentation) -> None:
    """Conflict unless the study takes answers now."""
    if (state := presentation.study.state) != State.OPEN:
        raise ConflictError("not_open", "Reading is closed at the moment. Your answers so far are kept.", state=state)


def ensure_up_to_date(presentation: Presentation, *, key: UUID, on: KnownState | None) -> None:
    """Conflict if the pair is no longer what the browser knew, or the key belongs to another write on it."""
    if Write.objects.filter(presentation=presentation, key=key).exists():
        raise ConflictError("other_key", "This key belongs to another answer.")
    if on is None or not on.holds(presentation):
        raise ConflictError("stale", "This pair was answered elsewhere since, in another window or on another machine.")


def ensure_answerable(presentation: Presentation, *, key: UUID, on: KnownState | None) -> None:
    """Conflict unless the study is open, it is this presentation's turn (or going back is allowed), and it is as the
    browser knew it. Both must be held (`lock`)."""
    ensure_open(presentation)
    if presentation.state == Presentation.State.CONFIRMED:
        last = selectors.way_back(presentation.reader)
        if last is None or last.pk != presentation.pk:
            raise ConflictError("confirmed", "This pair is confirmed and can no longer be changed.")
    elif presentation.state != Presentation.State.IN_PROGRESS:
        raise ConflictError("not_yet", "It is not this pair's turn yet.")
    ensure_up_to_date(presentation, key=key, on=on)


def ensure_not_taken_back(presentation: Presentation, name: str) -> None:
    """Conflict if the pair is confirmed: its answers can be changed, but it stays complete."""
    if presentation.state == Presentation.State.CONFIRMED:
        raise ConflictError(
            "missing", "This pair is confirmed: an answer can be changed, not taken back.", missing=[name]
        )


def done_before(presentation: Presentation, *, key: UUID, what: str) -> bool:
    """Whether this is the repeated delivery of a write that leaves no row of its own."""
    return Write.objects.filter(presentation=presentation, key=key, what=what).exists()


def count_write(presentation: Presentation, *, key: UUID, what: str) -> None:
    """A write was accepted: the presentation has a new revision."""
    presentation.revision, presentation.written = presentation.revision + 1, key
    presentation.save(update_fields=["revision"])
    Write.objects.create(
        presentation=presentation,
        key=key,
        what=what,
        state=presentation.state,
        revision=presentation.revision,
        at=timezone.now(),
    )
