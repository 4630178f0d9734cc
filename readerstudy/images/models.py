from django.db import models
from django.db.models import Q

RADIOMICS = "results.radiomics"  # the job that computes the features of a volume of interest on a series
STABILITY = "results.stability"  # the job that compares the features of arms


class Metric(models.Model):
    """One image metric of one pair of series, with the convention it was made by."""

    study = models.ForeignKey("protocol.ReaderStudy", models.CASCADE, related_name="metrics")
    case = models.ForeignKey("material.Case", models.CASCADE, related_name="metrics")
    reference = models.ForeignKey("material.Series", models.CASCADE, related_name="+")
    test = models.ForeignKey("material.Series", models.CASCADE, related_name="+")
    metric = models.CharField(max_length=20)
    region = models.CharField(max_length=40)
    slice = models.PositiveIntegerField(null=True, blank=True)
    value = models.FloatField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    data_range = models.FloatField(null=True, blank=True)
    range_rule = models.CharField(max_length=60)
    registered = models.BooleanField(default=False)
    settings_hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["case__code", "reference__arm__place", "test__arm__place", "metric", "region", "slice"]
        constraints = [
            models.UniqueConstraint(
                fields=["reference", "test", "metric", "region", "slice", "settings_hash"],
                name="unique_slice_metric",
            ),
            models.UniqueConstraint(
                fields=["reference", "test", "metric", "region", "settings_hash"],
                condition=Q(slice__isnull=True),
                name="unique_volume_metric",
            ),
            models.CheckConstraint(condition=Q(value__isnull=False) | ~Q(reason=""), name="no_value_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.case} {self.metric} {self.reference.arm} {self.test.arm}"


class VolumeMeasure(models.Model):
    """What one volume of interest holds in one arm, or how far that is from the reference arm."""

    study = models.ForeignKey("protocol.ReaderStudy", models.CASCADE, related_name="volume_measures")
    voi = models.ForeignKey("material.VolumeOfInterest", models.CASCADE, related_name="measures")
    series = models.ForeignKey("material.Series", models.CASCADE, related_name="+")
    reference = models.ForeignKey("material.Series", models.CASCADE, null=True, related_name="+")
    measure = models.CharField(max_length=20)
    value = models.FloatField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    data_range = models.FloatField(null=True, blank=True)
    registered = models.BooleanField(default=False)
    settings_hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["voi__case__code", "voi__name", "series__arm__place", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["voi", "series", "measure"], name="unique_volume_measure"),
            models.CheckConstraint(condition=Q(value__isnull=False) | ~Q(reason=""), name="no_measure_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.voi} {self.series.arm} {self.measure}"


class FeatureSettings(models.Model):
    """The radiomic settings of a study, as pyradiomics reads them; features are only comparable under the same."""

    study = models.ForeignKey("protocol.ReaderStudy", models.CASCADE, related_name="feature_settings")
    settings = models.JSONField()
    sha256 = models.CharField(max_length=64)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "feature settings"
        constraints = [
            models.UniqueConstraint(fields=["study"], condition=Q(active=True), name="one_active_feature_settings"),
        ]

    def __str__(self) -> str:
        return f"settings {self.sha256[:8]}"


class Feature(models.Model):
    """One radiomic feature of one volume of interest on one series."""

    class Status(models.TextChoices):
        OK = "ok", "ok"
        UNDEFINED = "undefined", "undefined"
        FAILED = "failed", "failed"

    study = models.ForeignKey("protocol.ReaderStudy", models.CASCADE, related_name="features")
    voi = models.ForeignKey("material.VolumeOfInterest", models.CASCADE, related_name="features")
    series = models.ForeignKey("material.Series", models.CASCADE, related_name="features")
    settings = models.ForeignKey(FeatureSettings, models.PROTECT, related_name="features")
    image_type = models.CharField(max_length=40)
    feature_class = models.CharField(max_length=20)
    feature = models.CharField(max_length=80)
    value = models.FloatField(null=True, blank=True)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.OK)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["voi__case__code", "voi__name", "series__arm__place", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["voi", "series", "settings", "image_type", "feature"], name="unique_feature"
            ),
            models.CheckConstraint(
                condition=Q(status="ok", value__isnull=False) | (~Q(status="ok") & ~Q(reason="")),
                name="feature_without_value_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.voi} {self.series.arm} {self.feature}"
