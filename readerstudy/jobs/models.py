from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Release(models.Model):
    """The code that brought this database up to date last. One row."""

    code = models.CharField(max_length=64)  # see `release`
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.code[:12]


class Alert(models.Model):
    """Something that is the matter with the site, since when, and whether it was told by mail."""

    name = models.CharField(max_length=60, unique=True)
    sentence = models.TextField()
    since = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["since"]

    def __str__(self) -> str:
        return self.name


class Worker(models.Model):
    """A worker at its last sign of life, and why it takes no jobs, if it takes none."""

    worker = models.CharField(max_length=120, unique=True)
    reason = models.TextField(blank=True)
    code = models.CharField(max_length=64, blank=True)  # see `release`
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.worker


class Job(models.Model):
    """One piece of background work. The same key is the same work: doing it twice changes nothing."""

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    key = models.CharField(max_length=64, unique=True)  # SHA-256 of function, version, inputs and parameters
    study = models.ForeignKey("protocol.ReaderStudy", models.CASCADE, related_name="jobs", null=True, blank=True)
    function = models.CharField(max_length=40)
    version = models.PositiveSmallIntegerField(default=1)
    label = models.CharField(max_length=120)
    parameters = models.JSONField(default=dict)
    mac = models.CharField(max_length=64, blank=True)  # see `macs`
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    progress = models.FloatField(default=0)
    message = models.CharField(max_length=200, blank=True)
    error = models.TextField(blank=True)
    result = models.JSONField(default=dict, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)
    claim = models.CharField(max_length=32, blank=True)  # changes with every claim: an old claimant cannot finish
    created_at = models.DateTimeField(db_default=Now(), editable=False)  # all times are those of the database's clock
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["study", "state"]), models.Index(fields=["state", "heartbeat_at"])]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="running") | Q(heartbeat_at__isnull=False) & ~Q(claim=""),
                name="running_job_is_claimed",
            ),
            models.CheckConstraint(condition=~Q(state="failed") | ~Q(error=""), name="failed_job_says_why"),
            models.CheckConstraint(condition=Q(progress__range=(0, 1)), name="progress_is_share"),
        ]

    def __str__(self) -> str:
        return self.label
