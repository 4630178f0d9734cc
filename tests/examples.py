"""The examples in docs/examples: `make examples` writes them anew, the test compares them with what is made now.

They are charter and report of `tests.simulated_study`, and those of the study that `make run` has read: its tables and
protocol lie beside them. `python -m tests.examples all.zip` takes these anew from the zip of its results.
"""

import json
import re
import sys
import tempfile
import zipfile
from pathlib import Path

from analysis import protocol
from analysis.__main__ import main as analysis
from analysis.sample_size import Design, plan
from tests import simulated_study
from tests.site_process import ROOT

FOLDER = ROOT / "docs" / "examples"
DEMONSTRATION = FOLDER / "demonstration"
TAKEN = (  # of the zip
    *("charter.json", "protocol.json", "ratings.csv", "findings.csv", "integrity.csv", "series.csv", "guesses.csv"),
    *("display_checks.csv", "metrics.csv"),
)
READ_BESIDE = ("integrity", "findings", "guesses", "series")  # the tables that a report takes beside ratings
VERSIONS = re.compile(r'<table class="table" id="versions">.*?</table>', re.DOTALL)


def simulated(out: Path) -> None:
    """Charter and report of the simulated study."""
    made, declared = simulated_study.tables(), simulated_study.protocol_json()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, table in made.items():
            table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        _write_json(folder / "protocol.json", declared)
        _write_json(folder / "charter.json", _charter(declared))
        features = [str(folder / "features.csv"), "--reference", "SOC", "--restores", "FAST=FAST-DL"]
        _run("stability", *features, "--json", str(folder / "stability.json"))
        _run("charter", str(folder / "charter.json"), "--html", str(out / "charter.html"))
        report = [str(folder / "ratings.csv"), f"--protocol={folder / 'protocol.json'}"]
        report += [f"--{name}={folder / f'{name}.csv'}" for name in READ_BESIDE]
        report += [f"--stability={folder / 'stability.json'}"]
        _run("report", *report, "--html", str(out / "report.html"))


def demonstration(out: Path) -> None:
    """Charter and report of the demonstration, from the tables beside them."""
    _run("charter", str(DEMONSTRATION / "charter.json"), "--html", str(out / "charter.html"))
    tables = [name for name in TAKEN if name.endswith(".csv") and name != "ratings.csv"]
    beside = [f"--{name.removesuffix('.csv').replace('_', '-')}={DEMONSTRATION / name}" for name in tables]
    report = [str(DEMONSTRATION / "ratings.csv"), f"--protocol={DEMONSTRATION / 'protocol.json'}", *beside]
    _run("report", *report, "--html", str(out / "report.html"))


def take(zipped: Path) -> None:
    """The tables of the demonstration from the zip of its results, which may be called anything."""
    DEMONSTRATION.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(zipped) as archive:
        slug = archive.namelist()[0].partition("/")[0]
        for name in TAKEN:
            (DEMONSTRATION / name).write_bytes(archive.read(f"{slug}/{slug}-{name}"))


def _charter(declared: dict) -> dict:
    """What a charter has beside the protocol, in a version of its own."""
    design = Design(61, 111, 3, (0.03, 0.12, 0.55, 0.22, 0.08), 0.2, 0.4)
    found = {
        "protocol": declared,
        "words": {
            "objective": "To show what a charter and a report look like for a study of the size of Bash et al.",
            "population": "Nobody: subjects, images and answers are simulated.",
            "readers": "Three simulated readers.",
        },
        "material": {
            "subjects": simulated_study.SUBJECTS,
            "cases": simulated_study.CASES,
            "training_cases": 0,
            "sites": [{"id": "A", "name": "Simulated", "subjects": simulated_study.SUBJECTS}],
        },
        "simulated": "The images are synthetic.",
        "plan": plan(design, studies=200, seed=simulated_study.SEED),
    }
    return {**found, "version": {"number": 1, "state": "opened", "sha256": protocol.sha256(found)}}


def _run(command: str, *options: str) -> None:
    if status := analysis([command, *options]):
        raise SystemExit(status)


def _write_json(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def text(page: str) -> list[str]:
    """What a page says, word by word: without its style, its figures' shapes and the versions that computed it."""
    page = re.sub(r"<style>.*?</style>", "", VERSIONS.sub("", page), flags=re.DOTALL)
    return re.sub(r"<[^>]+>", " ", page).split()


def main() -> None:
    """Write every example anew."""
    for zipped in sys.argv[1:]:
        take(Path(zipped))
    (FOLDER / "simulated").mkdir(parents=True, exist_ok=True)
    simulated(FOLDER / "simulated")
    demonstration(DEMONSTRATION)
    for path in sorted(FOLDER.rglob("*.html")):
        print(path, f"{path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
