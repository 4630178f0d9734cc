from django.conf import settings
from django.db import models


class Event(models.Model):
    """One line of a study's log; each holds the hash of the line before."""

    study = models.ForeignKey("protocol.ReaderStudy", models.PROTECT, related_name="events")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    action = models.CharField(max_length=40)
    data = models.JSONField(default=dict)
    previous = models.CharField(max_length=64, blank=True)
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["study", "number"]
        constraints = [models.UniqueConstraint(fields=["study", "number"], name="unique_event_number")]

    def __str__(self) -> str:
        return f"{self.number} {self.action}"
