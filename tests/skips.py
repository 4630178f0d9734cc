"""Where every program is promised (CI=true), a test that is skipped has failed.

Only what no installation can bring may be missing there: real data, instructions of the processor, and what the
database that is tested cannot do.
"""

import os
from collections.abc import Iterator

import pytest

NO_DATA = "no real data"
NO_SUCH_PROCESSOR = "this processor"
NO_SUCH_DATABASE = "this database"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    report = yield
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if not reason.startswith((NO_DATA, NO_SUCH_PROCESSOR, NO_SUCH_DATABASE)):
            report.outcome = "failed"
            report.longrepr = f"This test may not be skipped here: {reason}"
    return report
