"""Between tests with real transactions the database becomes what it was: no row stays, every trigger is there."""

import pytest
from django.db import DatabaseError, connection

from readerstudy.audit.models import Event
from readerstudy.protocol.models import ReaderStudy
from tests import factories
from tests.database_copy import DatabaseCopy
from tests.once import put_back
from tests.tampering import run

pytestmark = pytest.mark.django_db(transaction=True)


@put_back
def study() -> ReaderStudy:
    return factories.make_study(subjects=1)


@pytest.mark.parametrize("turn", ["first", "second"])
def test_each_test_begins_with_what_was_made_once_and_nothing_else(study, turn):
    study.refresh_from_db()
    assert ReaderStudy.objects.count() == 1
    assert study.title != "changed"
    ReaderStudy.objects.update(title="changed")
    factories.make_study(subjects=0)


def test_no_row_is_left_by_the_test_before():
    assert not ReaderStudy.objects.exists()


def test_rows_and_triggers_come_back(study):
    if connection.vendor != "sqlite":
        pytest.skip("this database has no copy")
    kept, events = DatabaseCopy(), Event.objects.count()
    run("DELETE FROM audit_event")
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER audit_event_no_delete")
        cursor.execute("DELETE FROM audit_event")
    kept.put_back()
    assert Event.objects.count() == events > 0
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_event")
