import secrets

from django.conf import settings
from django.db import models
from django.db.models import Q

SORT = "intake.sort"  # the job that sorts an upload


def new_salt() -> str:
    return secrets.token_hex(16)


class Upload(models.Model):
    """One delivery. Its files rest encrypted in the quarantine until sorted; without the salt nobody reads them."""

    class State(models.TextChoices):
        RECEIVING = "receiving", "receiving"
        SORTING = "sorting", "sorting"
        SORTED = "sorted", "sorted"
        FAILED = "failed", "failed"

    study = models.ForeignKey("protocol.ReaderStudy", models.CASCADE, related_name="uploads")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    token = models.PositiveBigIntegerField(null=True, blank=True)  # number of that of the program that sends it
    door = models.CharField(max_length=40, blank=True)  # by which files come one by one: see `deliveries`
    last_at = models.DateTimeField(null=True, blank=True)  # when the last one came by it
    salt = models.CharField(max_length=32, default=new_salt, blank=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.RECEIVING)
    files = models.PositiveIntegerField(default=0)  # while it is received: how many are to come
    bytes = models.PositiveBigIntegerField(default=0)
    pattern = models.CharField(max_length=120, blank=True)  # by which the names of its volume files are read
    known_files = models.PositiveIntegerField(default=0)  # of the sorted ones, those that were here, or came twice
    created_at = models.DateTimeField(auto_now_add=True)
    sorted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=~Q(state="sorted") | Q(salt=""), name="sorted_upload_is_unreadable")
        ]

    def __str__(self) -> str:
        return f"upload {self.pk}"


class PseudonymKey(models.Model):
    """The key of a study's pseudonyms, encrypted with the site's of the name `key` (`intake.pseudonyms`)."""

    study = models.OneToOneField("protocol.ReaderStudy", models.CASCADE, related_name="pseudonym_key")
    wrapped = models.CharField(max_length=200)
    key = models.CharField(max_length=8)

    def __str__(self) -> str:
        return f"{self.study}"


class Piece(models.Model):
    """A piece of an upload that rests sealed in the quarantine: a file, or one part of a large one.

    `key` is the SHA-256 of its head (path, part, parts) and its bytes: what the browser asks for to learn what is
    still missing.
    """

    upload = models.ForeignKey(Upload, models.CASCADE, related_name="pieces")
    key = models.CharField(max_length=64)
    name = models.CharField(max_length=80)  # in the quarantine
    size = models.PositiveBigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upload", "key"], name="one_piece_of_a_key")]

    def __str__(self) -> str:
        return f"{self.upload} {self.key[:4]}"


class Delivered(models.Model):
    """A piece that became part of a series, by a keyed hash: who sends it again is told that it is here."""

    study = models.ForeignKey("protocol.ReaderStudy", models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "digest"], name="one_delivery_of_a_piece")]

    def __str__(self) -> str:
        return self.digest[:4]


class Refusal(models.Model):
    """A file that is not used, by the hash of its bytes (a file name may identify), and why.

    Of many files with one reason only the first have rows of their own: the last row counts the others.
    """

    upload = models.ForeignKey(Upload, models.CASCADE, related_name="refusals")
    sha256 = models.CharField(max_length=64, blank=True)  # of one of the files; "" where it was not unpacked
    reason = models.CharField(max_length=400)
    count = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["pk"]
        constraints = [models.CheckConstraint(condition=Q(count__gte=1), name="refusal_counts_a_file")]

    def __str__(self) -> str:
        return self.reason


class Candidate(models.Model):
    """A de-identified series that waits for an admin to say which subject, case and arm it is."""

    class State(models.TextChoices):
        PROPOSED = "proposed", "to confirm"
        CONFIRMED = "confirmed", "confirmed"
        DISMISSED = "dismissed", "not used"
        KNOWN = "known", "already here"

    study = models.ForeignKey("protocol.ReaderStudy", models.CASCADE, related_name="candidates")
    upload = models.ForeignKey(Upload, models.CASCADE, related_name="candidates")
    state = models.CharField(max_length=9, choices=State.choices, default=State.PROPOSED)
    format = models.CharField(max_length=6)
    sha256 = models.CharField(max_length=64)
    slices = models.PositiveIntegerField()
    rows = models.PositiveIntegerField()
    columns = models.PositiveIntegerField()
    affine = models.JSONField()
    spacing = models.JSONField()
    parameters = models.JSONField()
    part = models.CharField(max_length=60, blank=True)  # of a series that holds several volumes: water, an echo
    frame_of_reference = models.CharField(max_length=64, blank=True)  # keyed UID of its coordinates; none in NIfTI
    cautions = models.JSONField(default=list)  # [{"code", "text"}, …]: why it is not certain
    instances = models.JSONField()  # [[sha256, size, uid], ...] in slice order; uid is the keyed SOP Instance UID
    subject_key = models.CharField(max_length=16)
    subject_code = models.CharField(max_length=20, blank=True)
    region = models.CharField(max_length=10, blank=True)
    plane = models.CharField(max_length=10, blank=True)
    weighting = models.CharField(max_length=20, blank=True)
    arm = models.ForeignKey("protocol.Arm", models.SET_NULL, null=True, blank=True, related_name="+")
    site = models.ForeignKey("protocol.Site", models.SET_NULL, null=True, blank=True, related_name="+")
    masked_name = models.CharField(max_length=400, blank=True)  # of a volume file: unknown words are keyed hashes
    doubt = models.CharField(max_length=200, blank=True)  # what in headers and names speaks against the proposal
    objections = models.JSONField(default=list)  # all that does, a sentence each
    certain = models.BooleanField(default=False)  # nothing does
    why = models.CharField(max_length=200, blank=True)
    conflict = models.CharField(max_length=300, blank=True)  # same SOP Instance UIDs as another series, other pixels
    series = models.OneToOneField("material.Series", models.SET_NULL, null=True, blank=True, related_name="candidate")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["subject_code", "pk"]

    def __str__(self) -> str:
        return f"candidate {self.sha256[:4]}"

    @property
    def lacks(self) -> str:
        """How many of its files are missing, in a sentence; "" if none are."""
        return next((one["text"] for one in self.cautions if one["code"] == "unreadable_files"), "")
