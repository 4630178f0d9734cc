"""What every template may ask."""

from django.conf import settings
from django.http import HttpRequest

from readerstudy.accounts.permissions import may, may_ever


class Permissions:
    """`can.edit_protocol` in a template: may do it now. `has.read`: ever."""

    def __init__(self, membership, check) -> None:
        self.membership, self.check = membership, check

    def __getitem__(self, action: str) -> bool:
        return self.membership is not None and self.check(self.membership, action)


def site(request: HttpRequest) -> dict:
    membership = getattr(request, "membership", None)
    return {
        "demo": settings.DEMO,
        "oidc_name": settings.OIDC_NAME if settings.OIDC_URL else "",
        "idle_seconds": settings.IDLE_SECONDS,
        "membership": membership,
        "can": Permissions(membership, may),
        "has": Permissions(membership, may_ever),
    }
