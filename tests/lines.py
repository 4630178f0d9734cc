"""What no formatter checks of templates and stylesheets: `python -m tests.lines`."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 120
BLOCK = r"section|main|header|nav|div|table|caption|thead|tbody|tr|t[hd]|[duo]l|li|d[td]|form|fieldset|figure|p|h[1-3]"
SHARED = re.compile(rf"\S.*<(?:{BLOCK})\b|</(?:{BLOCK})>\s*\S")
STRING_OR_COMMENT = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|/\*.*?\*/", re.DOTALL)
ENDED = re.compile(r"[{};][ \t]*\S")  # by a brace or a declaration, and yet the line goes on


def faults(path: Path) -> Iterator[tuple[int, str]]:
    """Number of a line, and what is wrong with it."""
    text = path.read_text()
    if path.suffix == ".css":
        text = STRING_OR_COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > LONGEST:
            yield number, f"{len(line)} characters, {LONGEST} are allowed"
        if path.suffix == ".html" and SHARED.search(line):
            yield number, "a block element and something else"
        if path.suffix == ".css" and ENDED.search(line):
            yield number, "more than one declaration or rule"


def main() -> int:
    templates = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "analysis" / "report" / "templates").glob("*.html")]
    paths = sorted([*templates, *(ROOT / "static" / "css").rglob("*.css")])
    found = [f"{path.relative_to(ROOT)}:{number}: {fault}" for path in paths for number, fault in faults(path)]
    print("\n".join(found) or f"{len(paths)} files are well")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
