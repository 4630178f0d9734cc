"""One frame for who may see it now. A browser asks for a hundred of them a minute, so what must hold is seen in one
query beside the session's: account, membership, role, state of the study, and that the pair is within reach.

Only a pair whose turn it is, and the next few, are found here; whatever else is asked for goes the long way
(`selectors.within_reach`), which also says why not.
"""

import json
from datetime import UTC, datetime

from django.contrib.sessions.backends.base import SessionBase
from django.db import connection

from readerstudy.accounts.models import User
from readerstudy.accounts.permissions import role_may_now
from readerstudy.accounts.sessions import claimed_user, is_of
from readerstudy.archive.parts import LostError, read_part
from readerstudy.reading.selectors import AHEAD, washout_end

# Written out, as Django takes ten times longer to make it than the database to answer it. `earlier`, `sooner`: pairs
# of an earlier part, and of the same part, that come first in the order of `selectors.queue`.
PAIR = """
SELECT account.id, account.username, account.password, account.is_active,
  reader.role, reader.code, study.state, study.washout_days, pair.offsets,
  CASE own.first_side WHEN 'left' THEN pair.first_left_sha256 ELSE pair.first_right_sha256 END,
  CASE own.first_side WHEN 'left' THEN pair.first_right_sha256 ELSE pair.first_left_sha256 END,
  (SELECT COUNT(*) FROM reading_presentation earlier
    WHERE earlier.reader_id = own.reader_id AND earlier.state NOT IN ('confirmed', 'void') AND earlier.part < own.part),
  (SELECT COUNT(*) FROM reading_presentation sooner
    WHERE sooner.reader_id = own.reader_id AND sooner.state NOT IN ('confirmed', 'void') AND sooner.part = own.part
      AND CASE
        WHEN sooner.skipped_at IS NULL AND own.skipped_at IS NULL THEN sooner.position < own.position
        WHEN sooner.skipped_at IS NULL OR own.skipped_at IS NULL THEN sooner.skipped_at IS NULL
        WHEN sooner.skipped_at = own.skipped_at THEN sooner.position < own.position
        ELSE sooner.skipped_at < own.skipped_at
      END),
  (SELECT MAX(before.confirmed_at) FROM reading_presentation before
    WHERE before.reader_id = own.reader_id AND before.state = 'confirmed' AND before.part < own.part)
FROM reading_presentation own
JOIN accounts_membership reader ON reader.id = own.reader_id
JOIN accounts_user account ON account.id = reader.user_id
JOIN protocol_readerstudy study ON study.id = reader.study_id
JOIN reading_preparedpair pair ON pair.case_id = own.case_id AND pair.comparison_id = own.comparison_id
WHERE own.token = %s AND study.slug = %s AND account.id = %s AND own.state NOT IN ('confirmed', 'void')
"""


def frame(session: SessionBase, *, slug: str, token: str, index: int, code: str = "") -> bytes | None:
    """A frame of a pair whose turn it is or comes soon; None where something else must be said.

    code: of the reader for whom the page speaks, "" where it does not say.
    """
    with connection.cursor() as cursor:
        cursor.execute(PAIR, [token, slug, claimed_user(session)])
        row = cursor.fetchone()
    if row is None:
        return None
    number, username, password, active, role, own_code, state, washout, offsets, *orders = row[:11]
    earlier, sooner, before = row[11:]
    user = User(id=number, username=username, password=password, is_active=active)
    if not is_of(session, user) or code not in ("", own_code) or not role_may_now(role, "read", state):
        return None
    if earlier or sooner > AHEAD or washout_end(washout, _time(before)) is not None:
        return None
    ends = json.loads(offsets)
    try:
        return read_part(orders[0], ends, index, beside=orders) if index + 1 < len(ends) else None
    except LostError:
        return None  # the long way says so, and has it made again


def _time(value: datetime | str | None) -> datetime | None:
    """What the database gives where it does not know that it is a time: SQLite has text, in UTC."""
    if not value:
        return None
    found = datetime.fromisoformat(str(value))
    return found if found.tzinfo else found.replace(tzinfo=UTC)
