from django.conf import settings
from django.db import models


class AppendOnlyError(TypeError):
    """A line of the log was to be changed or deleted."""


class AppendOnlyQuerySet(models.QuerySet):
    """Rows can be added and read. The database refuses the rest too; see `audit.triggers`."""

    def _refuse(self, *args, **kwargs):
        raise AppendOnlyError("The log is append-only.")

    update = delete = bulk_update = update_or_create = _refuse


class Event(models.Model):
    """One line of a study's log; each holds the hash of the line before, and is authenticated with the site's key.

    A line without a MAC is a fault: those that were written before there were MACs were sealed by the upgrade.
    """

    study = models.ForeignKey("protocol.ReaderStudy", models.PROTECT, related_name="events")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    actor_name = models.CharField(max_length=150, blank=True)  # as it was then: people may be renamed
    action = models.CharField(max_length=40)
    data = models.JSONField(default=dict)
    previous = models.CharField(max_length=64, blank=True)
    sha256 = models.CharField(max_length=64)
    mac = models.CharField(max_length=64, blank=True)
    key = models.CharField(max_length=8, blank=True)

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        ordering = ["study", "number"]
        constraints = [models.UniqueConstraint(fields=["study", "number"], name="unique_event_number")]
        indexes = [models.Index(fields=["study", "action"], name="event_action")]

    def __str__(self) -> str:
        return f"{self.number} {self.action}"

    def save(self, *args, **kwargs) -> None:
        if not self._state.adding:
            raise AppendOnlyError("The log is append-only.")
        super().save(*args, **kwargs)

    def delete(self, *args, **kwargs):
        raise AppendOnlyError("The log is append-only.")


class Head(models.Model):
    """The last line of a study's log, authenticated with the site's secret key.

    Whoever can write to the database but does not have the key can neither cut off the end of a log nor write a
    log anew. `key` tells which key was used, without telling it.
    """

    study = models.OneToOneField("protocol.ReaderStudy", models.CASCADE, related_name="head")
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    mac = models.CharField(max_length=64)
    key = models.CharField(max_length=8)

    def __str__(self) -> str:
        return f"{self.study} {self.number}"


class Sealed(models.Model):
    """Which line of the log sealed a unit of rows last (see `audit.registry`): an index into the log, not a proof."""

    study = models.ForeignKey("protocol.ReaderStudy", models.CASCADE, related_name="sealed")
    section = models.CharField(max_length=20)
    unit = models.CharField(max_length=100)
    number = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "section", "unit"], name="unique_sealed_unit")]

    def __str__(self) -> str:
        return f"{self.section} {self.unit}: line {self.number}"


class Tombstone(models.Model):
    """A whole study was removed on purpose: what its log ended with, who did it and why. It outlives the study."""

    slug = models.CharField(max_length=60, unique=True)
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    reason = models.CharField(max_length=500)
    actor_name = models.CharField(max_length=150, blank=True)
    at = models.DateTimeField()
    data = models.JSONField(default=dict)  # what was removed, without a name: state, numbers of rows, hashes
    mac = models.CharField(max_length=64)
    key = models.CharField(max_length=8)

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        ordering = ["at"]

    def __str__(self) -> str:
        return f"{self.slug}, removed"
