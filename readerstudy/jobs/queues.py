"""The queues of messages that say "look at job n": one for each kind of worker, never longer than `LONGEST`.

What does not fit is not lost: the Job table is the truth, and the sweeper fills queues up from it, what a person waits
for first. So ten thousand jobs cost the broker the memory of some hundred messages.
"""

import logging
import time
from threading import Lock

from celery import current_app
from kombu.exceptions import ChannelError

from readerstudy.jobs import registry

logger = logging.getLogger(__name__)
LONGEST = 1000  # messages
FRESH = 1.0  # seconds for which a process believes what it knows of a queue's length
_known: dict[str, tuple[float, int]] = {}  # until when, and how many more fit
_lock = Lock()


def waiting(name: str) -> int:
    """Messages in a queue. Raises what the broker raises when it does not answer."""
    with current_app.connection_for_write() as connection:
        channel = connection.channel()
        try:
            return channel.queue_declare(name, passive=True).message_count  # type: ignore[attr-defined]
        except ChannelError:  # nobody has sent to it yet
            return 0


def takes_one_more(name: str) -> bool:
    """Whether a message fits; it is counted then. True where the broker does not answer: who sends it will see."""
    with _lock:
        until, left = _known.get(name, (0.0, 0))
        if time.monotonic() > until:
            try:
                left = LONGEST - waiting(name)
            except Exception:
                return True
            until = time.monotonic() + FRESH
        _known[name] = until, left - 1
        return left > 0


def room(name: str) -> int:
    """How many messages the sweeper may add, which fills a queue half: 0 where the broker does not answer."""
    try:
        return max(0, LONGEST // 2 - waiting(name))
    except Exception:
        logger.warning("The queue %s does not answer.", name)
        return 0


def of(function: str) -> tuple[str, int]:
    """Queue and urgency of a job's function."""
    kind = registry.kind(function)
    return kind.queue, kind.urgency
