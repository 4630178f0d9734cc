"""Make the upgrade fixture: `python -m tests.upgrade.make_fixture`, from the root of the repository.

Checks version 0.1.0 out beside, lets its own code make three studies (see `v0_1_0`) on SQLite and on PostgreSQL, and
packs `v0.1.0.tar.xz`: the secret key (made for the fixture, used nowhere else) and the archive, which both sites
share, and of each its quarantine and its database: `db.sqlite3`, or `dump.sql`, plain SQL that needs no program to be
restored.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgresql import find_programs, postgresql

ROOT = Path(__file__).resolve().parents[2]
VERSION, COMMIT = "0.1.0", "58e14b493ad143a2ff00c0c6e680d6cfcda9c40c"
HERE = Path(__file__).resolve().parent
CONTENT = HERE / "v0_1_0.py"
PACKED = HERE / f"v{VERSION}.tar.xz"
LARGEST = 5 << 20  # bytes
SHARED = ("archive", "secret_key")


@contextmanager
def checkout() -> Iterator[Path]:
    """A worktree of that version."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "site"
        git = ["git", "-C", ROOT, "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", path, COMMIT], check=True)
        try:
            yield path
        finally:
            subprocess.run([*git, "remove", "--force", path], check=True)


def make(old: Path, var: Path, url: str) -> None:
    """Run the content in the old version; a job's row keeps its worker's host, which is nobody's business."""
    environment = {key: value for key, value in os.environ.items() if key not in {"DATABASE_URL", "REDIS_URL"}}
    environment |= {"READERSTUDY_VAR": str(var), "PYTHONPATH": str(old), **({"DATABASE_URL": url} if url else {})}
    subprocess.run([sys.executable, CONTENT], cwd=old, env=environment, check=True)


def dump(url: str, target: Path) -> None:
    """Plain SQL without psql's own commands and without settings that older servers do not know."""
    program = find_programs(None) / "pg_dump"
    made = subprocess.run(
        [program, "--inserts", "--no-owner", "--no-privileges", "--dbname", url],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    unwanted = ("\\", "SET transaction_timeout")
    target.write_text("".join(line for line in made.splitlines(True) if not line.startswith(unwanted)))


def pack(folder: Path) -> None:
    """Without names of users; with the times of files, which tell the age of what rests in the quarantine."""
    paths = "|".join(re.escape(str(path)) for path in (ROOT, folder, Path.home()))
    private = re.compile(rf"{paths}|\b{re.escape(socket.gethostname())}:\d".encode())  # a worker is HOST:PROCESS
    for path in folder.rglob("*"):
        if path.is_file() and (found := private.search(path.read_bytes())):
            raise SystemExit(f"{path.relative_to(folder)} names {found[0].decode()}.")

    def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member

    with tarfile.open(PACKED, "w:xz", preset=9) as packed:
        packed.add(folder, ".", filter=anonymous)
    if PACKED.stat().st_size > LARGEST:
        raise SystemExit(f"{PACKED.stat().st_size} bytes are more than {LARGEST >> 20} MiB.")


def main() -> None:
    with checkout() as old, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sqlite, other = folder / "sqlite", folder / "postgresql"
        sqlite.mkdir()
        make(old, sqlite, "")
        for shared in SHARED:
            shutil.move(sqlite / shared, folder / shared)
        other.mkdir()
        for shared in SHARED:  # the same key: the same files, but for what is drawn by chance
            (other / shared).symlink_to(folder / shared)
        with postgresql() as url:
            make(old, other, url)
            dump(url, other / "dump.sql")
        for shared in SHARED:
            (other / shared).unlink()
        pack(folder)


if __name__ == "__main__":
    main()
