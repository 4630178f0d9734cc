from django.db import models
from django.db.models.functions import Now


class Store(models.Model):
    """The one row that says which store is this site's: the mark that lies in its archive and its quarantine; and the
    name of the key that signs its record."""

    mark = models.CharField(max_length=32)
    key = models.CharField(max_length=8, blank=True)
    marked_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.mark[:8]


class Erasure(models.Model):
    """A file of the archive that was erased: machines that keep copies let them go (`near`)."""

    sha256 = models.CharField(max_length=64)
    at = models.DateTimeField(db_default=Now(), db_index=True)

    def __str__(self) -> str:
        return self.sha256[:12]
