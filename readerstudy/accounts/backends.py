"""Who may sign in, and go on with a session."""

from django.contrib.auth.backends import ModelBackend

from readerstudy.accounts import demonstration


class AccountBackend(ModelBackend):
    """Accounts by user name and password; those of the demonstration only while it runs."""

    def user_can_authenticate(self, user) -> bool:
        return super().user_can_authenticate(user) and not demonstration.is_shut(user)
