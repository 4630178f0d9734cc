"""Nobody but the site's own account reads what lies in its folder; what is written since is so by `os.umask`."""

import os
from pathlib import Path

LARGE = {"archive", "quarantine"}  # folders in which whole trees lie, closed at their root


def close_to_others(folder: Path) -> list[Path]:
    """Take every right of others on this folder and what is in it; returns what belongs to somebody else."""
    foreign = []
    for root, folders, files in os.walk(folder):
        for path in (Path(root), *(Path(root, name) for name in files)):
            mode = path.lstat().st_mode
            if mode & 0o077 and not path.is_symlink():
                try:
                    path.chmod(mode & 0o7700)
                except PermissionError:
                    foreign.append(path)
        if Path(root).name in LARGE and Path(root).parent == folder:
            folders.clear()
    return foreign
