"""What a series that came in probably is: subject, site, region, plane, weighting and arm, for a person to confirm."""

import re
from collections.abc import Mapping

from readerstudy.intake.models import Candidate
from readerstudy.material.models import LONGEST_WEIGHTING, Plane
from readerstudy.protocol.models import Arm, ReaderStudy, Region, Site

# What tells a part of a series from the others, as it stands behind the weighting.
PARTS = {"water": "water", "fat": "fat", "in phase": "in", "opposed phase": "opp", "fat fraction": "ff"}


class Subjects:
    """The subjects that a study knows, by what is placed, what came in, and what was proposed since: their codes and
    sites."""

    def __init__(self, study: ReaderStudy) -> None:
        self._codes: dict[str, str] = {}
        self._placed: dict[str, Site] = {}
        self._named: dict[str, Site] = {}
        self._proposed: set[str] = set()
        self._sites = {site.code: site for site in study.sites.all()}
        for subject in study.subjects.select_related("site"):
            self._codes.setdefault(subject.key, subject.code)
            self._placed[subject.code] = subject.site
        came = study.candidates.exclude(subject_code="").values_list("subject_key", "subject_code", "state", "site")
        by_number = {site.pk: site for site in self._sites.values()}
        self._came = set()
        for key, code, state, site in came:
            self._codes.setdefault(key, code)
            self._came.add(code)
            if site and state == Candidate.State.PROPOSED:
                self._named.setdefault(code, by_number[site])
        self._taken = {*self._placed, *self._came}

    def code(self, key: str) -> str:
        """The code of the patient with this key: the one that is known, else the first free one."""
        if key not in self._codes:
            free = (f"S{n:02d}" for n in range(1, len(self._taken) + 2))
            self.learn(key, next(code for code in free if code not in self._taken))
        return self._codes[key]

    def learn(self, key: str, code: str) -> None:
        """Somebody says that this is the code of the patient with this key."""
        self._codes.setdefault(key, code)
        self._taken.add(code)

    def site(self, code: str, named: str) -> Site | None:
        """The site of a subject: where it is placed it stays, else as named, else as another of its series says."""
        if code in self._placed:
            return self._placed[code]
        site = self._sites.get(named) if named else self._named.get(code)
        if site:
            self._named.setdefault(code, site)
        return site

    def came_before(self, key: str, code: str) -> bool:
        """Whether series under this code came in before the first one of this key; asked once for each series."""
        first = key not in self._proposed
        self._proposed.add(key)
        return first and code in self._came


def propose(*, sorted_series, subjects: Subjects, arms: Mapping[str, Arm], conflict: str = "") -> dict:
    """Fields of a Candidate that say where the series belongs. arms: of the study, by code.

    What a manifest says goes before what headers, names and earlier uploads let guess.
    """
    from_manifest, parameters, key = sorted_series.placing, sorted_series.parameters, sorted_series.subject_key
    if named := from_manifest.get("subject"):
        subjects.learn(key, named)
    code = named or subjects.code(key)
    came_before = subjects.came_before(key, code)
    arm_code = from_manifest.get("arm") or sorted_series.arm_hint
    region, plane = from_manifest.get("region"), from_manifest.get("plane")
    region = region if region in Region.values else parameters.region
    doubt = sorted_series.doubt
    if sorted_series.format == "nifti" and came_before:
        doubt = doubt or f"{code} is known from an earlier upload, by the names of files alone"
    return {
        "subject_code": code,
        "site": subjects.site(code, from_manifest.get("site", "")),
        "arm": arms.get(arm_code or ""),
        "region": region if region in Region.values else "",
        "plane": plane if plane in Plane.values else parameters.plane or "",
        "weighting": from_manifest.get("weighting") or with_part(parameters.weighting or "", sorted_series.part),
        "doubt": "" if {"subject", "arm"} <= from_manifest.keys() else doubt,
        "conflict": conflict,
        "why": _why(sorted_series),
    }


def part_word(part: str) -> str | None:
    """A part of a series in a word for its weighting (water, b800, TE5); None if there is none."""
    if not part or part in PARTS:
        return PARTS.get(part, "")
    b_value = re.fullmatch(r"b = (\d+)(\.\d+)? s/mm²", part)
    echo = re.fullmatch(r"echo time ([\d.]+) ms", part)
    return f"b{b_value[1]}" if b_value else f"TE{float(echo[1]):.0f}" if echo else None


def with_part(weighting: str, part: str) -> str:
    """The weighting of one volume of a series that holds several: T2 water, DWI b800. Like is paired with like.

    Echoes of a spin echo differ in weighting themselves, and a little in echo time from arm to arm.
    """
    word = part_word(part) or ""
    if not weighting or (word.startswith("TE") and weighting != "T2*"):
        return weighting
    return f"{weighting} {word}".strip()[:LONGEST_WEIGHTING]


def _why(sorted_series) -> str:
    """What the proposal rests on."""
    parameters, from_manifest = sorted_series.parameters, sorted_series.placing
    why = ["from manifest.csv"] if from_manifest else []
    if sorted_series.arm_hint and "arm" not in from_manifest and sorted_series.arm_reason:
        why.append(f"arm by {sorted_series.arm_reason}")
    if parameters.averages:
        why.append(f"{parameters.averages:g} average{'' if parameters.averages == 1 else 's'}")
    if parameters.acquisition_seconds:
        source = parameters.acquisition_source or "attribute"
        why.append(f"{parameters.acquisition_seconds:.0f} s{'' if source == 'attribute' else f' ({source})'}")
    return ", ".join(why)
