"""Files are erased only where nobody counts on them: who keeps some and who erases some take turns.

Bytes that are here already are not written again. So who keeps them looks once more in the transaction that says what
they are of, and who erases them asks whether they are needed and erases them in one turn: either the one finds that
they are gone, or the other that they are needed.
"""

from collections.abc import Iterable

from processing.errors import InputError
from readerstudy.archive.models import Store
from readerstudy.archive.store import lacking

ERASED = "{} of its {} files were erased meanwhile, with something else that held the same. Retry: they are kept anew."


def take_turn() -> None:
    """Wait until no other keeps or erases, and have it wait until this transaction ends."""
    # On SQLite a transaction that writes is alone anyway.
    Store.objects.select_for_update().filter(pk=1).first()


def ensure_kept(hashes: Iterable[str]) -> None:
    """InputError if one of these files is gone. In the transaction that stores what needs them."""
    take_turn()
    files = set(hashes)
    if gone := lacking(files):
        raise InputError(ERASED.format(f"{gone:,}", f"{len(files):,}"))
