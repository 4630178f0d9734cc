"""Take in what others put into a folder."""

import signal
import threading
import time
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections

from processing.errors import InputError
from readerstudy.intake.watched_folder import WatchedFolder
from readerstudy.jobs.registry import LaterError
from readerstudy.protocol.models import ReaderStudy


class Command(BaseCommand):
    help = "Take every file that is put into FOLDER into a study, and erase it there once it is sorted."

    def add_arguments(self, parser) -> None:
        parser.add_argument("study", help="the study's short name, as in its address")
        parser.add_argument("folder", type=Path)
        parser.add_argument("--settle", type=float, default=10, metavar="SECONDS", help="unchanged for so long (10)")
        parser.add_argument("--every", type=float, default=2, metavar="SECONDS", help="how often to look (2)")
        parser.add_argument("--keep", action="store_true", help="leave the files there")

    def handle(self, *, study: str, folder: Path, settle: float, every: float, keep: bool, **options) -> None:
        found = ReaderStudy.objects.filter(slug=study).first()
        if found is None:
            raise CommandError(f"There is no study “{study}”.", returncode=2)
        if not folder.is_dir():
            raise CommandError(f"{folder} is no folder.", returncode=2)
        watched = WatchedFolder(found, folder, settle, keep)
        ended = threading.Event()
        for which in (signal.SIGTERM, signal.SIGINT):
            signal.signal(which, lambda *_: ended.set())
        before = ""
        while True:
            close_old_connections()
            try:
                said = f"{taken} files taken." if (taken := watched.look(time.monotonic())) else ""
            except (InputError, LaterError) as error:
                said = str(error)
            except DatabaseError:
                said = "The database does not answer: all stays."
            except OSError as error:
                said = f"Nothing can be taken now, and all stays: {error.strerror}."
            for problem in watched.said:
                self.stdout.write(problem)
            watched.said.clear()
            if said and (said != before or said.endswith("taken.")):
                self.stdout.write(said)
                self.stdout.flush()
            before = said or before
            if ended.wait(every):
                return
