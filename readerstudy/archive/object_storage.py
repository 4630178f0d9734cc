"""A bucket of an object store that speaks S3, by django-storages: an optional part (requirements/s3.txt).

Who asks gets an answer within a minute, or `StoreAwayError`: then a page says so, and a job waits. A file is whole or
absent, as the store's own rule is. Address and credentials are those that boto3 finds: AWS_ENDPOINT_URL_S3,
AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, or a role of the machine.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import wraps
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from readerstudy.jobs.registry import LaterError

AT_ONCE = 16  # requests: each is answered late
TOGETHER = 1000  # names that one request deletes
CONFIG = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "max_attempts": 3},
    max_pool_connections=2 * AT_ONCE,
    s3={"addressing_style": "path"},
)


class StoreAwayError(LaterError):
    """The object store does not answer, or refuses."""


class Entry(NamedTuple):
    """A file of the store: its name below the storage's own prefix, and when it was written."""

    name: str
    modified: datetime


def _told(error: Exception) -> str:
    said = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else type(error).__name__
    return f"The store of the site does not answer, or refuses ({said})."


def _answered(function: Callable) -> Callable:
    """FileNotFoundError where the store says that there is none; StoreAwayError where it says nothing good."""

    @wraps(function)
    def ask(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey"):
                raise FileNotFoundError(_told(error)) from error
            raise StoreAwayError(_told(error)) from error
        except (BotoCoreError, Boto3Error) as error:
            raise StoreAwayError(_told(error)) from error

    return ask


_connections: dict[int, Any] = {}  # by process: one that was forked makes its own
_connecting = Lock()


class ObjectStorage(S3Storage):
    """One of the places of `places.FAR`. Names are never changed, and what has one already is the same."""

    bucket_name: str
    location: str

    def get_default_settings(self) -> dict:
        own = {"file_overwrite": True, "client_config": CONFIG, "transfer_config": TransferConfig(use_threads=False)}
        return super().get_default_settings() | own

    @property
    def connection(self) -> Any:
        """One for all threads: to make one takes a tenth of a second, and its requests are safe among threads."""
        with _connecting:
            if (process := os.getpid()) not in _connections:
                _connections.clear()
                _connections[process] = self._create_session().resource("s3", config=self.client_config)
            return _connections[process]

    def _key(self, name: str) -> str:
        return self._normalize_name(name)

    _open = _answered(S3Storage._open)
    _save = _answered(S3Storage._save)
    delete = _answered(S3Storage.delete)
    exists = _answered(S3Storage.exists)
    listdir = _answered(S3Storage.listdir)
    get_modified_time = _answered(S3Storage.get_modified_time)

    @_answered
    def ensure_bucket(self) -> None:
        """Make the bucket if there is none of this name; one that somebody else has is an error."""
        client = self.connection.meta.client
        try:
            client.head_bucket(Bucket=self.bucket_name)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in ("404", "NoSuchBucket"):
                raise
            where = {"CreateBucketConfiguration": {"LocationConstraint": client.meta.region_name}}
            client.create_bucket(Bucket=self.bucket_name, **({} if client.meta.region_name == "us-east-1" else where))

    @_answered
    def fetch(self, name: str, target: Path) -> None:
        """Write a file of the store to a path of this machine."""
        with target.open("wb") as file:
            self.bucket.Object(self._key(name)).download_fileobj(file, Config=self.transfer_config)

    @_answered
    def send(self, name: str, source: Path) -> None:
        """Keep a file of this machine under this name."""
        with source.open("rb") as file:
            self.bucket.Object(self._key(name)).upload_fileobj(file, Config=self.transfer_config)

    def keep(self, files: Mapping[str, Path]) -> None:
        """Keep many files at once, by name."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self.send, files.keys(), files.values()))

    @_answered
    def entries(self, folder: str = "") -> list[Entry]:
        """All files below a folder, at any depth."""
        root = f"{self.location.rstrip('/')}/"
        found = self.bucket.objects.filter(Prefix=root + (f"{folder}/" if folder else ""))
        return [Entry(one.key.removeprefix(root), one.last_modified) for one in found]

    def names(self) -> Iterator[str]:
        """Names of all files, in their order."""
        return (entry.name for entry in self.entries())

    @_answered
    def delete_all(self, names: Collection[str]) -> None:
        """Delete many files; those that are not there are no matter."""
        keys = [{"Key": self._key(name)} for name in names]
        for start in range(0, len(keys), TOGETHER):
            said = self.bucket.delete_objects(Delete={"Objects": keys[start : start + TOGETHER], "Quiet": True})
            if failed := said.get("Errors"):
                raise StoreAwayError(f"The store of the site does not delete ({failed[0].get('Code')}).")
