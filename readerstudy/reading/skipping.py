"""A pair that cannot be read for a technical reason: it comes again at the end of its part, and the admin is told."""

from django.db import transaction
from django.utils import timezone

from readerstudy.audit.services import record
from readerstudy.reading.models import Presentation

REASONS = [
    "The images do not load",
    "The images look broken",
    "The two images show different anatomy",
    "Something else",
]


@transaction.atomic
def skip(*, presentation: Presentation, reason: str) -> None:
    """Put a pair behind all others of its part. What was answered stays. A pair that is not being read stays as it is.

    Conflict if the study is not open or the pair is confirmed.
    """
    from readerstudy.reading.services import ensure_answerable, hold

    hold(presentation)
    if presentation.state == Presentation.State.SCHEDULED:
        return  # skipped a moment ago
    ensure_answerable(presentation)
    if presentation.state != Presentation.State.IN_PROGRESS:
        return
    presentation.state, presentation.skipped_at = Presentation.State.SCHEDULED, timezone.now()
    presentation.skip_reason = reason
    presentation.save(update_fields=["state", "skipped_at", "skip_reason"])
    record(
        study=presentation.study, action="pair skipped", actor=presentation.reader.user,
        reader=presentation.reader.code, position=presentation.position, reason=reason,
    )  # fmt: skip
