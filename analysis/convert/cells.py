"""What single cells of a sheet say: numbers, times, sides, and what stands for no answer."""

import re
from datetime import datetime

from analysis.characters import why_odd
from analysis.tables import ABSENT

NUMBER = re.compile(r"[+\-−]?(\d+([.,]\d+)?|[.,]\d+)", re.ASCII)
NOTHING = {"", "-", "–", "—", "?", ".", *ABSENT}  # what people write where there is no answer
SIDES = {"left": "left", "l": "left", "right": "right", "r": "right"}


def number(text: str) -> float:
    """A number with a decimal point or comma. ValueError with the rest of the sentence "row 7, column C, '…' …"."""
    if problem := why_odd(text):
        raise ValueError(problem)
    if not NUMBER.fullmatch(text):
        raise ValueError("is no number; say under meanings what it stands for")
    return float(text.replace(",", ".").replace("−", "-"))


def moment(text: str, form: str | None) -> str:
    """A time in ISO 8601. ``form``: how the sheet writes it, as strptime has it. ValueError as in ``number``."""
    try:
        if form is not None:
            return datetime.strptime(text, form).isoformat()
        return text if datetime.fromisoformat(text) else ""
    except ValueError:
        if form is not None:
            raise ValueError(f"is not written as times of the map says, {form}") from None
        raise ValueError(
            'is not ISO 8601 (2026-02-01); say under times how it is written, such as "%d.%m.%Y"'
        ) from None
