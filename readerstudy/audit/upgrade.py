"""Seal what was written before lines and answers had MACs: once, by a migration, where the old record verifies.

A study whose old record does not verify stays as it is: an alarm says so, and nothing can be added to its log. All
models are those of the migration (`apps`), so that later ones do not break it.
"""

from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from readerstudy.audit import chain, heads, keys, registry, verify
from readerstudy.audit.actions import Action

OUTSIDE = (
    "Heads of its log stand outside the database already: it was sealed before, and came here without MACs. Where the "
    "database was restored on purpose, `manage.py seal_restored STUDY --reason WHY` seals it."
)
# Tables whose rows get a MAC; the triggers that refuse it are made again after the migration.
GUARDED = (
    "audit_event",
    "reading_rating",
    "reading_statement",
    "reading_finding",
    "reading_activetime",
    "reading_guess",
)
# What an answer is, in the order of one moment, and its time.
TIMES = {
    "Rating": "rated_at",
    "Statement": "stated_at",
    "Finding": "found_at",
    "Withdrawal": "withdrawn_at",
    "ActiveTime": "reported_at",
    "Guess": "guessed_at",
}
BATCH = 500


def drop_triggers(connection) -> None:
    """Let rows of the record be signed."""
    with connection.cursor() as cursor:
        for table in GUARDED:
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
            heads.alarm(study.slug, f"Not sealed by the upgrade, so nothing can be added to its log: {problem}")
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
    return OUTSIDE.replace("STUDY", slug) if heads.highest(slug) or heads.removal(slug) else ""


def old_problem(apps, study, events: list) -> str:
    """Why the record of a study from before MACs does not verify, in a sentence; "" if it does."""
    log, previous = verify.Log(), ""
    for number, event in enumerate(events, 1):
        if (event.number, event.previous, event.sha256) != (number, previous, chain.hash_of(event, study.slug)):
            return f"Event {event.number} was changed, or the one before it was removed."
        previous = event.sha256
        log.take(event)
    return next(verify.beside(study, log, apps), "")


def seal(apps, study, events: list, sections: Iterable[str], *, action: Action = Action.SEALED_BY_UPGRADE, **said):
    """Sign every line and answer of a study, and seal the rows of these sections with one line; returns it. said: what
    it says besides."""
    Event, Head, Sealed = (apps.get_model("audit", name) for name in ("Event", "Head", "Sealed"))
    for event in events:
        event.mac = keys.sign(*chain.event_signature(study.slug, event.number, event.sha256, event.actor_id))
        event.key = keys.key_name()
    Event._base_manager.bulk_update(events, ["actor_name", "mac", "key"], batch_size=BATCH)
    sealed, columns = {}, {}
    answers = _sign_answers(apps, study)
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


def _sign_answers(apps, study) -> int:
    """Chain and sign the answers of every presentation by their time; returns how many there are."""
    from readerstudy.reading.answers import empty_head, link

    models = {name: apps.get_model("reading", name) for name in TIMES}
    rows = defaultdict(list)
    for name, time in TIMES.items():
        for row in models[name].objects.filter(presentation__study=study).order_by("pk"):
            rows[row.presentation_id].append((getattr(row, time), name, row))
    for presentation, found in rows.items():
        for finding in [row for _, name, row in found if name == "Finding" and row.withdrawn_at]:
            at = finding.withdrawn_at
            made = models["Withdrawal"](presentation_id=presentation, finding=finding, withdrawn_at=at)
            found.append((at, "Withdrawal", made))
    order, signed, ends = list(TIMES), defaultdict(list), []
    for presentation in apps.get_model("reading", "Presentation").objects.filter(study=study).order_by("pk"):
        head = empty_head(apps.get_model("reading", "AnswerHead"), presentation)
        for _, name, row in sorted(
            rows[presentation.pk], key=lambda one: (one[0], order.index(one[1]), one[2].pk or 0)
        ):
            link(row, head)
            signed[name].append(row)
        ends.append(head)
    for name, made in signed.items():
        if name == "Withdrawal":
            models[name].objects.bulk_create(made, batch_size=BATCH)
        else:
            models[name].objects.bulk_update(made, ["number", "mac"], batch_size=BATCH)
    apps.get_model("reading", "AnswerHead").objects.bulk_create(ends, batch_size=BATCH)
    return sum(map(len, signed.values()))
