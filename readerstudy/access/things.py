"""What the arguments of an address stand for, in the study's own words: R1-0012, S01-lumbar-sagittal-T2 in FAST."""

from collections.abc import Callable

from readerstudy.intake.models import Candidate
from readerstudy.material.models import Alignment, Case, Series, VolumeOfInterest
from readerstudy.protocol.models import Arm
from readerstudy.reading.models import Presentation


def _pair(study: int, token: str) -> str:
    found = Presentation.objects.filter(study=study, token=token).values_list("reader__code", "position").first()
    return f"{found[0]}-{found[1]:04d}" if found else ""


def _case(study: int, number: str) -> str:
    return Case.objects.filter(study=study, pk=number).values_list("code", flat=True).first() or ""


def _series(study: int, number: str) -> str:
    found = Series.objects.filter(study=study, pk=number).values_list("case__code", "arm__code").first()
    return f"{found[0]} in {found[1]}" if found else ""


def _arm(study: int, number: str) -> str:
    return Arm.objects.filter(study=study, pk=number).values_list("code", flat=True).first() or ""


def _volume(study: int, number: str) -> str:
    return VolumeOfInterest.objects.filter(study=study, pk=number).values_list("name", flat=True).first() or ""


def _alignment(study: int, number: str) -> str:
    found = Alignment.objects.filter(study=study, pk=number)
    row = found.values_list("fixed__case__code", "fixed__arm__code", "moving__arm__code").first()
    return f"{row[0]}, {row[1]} and {row[2]}" if row else ""


def _candidate(study: int, number: str) -> str:
    found = Candidate.objects.filter(study=study, pk=number).values_list("sha256", flat=True).first()
    return f"series {found[:4]}" if found else ""  # as the log calls it


NAMED: dict[str, Callable[[int, str], str]] = {
    "token": _pair,
    "case": _case,
    "series": _series,
    "arm": _arm,
    "volume": _volume,
    "alignment": _alignment,
    "candidate": _candidate,
}


def register(argument: str, name: Callable[[int, str], str]) -> None:
    """Have an app above say what an argument of its addresses stands for, by study. For AppConfig.ready()."""
    NAMED[argument] = name


class Things:
    """Names of things, each looked up once."""

    def __init__(self) -> None:
        self.known: dict[tuple[int, str, str], str] = {}

    def named(self, study: int, arguments: tuple[tuple[str, str], ...]) -> str:
        """All arguments of one address; what has no name of its own stands as it is."""
        return " ".join(filter(None, (self._one(study, *argument) for argument in arguments)))

    def _one(self, study: int, argument: str, value: str) -> str:
        key = study, argument, value
        if key not in self.known:
            self.known[key] = NAMED[argument](study, value) if argument in NAMED else value
        return self.known[key]
