"""Whether a study's rows are still those that were analysed: cheap enough for every page, and no seal.

The database adds up what answers, schedule and metrics say, with weights that follow from the site's key: whoever
changes rows without it cannot tell which other change would even that out. Times of single answers, and words beyond
their first letters, are not looked at: before a study is analysed or exported all of it is verified.
"""

import hashlib

from django.db.models import BigIntegerField, Case, Count, Expression, F, FloatField, Model, Sum, Value, When
from django.db.models.functions import Cast, Coalesce, Greatest, Least, Ord, Substr

from readerstudy.audit import keys
from readerstudy.audit.registry import add_row
from readerstudy.images.models import Metric
from readerstudy.material.models import Case as MaterialCase
from readerstudy.material.models import Series, Subject
from readerstudy.protocol.models import ReaderStudy
from readerstudy.reading.models import Finding, Guess, Presentation, Rating, Statement

PRIME = 2**31 - 1  # products of two stay within 64 bits, and so does the sum of a billion
LARGEST = 1e15


def _number(expression: Expression | str) -> Expression:
    return Coalesce(Cast(expression, BigIntegerField()), Value(0, BigIntegerField()))


def _decimals(name: str, unit: int) -> Expression:
    """A float in whole units of 1/unit."""
    scaled = F(name) * Value(float(unit), FloatField())
    within = Greatest(Least(scaled, Value(LARGEST, FloatField())), Value(-LARGEST, FloatField()))
    return _number(within) % PRIME


def _letters(name: str, count: int = 1) -> Expression:
    found = _number(Ord(name))
    for place in range(2, count + 1):
        found = found * 128 + _number(Ord(Substr(name, place, 1)))
    return found


# Of the tables with many rows: the path to the study, and what is added up.
MANY: dict[type[Model], tuple[str, list[Expression]]] = {
    Presentation: (
        "study",
        [
            *map(_number, ("reader_id", "case_id", "comparison_id", "repeat_of_id", "position", "part")),
            *map(_letters, ("kind", "first_side", "state")),
            _decimals("seconds", 1000),
        ],
    ),
    Rating: (
        "presentation__study",
        [*map(_number, ("presentation_id", "criterion_id", "revision", "score")), _letters("status")],
    ),
    Statement: (
        "presentation__study",
        [*map(_number, ("presentation_id", "revision")), *map(_letters, ("subject", "value"))],
    ),
    Metric: (
        "study",
        [
            *map(_number, ("reference_id", "test_id", "slice")),
            Case(When(registered=True, then=Value(1)), default=Value(0), output_field=BigIntegerField()),
            _letters("metric", 3),
            _letters("region", 3),
            _decimals("value", 1_000_000),
        ],
    ),
}
# Of those with few: every column.
FEW: dict[type[Model], str] = {
    Subject: "study", MaterialCase: "study", Series: "study", Finding: "presentation__study",
    Guess: "presentation__study",
}  # fmt: skip


def fingerprint(study: ReaderStudy) -> list:
    """Numbers and a hash that change with the rows that results are made of."""
    found: list = []
    for model, (path, columns) in MANY.items():
        found += model._default_manager.filter(**{path: study}).order_by().aggregate(
            rows=Count("pk"), total=Sum(_weighted(model, columns))
        ).values()  # fmt: skip
    digest = hashlib.sha256()
    for model, path in FEW.items():
        rows = model._default_manager.filter(**{path: study}).order_by("pk")
        for row in rows.values_list(*(field.attname for field in model._meta.concrete_fields)):
            add_row(digest, (model._meta.label, *row))
    return [*(int(value or 0) for value in found), digest.hexdigest()]  # PostgreSQL sums to decimals


def _weighted(model: type[Model], columns: list[Expression]) -> Expression:
    digits = keys.sign("fingerprint", model._meta.label)
    scale, shift = (int(digits[place : place + 8], 16) % PRIME for place in (0, 8))
    total = sum(
        (column * (1024 + int(digits[16 + 3 * place : 19 + 3 * place], 16)) for place, column in enumerate(columns)),
        start=Value(1, BigIntegerField()),
    )
    weight = (_number("pk") % PRIME * Value(scale, BigIntegerField()) + Value(shift, BigIntegerField())) % PRIME
    return weight * (total % PRIME) % PRIME
