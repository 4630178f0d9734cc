"""Brings database tables and static files up to date, in one process: `python -m readerstudy.serving.prepare`."""

import os
import sys
from io import StringIO


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "readerstudy.settings")
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    from readerstudy.archive import quarantine, store_mark

    if store_mark.is_restoring():
        sys.exit(store_mark.BROKEN_OFF)
    print("Database: bringing the tables up to date.", flush=True)
    call_command("migrate", interactive=False, verbosity=0)
    from readerstudy.serving import static_files
    from readerstudy.serving.modes import close_to_others

    if far := quarantine.far():
        far.ensure_bucket()
    if said := store_mark.mark_new_store():
        print(f"{said} Until then no worker takes a job.", flush=True)
    call_command("check", databases=["default"], stdout=StringIO())  # warnings go to stderr
    if os.access(settings.STATIC_ROOT, os.W_OK):  # in an image they are part of it
        print("Static files: bringing them up to date.", flush=True)
        static_files.collect()
    for path in close_to_others(settings.VAR_DIR)[:1]:
        print(f"{path} belongs to another account, and others may read it: give it to this one.", flush=True)


if __name__ == "__main__":
    main()
