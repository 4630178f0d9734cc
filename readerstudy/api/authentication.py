"""How a program shows whose it is: `Authorization: Bearer rs_…`."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from readerstudy.access.middleware import PROGRAM_OF
from readerstudy.accounts import second_factor
from readerstudy.accounts.models import User
from readerstudy.api import tokens
from readerstudy.api.models import Token

NOT_GOOD = "This token is not good, or not any more. Make a new one under Account, Programs."
OWES = "The person of this token has to sign in first: a password or a second factor is to be set."


class BearerAuthentication(BaseAuthentication):
    """By a token. Without the header the next way is tried."""

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        scheme, _, words = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        return self.admitted(request, words)

    def admitted(self, request: Request, words: str) -> tuple[User, Token]:
        """Whose token these words are. AuthenticationFailed if they are none, or its person has to sign in first."""
        token = tokens.found(words.strip())
        if token is None:
            raise AuthenticationFailed(NOT_GOOD)
        user = token.user
        if user.must_change_password or (second_factor.is_wanted(user) and not second_factor.has_one(user)):
            raise AuthenticationFailed(OWES)
        setattr(request._request, PROGRAM_OF, user.pk)
        return user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
