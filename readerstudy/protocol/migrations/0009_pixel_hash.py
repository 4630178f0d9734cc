from django.db import migrations, models


class Migration(migrations.Migration):
    """Studies that are here keep the kind of hash that their series have; new ones take the other."""

    dependencies = [
        ("protocol", "0008_show_values"),
    ]

    operations = [
        migrations.AddField(
            model_name="readerstudy",
            name="pixel_hash",
            field=models.PositiveSmallIntegerField(default=1, editable=False),
        ),
        migrations.AlterField(
            model_name="readerstudy",
            name="pixel_hash",
            field=models.PositiveSmallIntegerField(default=2, editable=False),
        ),
    ]
