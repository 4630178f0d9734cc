from django.db import models


class Store(models.Model):
    """The one row that says which store is this site's: the mark that lies in its archive and its quarantine."""

    mark = models.CharField(max_length=32)
    marked_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.mark[:8]
