from collections import Counter

from django.db import migrations, models


def number_arms(apps, schema_editor):
    """As `readerstudy.protocol.services` numbers them from now on."""
    before = Counter()
    for arm in apps.get_model("protocol", "Arm").objects.order_by("study", "place", "pk"):
        kind = arm.study_id, arm.acquisition, arm.reconstruction
        if before[kind]:
            arm.shade = before[kind]
            arm.save(update_fields=["shade"])
        before[kind] += 1


class Migration(migrations.Migration):

    dependencies = [
        ("protocol", "0011_images_only"),
    ]

    operations = [
        migrations.AddField(
            model_name="arm",
            name="shade",
            field=models.PositiveSmallIntegerField(default=0, editable=False),
        ),
        migrations.RunPython(number_arms, migrations.RunPython.noop),
    ]
