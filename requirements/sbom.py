"""Writes what the site is built of, with versions and licences: sbom.cdx.json in the root of the checkout (CycloneDX).

    sbom.py

Python packages: those of production.txt and what these need, as they are installed. JavaScript packages: those of
frontend/package-lock.json that are not for development alone. The same packages give the same file.
"""

import json
import re
import tomllib
from importlib.metadata import Distribution, distribution
from pathlib import Path
from urllib.parse import quote

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "sbom.cdx.json"
WHOLE_TEXT = 100  # characters: what is longer is the text of a licence, not its name


def main() -> None:
    FILE.write_text(json.dumps(bill(), indent=1) + "\n")
    print(f"{FILE.name}: {len(bill()['components'])} packages")


def bill() -> dict:
    """The whole document."""
    about = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    site = component("pypi", about["name"], about["version"], [{"expression": about["license"]}])
    found = [*python_packages(), *javascript_packages()]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": site | {"type": "application", "description": about["description"]}},
        "components": list({one["purl"]: one for one in sorted(found, key=lambda one: one["purl"])}.values()),
    }


def component(kind: str, name: str, version: str, licences: list[dict]) -> dict:
    """One entry."""
    purl = f"pkg:{kind}/{quote(name, safe='/')}@{quote(version, safe='')}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "licenses": licences, "purl": purl}


def python_packages() -> list[dict]:
    lines = (ROOT / "requirements" / "production.txt").read_text().splitlines()
    waiting = [Requirement(line) for line in lines if line and not line.startswith("#")]
    known: dict[str, Distribution] = {}
    while waiting:
        wanted = waiting.pop()
        package = distribution(wanted.name)
        name = re.sub(r"[-_.]+", "-", package.name).lower()
        if name in known and not wanted.extras:
            continue
        known[name] = package
        needs = [Requirement(text) for text in package.requires or ()]
        extras = wanted.extras or {""}
        waiting += [one for one in needs if not one.marker or any(one.marker.evaluate({"extra": e}) for e in extras)]
    return [component("pypi", name, package.version, licences_of(package)) for name, package in known.items()]


def licences_of(package: Distribution) -> list[dict]:
    """As the package says: by an expression, else in words, else by its classifiers."""
    about = package.metadata
    if expression := about.get("License-Expression"):
        return [{"expression": expression}]
    classes = [text.rpartition(" :: ")[2] for text in about.get_all("Classifier", []) if text.startswith("License ::")]
    said = (about.get("License") or "").strip()
    names = [said] if said and len(said) < WHOLE_TEXT and "\n" not in said else classes
    return [{"license": {"name": name}} for name in names]


def javascript_packages() -> list[dict]:
    entries = json.loads((ROOT / "frontend" / "package-lock.json").read_text())["packages"]
    return [
        component("npm", path.rpartition("node_modules/")[2], entry["version"], entry_licences(path, entry))
        for path, entry in entries.items()
        if path and not entry.get("dev")
    ]


def entry_licences(path: str, entry: dict) -> list[dict]:
    """By the lock file, else in the old form by the package itself."""
    if expression := entry.get("license"):
        return [{"expression": expression}]
    said = json.loads((ROOT / "frontend" / path / "package.json").read_text())
    return [{"license": {"name": one["type"]}} for one in said.get("licenses", [])]


if __name__ == "__main__":
    main()
