"""What is known of displays and viewing."""

from datetime import timedelta

from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone

from analysis import display_check
from readerstudy.accounts.models import Membership
from readerstudy.viewing.models import DisplayCheck

HOLDS = timedelta(hours=12)  # a sitting: longer than a working day, shorter than until the next
IN_SESSION = "display_checks"  # by number of the membership: the check that was made in this sitting
# What helps, by what was not seen.
HELP = {
    "steps": "Not every step was told apart: look at the screen straight on, and switch off colour filters and night "
    "or energy-saving modes.",
    "dark": "The 5 % patch was not found: dim the light in the room, turn the screen away from windows and lamps, and "
    "raise its brightness.",
    "bright": "The 95 % patch was not found: lower the screen's contrast, and set the system to its standard colour "
    "profile.",
    "discs": "Too few discs were found: clean the screen, come closer, set the browser's zoom to 100 %, and dim the "
    "light.",
}


def patterns() -> dict:
    """What the page of the check draws, and what is needed to pass."""
    return {
        "steps": display_check.STEPS,
        "patches": {name: {"ground": a, "patch": b} for name, (a, b) in display_check.PATCHES.items()},
        "sizes": display_check.SIZES,
        "contrasts": display_check.CONTRASTS,
        "ground": display_check.GROUND,
        "noise": display_check.NOISE,
        "needed": display_check.NEEDED,
    }


def remember(session: SessionBase, check: DisplayCheck) -> None:
    """This sitting has had its check."""
    session[IN_SESSION] = {**session.get(IN_SESSION, {}), str(check.reader_id): check.pk}


def check_of_sitting(session: SessionBase, reader: Membership) -> DisplayCheck | None:
    """The reader's display check since signing in, not older than a sitting is long; None if one is due."""
    number = session.get(IN_SESSION, {}).get(str(reader.pk))
    recent = DisplayCheck.objects.filter(reader=reader, pk=number, checked_at__gte=timezone.now() - HOLDS)
    return recent.first() if number else None


def check_json(check: DisplayCheck) -> dict:
    """What a reader is told of a check: whether the display is fit, what was found, and what helps if it is not."""
    failed = display_check.faults(missed=check.missed, dark=check.dark, bright=check.bright, discs=check.discs)
    return {
        "passed": check.passed,
        "found": display_check.found(check.discs),
        "help": [HELP[name] for name in failed],
    }
