"""The keys and mouse buttons of the reading room: what there is to bind, and how a person has bound it."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from processing.errors import InputError
from readerstudy.accounts.models import Preferences

# In the order of the list of keys: action, group, words, and the keys that everybody begins with.
ACTIONS: list[dict] = json.loads(Path(__file__).with_name("keys.json").read_text("utf-8"))
DEFAULTS: dict[str, list[str]] = {each["action"]: each["keys"] for each in ACTIONS}
MOST_KEYS = 3  # of one action

# They leave, move the focus, or answer what stops the reading (`frontend/src/room/bindings.js`).
KEPT = frozenset({"Escape", "Tab", "k", "u"})
# What stands on a key, where it is not the name (`frontend/src/room/strokes.js` says the same).
CAPS = {
    "ArrowLeft": "←",
    "ArrowRight": "→",
    "ArrowUp": "↑",
    "ArrowDown": "↓",
    "PageUp": "PgUp",
    "PageDown": "PgDn",
    "Escape": "Esc",
    "-": "−",
    "Mouse0": "left drag",
    "Mouse1": "middle drag",
    "Mouse2": "right drag",
    "Mouse3": "mouse back",
    "Mouse4": "mouse forward",
}
_KEY = re.compile(r"(Shift\+)?([^\s\x00-\x1f]|[A-Z][A-Za-z]{1,19}[0-9]{0,2}|F[0-9]{1,2})")
_DRAG = re.compile(r"(Shift\+)?Mouse[012]")
_BUTTON = re.compile(r"Mouse[34]")


def bound(user) -> list[dict]:
    """Every action with the keys of this person: the own ones, and of the others those that no own one has taken."""
    own = own_keys(user)
    taken = {key for keys in own.values() for key in keys}
    return [
        {
            "action": each["action"],
            "group": each["group"],
            "words": each["words"],
            "defaults": each["keys"],
            "strokes": own.get(each["action"], [key for key in each["keys"] if key not in taken]),
        }
        for each in ACTIONS
    ]


def caps(bindings: list[dict]) -> dict[str, str]:
    """By action what stands on its first key, "" where it has none. bindings: as from `bound`."""
    return {each["action"]: cap(each["strokes"][0]) if each["strokes"] else "" for each in bindings}


def cap(stroke: str) -> str:
    """What stands on a key."""
    if stroke.startswith("Shift+"):
        return f"⇧ {cap(stroke[6:])}"
    if re.fullmatch(r"Numpad\d", stroke):
        return f"pad {stroke[-1]}"
    return CAPS.get(stroke, stroke.upper() if len(stroke) == 1 else stroke)


def own_keys(user) -> dict[str, list[str]]:
    """What this person has changed: actions of today with their keys."""
    found = Preferences.objects.filter(user=user).values_list("keys", flat=True).first() or {}
    return {action: keys for action, keys in found.items() if action in DEFAULTS}


def checked(keys: object) -> dict[str, list[str]]:
    """The keys that differ from what everybody begins with. InputError if they cannot be bound so."""
    if not isinstance(keys, dict) or not all(isinstance(each, list) for each in keys.values()):
        raise InputError("Keys are a list for each action.")
    for action, own in keys.items():
        if action not in DEFAULTS:
            raise InputError("There is an action that the reading room does not have. Load the page again.")
        if len(own) > MOST_KEYS or not all(isinstance(key, str) and _fits(action, key) for key in own):
            raise InputError("One of the keys cannot be bound to what it is meant for. Choose another one.")
    used = Counter(key for own in {**DEFAULTS, **keys}.values() for key in own)
    if several := sorted(key for key, count in used.items() if count > 1):
        raise InputError(f"A key can do one thing only: {', '.join(several)}. Change one of the two.")
    return {action: own for action, own in keys.items() if own != DEFAULTS[action]}


def _fits(action: str, key: str) -> bool:
    if key in KEPT or key.removeprefix("Shift+") in KEPT:
        return False
    if "Mouse" in key:
        return bool((_DRAG if action.startswith("drag_") else _BUTTON).fullmatch(key))
    return not action.startswith("drag_") and bool(_KEY.fullmatch(key))


def set_keys(*, user, keys: object) -> None:
    """Keep the keys of this person; without one that differs there is nothing to keep. InputError as `checked`."""
    Preferences.objects.update_or_create(user=user, defaults={"keys": checked(keys)})
