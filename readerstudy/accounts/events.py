"""What was done with accounts: a log of the site, beside the studies' own."""

from django.db.models import QuerySet

from readerstudy.accounts.models import AccountEvent, User


def note(*, user: User, what: str, actor: User | None = None) -> None:
    """Add a line. `what`: the rest of a sentence that begins with a name: signed out everywhere."""
    AccountEvent.objects.create(
        account=user.pk, account_name=user.username, actor_name=actor.username if actor else "", what=what
    )


def of(user: User | None = None) -> QuerySet[AccountEvent]:
    """The lines of this account, or of all, the newest first."""
    return AccountEvent.objects.filter(account=user.pk) if user else AccountEvent.objects.all()
