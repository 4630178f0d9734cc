"""Web server and workers prove that they see one store: a random mark lies in archive and quarantine, and the
database knows it. A worker with another folder would find nothing, say that it is done, and let the rest be erased.
The database knows the name of the key of the record, too: what a worker with another one asks for is refused elsewhere.
"""

import os
import secrets

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, storages

from processing.errors import InputError
from readerstudy import keyring
from readerstudy.archive import quarantine
from readerstudy.archive.models import Store
from readerstudy.audit import keys
from readerstudy.jobs.models import Job
from readerstudy.protocol.models import ReaderStudy

RESTORING = "restoring"  # under VAR_DIR, while a backup becomes the site
NAME = "store"  # of the file that holds the mark, in either place
SAME = "Let READERSTUDY_VAR name the folder that the web server writes to"
BROKEN_OFF = "A restore is under way here, or was broken off: run `manage.py restore` again."
PURPOSE = "run `manage.py mark_store` beside the web server"


def _places() -> dict[str, Storage]:
    rests = quarantine.far() or FileSystemStorage(settings.QUARANTINE_DIR)
    return {"archive": storages["archive"], "quarantine": rests}


def _read(place: Storage) -> str:
    try:
        with place.open(NAME) as file:
            return file.read().decode().strip()
    except FileNotFoundError:
        return ""


def _is_empty(place: Storage) -> bool:
    try:
        return not any(place.listdir(""))
    except FileNotFoundError:
        return True


def is_restoring() -> bool:
    """Whether a backup is becoming the site, and is not yet."""
    return (settings.VAR_DIR / RESTORING).exists()


def problem() -> str:
    """Why this process must not touch the site's files, in a sentence; "" where both places bear the site's mark."""
    if is_restoring():
        return BROKEN_OFF
    known, key = Store.objects.filter(pk=1).values_list("mark", "key").first() or (None, "")
    if known is None:
        return (
            "The store of this site has not been set up. Run `python -m readerstudy.serving.prepare` beside the web "
            "server."
        )
    if key and key not in keys.known():
        return "The keys seen here are not this site's. Let READERSTUDY_KEYS name the file that the web server has."
    for name, place in _places().items():
        try:
            found = _read(place)
        except OSError as error:
            return f"The {name} cannot be read ({error.strerror or error}). {SAME}."
        if found != known:
            what = "another site's mark" if found else "no mark"
            return (
                f"The {name} seen here is not this site's: it bears {what}. {SAME}; after it was moved or restored on "
                f"purpose, {PURPOSE}."
            )
    return ""


def ensure_own() -> None:
    """InputError unless this process sees the store of the site."""
    if said := problem():
        raise InputError(said)


def set_mark() -> None:
    """Let the store that this process sees be the site's. A mark that its archive bears already is kept."""
    places = _places()
    mark = _read(places["archive"]) or secrets.token_hex(16)
    os.makedirs(settings.QUARANTINE_DIR, mode=0o700, exist_ok=True)  # noqa: PTH103  as the quarantine makes it
    for place in places.values():
        if _read(place) != mark:
            place.delete(NAME)
            place.save(NAME, ContentFile(mark.encode()))
    Store.objects.update_or_create(pk=1, defaults={"mark": mark, "key": keys.key_name()})


def mark_new_store() -> str:
    """Mark the store of a site that has none yet; returns `problem()` of any other.

    A site that has worked already is not given an empty archive: its own lies elsewhere.
    """
    if not Store.objects.exists():
        if Job.objects.filter(state=Job.State.DONE).exists() and _is_empty(storages["archive"]):
            return f"The archive seen here is empty, but this site has worked already. {SAME}; if it does, {PURPOSE}."
        if not ReaderStudy.objects.exists():
            keyring.set_apart()
        set_mark()
    Store.objects.filter(key="").update(key=keys.key_name())  # of a site from before keys had names here
    return problem()
