"""What README and documents point to is there: pages, pictures, headings, files, functions, commands and options."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md"))]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
SUFFIXES = r"(?:py|js|mjs|css|toml|csv|json|sql|yaml|sh|txt|md)"
FILE = re.compile(rf"`([\w.-]+(?:/[\w.-]+)+\.{SUFFIXES})(?::(\w+))?`")
CODE = re.compile(r"```\w*\n(.*?)```|`([^`\n]+)`|^    (\S.*)$", re.DOTALL | re.MULTILINE)
MADE = ("docker/.env", "frontend/node_modules")  # by whoever sets up


def of_page(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(params=PAGES, ids=of_page)
def page(request: pytest.FixtureRequest) -> Path:
    return request.param


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if target.startswith(("https://", "http://127.0.0.1")):
            continue
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        assert file.is_file(), target
        assert not anchor or anchor in anchors(file), target


def test_files_and_functions_that_are_named_exist(page: Path) -> None:
    for name, function in FILE.findall(page.read_text()):
        if name.startswith(MADE):
            continue
        assert (ROOT / name).is_file(), name
        if function:
            found = re.search(
                rf"\b(?:def|class|function) {function}\b|^  {function}\(", (ROOT / name).read_text(), re.M
            )
            assert found, f"{name}:{function}"


def test_every_page_is_in_the_navigation() -> None:
    def files(entry: object) -> Iterator[str]:
        if isinstance(entry, str):
            yield entry
        else:
            for one in entry.values() if isinstance(entry, dict) else entry:
                yield from files(one)

    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    assert sorted(files(nav)) == sorted(page.name for page in DOCS.glob("*.md"))


def commands(page: Path) -> Iterator[str]:
    """What stands as code on a page, line by line, without comments."""
    for block, words, indented in CODE.findall(page.read_text()):
        for line in (block or words or indented).splitlines():
            yield line.partition("  #")[0].strip()


def source_of(line: str) -> tuple[str, Path] | None:
    """The program that a line runs, and the file that takes its options; None if it is none of ours."""
    if found := re.search(r"manage\.py (\w+)", line):
        name = found[1]
        assert name in get_commands(), line
        own = sorted(ROOT.glob(f"readerstudy/*/management/commands/{name}.py"))
        return (name, own[0]) if own else None
    if found := re.search(r"\bpython -m processing ([a-z-]+)", line):
        return found[0], ROOT / "processing" / "command_line" / f"{found[1].replace('-', '_')}.py"
    if found := re.search(r"\bpython -m analysis ([a-z-]+)", line):
        assert f'"{found[1]}"' in (ROOT / "analysis" / "__main__.py").read_text(), line
        return found[0], ROOT / "analysis" / "__main__.py"
    if found := re.search(r"\bpython -m ((?:benchmarks|readerstudy|tests)[\w.]*)", line):
        module = ROOT / found[1].replace(".", "/")
        return found[0], module / "__main__.py" if module.is_dir() else module.with_suffix(".py")
    return None


def test_commands_that_are_shown_exist_with_their_options(page: Path) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for line in commands(page):
        if found := re.match(r"make ([a-z]+)", line):
            assert found[1] in targets, line
        elif program := source_of(line):
            name, file = program
            assert file.is_file(), line
            source = file.read_text()
            for option in re.findall(r"(?<=[\s\[])--[a-z-]+", line.partition(name)[2]):
                assert f'"{option}"' in source, line
