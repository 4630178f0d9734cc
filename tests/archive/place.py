"""A site of its own in a folder, on the database under test: commands run there in processes, as people run them."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg

ROOT = Path(__file__).resolve().parents[2]
URL = os.environ.get("DATABASE_URL", "")
PASSPHRASE = "the passphrase of a test"
# There is no queue, and keys are made of passphrases fast.
BEGIN = """
import django; django.setup()
from readerstudy.archive import sealed_stream; sealed_stream.COST = 4
from readerstudy.jobs import services; services.send = lambda number: None
"""


@dataclass
class Place:
    """url: of its database on PostgreSQL."""

    var: Path
    url: str = ""

    @classmethod
    def new(cls, var: Path) -> "Place":
        if not URL:
            return cls(var)
        name = f"place_{uuid4().hex}"
        with psycopg.connect(URL, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return cls(var, URL.rpartition("/")[0] + f"/{name}")

    def remove(self) -> None:
        if self.url:
            with psycopg.connect(URL, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {self.url.rpartition('/')[2]} WITH (FORCE)")

    def process(self, *arguments: str, **options) -> subprocess.Popen:
        own = {"READERSTUDY_VAR": str(self.var), "READERSTUDY_BACKUP_PASSPHRASE": PASSPHRASE}
        own |= {"DATABASE_URL": self.url} if self.url else {}
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=os.environ | own | options,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **options) -> tuple[int, str]:
        """Exit status, and all that it said."""
        process = self.process(*arguments, **options)
        said, wrong = process.communicate()
        return process.returncode, said + wrong

    def manage(self, *arguments: str, **options) -> tuple[int, str]:
        return self.run("manage.py", *arguments, **options)

    def python(self, code: str) -> str:
        """What a piece of code prints that runs in the site."""
        status, said = self.run("-c", BEGIN + code, DJANGO_SETTINGS_MODULE="readerstudy.settings")
        assert status == 0, said
        return said
