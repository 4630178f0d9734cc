"""Receive images by C-STORE."""

import logging
import signal
import threading

from django.core.management.base import BaseCommand, CommandError

from processing.errors import InputError
from readerstudy.intake import scp
from readerstudy.protocol.models import ReaderStudy


class Command(BaseCommand):
    help = "Receive images by C-STORE: a study's short name is its application entity title."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--listen", default="127.0.0.1", help="address of this machine (127.0.0.1)")
        parser.add_argument("--port", type=int, default=11112)
        parser.add_argument(
            "--peer",
            action="append",
            required=True,
            metavar="TITLE@ADDRESS[=STUDY,…]",
            help="who may send, from where, to which studies (all); again for each",
        )
        parser.add_argument(
            "--title", action="append", default=[], metavar="TITLE=STUDY", help="a title for a study; again for each"
        )
        parser.add_argument("--associations", type=int, default=4, help="peers that send at once (4)")
        parser.add_argument("--largest", type=int, default=256, metavar="MB", help="of an image, in memory (256)")

    def handle(self, *, listen: str, port: int, peer: list[str], title: list[str], **options) -> None:
        logging.getLogger("pynetdicom").setLevel(logging.ERROR)
        try:
            receiver = scp.Receiver(
                [scp.read_peer(one) for one in peer], options["largest"] << 20, scp.read_titles(title)
            )
            self._ensure_known(receiver)
        except InputError as error:
            raise CommandError(str(error), returncode=2) from error
        ended = threading.Event()
        for which in (signal.SIGTERM, signal.SIGINT):
            signal.signal(which, lambda *_: ended.set())
        try:
            with scp.serving(receiver, (listen, port), associations=options["associations"]) as at:
                self.stdout.write(f"Listening on {listen}:{at} for {', '.join(peer)}.")
                self.stdout.flush()
                ended.wait()
        except (InputError, OSError) as error:
            raise CommandError(str(error), returncode=2) from error

    def _ensure_known(self, receiver: scp.Receiver) -> None:
        named = {*receiver.titles.values(), *(slug for peer in receiver.peers for slug in peer.studies)}
        if lacking := named - set(ReaderStudy.objects.filter(slug__in=named).values_list("slug", flat=True)):
            raise InputError(f"There is no study {', '.join(sorted(lacking))}.")
