"""The analysis as a wheel, with the packages that it needs in the versions that run here: what makes the numbers again.

A wheel is a zip with three files of its own (https://packaging.python.org/specifications/binary-distribution-format/).
Nothing is built and nothing is fetched: the package is Python and data.
"""

import base64
import hashlib
import io
import re
import tomllib
import zipfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

from django.conf import settings

import analysis
from analysis import tables
from readerstudy.images.analyses import analysis_version

NAME = "readerstudy_analysis"
# What `analysis` imports for its numbers, and what that imports; PDF alone needs more.
PACKAGES = (
    "et-xmlfile",
    "jinja2",
    "markupsafe",
    "numpy",
    "openpyxl",
    "pandas",
    "python-dateutil",
    "pyyaml",
    "scipy",
    "six",
)
FIRST = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip knows: the same code gives the same bytes


@cache
def wheel() -> tuple[str, bytes]:
    """Its file name and its bytes."""
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    release = f"{project['version']}+{analysis_version()[:12]}"
    about = f"{NAME}-{release}.dist-info"
    needs = "".join(f"Requires-Dist: {name}\n" for name in PACKAGES)
    files = {f"analysis/{name}": content for name, content in _package().items()}
    files |= {f"{about}/licenses/{name}": (settings.BASE_DIR / name).read_bytes() for name in project["license-files"]}
    files[f"{about}/METADATA"] = (
        f"Metadata-Version: 2.4\nName: {NAME}\nVersion: {release}\nSummary: The analysis of reader studies\n"
        f"Requires-Python: >=3.11\nLicense-Expression: {project['license']}\n{needs}"
    ).encode()
    files[f"{about}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: readerstudy\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = [f"{name},sha256={_digest(content)},{len(content)}\n" for name, content in files.items()]
    files[f"{about}/RECORD"] = "".join([*record, f"{about}/RECORD,,\n"]).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, FIRST)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(info, content)
    return f"{NAME}-{release}-py3-none-any.whl", packed.getvalue()


def _package() -> dict[str, bytes]:
    """The files of the package, and within it the schemas of the tables, which lie elsewhere in the repository."""
    room = Path(analysis.__file__).parent
    found = [path for path in sorted(room.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    files = {path.relative_to(room).as_posix(): path.read_bytes() for path in found}
    return files | {f"schemas/{path.name}": path.read_bytes() for path in sorted(tables.SCHEMAS.glob("*.json"))}


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


@cache
def requirements() -> str:
    """requirements.txt: PACKAGES in the versions that run here, with the hashes of their files where those are the
    pinned ones, so that pip takes no other file."""
    here = [f"{name}=={version(name)}" for name in PACKAGES]
    pinned = {block.split(" ", 1)[0]: block for block in _blocks()}
    if all(line in pinned for line in here):
        return "".join(f"{pinned[line]}\n" for line in here)
    return "".join(f"{line}\n" for line in here)


def _blocks() -> list[str]:
    """Each pin of hashes.txt with its hashes."""
    text = (settings.BASE_DIR / "requirements" / "hashes.txt").read_text(encoding="utf-8")
    return re.findall(r"^[a-z0-9][^\n]*(?:\n[ \t]+[^\n]+)*", text, flags=re.MULTILINE)
