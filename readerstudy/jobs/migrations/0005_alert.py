from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0004_workers_and_release")]
    operations = [
        migrations.CreateModel(
            "Alert",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60, unique=True)),
                ("sentence", models.TextField()),
                ("since", models.DateTimeField()),
                ("told_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={"ordering": ["since"]},
        ),
    ]
