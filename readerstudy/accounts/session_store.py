"""Sessions as Django keeps them in the database, found by a query that is written out: every request asks for one, and
Django takes longer to make the query than the database to answer it. And a database that is away is said to be away."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

LIVING = "SELECT session_key, session_data FROM django_session WHERE session_key = %s AND expire_date > %s"


class SessionStore(db.SessionStore):
    def _get_session_from_db(self) -> Session | None:
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        with connection.cursor() as cursor:
            cursor.execute(LIVING, [self.session_key, now])
            row = cursor.fetchone()
        if row is None:
            self._session_key = None
            return None
        return Session(session_key=row[0], session_data=row[1])

    def save(self, must_create: bool = False) -> None:
        try:
            super().save(must_create)
        except UpdateError as error:
            if isinstance(error.__context__, (InterfaceError, OperationalError)):
                raise error.__context__ from None  # else it is taken for a session that ended: 400, and not sent again
            raise
