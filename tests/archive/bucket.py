"""An object store on this machine, and machines of one site that have no disk in common."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import boto3
from django.conf import settings
from django.test import override_settings
from moto.server import ThreadedMotoServer

from readerstudy.archive.places import storages_at

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-central-1"}


@contextmanager
def object_store() -> Iterator[str]:
    """The endpoint of one, in memory, for the length of the block."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def new_bucket(endpoint: str) -> str:
    """The name of an empty one."""
    name = f"site-{uuid4().hex}"
    options = {"region_name": CREDENTIALS["AWS_REGION"], "endpoint_url": endpoint}
    client = boto3.client(
        "s3",
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        **options,
    )
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": options["region_name"]})
    return name


def environment(endpoint: str, bucket: str) -> dict[str, str]:
    """The settings of a process of such a site."""
    return CREDENTIALS | {"AWS_ENDPOINT_URL_S3": endpoint, "READERSTUDY_STORAGE": f"s3://{bucket}/site"}


@contextmanager
def machine(folder: Path, bucket: str) -> Iterator[None]:
    """Be a machine of the site that has this folder alone."""
    from readerstudy.archive import parts

    parts._stands.clear()
    own = {
        "VAR_DIR": folder,
        "QUARANTINE_DIR": folder / "quarantine",
        "STORAGES": settings.STORAGES | storages_at(f"s3://{bucket}/site", folder),
        "STORE_DIR": None,
    }
    folder.mkdir(exist_ok=True)
    with override_settings(**own):
        yield


def forget_connections() -> None:
    """As a new process: of the settings of before nothing is left."""
    from readerstudy.archive import near, object_storage

    object_storage._connections.clear()
    near._looked.clear()
