"""The test database on SQLite as it was at one moment, which takes milliseconds to put back."""

import sqlite3

from django.db import connection


class DatabaseCopy:
    """All tables, rows and triggers that are committed when it is made; in memory."""

    def __init__(self) -> None:
        self.kept = sqlite3.connect(":memory:", check_same_thread=False)
        connection.ensure_connection()
        connection.connection.backup(self.kept)

    def put_back(self) -> None:
        """Make the database what it was; no transaction may be open on this connection."""
        connection.ensure_connection()
        self.kept.backup(connection.connection)
