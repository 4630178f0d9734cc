"""What the site is built of: the list names it all with licences, and the audit never takes silence for good news."""

import importlib
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from tests.setup.test_declared import declared, pins

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "requirements")
    return importlib.import_module(request.param)


@pytest.mark.parametrize("script", ["sbom"], indirect=True)
def test_the_list_names_every_package_of_production_with_its_licence_and_none_of_development(script) -> None:
    entries = script.bill()["components"]
    assert [one["name"] for one in entries if not one["licenses"]] == []
    of = {kind: {one["name"] for one in entries if one["purl"].startswith(f"pkg:{kind}/")} for kind in ("pypi", "npm")}
    assert declared("production.txt") <= of["pypi"] <= pins().keys()
    assert not {"pytest", "mypy", "ruff", "uv", "pip"} & of["pypi"]
    assert {"kombu", "llvmlite"} <= of["pypi"]  # what others need
    assert {"@cornerstonejs/core", "gl-matrix"} <= of["npm"]
    assert not {"vitest", "eslint"} & of["npm"]
    versions = {one["name"]: one["version"].partition("+")[0] for one in entries if one["purl"].startswith("pkg:pypi/")}
    assert versions.items() <= pins().items()


@pytest.mark.parametrize("script", ["audit"], indirect=True)
def test_what_could_not_be_asked_about_is_not_called_sound(script) -> None:
    skipped = {"name": "idna", "skip_reason": "Dependency not found on PyPI"}
    flawed = {"name": "jinja2", "version": "3.1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1.2"]}]}
    for printed in ("", json.dumps({"dependencies": [skipped]})):
        assert (
            script.python_answer(printed).sentence() == "Python: the register of weaknesses cannot be asked from here."
        )
    answer = script.python_answer(json.dumps({"dependencies": [skipped, flawed, {**flawed, "vulns": []}]}))
    assert answer.sentence() == "Python: 1 known weaknesses in 2 packages; 1 could not be asked about."
    assert answer.found == ["jinja2 3.1.0: PYSEC-1"]
    assert "cannot be asked" in script.javascript_answer('{"message": "405 Method Not Allowed"}').sentence()
    some = {"vulnerabilities": {"x": {"severity": "high"}}, "metadata": {"dependencies": {"prod": 126}}}
    assert script.javascript_answer(json.dumps(some)).found == ["x: high"]


@pytest.mark.parametrize("script", ["audit"], indirect=True)
def test_a_known_weakness_ends_the_audit_with_1(script, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(script, "ask_for_python", lambda: "")
    printed = {"vulnerabilities": {}, "metadata": {"dependencies": {"prod": 126}}}
    monkeypatch.setattr(script, "ask_for_javascript", lambda: json.dumps(printed))
    assert script.main() == 0
    printed["vulnerabilities"] = {"x": {"severity": "low"}}
    assert script.main() == 1
    assert re.search(r"1 known weaknesses in 126 packages\.\n  x: low", capsys.readouterr().out)
