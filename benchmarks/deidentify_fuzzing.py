"""Many random files with planted identifiers through both engines of de-identification.

    python -m benchmarks.deidentify_fuzzing [--files 20000] [--seed 1]

Each file is written byte by byte: attributes of the standard and of makers, right and wrong value representations,
sequences within each other, of defined and undefined length, odd character sets, odd lengths, out of order, cut short.
The engine that works on bytes must leave what pydicom's leaves, byte for byte, refuse what it refuses in the same
words, and nothing planted may survive. Prints how many it took and how many it left to pydicom; exit status 1 at the
first difference.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.processing.planted_headers import plain_file, planted_file
from tests.processing.test_deidentify_differential import difference, is_quick


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.deidentify_fuzzing", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    chance, began, counts = random.Random(asked.seed), time.monotonic(), Counter[str]()
    for number in range(asked.files):
        data = planted_file(chance, number)
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder, "one")
            if found := difference(data, plain_file(number), place):
                print(f"file {number} of seed {asked.seed}: {found}")
                return 1
            taken = len(list((place / "pydicom").rglob("*.dcm"))) == 2
            counts["as bytes" if is_quick(place) else "left to pydicom" if taken else "refused"] += 1
    told = ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items()))
    print(f"{asked.files:,} files in {time.monotonic() - began:.0f} s: {told}; no difference, nothing planted survived")
    return 0


if __name__ == "__main__":
    sys.exit(main())
