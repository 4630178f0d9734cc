import django.db.models.deletion
from django.db import migrations, models


def authenticate(apps, schema_editor):
    from readerstudy.audit.chain import head_mac
    from readerstudy.audit.keys import key_name

    Event, Head = apps.get_model("audit", "Event"), apps.get_model("audit", "Head")
    for study in apps.get_model("protocol", "ReaderStudy").objects.all():
        last = Event.objects.filter(study=study).order_by("-number").first()
        if last:
            mac = head_mac(study.slug, last.number, last.sha256)
            Head.objects.create(study=study, number=last.number, sha256=last.sha256, mac=mac, key=key_name())


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial"), ("protocol", "0002_parts_and_amendments")]
    operations = [
        migrations.CreateModel(
            name="Head",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("mac", models.CharField(max_length=64)),
                ("key", models.CharField(max_length=8)),
                (
                    "study",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="head", to="protocol.readerstudy"
                    ),
                ),
            ],
        ),
        migrations.RunPython(authenticate, migrations.RunPython.noop),
    ]
