"""The states of a study. All floors may read them."""

from django.db.models import TextChoices


class State(TextChoices):
    DRAFT = "draft", "draft"
    OPEN = "open", "open"
    PAUSED = "paused", "paused"
    CLOSED = "closed", "closed"
    LOCKED = "locked", "locked"


ENDED = frozenset({State.CLOSED, State.LOCKED})
