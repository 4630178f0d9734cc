"""Where the site's files lie: a folder, or a bucket of an object store, as READERSTUDY_STORAGE says."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

FAR = ("archive", "quarantine", "analyses")  # what lies in the bucket, each under its own name


def storages_at(address: str, here: Path) -> Mapping[str, dict]:
    """Django's STORAGES for the archive, and in an object store for quarantine and analyses too.

    address: `s3://BUCKET` or `s3://BUCKET/PREFIX`; else everything lies in the folder `here`. ImproperlyConfigured for
    an address of another kind, or without a bucket.
    """
    if "://" not in address:
        return {
            "archive": {
                "BACKEND": "readerstudy.archive.storage.WholeFileStorage",
                "OPTIONS": {"location": here / "archive"},
            }
        }
    parts = urlsplit(address)
    if parts.scheme != "s3" or not parts.netloc or parts.query:
        raise ImproperlyConfigured("READERSTUDY_STORAGE is a folder, or s3://BUCKET or s3://BUCKET/PREFIX.")
    prefix = parts.path.strip("/")
    return {
        name: {
            "BACKEND": "readerstudy.archive.object_storage.ObjectStorage",
            "OPTIONS": {"bucket_name": parts.netloc, "location": f"{prefix}/{name}".lstrip("/")},
        }
        for name in FAR
    }
