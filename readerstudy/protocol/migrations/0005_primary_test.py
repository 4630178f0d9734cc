"""Protocols name their test. Studies opened before were to be tested by the sign flip; drafts take the exact test."""

from django.db import migrations, models


def keep_the_test(apps, schema_editor):
    opened = apps.get_model('protocol', 'ReaderStudy').objects.exclude(state='draft')
    opened.update(primary_test='cluster_sign_flip')


class Migration(migrations.Migration):

    dependencies = [
        ('protocol', '0004_every_slice_seen'),
    ]

    operations = [
        migrations.AddField(
            model_name='readerstudy',
            name='primary_test',
            field=models.CharField(choices=[('cluster_permutation', 'Permutation of subjects: exact at any number of subjects'), ('cluster_sign_flip', 'Sign flip, normal approximation: too liberal with few subjects'), ('datta_satten', 'Datta–Satten, normal approximation: for cluster sizes that depend on the answer')], default='cluster_permutation', max_length=19, verbose_name='test of preference'),
        ),
        migrations.RunPython(keep_the_test, migrations.RunPython.noop),
    ]
