"""How fast a folder of many files goes up from a browser, against sealing the same files from the disk.

    python -m benchmarks.upload_speed [--files 10000] [--kilobytes 100]

Chromium sends the folder to a running site: reading and hashing, asking what is missing, sending, sealing. The limit in
the same run is the quarantine alone: the same files read from the disk and sealed by one process. Prints both rates,
their ratio, and the longest time in which the page drew no frame.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.upload_to_numbers import number, sign_in, site_with_study, until
from tests import chromium

WATCH = """() => {
  window.longest = 0;
  let last = performance.now();
  const tick = (now) => {
    window.longest = Math.max(window.longest, now - last);
    last = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}"""
SEAL = """
import sys, time
from pathlib import Path
from readerstudy.archive.quarantine import QuarantineWriter, erase, folder
began = time.monotonic()
for path in sorted(Path({folder!r}).rglob("*.dcm")):
    writer = QuarantineWriter(folder("benchmark"), "00" * 16)
    writer.begin(path.name)
    writer.write(path.read_bytes())
    writer.close()
print(time.monotonic() - began)
erase("benchmark")
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--kilobytes", type=int, default=100)
    options = parser.parse_args()
    path = chromium.find()
    if path is None:
        sys.exit("There is no Chromium: apt-get install chromium")
    megabytes = options.files * options.kilobytes / 1000
    with tempfile.TemporaryDirectory() as place, chromium.launched(path) as browser:
        folder, block = Path(place, "in"), os.urandom(1000 * options.kilobytes - 4)
        for count in range(options.files):
            series = folder / str(count // 200)
            series.mkdir(parents=True, exist_ok=True)
            (series / f"{count}.dcm").write_bytes(count.to_bytes(4) + block)
        with site_with_study(Path(place, "site")) as (site, material):
            page = sign_in(browser, site)
            page.goto(material)
            page.locator("[data-folder] input").set_input_files(folder)
            page.evaluate(WATCH)
            began, longest = time.monotonic(), 0.0
            page.get_by_role("button", name="Send").click()
            while not number(site, "select count(*) from intake_upload where state != 'receiving'"):
                longest = page.evaluate("() => window.longest || 0") or longest
                time.sleep(0.5)
            browser_seconds = time.monotonic() - began
            until(site, "select count(*) from intake_upload where state = 'sorted'", 600)
            disk_seconds = float(site.python(SEAL.format(folder=str(folder))))
    print(f"{options.files:,} files, {megabytes:,.0f} MB")
    print(f"browser to sealed: {browser_seconds:.1f} s, {megabytes / browser_seconds:.0f} MB/s")
    print(f"disk to sealed:    {disk_seconds:.1f} s, {megabytes / disk_seconds:.0f} MB/s")
    print(f"ratio {browser_seconds / disk_seconds:.1f}; longest time without a frame {longest:.0f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
