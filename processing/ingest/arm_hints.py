"""Which arm and subject the names of files and folders tell, beside what the headers say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import PurePosixPath

from pydicom import Dataset

from processing.caution import Caution
from processing.deidentify.engine import pseudonym
from processing.ingest.accept import SortedSeries
from processing.ingest.file_names import NameReading, arm_of, arms_named, masked, read_names

BY_TIME = "scan time"
MAY_BE_ONE = "The file names of this folder differ as those of several subjects do, or as those of one: say which."


def described_arm(header: Dataset, arms: tuple[str, ...]) -> str | None:
    """The arm that SeriesDescription names, else ProtocolName."""
    return _arm_in(str(header.get("SeriesDescription") or ""), arms) or _arm_in(
        str(header.get("ProtocolName") or ""), arms
    )


@lru_cache(maxsize=1024)  # the same for each file of a series
def _arm_in(text: str, arms: tuple[str, ...]) -> str | None:
    found = arms_named(text, arms)
    return found.pop() if len(found) == 1 else None


def with_named_arms(
    series: Sequence[SortedSeries], described: Mapping[str, str | None], *, key: bytes, arms: Sequence[str]
) -> list[SortedSeries]:
    """The series with the arm that their folders or file names tell, and with what speaks against it.

    A name goes before the description, that before timing: a person gave it on purpose. Volume files get the subject
    that `file_names` reads.
    """
    names = {n: masked(one.names[0], key=key, arms=arms) for n, one in enumerate(series)}
    volumes = [n for n, one in enumerate(series) if one.format == "nifti"]
    readings = dict(zip(volumes, read_names([names[n] for n in volumes], arms=arms), strict=True))
    return [
        with_reading(one, names[n], readings[n], key=key, arms=arms)
        if n in readings
        else _of_folder(one, names[n], described.get(one.names[0]), arms)
        for n, one in enumerate(series)
    ]


def _of_folder(one: SortedSeries, name: str, described: str | None, arms: Sequence[str]) -> SortedSeries:
    named, doubt = arm_of(PurePosixPath(name).parts, arms)
    hint, arm = one.arm_hint, named or described
    if arm is None and one.arm_reason == BY_TIME:
        return replace(one, doubt=doubt or "scan times alone tell the arm")
    if arm is None:
        return replace(one, arm_reason="words of the header" if hint else "", doubt=doubt)
    if named and described and not _narrows(named, described):
        doubt = doubt or f"the {_where(name, arms)} says {named}, the description {described}"
    if hint and hint != arm and _narrows(hint, arm) and hint in arms:
        doubt, arm = doubt or f"named {arm}, and made by deep learning", hint
    return replace(one, arm_hint=arm, arm_reason=_where(name, arms) if named else "description", doubt=doubt)


def _narrows(code: str, other: str) -> bool:
    """Whether the first code says all that the other says."""
    return code == other or code.startswith(f"{other}-")


def _where(name: str, arms: Sequence[str]) -> str:
    """What of a path names the arm."""
    return "file name" if arms_named(PurePosixPath(name).name, arms) else "folder name"


def with_reading(
    one: SortedSeries, name: str, reading: NameReading, *, key: bytes, arms: Sequence[str]
) -> SortedSeries:
    """A volume file as its masked name reads."""
    arm = reading.arm or (None if reading.doubt else one.arm_hint)
    doubt, lies = reading.doubt, one.parameters.plane
    if reading.plane and lies and reading.plane != lies:
        doubt = doubt or f"the name says {reading.plane}, its geometry {lies}"
    told = replace(
        one.parameters,
        region=one.parameters.region or reading.region,
        weighting=one.parameters.weighting or reading.weighting,
    )
    return replace(
        one,
        masked_name=name,
        subject_key=pseudonym(key, f"nifti {reading.subject}"),
        arm_hint=arm,
        arm_reason=_where(name, arms) if reading.arm else "",
        doubt=doubt,
        parameters=told,
        cautions=[*one.cautions, *([Caution("several_patients", MAY_BE_ONE)] if reading.several else [])],
    )
