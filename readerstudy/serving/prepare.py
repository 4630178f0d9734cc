"""Brings database tables and static files up to date, in one process: `python -m readerstudy.serving.prepare`."""

import os
from io import StringIO


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "readerstudy.settings")
    import django
    from django.core.management import call_command

    django.setup()
    print("Database: bringing the tables up to date.", flush=True)
    call_command("migrate", interactive=False, verbosity=0)
    call_command("check", databases=["default"], stdout=StringIO())  # warnings go to stderr
    from readerstudy.archive.store_mark import mark_new_store

    if said := mark_new_store():
        print(f"{said} Until then no worker takes a job.", flush=True)
    print("Collecting static files.", flush=True)
    call_command("collectstatic", interactive=False, verbosity=0)


if __name__ == "__main__":
    main()
