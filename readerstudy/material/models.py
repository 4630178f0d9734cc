import math

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from readerstudy.protocol.models import Region

LONGEST_WEIGHTING = 20


class Plane(models.TextChoices):
    SAGITTAL = "sagittal", "sagittal"
    AXIAL = "axial", "axial"
    CORONAL = "coronal", "coronal"
    OBLIQUE = "oblique", "oblique"


class Subject(models.Model):
    """A pseudonymous patient of one site. `key` tells the same patient again without naming one.

    diagnosis, origin (of the lesions): what their codes mean; "" where nobody said.
    """

    study = models.ForeignKey("protocol.ReaderStudy", models.CASCADE, related_name="subjects")
    site = models.ForeignKey("protocol.Site", models.PROTECT, related_name="subjects")
    code = models.CharField(max_length=20)
    key = models.CharField(max_length=16, blank=True)
    age = models.FloatField(null=True, blank=True)
    sex = models.CharField(max_length=1, blank=True)
    diagnosis_code = models.CharField(max_length=20, blank=True)
    diagnosis = models.CharField(max_length=80, blank=True)
    origin_code = models.CharField(max_length=20, blank=True)
    origin = models.CharField(max_length=80, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["study", "code"], name="unique_subject_code")]

    def __str__(self) -> str:
        return self.code


class Case(models.Model):
    """One pulse sequence of one subject: region × plane × weighting."""

    study = models.ForeignKey("protocol.ReaderStudy", models.CASCADE, related_name="cases")
    subject = models.ForeignKey(Subject, models.PROTECT, related_name="cases")
    code = models.CharField(max_length=60)
    region = models.CharField(max_length=10, choices=Region.choices)
    plane = models.CharField(max_length=10, choices=Plane.choices)
    weighting = models.CharField(max_length=LONGEST_WEIGHTING)
    training = models.BooleanField(default=False)
    feedback = models.TextField(blank=True)  # what a reader is told after a training pair of this case
    set_aside = models.CharField(max_length=200, blank=True)  # why it is not used; "" if it is

    class Meta:
        ordering = ["subject__code", "code"]
        constraints = [models.UniqueConstraint(fields=["study", "code"], name="unique_case_code")]

    def __str__(self) -> str:
        return self.code

    @property
    def label(self) -> str:
        return f"{self.subject.code} {self.plane} {self.weighting}"

    @property
    def is_in_use(self) -> bool:
        """As `selectors.in_use` asks it of the database."""
        return self.subject.withdrawn_at is None and not self.set_aside


class Series(models.Model):
    """The pixels of one case in one arm, de-identified; `sha256` is of pixels and geometry."""

    study = models.ForeignKey("protocol.ReaderStudy", models.CASCADE, related_name="series")
    case = models.ForeignKey(Case, models.PROTECT, related_name="series")
    arm = models.ForeignKey("protocol.Arm", models.PROTECT, related_name="series")
    echo = models.PositiveSmallIntegerField(default=1)
    version = models.PositiveIntegerField(default=1)
    active = models.BooleanField(default=True)
    format = models.CharField(max_length=6, choices=[("dicom", "DICOM"), ("nifti", "NIfTI")])
    sha256 = models.CharField(max_length=64, db_index=True)
    slices = models.PositiveIntegerField()
    rows = models.PositiveIntegerField()
    columns = models.PositiveIntegerField()
    affine = models.JSONField()
    spacing = models.JSONField()
    parameters = models.JSONField(default=dict)
    part = models.CharField(max_length=60, blank=True)  # of a series that holds several volumes: water, an echo
    frame_of_reference = models.CharField(max_length=64, blank=True)  # keyed UID of its coordinates; none in NIfTI
    cautions = models.JSONField(default=list)  # [{"code", "text"}, …] at import
    made_from = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="makes")
    model_name = models.CharField(max_length=60, blank=True)
    model_version = models.CharField(max_length=40, blank=True)
    model_sha256 = models.CharField(max_length=64, blank=True)
    processing_seconds = models.FloatField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["case__code", "arm__place", "echo", "version"]
        verbose_name_plural = "series"
        constraints = [
            models.UniqueConstraint(fields=["case", "arm", "echo"], condition=Q(active=True), name="one_active_series"),
            models.UniqueConstraint(fields=["case", "arm", "echo", "version"], name="unique_series_version"),
            models.CheckConstraint(
                condition=Q(made_from__isnull=True) | ~Q(made_from=F("pk")),
                name="series_is_not_made_from_itself",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case} {self.arm} v{self.version}"

    @property
    def simulated(self) -> str:
        """How no scanner acquired it: a phantom, a degradation and its settings; "" if one did."""
        return self.parameters.get("simulated") or ""


class Instance(models.Model):
    """One file of a series, in slice order; its bytes lie in the archive under `sha256`."""

    series = models.ForeignKey(Series, models.CASCADE, related_name="instances")
    position = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    uid = models.CharField(max_length=64, blank=True, db_index=True)  # keyed SOP Instance UID; none in NIfTI

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["series", "position"], name="unique_instance_position")]

    def __str__(self) -> str:
        return f"{self.series} {self.position}"


class Alignment(models.Model):
    """Where one acquisition of a case lies in another: `matrix` (4 × 4, rigid) takes a point of `fixed` to `moving`.

    Both in patient coordinates (LPS, mm). What is made from `moving` lies where it lies. `quality` holds the numbers
    that processing.registration gives, `picture` the PNG before and after in the archive.
    """

    study = models.ForeignKey("protocol.ReaderStudy", models.CASCADE, related_name="alignments")
    fixed = models.ForeignKey(Series, models.CASCADE, related_name="alignments_of")
    moving = models.ForeignKey(Series, models.CASCADE, related_name="alignments")
    matrix = models.JSONField()
    quality = models.JSONField()
    conventions = models.JSONField()
    picture = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["moving__case__code", "pk"]
        constraints = [models.UniqueConstraint(fields=["fixed", "moving"], name="one_alignment_of_two_series")]

    def __str__(self) -> str:
        return f"{self.moving} on {self.fixed}"

    @property
    def shift(self) -> float:
        """How far the centre of the fixed series moved, in mm."""
        return math.dist(self.quality["translation_mm"], (0, 0, 0))


class VolumeOfInterest(models.Model):
    """A mask in patient coordinates, drawn once on one series of a case and carried to its other arms.

    Each time it is saved in the browser it is a further `version`; the one before is removed then, and can be called
    back. `second`: another person's drawing of the same place, which is compared and never measured. `looks`: where a
    person saw a drawn volume carried to, by number of the acquired series: {"fits", "by", "at", "matrix"}.
    """

    class Origin(models.TextChoices):
        FILE = "file", "from a file"
        DRAWN = "drawn", "drawn here"

    study = models.ForeignKey("protocol.ReaderStudy", models.CASCADE, related_name="volumes_of_interest")
    case = models.ForeignKey(Case, models.PROTECT, related_name="volumes_of_interest")
    drawn_on = models.ForeignKey(Series, models.PROTECT, related_name="volumes_of_interest")
    name = models.CharField(max_length=40)
    sha256 = models.CharField(max_length=64)  # of the cleaned NIfTI mask in the archive
    voxels = models.PositiveIntegerField()
    millilitres = models.FloatField()
    origin = models.CharField(max_length=5, choices=Origin.choices, default=Origin.FILE)
    drawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    version = models.PositiveSmallIntegerField(default=1)
    second = models.BooleanField(default=False)
    looks = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["case__code", "name"]
        verbose_name_plural = "volumes of interest"
        constraints = [
            models.UniqueConstraint(
                fields=["case", "name"],
                condition=Q(removed_at__isnull=True, second=False),
                name="one_volume_of_interest_of_a_name",
            ),
            models.UniqueConstraint(
                fields=["case", "name", "drawn_by"],
                condition=Q(removed_at__isnull=True, second=True),
                name="one_second_drawing_of_a_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case} {self.name}"


class ScreeningLog(models.Model):
    """How many subjects were looked at and not included, by reason."""

    study = models.OneToOneField("protocol.ReaderStudy", models.CASCADE, related_name="screening_log")
    exclusions = models.JSONField(default=list)  # [{"reason", "subjects"}, …]

    def __str__(self) -> str:
        return f"{self.study} {len(self.exclusions)} reasons"


class SiteList(models.Model):
    """What is to be drawn in every case of a study, by name and in order."""

    study = models.OneToOneField("protocol.ReaderStudy", models.CASCADE, related_name="site_list")
    names = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.study} {len(self.names)} sites"
