"""A migration may make a table anew that triggers name: afterwards they are in force again."""

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import PositiveBigIntegerField

from readerstudy.audit import triggers
from tests import factories
from tests.audit.test_append_only import refused

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def test_tables_can_be_made_anew_though_triggers_name_them():
    with triggers.migrating("default"), connection.schema_editor() as editor:
        for name in ("Tombstone", "Head"):
            model = apps.get_model("audit", name)
            old, new = model._meta.get_field("number"), PositiveBigIntegerField()
            new.set_attributes_from_name("number")
            editor.alter_field(model, old, new)
            editor.alter_field(model, new, old)
    study = factories.open_(factories.make_study(subjects=1, readers=1))
    factories.read_pair(study.presentations.get(position=1))
    assert refused("DELETE FROM reading_rating")
