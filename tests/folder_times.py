"""Where the suite's time goes: seconds of each folder of tests, over all of pytest's workers."""

from collections import Counter
from pathlib import PurePosixPath

import pytest


def seconds_by_folder(durations: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Sums of (node id, seconds) by the folder below tests/, the slowest first."""
    total: Counter[str] = Counter()
    for nodeid, seconds in durations:
        path = PurePosixPath(nodeid.partition("::")[0])
        total[path.parts[1] if len(path.parts) > 2 else path.parts[0]] += seconds
    return total.most_common()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    durations = [
        (report.nodeid, report.duration)
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport)
    ]
    if durations:
        terminalreporter.section("seconds per folder, over all workers")
        for folder, seconds in seconds_by_folder(durations):
            terminalreporter.write_line(f"{seconds:8.1f} s  {folder}")
