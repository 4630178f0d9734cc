"""What the site writes nobody else reads, and what an earlier version left open is closed."""

import os
import subprocess
import sys
from pathlib import Path

from readerstudy.serving.modes import close_to_others
from tests.prepared import PREPARED, place

ROOT = Path(__file__).resolve().parents[2]


def open_to_others(folder: Path) -> list[str]:
    found = [folder, *folder.rglob("*")]
    return [str(path) for path in found if not path.is_symlink() and path.stat().st_mode & 0o077]


def test_a_new_site_and_one_from_before_are_closed_to_others(tmp_path):
    var = tmp_path / "var"
    (var / "log").mkdir(parents=True)
    place(var)
    if PREPARED in os.environ:  # just as it was made
        assert open_to_others(Path(os.environ[PREPARED])) == []
    (var / "archive" / "aa").mkdir(parents=True)
    (var / "db.sqlite3").touch()
    (var / "log" / "web.log").touch()
    for path in (var, *var.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert len(open_to_others(var)) >= 6  # the check sees what is open
    subprocess.run(
        [sys.executable, "-m", "readerstudy.serving.prepare"],
        cwd=ROOT,
        env={"READERSTUDY_VAR": str(var), "PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
    )
    assert [path for path in open_to_others(var) if "/archive/aa" not in path] == []
    (var / "keys.json").chmod(0o640)
    assert open_to_others(var / "keys.json")
    assert close_to_others(var) == []
    assert not open_to_others(var / "keys.json")
