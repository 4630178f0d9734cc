"""Seal a study whose database was restored from before it was sealed, while its heads outside stayed.

The upgrade refuses it: rows without MACs beside heads look like a record that was stripped. Who runs the site may
declare the restore. One line says so for good, with the reason and the head that stood outside, and that head stays in
its file, as history.
"""

from django.apps import apps
from django.db import connection, transaction

from processing.errors import InputError
from readerstudy.audit import heads, registry, triggers, upgrade
from readerstudy.audit.actions import Action
from readerstudy.audit.models import Event, Sealed
from readerstudy.jobs import macs
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading import answers
from readerstudy.reading.models import AnswerHead


def seal_restored(*, study: ReaderStudy, reason: str) -> Event:
    """Sign the record of a study, and its jobs that are not done; returns the line that says so. As the owner of the
    tables where there is one.

    InputError without a reason, where anything was sealed, or where the old record does not verify.
    """
    if not reason.strip():
        raise InputError("Say why the database was restored.")
    with transaction.atomic():
        held = ReaderStudy.objects.select_for_update().get(pk=study.pk)
        if heads.removal_mac(held.slug):
            raise InputError("The study was removed on purpose, as was noted outside the database.")
        if _was_sealed(held):
            raise InputError("There are seals in the record of this study: it is not from before them.")
        events = upgrade.events_of(apps, held)
        if problem := upgrade.old_problem(apps, held, events):
            raise InputError(f"The record does not verify by the rules from before: {problem}")
        stood = heads.highest(held.slug)
        _check_at_once()
        upgrade.drop_triggers(connection)
        line = upgrade.seal(
            apps,
            held,
            events,
            [one.name for one in registry.sections()],
            action=Action.SEALED_AFTER_A_RESTORE,
            reason=reason.strip()[:500],
            outside=[stood.number, stood.sha256] if stood else None,
        )
        _check_at_once()
        triggers.install(connection.alias)
        macs.sign(held.jobs.all())
        # Before the commit: where it does not come about this is done again, and nothing was lost.
        heads.write_restore(slug=held.slug, number=line.number, sha256=line.sha256)
        if heads.latest(held.slug) or heads.noted_answers(held.slug):
            raise InputError("The files of heads cannot be written to.")
    return line


def _check_at_once() -> None:
    """PostgreSQL changes no trigger of a table while a check of its rows is to come."""
    if connection.vendor == "postgresql":
        connection.check_constraints()


def _was_sealed(study: ReaderStudy) -> bool:
    """Whether anything tells of a MAC or a seal: also a record that was stripped of them has lines that sealed."""
    lines = Event.objects.filter(study=study)
    found = [
        lines.exclude(mac=""),
        lines.filter(data__has_key="sealed"),
        Sealed.objects.filter(study=study),
        AnswerHead.objects.filter(presentation__study=study),
        *(model._default_manager.filter(**{"presentation__study": study}).exclude(mac="") for model in answers.CHAINED),
    ]
    return any(rows.exists() for rows in found)
