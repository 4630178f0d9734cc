"""Set the password of an account in a shell: whoever it is of changes it at sign-in, so that nobody else knows it."""

from django.contrib.auth.management.commands import changepassword

from readerstudy.accounts.models import User


class Command(changepassword.Command):
    help = "Set a password that its person must change at sign-in. `manage.py invite NAME` makes a link instead."

    def handle(self, *args, **options) -> str | None:
        said = super().handle(*args, **options)
        name = options.get("username") or ""
        User.objects.filter(username=name).update(must_change_password=True)
        return said
