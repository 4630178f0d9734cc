"""Turn the keys of the site, or forget those of before."""

from django.core.management.base import BaseCommand, CommandError

from processing.errors import InputError
from readerstudy import keyring
from readerstudy.intake import rotation

TURNED = {
    "sessions": "signed with from the next start of the web server; who is signed in stays so",
    "pseudonyms": "the studies' own keys are encrypted with it, and stay: a known patient is the same subject",
    "quarantine": "for what arrives from now on; what rests there is opened with the key of before",
    "record": "the next line of each log says so; what was signed before is checked with the key of before",
}
FORGOTTEN = {
    "sessions": "from the next start of the web server whoever signed in before the turn signs in again",
    "pseudonyms": "forgotten",
    "quarantine": "forgotten",
}


class Command(BaseCommand):
    help = "Take new keys; those of before still open and verify. Without a purpose: all four."

    def add_arguments(self, parser) -> None:
        parser.add_argument("purposes", nargs="*", metavar="PURPOSE", help=", ".join(keyring.PURPOSES))
        parser.add_argument("--forget", action="store_true", help="drop the keys of before instead of taking new ones")

    def handle(self, *, purposes: list[str], forget: bool, **options) -> None:
        if unknown := set(purposes) - set(keyring.PURPOSES):
            raise CommandError(f"There is no key for {', '.join(sorted(unknown))}: {', '.join(keyring.PURPOSES)}.")
        said = FORGOTTEN if forget else TURNED
        chosen = purposes or list(said)
        try:
            (rotation.forget if forget else rotation.turn)(chosen)
        except InputError as error:
            raise CommandError(str(error), returncode=1) from error
        for purpose in chosen:
            self.stdout.write(f"{purpose}: {said[purpose]}.")
