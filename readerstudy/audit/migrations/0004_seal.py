from django.db import migrations

# Sections as they were when this was written; a later one brings a migration of its own.
SECTIONS = [
    "alignments", "amendments", "cases", "feature settings", "features", "memberships", "metrics", "pairs", "protocol",
    "schedule", "series", "signatures", "subjects", "volumes",
]


def seal(apps, schema_editor):
    from readerstudy.audit import upgrade

    upgrade.drop_triggers(schema_editor.connection)
    upgrade.seal_studies(apps, SECTIONS)


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0003_macs_and_tombstones"),
        ("accounts", "0001_initial"),
        ("protocol", "0005_primary_test"),
        ("material", "0003_training_feedback"),
        ("reading", "0004_answer_chains"),
        ("results", "0002_features"),
    ]
    operations = [migrations.RunPython(seal, migrations.RunPython.noop)]
