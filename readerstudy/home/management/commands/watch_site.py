"""Look at the site once, for a timer: a worker does so every minute, but not where none runs."""

from django.core.management.base import BaseCommand

from readerstudy.home.watch import update_alerts
from readerstudy.jobs.models import Alert


class Command(BaseCommand):
    help = "Keep the alerts as things are, tell of new ones by mail, and print all."

    def handle(self, **options) -> None:
        update_alerts()
        for alert in Alert.objects.all():
            self.stdout.write(f"{alert.since:%Y-%m-%d %H:%M} {alert.sentence}")
