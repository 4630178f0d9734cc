from django.db import migrations, models


def read_anew(apps, schema_editor):
    """They follow from files, and are signed once they are read again."""
    apps.get_model("dicomweb", "Header").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("dicomweb", "0001_initial")]

    operations = [
        migrations.RunPython(read_anew, migrations.RunPython.noop, elidable=True),
        migrations.AddField("header", "mac", models.CharField(default="", max_length=64), preserve_default=False),
    ]
