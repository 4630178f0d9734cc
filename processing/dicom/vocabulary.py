"""Whitelisted words in descriptions: all that is ever taken from free text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

_REGIONS = {
    "brain": "brain",
    "head": "brain",
    "neuro": "brain",
    "cspine": "cervical",
    "c spine": "cervical",
    "cervical": "cervical",
    "hws": "cervical",
    "tspine": "thoracic",
    "t spine": "thoracic",
    "thoracic": "thoracic",
    "bws": "thoracic",
    "lspine": "lumbar",
    "l spine": "lumbar",
    "lumbar": "lumbar",
    "lws": "lumbar",
    "spine": "spine",
    "neck": "neck",
    "chest": "chest",
    "breast": "breast",
    "heart": "heart",
    "abdomen": "abdomen",
    "liver": "abdomen",
    "pelvis": "pelvis",
    "prostate": "prostate",
    "hip": "hip",
    "knee": "knee",
    "ankle": "ankle",
    "foot": "foot",
    "shoulder": "shoulder",
    "elbow": "elbow",
    "wrist": "wrist",
    "hand": "hand",
}
WORDS = frozenset(_REGIONS)  # all of them, lower case, some of two words
# BodyPartExamined that stands for a region in a de-identified file (DICOM PS3.16 annex L where it has one).
BODY_PARTS = {
    "brain": "BRAIN",
    "cervical": "CSPINE",
    "thoracic": "TSPINE",
    "lumbar": "LSPINE",
    "spine": "SPINE",
    **{
        region: region.upper()
        for region in set(_REGIONS.values()) - {"brain", "cervical", "thoracic", "lumbar", "spine"}
    },
}
# SNOMED RT codes that scanners write into AnatomicRegionSequence (context group 4030 and 4031).
ANATOMY = {
    "T-A0100": "brain",
    "T-D1100": "brain",
    "T-11502": "cervical",
    "T-11503": "thoracic",
    "T-11504": "lumbar",
    "T-11500": "spine",
    "T-D4000": "abdomen",
    "T-D6000": "pelvis",
    "T-15770": "knee",
    "T-D9200": "knee",
    "T-15710": "hip",
    "T-D2220": "shoulder",
    "T-D1600": "neck",
    "T-D3000": "chest",
    "T-04000": "breast",
}


def tokens(*texts: object) -> set[str]:
    """Lower-case words of free texts, also in pairs ("l spine"). For look-up in whitelists only."""
    found: set[str] = set()
    for text in texts:
        words = [word for word in re.split(r"[^a-z0-9]+", str(text or "").lower()) if word]
        found.update(words)
        found.update(" ".join(pair) for pair in pairwise(words))
    return found


def region(words: Iterable[str]) -> str | None:
    """The region that the words name; None if none or several unrelated ones do."""
    named = {_REGIONS[word] for word in words if word in _REGIONS}
    if len(named) > 1:
        named.discard("spine")
    return next(iter(named)) if len(named) == 1 else None
