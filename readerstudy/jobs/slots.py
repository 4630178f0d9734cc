"""What one job may take of its worker's machine."""

from django.conf import settings

from processing.ingest.workers import processors


def processors_of_a_job() -> int:
    """Of those that this process may use, which may be fewer than the machine has, the share of one slot."""
    return max(1, processors() // settings.WORKER_SLOTS)
