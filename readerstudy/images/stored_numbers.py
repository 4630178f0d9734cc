"""Numbers that were computed, against what the database then holds: a trigger of its own may have changed them, and the
log would seal them so."""

import math
from collections.abc import Sequence

from django.db.models import Model, QuerySet

from readerstudy.audit.services import fault
from readerstudy.protocol.models import ReaderStudy


def ensure_stored_as_written(study: ReaderStudy, written: Sequence[Model], there: QuerySet) -> None:
    """RecordError, and an alarm, unless `there` has the rows that were written just now and no other. In their
    transaction."""
    found = {row.pk: row for row in there}
    if found.keys() != {row.pk for row in written} or not all(_is_same_row(row, found[row.pk]) for row in written):
        name = there.model._meta.verbose_name_plural
        raise fault(slug=study.slug, problem=f"the database holds other {name} than were written into it just now")


def _is_same_row(one: Model, other: Model) -> bool:
    """Floats but for their rounding."""
    for name in (field.attname for field in one._meta.concrete_fields):
        mine, theirs = getattr(one, name), getattr(other, name)
        close = isinstance(theirs, float) and mine is not None and math.isclose(mine, theirs, rel_tol=1e-12)
        if mine != theirs and not close:
            return False
    return True
