"""Make the demonstration's accounts and studies."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from readerstudy.home import demo


class Command(BaseCommand):
    help = "Make the demonstration: accounts, one closed and one open study. Repeats nothing."

    def handle(self, **options) -> None:
        if not settings.DEMO:
            raise CommandError(
                "The demonstration is off. Set READERSTUDY_DEMO=1 on a site that only its own machine reaches; never "
                "on one with real studies."
            )
        try:
            demo.seed(lambda text: self.stdout.write(text) or self.stdout.flush())
        except RuntimeError as error:
            raise CommandError(f"The demonstration is incomplete: {error}") from error
        self.stdout.write(f"Accounts: {', '.join(demo.ACCOUNTS)}; the password of each is “{demo.PASSWORD}”.")
