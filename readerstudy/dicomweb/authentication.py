"""Programs that know a name and a password alone, as most PACS do, show their token as the password."""

import base64

from rest_framework.request import Request

from readerstudy.accounts.models import User
from readerstudy.api.authentication import BearerAuthentication
from readerstudy.api.models import Token


class BasicAuthentication(BearerAuthentication):
    """By HTTP Basic: any name, the token as password. Without the header the next way is tried."""

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        scheme, _, words = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            _, _, token = base64.b64decode(words.strip(), validate=True).decode().partition(":")
        except ValueError:  # no base64, or no text
            token = ""
        return self.admitted(request, token)
