"""How often somebody may guess a password: by account and by client, whichever door is tried.

Each try takes from several budgets at once, in one transaction; a right password gives back what it took. A budget
refills steadily, so nobody is locked out: who has used it up waits for the next try. A browser on which this account
has signed in before takes from a budget of its own alone: others who guess, even behind the same address, cannot keep
its owner out. Sessions that are open pass no door and go on.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.http import HttpRequest

from readerstudy.accounts.clients import address_of, network_of
from readerstudy.accounts.devices import account_key, known_device
from readerstudy.accounts.models import Tries

DAY = 24 * 3600  # seconds: how long what is full again is kept


@dataclass(frozen=True)
class Budget:
    """So many tries at once, then one every so many seconds."""

    tries: int
    seconds: float


# Fewer than a ward has readers: one password that is tried on all their names is slowed.
CLIENT = Budget(20, 30)
# At most 100 an hour on one account (ASVS 2.2.1), from wherever.
ACCOUNT = Budget(50, 72)
ACCOUNT_FROM_CLIENT = Budget(10, 90)
ACCOUNT_ON_DEVICE = Budget(10, 90)


@dataclass(frozen=True)
class Taken:
    """One try that was allowed."""

    keys: tuple[tuple[str, Budget], ...]

    def give_back(self) -> None:
        """The password was right: the try is free, and the last budget, which only the account's owner can fill, is
        full again."""
        *shared, (own, _) = self.keys
        with transaction.atomic():
            for key, budget in shared:
                row = Tries.objects.select_for_update().get(key=key)
                row.until -= budget.seconds
                row.save()
            Tries.objects.filter(key=own).delete()
            Tries.objects.filter(until__lt=time.time() - DAY).delete()


class PausedError(Exception):
    """No try is left. seconds: until the next one."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"No try is left for {seconds:.0f} s.")
        self.seconds = seconds


def take_try(request: HttpRequest | None, name: str) -> Taken:
    """Take one try at this account, before its password is looked at; PausedError if none is left.

    Not inside a transaction that a wrong password undoes.
    """
    keys = _budgets(request, name)
    with transaction.atomic():  # who is refused by one budget has taken from none
        for key, budget in keys:
            _take(key, budget)
    return Taken(tuple(keys))


def _budgets(request: HttpRequest | None, name: str) -> Sequence[tuple[str, Budget]]:
    """Always in this order: two tries never wait for each other crosswise."""
    account, client = account_key(name), network_of(address_of(request))
    if device := known_device(request, name):
        return [(_key("device", device, account), ACCOUNT_ON_DEVICE)]
    return [
        (_key("client", client), CLIENT),
        (_key("account", account), ACCOUNT),
        (_key("account from client", account, client), ACCOUNT_FROM_CLIENT),
    ]


def _key(*what: str) -> str:
    """Of one length whatever was typed, and without a name or an address in the database."""
    return hashlib.sha256("\n".join(what).encode()).hexdigest()


def _take(key: str, budget: Budget) -> None:
    now = time.time()
    row, _ = Tries.objects.select_for_update().get_or_create(key=key, defaults={"until": now})
    if (wait := row.until - now - (budget.tries - 1) * budget.seconds) > 0:
        raise PausedError(wait)
    row.until = max(row.until, now) + budget.seconds
    row.save()
