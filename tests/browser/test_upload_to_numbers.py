"""From a folder in the browser to every output, in peace and with workers killed: the small form of the proof."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from benchmarks import upload_to_numbers
from processing.phantom.study import make_study

pytestmark = pytest.mark.slow


def test_every_output_is_there_once_and_equal_after_workers_were_killed(browser: Browser, tmp_path: Path):
    scans = tmp_path / "scans"
    make_study(scans, subjects=1, cases=1, seed=5)
    peace = upload_to_numbers.run(browser, scans, tmp_path / "peace", kills=0)
    killed = upload_to_numbers.run(browser, scans, tmp_path / "killed", kills=2)
    assert killed.interrupted, "no job was interrupted"
    assert upload_to_numbers.differences(peace, killed) == []
    counts = {kind: len(rows) for kind, rows in peace.outputs.items()}
    # 4 arms; 4 pairs of arms, 2 of them registered too, 6 metrics on 2 regions; 3 comparisons; 1 alignment.
    assert counts == {"series": 4, "metrics": 9 * 12, "pairs": 3, "alignments": 1}
