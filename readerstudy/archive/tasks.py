"""No job is claimed by a worker that sees another store."""

from django.conf import settings

from readerstudy.archive import near, store_mark
from readerstudy.jobs.registry import chore, obstacle


@obstacle
def another_store() -> str:
    return store_mark.problem()


@chore
def forget_erased() -> None:
    if "quarantine" in settings.STORAGES:
        near.forget_erased()
