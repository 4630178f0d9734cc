"""Accounts, as who sees them is shown them."""

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, Q, QuerySet

from readerstudy.accounts.models import User


def accounts(text: str = "") -> QuerySet[User]:
    """Accounts whose name or address has this text; `factor`: whether there is a second factor."""
    factors = Authenticator.objects.filter(user=OuterRef("pk")).exclude(type=Authenticator.Type.RECOVERY_CODES)
    found = User.objects.annotate(factor=Exists(factors)).order_by("-is_active", "username")
    for word in text.split():
        found = found.filter(
            Q(username__icontains=word)
            | Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
            | Q(email__icontains=word)
        )
    return found
