from django.conf import settings
from django.db import models

LONGEST_NAME = 60


class Scope(models.TextChoices):
    """What a program may do of all that its person may."""

    READ = "read", "see protocol, people, material, jobs and log"
    MATERIAL = "material", "send series and place them"
    JOBS = "jobs", "try jobs again, cancel them, ask for what is missing"
    RESULTS = "results", "take results and tables"
    IMAGES = "images", "take images"
    PROTOCOL = "protocol", "change the protocol, open and close the study"
    PEOPLE = "people", "give people roles, end programs"


class Token(models.Model):
    """What a program shows in the place of a person, in one study and for a while. Only its hash is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="tokens")
    study = models.ForeignKey("protocol.ReaderStudy", models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=LONGEST_NAME)
    scopes = models.JSONField(default=list)
    sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)  # last, to the minute

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"
