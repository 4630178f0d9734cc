from django.conf import settings
from django.db import models


class Access(models.Model):
    """One person saw one thing, once or several times in a few seconds. Append-only, with a MAC of its own.

    address: name of the page or file as the site knows it; thing: of what, such as the code of a pair; name: the
    person's, as it was then. writer: the process that wrote this, number: its rows of this study, so that a row that
    is gone is missed.

    No constraint on study and person in the database: it would wait for the row that every line of the log holds.
    """

    class Kind(models.TextChoices):
        IMAGES = "images", "images"
        NUMBERS = "numbers", "results"
        FILES = "files", "files"

    study = models.ForeignKey("protocol.ReaderStudy", models.CASCADE, related_name="accesses", db_constraint=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_constraint=False)
    name = models.CharField(max_length=150)
    kind = models.CharField(max_length=7, choices=Kind.choices)
    address = models.CharField(max_length=60)
    thing = models.CharField(max_length=200, blank=True)
    times = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    writer = models.UUIDField()
    number = models.PositiveIntegerField()
    mac = models.CharField(max_length=64)

    class Meta:
        ordering = ["-last_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["study", "writer", "number"], name="unique_access_number")]
        indexes = [models.Index(fields=["study", "-last_at"], name="access_by_time")]

    def __str__(self) -> str:
        return f"{self.name} {self.address} {self.thing}"
