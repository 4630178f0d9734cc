"""What is imported is declared, what is declared is pinned, and nothing is under the GPL."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"
OURS = {"readerstudy", "processing", "analysis", "tests", "benchmarks", "requirements"}
# Compared with where somebody has it: one is not for commercial use, one large and for a single benchmark.
NOT_INSTALLED = {"bm3d", "imagecodecs"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(file: str) -> set[str]:
    """Names in a file of requirements and in those that it includes."""
    names: set[str] = set()
    for line in (REQUIREMENTS / file).read_text().splitlines():
        if line.startswith("-r "):
            names |= declared(line.removeprefix("-r "))
        elif line and not line.startswith("#"):
            names.add(normal(re.match(r"[\w.-]+", line)[0]))
    return names


def pins(file: str = "constraints.txt", after: str = "") -> dict[str, str]:
    """Package → version; after: what has to follow it."""
    lines = re.findall(rf"^([\w.-]+)==(\S+){after}", (REQUIREMENTS / file).read_text(), re.MULTILINE)
    return {normal(name): version for name, version in lines}


def imported(*places: str) -> Iterator[tuple[str, Path]]:
    """Every module that the Python files there import, at the top or within, and one file that does."""
    for place in places:
        folder = ROOT / place
        for file in folder.rglob("*.py") if folder.is_dir() else [folder]:
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Import):
                    yield from ((alias.name, file) for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    yield node.module, file


@pytest.mark.parametrize(
    ("file", "places"),
    [
        ("production.txt", ("manage.py", "readerstudy", "processing", "analysis")),
        ("development.txt", ("tests", "benchmarks")),
    ],
)
def test_every_imported_package_is_declared(file: str, places: tuple[str, ...]) -> None:
    names = declared(file).union(*map(declared, ("onnx.txt", "s3.txt", "dicom.txt")))
    packages = packages_distributions()
    lacking = {}
    for module, where in imported(*places):
        top = module.partition(".")[0]
        if top in sys.stdlib_module_names or top in OURS | NOT_INSTALLED:
            continue
        # A namespace such as `google` belongs to several packages: one of them must be declared.
        if not {normal(name) for name in packages.get(top, [top])} & names:
            lacking[top] = str(where.relative_to(ROOT))
    assert lacking == {}


def test_every_declared_package_has_one_exact_version() -> None:
    assert declared("development.txt") | declared("documents.txt") <= pins().keys()


def test_every_pinned_package_but_torch_has_its_hash() -> None:
    hashed = pins("hashes.txt", after=r" \\\n    --hash=sha256:[0-9a-f]{64}\b")
    assert hashed == {name: version for name, version in pins().items() if name != "torch"}


OF_CHOICE = {"pyphen": "MPL 1.1"}  # under the GPL or, as one likes, under this


def test_no_package_is_under_the_gpl() -> None:
    """The LGPL asks for less; NOTICE names who is under it."""
    for name in pins():
        try:
            about = distribution(name).metadata
        except PackageNotFoundError:  # for another system, or for the set-up alone
            continue
        said = [about.get("License-Expression") or "", about.get("License") or "", *about.get_all("Classifier", [])]
        short = " ".join(text for text in said if len(text) < 100)  # some give the whole text
        if name in OF_CHOICE:
            assert OF_CHOICE[name] in short
            continue
        assert not re.search(r"(?<!L)GPL", short.replace("LGPLv", "LGPL")), name
