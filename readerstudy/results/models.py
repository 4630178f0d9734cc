from django.db import models
from django.db.models import Q


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
