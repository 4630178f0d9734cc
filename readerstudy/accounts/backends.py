"""Who may sign in, and go on with a session."""

from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from readerstudy.accounts import demonstration, throttle
from readerstudy.accounts.models import User


class AccountBackend(ModelBackend):
    """Accounts by user name and password, guessed only so often; those of the demonstration only while it runs."""

    def authenticate(self, request: HttpRequest | None, username=None, password=None, **kwargs) -> User | None:
        name = kwargs.get(User.USERNAME_FIELD) if username is None else username
        if name is None or password is None:
            return None
        try:
            taken = throttle.take_try(request, name)
        except throttle.PausedError as error:
            if request is not None:
                request.paused_seconds = error.seconds  # type: ignore[attr-defined]  # for `EntranceMiddleware`
            raise PermissionDenied from error
        user = super().authenticate(request, username=name, password=password)
        if user is not None:
            taken.give_back()
        return user

    def user_can_authenticate(self, user) -> bool:
        return super().user_can_authenticate(user) and not demonstration.is_shut(user)


# In the session of everybody who is signed in, however they proved who they are.
ACCOUNT_BACKEND = f"{AccountBackend.__module__}.{AccountBackend.__qualname__}"
