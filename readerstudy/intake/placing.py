"""What a series that came in probably is: subject, site, region, plane, weighting and arm, for a person to confirm."""

import re

from readerstudy.intake.models import Candidate
from readerstudy.material.models import LONGEST_WEIGHTING, Plane, Subject
from readerstudy.protocol.models import Arm, ReaderStudy, Region, Site

# What tells a part of a series from the others, as it stands behind the weighting.
PARTS = {"water": "water", "fat": "fat", "in phase": "in", "opposed phase": "opp", "fat fraction": "ff"}


def propose(*, study: ReaderStudy, sorted_series, codes: dict[str, str], conflict: str = "") -> dict:
    """Fields of a Candidate that say where the series belongs. `codes` remembers new subjects within one upload.

    What a manifest says goes before what headers, names and earlier uploads let guess.
    """
    from_manifest, parameters = sorted_series.placing, sorted_series.parameters
    here = sorted_series.subject_key in codes
    code = from_manifest.get("subject") or subject_code(study, sorted_series.subject_key, codes)
    codes[sorted_series.subject_key] = code
    arm_code = from_manifest.get("arm") or sorted_series.arm_hint
    region, plane = from_manifest.get("region"), from_manifest.get("plane")
    region = region if region in Region.values else parameters.region
    doubt = sorted_series.doubt
    if sorted_series.format == "nifti" and not here and study.candidates.filter(subject_code=code).exists():
        doubt = doubt or f"{code} is known from an earlier upload, by the names of files alone"
    return {
        "subject_code": code,
        "site": _site(study, code, from_manifest.get("site", "")),
        "arm": Arm.objects.filter(study=study, code=arm_code).first() if arm_code else None,
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


def _site(study: ReaderStudy, code: str, named: str) -> Site | None:
    """The site of a subject: where it is known it stays, else as named; a study with one site needs none said."""
    known = Subject.objects.filter(study=study, code=code).select_related("site").first()
    if known:
        return known.site
    if named:
        return study.sites.filter(code=named).first()
    waiting = study.candidates.filter(subject_code=code, state=Candidate.State.PROPOSED).exclude(site=None)
    first = waiting.select_related("site").first()
    return first.site if first else None


def subject_code(study: ReaderStudy, key: str, codes: dict[str, str]) -> str:
    """The code of the patient with this key: as it is known, waits or stands in `codes`; else the first free one."""
    known = Subject.objects.filter(study=study, key=key).values_list("code", flat=True).first()
    waiting = study.candidates.filter(subject_key=key).values_list("subject_code", flat=True).first()
    if code := known or waiting or codes.get(key):
        return code
    taken = {*study.subjects.values_list("code", flat=True), *codes.values()}
    taken |= set(study.candidates.values_list("subject_code", flat=True))
    return next(f"S{n:02d}" for n in range(1, len(taken) + 2) if f"S{n:02d}" not in taken)
