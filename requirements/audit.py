"""Asks the registers of weaknesses for what the site is built of; exit status 1 if one is known.

    audit.py

A register that cannot be asked from here is named: nothing found is said only of what was asked.
"""

import json
import re
import subprocess
import sys
from dataclasses import dataclass, field

from install import CONSTRAINTS, FRONTEND, VENV, find_npm, listed, pin, uv_constraints, where_packages_come_from


@dataclass
class Answer:
    """What a register said. asked: of how many packages it knows; found: a line for each weakness."""

    of: str
    asked: int = 0
    left_out: int = 0
    found: list[str] = field(default_factory=list)

    def sentence(self) -> str:
        if not self.asked:
            return f"{self.of}: the register of weaknesses cannot be asked from here."
        rest = f"; {self.left_out} could not be asked about" if self.left_out else ""
        return f"{self.of}: {len(self.found)} known weaknesses in {self.asked} packages{rest}."


def main() -> int:
    answers = [python_answer(ask_for_python()), javascript_answer(ask_for_javascript())]
    for answer in answers:
        print("\n".join([answer.sentence(), *(f"  {line}" for line in answer.found)]), flush=True)
    return int(any(answer.found for answer in answers))


def ask_for_python() -> str:
    """What pip-audit prints; it runs in an environment of its own."""
    program = ["tool", "run", "--quiet", "--isolated", "--from", f"pip-audit=={pin('pip-audit')}", *uv_constraints()]
    pinned = "".join(re.findall(r"^.+==.+\n", CONSTRAINTS.read_text(), re.MULTILINE))
    with listed(pinned) as file:
        options = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json", "-r", file]
        command = [str(VENV / "bin" / "uv"), *program, "pip-audit", *options]
        environment = where_packages_come_from()
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout


def python_answer(printed: str) -> Answer:
    """It calls a package that it could not ask about skipped, and all well if that is every one."""
    packages = json.loads(printed)["dependencies"] if printed else []
    known = [one for one in packages if "skip_reason" not in one]
    found = [f"{one['name']} {one['version']}: {flaw['id']}" for one in known for flaw in one["vulns"]]
    return Answer("Python", len(known), len(packages) - len(known), found)


def ask_for_javascript() -> str:
    npm, environment = find_npm()
    command = [*npm, "audit", "--json", "--omit=dev"]
    done = subprocess.run(command, cwd=FRONTEND, env=environment, capture_output=True, text=True, check=False)
    return done.stdout


def javascript_answer(printed: str) -> Answer:
    said = json.loads(printed) if printed else {}
    packages = said.get("metadata", {}).get("dependencies", {}).get("prod", 0)
    found = [f"{name}: {one['severity']}" for name, one in said.get("vulnerabilities", {}).items()]
    return Answer("JavaScript", packages, 0, found)


if __name__ == "__main__":
    sys.exit(main())
