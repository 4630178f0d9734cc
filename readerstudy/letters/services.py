"""Write to a reader about progress, report a problem to the study's admins. Never a word of arms."""

import re

from django.db import transaction

from processing.errors import InputError
from readerstudy.accounts.models import Membership, Role
from readerstudy.audit.actions import Action
from readerstudy.audit.models import Event
from readerstudy.audit.services import record
from readerstudy.letters import selectors
from readerstudy.protocol.models import ReaderStudy

LONGEST = 2000  # characters


def named_arm(study: ReaderStudy, text: str) -> str:
    """The first arm of the study whose code or model stands in the text, as it is called; "" if none does."""
    for arm in study.arms.all():
        for word in filter(None, (arm.code, arm.model_name)):
            if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE):
                return word
    return ""


@transaction.atomic
def write(*, sender: Membership, reader: Membership, text: str) -> Event:
    """One letter between the admins and one reader. InputError if it says nothing, is too long, or tells a reader of
    an arm."""
    text = text.replace("\r\n", "\n").strip()  # as the browser counts
    if not text:
        raise InputError("Write what it is about.")
    if len(text) > LONGEST:
        raise InputError(f"A letter has at most {LONGEST:,} characters, and this one has {len(text):,}. Shorten it.")
    if sender.role == Role.ADMIN and (arm := named_arm(reader.study, text)):
        raise InputError(f"“{arm}” is an arm of this study. Readers are blind to arms: say it in other words.")
    return _line(Action.LETTER_WRITTEN, sender, reader, text=text)


@transaction.atomic
def note(*, sender: Membership, reader: Membership) -> Event:
    """Say that the last letter was read, and that nothing more is to be said. InputError if none waits."""
    waiting = (
        reader.code in selectors.waiting_for_admin(reader.study)
        if sender.role == Role.ADMIN
        else selectors.waits_for_reader(reader)
    )
    if not waiting:
        raise InputError("No letter waits.")
    return _line(Action.LETTER_NOTED, sender, reader)


def _line(action: Action, sender: Membership, reader: Membership, text: str = "") -> Event:
    return record(
        study=reader.study, action=action, actor=sender.user, reader=reader.code, sender=str(sender.role), text=text
    )
