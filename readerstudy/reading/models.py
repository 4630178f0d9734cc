import secrets
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class Side(models.TextChoices):
    LEFT = "left", "left"
    RIGHT = "right", "right"


class PreparedPair(models.Model):
    """What a reader sees of one case in one comparison: frames in both orders, equal in length."""

    study = models.ForeignKey("protocol.ReaderStudy", models.CASCADE, related_name="pairs")
    case = models.ForeignKey("material.Case", models.CASCADE, related_name="pairs")
    comparison = models.ForeignKey("protocol.Comparison", models.CASCADE, related_name="pairs")
    first = models.ForeignKey("material.Series", models.PROTECT, related_name="+")
    second = models.ForeignKey("material.Series", models.PROTECT, related_name="+")
    geometry = models.JSONField()
    order = models.JSONField()
    flags = models.JSONField(default=list)
    offsets = models.JSONField()  # frame n lies at offsets[n]:offsets[n + 1], the same in both orders
    first_left_sha256 = models.CharField(max_length=64)
    first_right_sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "comparison"], name="one_prepared_pair")]

    def __str__(self) -> str:
        return f"{self.case} {self.comparison}"


class CaseCheck(models.Model):
    """What the check of a case's series against each other found, before a reader sees them.

    series: numbers of the series that were looked at, and `version` of the check. findings: [{"first", "second",
    "code", "text"}, …] with codes of arms. While it is `held` no pair is prepared, until an admin who has looked at
    `picture` lets it pass with a reason.
    """

    study = models.ForeignKey("protocol.ReaderStudy", models.CASCADE, related_name="checks")
    case = models.OneToOneField("material.Case", models.CASCADE, related_name="check_made")
    series = models.JSONField()
    version = models.PositiveSmallIntegerField()
    findings = models.JSONField(default=list)
    held = models.BooleanField(default=False)
    picture = models.CharField(max_length=64, blank=True)  # PNG in the archive: what was held back, and how it fits
    released_reason = models.CharField(max_length=200, blank=True)
    released_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    released_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-held", "case__code"]
        constraints = [
            models.CheckConstraint(
                condition=Q(released_at__isnull=True, released_reason="")
                | Q(released_at__isnull=False, held=True) & ~Q(released_reason=""),
                name="release_has_reason",
            )
        ]

    def __str__(self) -> str:
        return f"check of {self.case}"

    @property
    def stops(self) -> bool:
        """Whether readers may not see the case yet."""
        return self.held and self.released_at is None


def new_token() -> str:
    return secrets.token_urlsafe(16)


class Presentation(models.Model):
    """What one reader sees at one position of the schedule."""

    class Kind(models.TextChoices):
        TRAINING = "training", "training"
        MAIN = "main", "main"
        REPEAT = "repeat", "repeat"

    class State(models.TextChoices):
        SCHEDULED = "scheduled", "scheduled"
        IN_PROGRESS = "in_progress", "in progress"
        CONFIRMED = "confirmed", "confirmed"
        VOID = "void", "void"

    study = models.ForeignKey("protocol.ReaderStudy", models.CASCADE, related_name="presentations")
    reader = models.ForeignKey("accounts.Membership", models.PROTECT, related_name="presentations")
    position = models.PositiveIntegerField()
    part = models.PositiveSmallIntegerField(default=1)
    block = models.PositiveSmallIntegerField(default=0)  # 0 at opening, then the number of the amendment
    kind = models.CharField(max_length=8, choices=Kind.choices)
    repeat_of = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="repeat")
    case = models.ForeignKey("material.Case", models.PROTECT, related_name="presentations")
    comparison = models.ForeignKey("protocol.Comparison", models.PROTECT, related_name="presentations")
    first_side = models.CharField(max_length=5, choices=Side.choices)
    token = models.CharField(max_length=32, unique=True, default=new_token)
    state = models.CharField(max_length=11, choices=State.choices, default=State.SCHEDULED)
    revision = models.PositiveIntegerField(default=0)  # number of writes: what each next one must have been made on
    void_reason = models.CharField(max_length=200, blank=True)
    skipped_at = models.DateTimeField(null=True, blank=True)  # a technical problem: comes again at the end
    skip_reason = models.CharField(max_length=200, blank=True)
    seen = models.JSONField(default=dict, blank=True)  # slices seen per side, so that another machine goes on there
    seconds = models.FloatField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    written: UUID | None = None  # key of the last write that went through this object; no column

    class Meta:
        ordering = ["reader", "position"]
        constraints = [
            models.UniqueConstraint(fields=["reader", "position"], name="unique_position"),
            models.UniqueConstraint(
                fields=["reader", "case", "comparison"],
                condition=Q(kind="main") & ~Q(state="void"),
                name="main_once_per_reader",
            ),
            models.CheckConstraint(
                condition=Q(kind="repeat", repeat_of__isnull=False) | ~Q(kind="repeat") & Q(repeat_of__isnull=True),
                name="repeat_names_its_first",
            ),
            models.CheckConstraint(
                condition=Q(state="confirmed", confirmed_at__isnull=False)
                | Q(state="void")
                | Q(state__in=["scheduled", "in_progress"], confirmed_at__isnull=True),
                name="confirmed_has_time",
            ),
            models.CheckConstraint(condition=~Q(state="void") | ~Q(void_reason=""), name="void_has_reason"),
            models.CheckConstraint(condition=Q(seconds__gte=0), name="seconds_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.reader.code} {self.position}"


class Chained(models.Model):
    """A row of what a reader said: its place in the chain of its presentation, and its MAC (`reading.answers`).

    A row without a MAC is a fault: those that were written before there were MACs were sealed by the upgrade.
    """

    number = models.PositiveIntegerField(default=0)
    mac = models.CharField(max_length=64, blank=True)

    class Meta:
        abstract = True


class AnswerHead(models.Model):
    """The authenticated end of a presentation's chain of answers: how many there are, and the MAC of the last."""

    presentation = models.OneToOneField(Presentation, models.CASCADE, related_name="answer_head")
    number = models.PositiveIntegerField(default=0)
    last = models.CharField(max_length=64, blank=True)
    mac = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.presentation}: {self.number} answers"


class Rating(Chained):
    """A score in display orientation. Append-only: a change is a new revision."""

    class Status(models.TextChoices):
        RATED = "rated", "rated"
        CANNOT_JUDGE = "cannot_judge", "cannot judge"
        NOT_APPLICABLE = "not_applicable", "not applicable"
        MISSING = "missing", "missing"  # an answer taken back

    presentation = models.ForeignKey(Presentation, models.PROTECT, related_name="ratings")
    criterion = models.ForeignKey("protocol.Criterion", models.PROTECT, related_name="ratings")
    revision = models.PositiveIntegerField()
    score = models.PositiveSmallIntegerField(null=True, blank=True)
    status = models.CharField(max_length=14, choices=Status.choices)
    key = models.UUIDField()  # chosen by the browser: the same key again is the same answer
    rated_at = models.DateTimeField()

    class Meta:
        ordering = ["presentation", "criterion", "revision"]
        constraints = [
            models.UniqueConstraint(fields=["presentation", "criterion", "revision"], name="unique_revision"),
            models.UniqueConstraint(fields=["presentation", "key"], name="unique_rating_key"),
            models.CheckConstraint(
                condition=Q(status="rated", score__range=(1, 5)) | ~Q(status="rated") & Q(score__isnull=True),
                name="score_iff_rated",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.presentation} {self.criterion} r{self.revision}"


class Statement(Chained):
    """An answer about the pair as a whole. Append-only, like a rating."""

    class Subject(models.TextChoices):
        INTEGRITY = "integrity", "integrity"  # none, findings
        DIAGNOSTIC = "diagnostic", "diagnostic quality"  # both, left, right, neither
        COMMENT = "comment", "comment"

    presentation = models.ForeignKey(Presentation, models.PROTECT, related_name="statements")
    subject = models.CharField(max_length=10, choices=Subject.choices)
    revision = models.PositiveIntegerField()
    value = models.TextField(blank=True)
    key = models.UUIDField()  # chosen by the browser: the same key again is the same answer
    stated_at = models.DateTimeField()

    class Meta:
        ordering = ["presentation", "subject", "revision"]
        constraints = [
            models.UniqueConstraint(fields=["presentation", "subject", "revision"], name="unique_statement_revision"),
            models.UniqueConstraint(fields=["presentation", "key"], name="unique_statement_key"),
        ]

    def __str__(self) -> str:
        return f"{self.presentation} {self.subject} r{self.revision}"


class Finding(Chained):
    """Loss, corruption, alteration, creation or exaggeration, and the side on which the reader believes it is."""

    class Kind(models.TextChoices):
        LOSS = "loss", "loss"
        CORRUPTION = "corruption", "corruption"
        ALTERATION = "alteration", "alteration"
        CREATION = "creation", "creation"
        EXAGGERATION = "exaggeration", "exaggeration"

    class On(models.TextChoices):
        LEFT = "left", "left image"
        BOTH = "both", "both"
        RIGHT = "right", "right image"
        UNDETERMINED = "undetermined", "cannot tell"

    presentation = models.ForeignKey(Presentation, models.PROTECT, related_name="findings")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    side = models.CharField(max_length=12, choices=On.choices)
    structure = models.CharField(max_length=120, blank=True)
    remark = models.CharField(max_length=1000, blank=True)
    i = models.PositiveIntegerField(null=True, blank=True)
    j = models.PositiveIntegerField(null=True, blank=True)
    k = models.PositiveIntegerField(null=True, blank=True)
    key = models.UUIDField()  # chosen by the browser: the same key again is the same answer
    found_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gte=F("found_at")),
                name="finding_withdrawn_after_found",
            ),
            models.UniqueConstraint(fields=["presentation", "key"], name="unique_finding_key"),
        ]

    def __str__(self) -> str:
        return f"{self.presentation} {self.kind}"


class Withdrawal(Chained):
    """A reader took a finding back. `Finding.withdrawn_at` says the same."""

    presentation = models.ForeignKey(Presentation, models.PROTECT, related_name="withdrawals")
    finding = models.OneToOneField(Finding, models.PROTECT, related_name="withdrawal")
    withdrawn_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.finding} withdrawn"


class ActiveTime(Chained):
    """Seconds of active reading, one report of the browser; the key makes a repeated report harmless."""

    presentation = models.ForeignKey(Presentation, models.CASCADE, related_name="active_times")
    seconds = models.FloatField()
    key = models.UUIDField()  # chosen by the browser: the same key again is the same answer
    reported_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(seconds__range=(0, 3600)), name="report_within_an_hour"),
            models.UniqueConstraint(fields=["presentation", "key"], name="unique_time_key"),
        ]

    def __str__(self) -> str:
        return f"{self.presentation} {self.seconds} s"


class Guess(Chained):
    """After the end of the list: on which side the reader believes the first arm of the comparison was."""

    class Side(models.TextChoices):
        LEFT = "left", "left image"
        RIGHT = "right", "right image"
        UNKNOWN = "unknown", "cannot tell"

    presentation = models.OneToOneField(Presentation, models.PROTECT, related_name="guess")
    side = models.CharField(max_length=7, choices=Side.choices)
    key = models.UUIDField()
    guessed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.presentation} {self.side}"


class Write(models.Model):
    """One accepted write of a reader on a presentation, and what the presentation was after it.

    No two writes have the same revision: each was made on what the one before it left.
    """

    class What(models.TextChoices):
        RATING = "rating", "rating"
        STATEMENT = "statement", "statement"
        FINDING = "finding", "finding"
        WITHDRAWAL = "withdrawal", "withdrawal of a finding"
        CONFIRMATION = "confirmation", "confirmation"
        SKIP = "skip", "skip"
        GUESS = "guess", "guess"
        FINISH = "finish", "end of the list: no way back"

    presentation = models.ForeignKey(Presentation, models.CASCADE, related_name="writes")
    key = models.UUIDField()  # chosen by the browser: the same key again is the same write
    what = models.CharField(max_length=12, choices=What.choices)
    state = models.CharField(max_length=11, choices=Presentation.State.choices)
    revision = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["presentation", "revision"]
        constraints = [
            models.UniqueConstraint(fields=["presentation", "key"], name="unique_write_key"),
            models.UniqueConstraint(fields=["presentation", "revision"], name="one_write_per_revision"),
        ]

    def __str__(self) -> str:
        return f"{self.presentation} w{self.revision} {self.what}"


class Signature(models.Model):
    """A reader stands by the answers of a part: who, when, meaning what, over which hash."""

    reader = models.ForeignKey("accounts.Membership", models.PROTECT, related_name="signatures")
    part = models.PositiveSmallIntegerField()
    meaning = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    signed_at = models.DateTimeField()

    class Meta:
        ordering = ["reader", "part", "signed_at"]

    def __str__(self) -> str:
        return f"{self.reader.code} part {self.part}"
