"""Seal what was written before lines and answers had MACs: once, by a migration, where the old record verifies.

A study whose old record does not verify stays as it is: an alarm says so, and nothing can be added to its log. All
models are those of the migration (`apps`), so that later ones do not break it.
"""

from collections.abc import Callable, Iterable

from django.apps.registry import Apps
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from readerstudy.audit import chain, heads, keys, registry, triggers, verify
from readerstudy.audit.actions import Action

OUTSIDE = (
    "Heads of its log stand outside the database already: it was sealed before, and came here without MACs. Where the "
    "database was restored on purpose, `manage.py seal_restored STUDY --reason WHY` seals it."
)
BATCH = 500
Signer = Callable[[Apps, Model], int]
_signers: list[Signer] = []


def register(signer: Signer) -> None:
    """Have this sign the rows of one study that get MACs beside the lines of its log, with the models of a migration;
    it returns how many there are. For AppConfig.ready()."""
    _signers.append(signer)


def drop_triggers(connection) -> None:
    """Let rows of the record be signed."""
    with connection.cursor() as cursor:
        for table in (name for name, one in triggers.append_only().items() if one.signed):
            if connection.vendor == "postgresql":
                cursor.execute(f"DROP TRIGGER IF EXISTS audit_no_update ON {table}")
            else:
                cursor.execute(f"DROP TRIGGER IF EXISTS {table}_no_update")


def seal_studies(apps, sections: Iterable[str]) -> None:
    """Sign every line and answer of every study, and seal the rows of these sections with one line."""
    for study in apps.get_model("protocol", "ReaderStudy").objects.order_by("pk"):
        events = events_of(apps, study)
        if problem := _outside(study.slug) or old_problem(apps, study, events):
            apps.get_model("audit", "Event").objects.bulk_update(events, ["actor_name"], batch_size=BATCH)
            heads.write_alarm(study.slug, f"Not sealed by the upgrade, so nothing can be added to its log: {problem}")
        else:
            seal(apps, study, events, sections)


def events_of(apps, study) -> list:
    """All lines of a log, with the names of their actors."""
    lines = apps.get_model("audit", "Event").objects.filter(study=study)
    events = list(lines.select_related("actor").order_by("number"))
    for event in events:
        event.actor_name = event.actor.username if event.actor else ""
    return events


def _outside(slug: str) -> str:
    return OUTSIDE.replace("STUDY", slug) if heads.highest(slug) or heads.removal_mac(slug) else ""


def old_problem(apps, study, events: list) -> str:
    """Why the record of a study from before MACs does not verify, in a sentence; "" if it does."""
    log, previous = verify.Log(), ""
    for number, event in enumerate(events, 1):
        if (event.number, event.previous, event.sha256) != (number, previous, chain.hash_of(event, study.slug)):
            return f"Event {event.number} was changed, or the one before it was removed."
        previous = event.sha256
        log.read_line(event)
    return next(verify.problems_beside_log(study, log, apps), "")


def seal(apps, study, events: list, sections: Iterable[str], *, action: Action = Action.SEALED_BY_UPGRADE, **said):
    """Sign every line and answer of a study, and seal the rows of these sections with one line; returns it. said: what
    it says besides."""
    Event, Head, Sealed = (apps.get_model("audit", name) for name in ("Event", "Head", "Sealed"))
    for event in events:
        event.mac = keys.sign(*chain.event_signature(study.slug, event.number, event.sha256, event.actor_id))
        event.key = keys.key_name()
    Event._base_manager.bulk_update(events, ["actor_name", "mac", "key"], batch_size=BATCH)
    sealed, columns = {}, {}
    answers = sum(sign(apps, study) for sign in _signers)
    for name in sections:
        columns[name] = registry.columns_of(name, apps)
        sealed[name] = registry.digests(study, name, columns=columns[name], apps=apps)
    data = said | {
        "lines": len(events),
        "answers": answers,
        "sealed": sealed,
        "columns": columns,
        "before": {name: {} for name in sealed},
    }
    line = chain.append(
        Event=Event, study=study, last=events[-1], at=timezone.now(), actor=None, action=action, data=data
    )
    mac = chain.set_head(Head=Head, study=study, last=line)
    Sealed.objects.bulk_create(
        [
            Sealed(study=study, section=name, unit=unit, number=line.number)
            for name, units in sealed.items()
            for unit in units
        ],
        batch_size=BATCH,
    )
    transaction.on_commit(lambda: heads.write(slug=study.slug, number=line.number, sha256=line.sha256, mac=mac))
    return line
