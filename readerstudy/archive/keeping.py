"""Files are erased only where nobody counts on them: who keeps some and who erases some take turns.

Bytes that are here already are not written again. So who keeps them looks once more in the transaction that says what
they are of, and who erases them asks whether they are needed and erases them in one turn: either the one finds that
they are gone, or the other that they are needed.

Who also holds a study (`audit.studies`) holds it before the turn, as a job does that ends: the other way round, two
would wait for each other.
"""

from collections.abc import Iterable

from django.db import connection
from django.db.transaction import TransactionManagementError

from processing.errors import InputError
from readerstudy.archive.store import lacking

TURN = 0x6B656570  # of PostgreSQL's advisory locks: no row has to be there
ERASED = "{} of its {} files were erased meanwhile, with something else that held the same. Retry: they are kept anew."


def take_turn() -> None:
    """Wait until no other keeps or erases, and have it wait until this transaction ends."""
    if not connection.in_atomic_block:
        raise TransactionManagementError("A turn lasts as long as a transaction, and there is none.")
    if connection.vendor == "postgresql":  # on SQLite a transaction that writes is alone anyway
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TURN])


def ensure_kept(hashes: Iterable[str]) -> None:
    """InputError if one of these files is gone. In the transaction that stores what needs them."""
    take_turn()
    files = set(hashes)
    if gone := lacking(files):
        raise InputError(ERASED.format(f"{gone:,}", f"{len(files):,}"))
