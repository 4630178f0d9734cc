"""How large a study is, from subjects to scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Stage:
    """One stage on the way from subjects to scores, with what is to be known of it."""

    count: str
    detail: str = ""


def sentence(n: Mapping[str, Any]) -> str:
    """999 pairs, 3 readers, 61 subjects, 7,992 scores, none missing."""
    nouns = [("presentations", "pair"), ("readers", "reader"), ("subjects", "subject"), ("ratings", "score")]
    return ", ".join([*(counted(n[key], noun) for key, noun in nouns), _left_out(n)]) + "."


def stages(n: Mapping[str, Any], *, comparisons: int) -> list[Stage]:
    """Subjects, cases, pairs shown where the table names them, and scores."""
    found = [Stage(counted(n["subjects"], "subject")), Stage(counted(n["cases"], "case"))]
    if n["presentations"] is not None:
        times = f"{counted(comparisons, 'comparison')} × {counted(n['readers'], 'reader')}"
        found.append(Stage(f"{counted(n['presentations'], 'pair')} shown", times))
    return [*found, Stage(counted(n["ratings"], "score"), _left_out(n))]


def _left_out(n: Mapping[str, Any]) -> str:
    answers = [f"{n[key]:,} {key.replace('_', ' ')}" for key in ("cannot_judge", "not_applicable") if n[key]]
    return ", ".join([*answers, f"{n['missing']:,} missing" if n["missing"] else "none missing"])


def counted(number: int, noun: str) -> str:
    """1 pair, 1,998 pairs."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
