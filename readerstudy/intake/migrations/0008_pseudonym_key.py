import hashlib
import hmac

import django.db.models.deletion
from django.db import migrations, models


def keep_keys(apps, schema_editor):
    """Until now the key of a study followed from the site's secret: it stays, and known patients the same subjects."""
    from readerstudy import keyring
    from readerstudy.intake.pseudonyms import wrapped

    secret = keyring.rings()["sessions"][0]
    Key = apps.get_model("intake", "PseudonymKey")
    for study in apps.get_model("protocol", "ReaderStudy").objects.all():
        key = hmac.digest(secret.encode(), f"pseudonyms of {study.pk}".encode(), hashlib.sha256)
        Key.objects.create(study=study, **wrapped(study.pk, key))


class Migration(migrations.Migration):
    dependencies = [("intake", "0007_names_in_packs"), ("protocol", "0008_show_values")]
    operations = [
        migrations.CreateModel(
            "PseudonymKey",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("wrapped", models.CharField(max_length=200)),
                ("key", models.CharField(max_length=8)),
                (
                    "study",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pseudonym_key",
                        to="protocol.readerstudy",
                    ),
                ),
            ],
        ),
        migrations.RunPython(keep_keys, migrations.RunPython.noop),
    ]
