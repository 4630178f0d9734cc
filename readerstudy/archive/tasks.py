"""No job is claimed by a worker that sees another store."""

from readerstudy.archive import store_mark
from readerstudy.jobs.registry import obstacle


@obstacle
def another_store() -> str:
    return store_mark.problem()
