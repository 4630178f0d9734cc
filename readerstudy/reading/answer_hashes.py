"""Hashes of answers, which the log keeps: what was confirmed cannot be changed without a trace.

Each holds the key that the browser chose for an answer. Without it a hash over five possible scores would tell the
score to whoever may read the log.
"""

import hashlib
from datetime import datetime

from readerstudy.audit.canonical import canonical
from readerstudy.reading.models import Finding, Presentation, Rating, Statement

# By name of the model, so that an upgrade can hash tables as they were.
FIELDS = {
    "rating": ("criterion_id", "revision", "score", "status", "key", "rated_at"),
    "statement": ("subject", "revision", "value", "key", "stated_at"),
    "finding": ("kind", "side", "structure", "remark", "i", "j", "k", "key", "found_at"),
    "withdrawal": ("withdrawn_at",),
    "activetime": ("seconds", "key", "reported_at"),
    "guess": ("side", "key", "guessed_at"),
}


def hashed_content(row) -> list:
    """What an answer says, as JSON has it."""
    values = [getattr(row, name) for name in FIELDS[row._meta.model_name]]
    return [
        value.isoformat() if isinstance(value, datetime) else value if isinstance(value, int) else str(value or "")
        for value in values
    ]


def row_sha256(row: Rating | Statement | Finding) -> str:
    """SHA-256 of one answer."""
    return hashlib.sha256(canonical([row.presentation_id, *hashed_content(row)])).hexdigest()


def answers_sha256(presentation: Presentation) -> str:
    """SHA-256 of a confirmed pair: what was shown where, and every answer up to its confirmation."""
    at = presentation.confirmed_at
    assert at is not None
    comparison = presentation.comparison
    shown = [
        presentation.reader.code,
        presentation.position,
        presentation.kind,
        presentation.case.code,
        comparison.first.code,
        comparison.second.code,
        presentation.first_side,
        at.isoformat(),
    ]
    ratings = presentation.ratings.filter(rated_at__lte=at).order_by("criterion_id", "revision")
    statements = presentation.statements.filter(stated_at__lte=at).order_by("subject", "revision")
    findings = presentation.findings.filter(found_at__lte=at).order_by("pk")
    withdrawn = [bool(finding.withdrawn_at and finding.withdrawn_at <= at) for finding in findings]
    rows = [hashed_content(row) for found in (ratings, statements, findings) for row in found]
    return hashlib.sha256(canonical([shown, rows, withdrawn])).hexdigest()
