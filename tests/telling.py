"""Words that would unblind, in what a reader receives."""

from __future__ import annotations

import re
from collections.abc import Iterable


def tells(words: Iterable[str], text: str) -> list[str]:
    """Those that stand in the text as whole words: three letters stand by chance in one of some thousand tokens."""
    return sorted(word for word in words if re.search(rf"(?<![A-Za-z0-9-]){re.escape(word)}(?![A-Za-z0-9-])", text))
