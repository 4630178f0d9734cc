from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from processing.pixel_hash import WHOLE
from readerstudy.protocol import recipes
from readerstudy.states import State


class Region(models.TextChoices):
    """Every region that headers can tell (processing.dicom.vocabulary), and one for what they cannot."""

    CERVICAL = "cervical", "cervical spine"
    THORACIC = "thoracic", "thoracic spine"
    LUMBAR = "lumbar", "lumbar spine"
    SPINE = "spine", "spine"
    BRAIN = "brain", "brain"
    NECK = "neck", "neck"
    CHEST = "chest", "chest"
    BREAST = "breast", "breast"
    HEART = "heart", "heart"
    ABDOMEN = "abdomen", "abdomen"
    PELVIS = "pelvis", "pelvis"
    PROSTATE = "prostate", "prostate"
    HIP = "hip", "hip"
    KNEE = "knee", "knee"
    ANKLE = "ankle", "ankle"
    FOOT = "foot", "foot"
    SHOULDER = "shoulder", "shoulder"
    ELBOW = "elbow", "elbow"
    WRIST = "wrist", "wrist"
    HAND = "hand", "hand"
    OTHER = "other", "other"


class Claim(models.TextChoices):
    EQUIVALENCE = "equivalence", "Equivalence: the two arms are alike"
    NONINFERIORITY = "noninferiority", "Non-inferiority: the first arm is not worse than the second"
    BOTH = "both", "Both"

    @property
    def kinds(self) -> tuple[str, ...]:
        """The claims in it, as protocol.json names them."""
        return (self.EQUIVALENCE.value, self.NONINFERIORITY.value) if self == self.BOTH else (self.value,)


class PrimaryTest(models.TextChoices):
    """Tests of preference that protocols may declare, named as in the analysis; all take subjects as clusters."""

    CLUSTER_PERMUTATION = "cluster_permutation", "Permutation of subjects: exact at any number of subjects"
    CLUSTER_SIGN_FLIP = "cluster_sign_flip", "Sign flip, normal approximation: too liberal with few subjects"
    DATTA_SATTEN = "datta_satten", "Datta–Satten, normal approximation: for cluster sizes that depend on the answer"


class ReaderStudy(models.Model):
    """Protocol, material, readers and ratings of one reader study."""

    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=120)
    reader_title = models.CharField("title for readers", max_length=120)
    description = models.TextField(blank=True)
    state = models.CharField(max_length=6, choices=State.choices, default=State.DRAFT)
    images_only = models.BooleanField("images are compared without readers", default=False, editable=False)
    synthetic = models.BooleanField("synthetic images", default=False)
    pixel_hash = models.PositiveSmallIntegerField(default=WHOLE, editable=False)  # kind of its series' SHA-256

    seed = models.PositiveBigIntegerField()
    min_distance = models.PositiveSmallIntegerField("distance between pairs of one subject", default=5)
    repeat_share = models.DecimalField(
        "share of hidden repeats",
        max_digits=3,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
    )
    ask_integrity = models.BooleanField("ask for integrity", default=True)
    ask_diagnostic = models.BooleanField("ask for diagnostic quality", default=True)
    allow_cannot_judge = models.BooleanField("allow “cannot judge”", default=True)
    allow_back = models.BooleanField("allow going back to the pair before", default=True)
    require_all_slices = models.BooleanField("every slice must be seen before a pair is confirmed", default=True)
    show_values = models.BooleanField("readers may see pixel values, regions and the difference", default=False)

    parts = models.PositiveSmallIntegerField(
        "parts of each reader's list", default=1, validators=[MinValueValidator(1)]
    )
    washout_days = models.PositiveSmallIntegerField("days between parts", default=0)
    break_minutes = models.PositiveSmallIntegerField("minutes until a break is suggested", default=30)
    practice_pairs = models.PositiveSmallIntegerField("practice pairs", null=True, blank=True)
    guesses = models.PositiveSmallIntegerField("pairs for the question on blinding", default=10)
    random_readers = models.BooleanField("readers stand for readers in general", default=False)

    primary_test = models.CharField(
        "test of preference", max_length=19, choices=PrimaryTest, default=PrimaryTest.CLUSTER_PERMUTATION
    )
    primary_comparison = models.ForeignKey("Comparison", models.SET_NULL, null=True, blank=True, related_name="+")
    primary_criterion = models.ForeignKey("Criterion", models.SET_NULL, null=True, blank=True, related_name="+")
    claim = models.CharField("what the margins are to show", max_length=14, choices=Claim, default=Claim.EQUIVALENCE)
    margin_mean = models.DecimalField("margin on the mean", max_digits=4, decimal_places=2, null=True, blank=True)
    margin_net = models.DecimalField("margin on net preference", max_digits=4, decimal_places=2, null=True, blank=True)

    protocol_sha256 = models.CharField(max_length=64, blank=True)
    schedule_sha256 = models.CharField(max_length=64, blank=True)
    lock_sha256 = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    locked_at = models.DateTimeField(null=True, blank=True)
    keep_until = models.DateField(null=True, blank=True)  # until then a study that has ended is not removed

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="study_state_known"),
            models.CheckConstraint(
                condition=Q(state=State.DRAFT)
                | Q(opened_at__isnull=False) & (~Q(schedule_sha256="") | Q(images_only=True)),
                name="opened_study_has_schedule",
            ),
            models.CheckConstraint(condition=Q(repeat_share__range=(0, 1)), name="repeat_share_is_share"),
            models.CheckConstraint(condition=Q(parts__gte=1), name="at_least_one_part"),
        ]

    def __str__(self) -> str:
        return self.title


class Site(models.Model):
    study = models.ForeignKey(ReaderStudy, models.CASCADE, related_name="sites")
    code = models.CharField(max_length=20)
    name = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["study", "code"], name="unique_site_code")]

    def __str__(self) -> str:
        return self.code


class Arm(models.Model):
    """One way of acquiring and reconstructing. Uploaded, or made from another arm by a named model or a recipe.

    recipe: of its simulation, as `recipes` has it. shade: how many arms of its kind stand before it, for its colour.
    """

    class Acquisition(models.TextChoices):
        REFERENCE = "reference", "reference"
        ACCELERATED = "accelerated", "accelerated"

    class Reconstruction(models.TextChoices):
        STANDARD = "standard", "standard"
        DL = "dl", "DL"

    study = models.ForeignKey(ReaderStudy, models.CASCADE, related_name="arms")
    code = models.CharField(max_length=20)
    acquisition = models.CharField(max_length=11, choices=Acquisition.choices)
    reconstruction = models.CharField(max_length=8, choices=Reconstruction.choices, default=Reconstruction.STANDARD)
    made_from = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="makes")
    model_name = models.CharField("model", max_length=60, blank=True)
    recipe = models.JSONField(null=True, blank=True)
    place = models.PositiveSmallIntegerField(default=0)
    shade = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["place", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["study", "code"], name="unique_arm_code"),
            models.CheckConstraint(
                condition=Q(made_from__isnull=True, model_name="", recipe__isnull=True)
                | Q(made_from__isnull=False, recipe__isnull=True) & ~Q(model_name="")
                | Q(made_from__isnull=False, model_name="", recipe__isnull=False),
                name="made_arm_names_its_maker",
            ),
            models.CheckConstraint(
                condition=Q(made_from__isnull=True) | ~Q(made_from=F("pk")),
                name="arm_is_not_made_from_itself",
            ),
        ]

    COLOURS = {
        ("reference", "standard"): "soc",
        ("accelerated", "standard"): "fast",
        ("accelerated", "dl"): "fastdl",
        ("reference", "dl"): "socdl",
    }
    SHADES = {"soc": 2, "fast": 3, "fastdl": 3, "socdl": 2}  # that a style sheet has; further arms begin anew

    def __str__(self) -> str:
        return self.code

    @property
    def is_reference(self) -> bool:
        """Whether this is the standard reconstruction of the reference acquisition, as a scanner gave it."""
        standard = (self.Acquisition.REFERENCE, self.Reconstruction.STANDARD)
        return self.recipe is None and (self.acquisition, self.reconstruction) == standard

    @property
    def maker(self) -> str:
        """What makes it from another arm, in words; "" if it is uploaded."""
        return str(recipes.step(self.recipe)) if self.recipe else self.model_name

    @property
    def css(self) -> str:
        """The class that colours this arm in tables and charts; never sent to a reader."""
        kind = self.COLOURS[self.acquisition, self.reconstruction]
        number = self.shade % self.SHADES[kind]
        return f"{kind}{number + 1}" if number else kind


class Comparison(models.Model):
    """An ordered pair of arms: a preference above 3 favours the first."""

    study = models.ForeignKey(ReaderStudy, models.CASCADE, related_name="comparisons")
    first = models.ForeignKey(Arm, models.PROTECT, related_name="+")
    second = models.ForeignKey(Arm, models.PROTECT, related_name="+")
    question = models.CharField(max_length=200, blank=True)
    place = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["place", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["study", "first", "second"], name="unique_comparison"),
            models.CheckConstraint(condition=~Q(first=F("second")), name="comparison_of_two_arms"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        return f"{self.first.code} vs {self.second.code}"


class Criterion(models.Model):
    """What is rated, 1 left markedly better … 3 no difference … 5 right markedly better."""

    study = models.ForeignKey(ReaderStudy, models.CASCADE, related_name="criteria")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=60)
    asks = models.CharField("what it asks", max_length=200)
    better = models.CharField("“better” means", max_length=200)
    anchors = models.JSONField(default=list)
    regions = models.JSONField("asked for", default=list, blank=True)
    place = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["place", "pk"]
        verbose_name_plural = "criteria"
        constraints = [models.UniqueConstraint(fields=["study", "code"], name="unique_criterion_code")]

    def __str__(self) -> str:
        return self.name

    def asked_for(self, region: str) -> bool:
        return not self.regions or region in self.regions


class Amendment(models.Model):
    """A change after opening, numbered, with its reason. What was scheduled before stays as it is."""

    class Kind(models.TextChoices):
        CASE_ADDED = "case_added", "case added"
        READER_ADDED = "reader_added", "reader added"
        SUBJECT_WITHDRAWN = "subject_withdrawn", "subject withdrawn"

    study = models.ForeignKey(ReaderStudy, models.CASCADE, related_name="amendments")
    number = models.PositiveSmallIntegerField()  # block of the schedule; opening is block 0
    kind = models.CharField(max_length=17, choices=Kind.choices)
    reason = models.CharField(max_length=500)
    data = models.JSONField(default=dict)  # what the block was made from, so that it can be made again
    schedule_sha256 = models.CharField(max_length=64, blank=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["study", "number"]
        constraints = [
            models.UniqueConstraint(fields=["study", "number"], name="unique_amendment_number"),
            models.CheckConstraint(condition=~Q(reason=""), name="amendment_has_reason"),
        ]

    def __str__(self) -> str:
        return f"amendment {self.number}: {self.get_kind_display()}"


class Briefing(models.Model):
    """What readers are told before their first pair, in one version; a change is another one. Append-only.

    words: what the admin may write, by name (see `protocol.briefing`); sha256: over them and what the protocol asks.
    """

    study = models.ForeignKey(ReaderStudy, models.CASCADE, related_name="briefings")
    number = models.PositiveSmallIntegerField()
    words = models.JSONField()
    sha256 = models.CharField(max_length=64)
    reason = models.CharField(max_length=500, blank=True)  # why it was changed after opening
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["study", "number"]
        constraints = [models.UniqueConstraint(fields=["study", "number"], name="unique_briefing_number")]

    def __str__(self) -> str:
        return f"briefing {self.number}"


class Charter(models.Model):
    """What an ethics board reads, in one version: the protocol with all that stood beside it then. Append-only.

    content: as `analysis.report.charter` reads it; sha256: of content as canonical JSON.
    """

    class Kind(models.TextChoices):
        DRAFT = "draft", "kept before opening"
        OPENING = "opening", "frozen at opening"
        AMENDMENT = "amendment", "amended"

    study = models.ForeignKey(ReaderStudy, models.CASCADE, related_name="charters")
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=9, choices=Kind.choices)
    content = models.JSONField()
    sha256 = models.CharField(max_length=64)
    reason = models.CharField(max_length=500, blank=True)  # of the amendment
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["study", "number"]
        constraints = [models.UniqueConstraint(fields=["study", "number"], name="unique_charter_number")]

    def __str__(self) -> str:
        return f"charter {self.number}"
