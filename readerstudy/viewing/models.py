from django.db import models


class DisplayCheck(models.Model):
    """What one reader saw of the test patterns on one screen, in one sitting. Append-only.

    missed: numbers of the borders between luminance steps that were not seen. dark, bright: whether the 5 % and the
    95 % patch were found. discs: [[size, contrast, quarter, answer], …].
    """

    reader = models.ForeignKey("accounts.Membership", models.PROTECT, related_name="display_checks")
    key = models.UUIDField()  # chosen by the browser: the same key again is the same check
    passed = models.BooleanField()
    missed = models.JSONField(default=list)
    dark = models.BooleanField()
    bright = models.BooleanField()
    discs = models.JSONField()
    seconds = models.FloatField()
    window_width = models.PositiveIntegerField()  # CSS pixels
    window_height = models.PositiveIntegerField()
    screen_width = models.PositiveIntegerField()
    screen_height = models.PositiveIntegerField()
    device_pixel_ratio = models.FloatField()
    colour_depth = models.PositiveSmallIntegerField()
    browser = models.CharField(max_length=300)
    checked_at = models.DateTimeField()

    class Meta:
        ordering = ["reader__code", "checked_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["reader", "key"], name="unique_display_check_key")]

    def __str__(self) -> str:
        return f"{self.reader.code} {'passed' if self.passed else 'failed'}"


class LogPart(models.Model):
    """A piece of the log of one look at a pair, as `analysis.viewing_log` reads it. Append-only, with a MAC of its own.

    visit: one opening of the pair in one browser; number: of the piece in it. dropped: how many pieces before this one
    the browser gave up. end: what was on screen when the pair was left, in the last piece alone, with the checksum of
    all entries of the visit.
    """

    presentation = models.ForeignKey("reading.Presentation", models.CASCADE, related_name="log_parts")
    visit = models.UUIDField()
    number = models.PositiveIntegerField()
    dropped = models.PositiveIntegerField(default=0)
    entries = models.TextField()
    end = models.CharField(max_length=200, blank=True)
    checksum = models.BigIntegerField(null=True, blank=True)
    received_at = models.DateTimeField()
    mac = models.CharField(max_length=64)

    class Meta:
        ordering = ["presentation", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["presentation", "visit", "number"], name="unique_log_part"),
            models.CheckConstraint(
                condition=models.Q(end="", checksum__isnull=True)
                | ~models.Q(end="") & models.Q(checksum__isnull=False),
                name="end_has_checksum",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.presentation} part {self.number}"
