from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("jobs", "0003_mac")]
    operations = [
        migrations.RenameModel("IdleWorker", "Worker"),
        migrations.AlterField("worker", "reason", models.TextField(blank=True)),
        migrations.AddField("worker", "code", models.CharField(blank=True, max_length=64)),
        migrations.AlterField("job", "created_at", models.DateTimeField(db_default=Now(), editable=False)),
        migrations.CreateModel(
            "Release",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
            ],
        ),
    ]
