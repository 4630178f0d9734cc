"""What de-identification did, in tags and counts, never values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from pydicom.datadict import keyword_for_tag
from pydicom.tag import BaseTag

from processing.deidentify.rules import VERSION


def name_of(tag: BaseTag) -> str:
    """Tag with its standard keyword; private tags by group only, as even their number can be chosen freely."""
    if tag.is_private:
        return f"({tag.group:04X},xxxx) private"
    return f"({tag.group:04X},{tag.element:04X}) {keyword_for_tag(tag) or 'unknown'}"


@dataclass
class Report:
    """Counts of attributes by what happened to them; `refused_values` were kept tags with unknown values."""

    files: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    replaced: Counter[str] = field(default_factory=Counter)
    emptied: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    refused_values: Counter[str] = field(default_factory=Counter)
    notes: set[str] = field(default_factory=set)

    def add(self, other: Report) -> None:
        """Add the counts of another report."""
        self.files += other.files
        for name in ("kept", "replaced", "emptied", "removed", "refused_values"):
            getattr(self, name).update(getattr(other, name))
        self.notes |= other.notes

    def as_dict(self) -> dict[str, object]:
        """JSON-able: rules version, files, counts by tag per outcome, notes."""
        return {
            "rules": VERSION,
            "files": self.files,
            **{
                name: dict(sorted(getattr(self, name).items()))
                for name in ("kept", "replaced", "emptied", "removed", "refused_values")
            },
            "notes": sorted(self.notes),
        }
