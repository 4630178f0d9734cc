"""The other end of `reading.rehearsal`: read the copy of a study on a database that is there for nothing else."""

import json
from dataclasses import asdict
from pathlib import Path

from django.conf import settings
from django.core import serializers
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.test.utils import override_settings

from readerstudy.accounts.models import Membership, Role, User
from readerstudy.audit.actions import FIRST
from readerstudy.audit.seals import every_unit
from readerstudy.audit.services import record
from readerstudy.home.rehearsal import RESULT, STUDY
from readerstudy.home.simulation import ChanceReader
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import move
from readerstudy.reading.services import open_study
from readerstudy.serving.processes import die_with_parent
from readerstudy.states import State

PLAIN = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}


class Command(BaseCommand):
    help = "Read the copy of a study in FOLDER by chance and analyse it. Used by the dry run; not for people."

    def add_arguments(self, parser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("parent", type=int)

    def handle(self, *, folder: Path, parent: int, **options) -> None:
        die_with_parent(parent=parent)
        if folder.resolve() != settings.VAR_DIR:
            raise CommandError("A dry run has a database of its own: READERSTUDY_VAR must name its folder.")
        call_command("migrate", verbosity=0)
        # Of an object store it reads the archive alone: what it makes is nobody's.
        own = {name: settings.STORAGES[name] for name in ("default", "archive")} | PLAIN
        with override_settings(STORAGES=own):
            study = self.load(json.loads((folder / STUDY).read_text()))
            made = self.read(open_study(study=study, actor=None))
        draft = folder / "draft.json"
        draft.write_text(json.dumps(made))
        draft.replace(folder / RESULT)

    @transaction.atomic
    def load(self, copy: dict) -> ReaderStudy:
        for row in serializers.deserialize("json", copy["rows"]):
            row.save()
        study = ReaderStudy.objects.get(pk=copy["study"])
        for code in copy["readers"]:
            user = User.objects.create_user(f"simulated-{code}")
            Membership.objects.create(study=study, user=user, role=Role.READER, code=code)
        record(study=study, action=FIRST, title=study.title, seals=every_unit())
        return study

    def read(self, study: ReaderStudy) -> dict:
        """Every reader to the end of the list, then the tables; says on stdout how far it is."""
        from readerstudy.results.services import results

        total, before = study.presentations.count(), 0
        readers = list(study.memberships.filter(role=Role.READER).select_related("user", "study").order_by("code"))
        for member in readers:

            def tell(confirmed: int, _: int, before: int = before) -> None:
                if not confirmed % 10:
                    self.stdout.write(json.dumps([before + confirmed, total]))
                    self.stdout.flush()

            ChanceReader.of(member, seed=study.seed).read_all(tell)
            before += study.presentations.filter(reader=member).count()
        study = move(study=study, to=State.CLOSED, actor=None)
        return {"pairs": total, "readers": len(readers), "results": asdict(results(study))}
