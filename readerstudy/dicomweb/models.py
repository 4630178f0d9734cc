from django.db import models

LONGEST_UID = 64


class Header(models.Model):
    """What the files of a series say of patient, study and series, read from them once, so that all can be searched.

    attributes: as DICOM JSON (PS3.18 F). instances: of each file in slice order its SOP Instance UID, SOP class,
    number and frames; empty until somebody asks for them. Both follow from files that never change. mac: over all of
    it, so that nobody gives a series the names of another (`headers.ensure_as_read`).
    """

    series = models.OneToOneField("material.Series", models.CASCADE, related_name="+")
    study_uid = models.CharField(max_length=LONGEST_UID)
    series_uid = models.CharField(max_length=LONGEST_UID, db_index=True)
    files = models.PositiveIntegerField()
    attributes = models.JSONField()
    instances = models.JSONField(default=list)
    mac = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"header of series {self.series_id}"
