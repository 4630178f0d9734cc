"""The database's clock. Each host has its own, and one that is ahead would call the jobs of all others stale."""

from datetime import timedelta

from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F
from django.db.models.functions import Now


def ago(**span: float) -> ExpressionWrapper:
    """So long before now: `ago(seconds=30)`."""
    return ExpressionWrapper(Now() - timedelta(**span), output_field=DateTimeField())


def since(field: str) -> ExpressionWrapper:
    """The time that has passed since a field's."""
    return ExpressionWrapper(Now() - F(field), output_field=DurationField())
