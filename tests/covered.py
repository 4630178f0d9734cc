"""What share of the lines of each package the tests run, of coverage's report."""

from collections import Counter
from pathlib import PurePosixPath


def share_by_package(report: dict) -> dict[str, float]:
    """Package → share, of coverage's JSON; each app of the site is a package."""
    lines: Counter[str] = Counter()
    run: Counter[str] = Counter()
    for file, found in report["files"].items():
        top, *rest = PurePosixPath(file).parts
        package = f"{top}.{rest[0]}" if top == "readerstudy" and len(rest) > 1 else top
        lines[package] += found["summary"]["num_statements"]
        run[package] += found["summary"]["covered_lines"]
    return {package: run[package] / lines[package] for package in sorted(lines) if lines[package]}
