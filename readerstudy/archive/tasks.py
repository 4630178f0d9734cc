"""No job is claimed by a worker that sees another store."""

from readerstudy.archive import mark
from readerstudy.jobs.registry import obstacle


@obstacle
def another_store() -> str:
    return mark.problem()
