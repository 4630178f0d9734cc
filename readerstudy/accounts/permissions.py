"""The one table of who may do what in which state of a study."""

from readerstudy.accounts.models import Membership, Role
from readerstudy.states import ENDED, State

ALL = frozenset(State)
DRAFT = frozenset({State.DRAFT})
BEING_READ = frozenset({State.OPEN, State.PAUSED, State.CLOSED})
ADMIN, READER, ANALYST = Role.ADMIN, Role.READER, Role.ANALYST

PERMISSIONS: dict[str, dict[str, frozenset[str]]] = {
    "know_study": {ADMIN: ALL, READER: ALL, ANALYST: ALL},
    "see_overview": {ADMIN: ALL, ANALYST: ALL},
    "see_protocol": {ADMIN: ALL, ANALYST: ALL},
    "edit_protocol": {ADMIN: DRAFT},
    "write_briefing": {ADMIN: frozenset({State.DRAFT, State.OPEN, State.PAUSED})},
    "manage_members": {ADMIN: ALL},
    "see_material": {ADMIN: ALL, ANALYST: ALL},
    "add_material": {ADMIN: frozenset({State.DRAFT, State.OPEN, State.PAUSED})},
    "add_masks": {ADMIN: ALL - {State.LOCKED}},
    "keep_screening": {ADMIN: ALL - {State.LOCKED}},
    "type_scan_times": {ADMIN: ALL - {State.LOCKED}},
    "see_jobs": {ADMIN: ALL},
    "run_jobs": {ADMIN: frozenset({State.DRAFT, State.OPEN, State.PAUSED, State.CLOSED})},
    "rehearse": {ADMIN: DRAFT},
    "open_study": {ADMIN: DRAFT},
    "amend": {ADMIN: frozenset({State.OPEN, State.PAUSED})},
    "withdraw_subject": {ADMIN: frozenset({State.OPEN, State.PAUSED, State.CLOSED})},
    "pause_study": {ADMIN: frozenset({State.OPEN})},
    "resume_study": {ADMIN: frozenset({State.PAUSED})},
    "close_study": {ADMIN: frozenset({State.OPEN, State.PAUSED})},
    "lock_study": {ADMIN: frozenset({State.CLOSED})},
    "set_retention": {ADMIN: ALL},
    "remove_study": {ADMIN: frozenset({State.DRAFT, State.CLOSED, State.LOCKED})},
    "see_schedule": {ADMIN: ALL - DRAFT, ANALYST: ALL - DRAFT},
    "read": {READER: frozenset({State.OPEN})},
    "sign": {READER: ALL - DRAFT - {State.LOCKED}},
    "see_letters": {ADMIN: ALL, READER: ALL - DRAFT},
    "write_letters": {ADMIN: BEING_READ, READER: BEING_READ},
    "unblind": {ADMIN: frozenset({State.OPEN, State.PAUSED})},
    "see_progress": {ADMIN: ALL, ANALYST: ALL},
    "see_results": {ADMIN: ENDED, ANALYST: ENDED},
    "see_imported": {ADMIN: ALL, ANALYST: ALL},
    "import_tables": {ADMIN: ALL - {State.LOCKED}, ANALYST: ALL - {State.LOCKED}},
    "export": {ADMIN: ENDED, ANALYST: ENDED},
    "see_log": {ADMIN: ALL, ANALYST: ALL},
    "review_log": {ADMIN: ALL, ANALYST: ALL},
}


# What nobody does where images alone are compared, and what their opening ends.
OF_READERS = frozenset(
    {
        "write_briefing",
        "rehearse",
        "amend",
        "pause_study",
        "resume_study",
        "see_schedule",
        "read",
        "sign",
        "see_letters",
        "write_letters",
        "unblind",
        "see_progress",
        "see_results",
    }
)
FROZEN_WITH_IMAGES = frozenset({"add_material", "add_masks"})


def role_may(role: str, action: str) -> bool:
    """Whether the role ever does this; if not, the page does not exist for it (404)."""
    return role in PERMISSIONS[action]


def role_may_now(role: str, action: str, state: str) -> bool:
    """Whether the role does this in this state of the study."""
    return state in PERMISSIONS[action].get(role, frozenset())


def may(membership: Membership, action: str) -> bool:
    """Whether this member may do it now, in the study's present state."""
    study = membership.study
    frozen = action in FROZEN_WITH_IMAGES and study.images_only and study.state != State.DRAFT
    return may_ever(membership, action) and not frozen and role_may_now(membership.role, action, study.state)


def may_ever(membership: Membership, action: str) -> bool:
    """Whether this member ever does it in a study of this kind."""
    without_readers = membership.study.images_only and action in OF_READERS
    return role_may(membership.role, action) and not without_readers
