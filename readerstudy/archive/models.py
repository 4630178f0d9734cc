from django.db import models


class Store(models.Model):
    """The one row that says which store is this site's: the mark that lies in its archive and its quarantine; and the
    name of the key that signs its record."""

    mark = models.CharField(max_length=32)
    key = models.CharField(max_length=8, blank=True)
    marked_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.mark[:8]
