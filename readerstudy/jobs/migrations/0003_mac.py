from django.db import migrations, models, transaction


def sign(apps, schema_editor):
    """Once for a site: a second time somebody may have put jobs in meanwhile. A worker refuses those without a MAC."""
    from readerstudy.audit import heads
    from readerstudy.jobs import macs

    if not heads.jobs_were_signed():
        macs.sign(apps.get_model("jobs", "Job").objects.all())
        transaction.on_commit(heads.note_jobs_signed)


class Migration(migrations.Migration):
    dependencies = [("jobs", "0002_idle_worker")]
    operations = [
        migrations.AddField("job", "mac", models.CharField(blank=True, max_length=64)),
        migrations.RunPython(sign, migrations.RunPython.noop),
    ]
