"""The commands of `python -m analysis` that give the results of a study again from the files that leave it."""

import shlex
from dataclasses import dataclass

from readerstudy.images.in_volumes import reference_and_pairs
from readerstudy.images.stability_criteria import criteria_of
from readerstudy.protocol.models import ReaderStudy

WIDTH = 96  # characters of a line
SIGNATURE = "results-signature-"
OF_READINGS = ("findings", "integrity", "series", "guesses", "display_checks")


@dataclass(frozen=True)
class Command:
    """Arguments of `python -m analysis`, as the shell wants them, and the file of results that they give."""

    arguments: tuple[str, ...]
    result: str


def commands(study: ReaderStudy, results: dict[str, dict]) -> list[Command]:
    """One command for each of the results, by the name of its file without `.json`."""
    makers = {
        "results-reading": _reading,
        "results-images": lambda slug, made: ("integrity", f"{slug}-metrics.csv"),
        "results-stability": _stability,
        "results-scan-times": _scan_times,
    }
    found = []
    for name, made in results.items():
        if name == "results-volumes":
            arguments = _volumes(study, made)
        elif name.startswith(SIGNATURE):
            arguments = _signature(study, name.removeprefix(SIGNATURE), made)
        else:
            arguments = makers[name](study.slug, made)
        found.append(Command(tuple(map(shlex.quote, arguments)), f"{name}.json"))
    return found


def as_text(command: Command, *, program: str, before: str = "") -> str:
    """The command on lines that fit; before: what the file of its results is called before its name."""
    words = [program, *command.arguments, f"--json {before}{command.result}"]
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) > WIDTH:
            lines[-1] += " \\"
            lines.append("    ")
        lines[-1] += word if not lines[-1].strip() else f" {word}"
    return "\n".join(lines)


def _reading(slug: str, made: dict) -> tuple[str, ...]:
    files = [part for name in OF_READINGS for part in (f"--{name.replace('_', '-')}", f"{slug}-{name}.csv")]
    return ("reading", f"{slug}-ratings.csv", "--protocol", f"{slug}-protocol.json", *files, "--mixed")


def _stability(slug: str, made: dict) -> tuple[str, ...]:
    pairs = list(dict.fromkeys(f"{row['fast']}={row['dl']}" for row in made["restores"]))
    restores = ("--restores", *pairs) if pairs else ()
    return (
        *("stability", f"{slug}-features.csv", "--reference", made["reference"]),
        *restores,
        *_criterion(made["criteria"]),
    )


def _criterion(criteria: dict[str, float]) -> tuple[str, ...]:
    return ("--criterion", *(f"{name}:{value!r}" for name, value in criteria.items()))


def _scan_times(slug: str, made: dict) -> tuple[str, ...]:
    return ("scan-times", f"{slug}-series.csv", "--reference", made["reference"])


def _volumes(study: ReaderStudy, made: dict) -> tuple[str, ...]:
    tested = [f"{source}={other}" for source, other in reference_and_pairs(study)[1]]
    pairs = ("--pairs", *tested) if tested else ()
    return ("voi", f"{study.slug}-voi.csv", "--reference", made["reference"], *pairs)


def _signature(study: ReaderStudy, model: str, made: dict) -> tuple[str, ...]:
    files = (f"{study.slug}-features.csv", f"signatures/{model}.yaml")
    return ("signature", *files, "--reference", made["reference"], *_criterion(criteria_of(study)))
