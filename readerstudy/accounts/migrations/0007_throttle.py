from django.db import migrations, models

# Of an earlier version, with names and addresses in it. Those that point at others come first.
BEFORE = ("accessattemptexpiration", "accessfailurelog", "accesslog", "accessattempt")


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_preferences'),
    ]

    operations = [
        migrations.CreateModel(
            name='Tries',
            fields=[
                ('key', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('until', models.FloatField(db_index=True)),
            ],
        ),
        *(migrations.RunSQL(f'DROP TABLE IF EXISTS axes_{name}', migrations.RunSQL.noop) for name in BEFORE),
    ]
