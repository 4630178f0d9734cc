"""What file and folder names say of a series, read from names in which every unknown word is a keyed hash.

A masked name keeps whitelisted words (regions, contrasts, planes, arms, the keys of BIDS) and how they are separated;
all else, which may name a patient, becomes six hexadecimal digits that only the study's secret can make. Equal words
stay equal: subjects can be told apart, and read again by another pattern, without their names.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from processing.dicom import hints, vocabulary, weighting
from processing.errors import InputError
from processing.nifti import SUFFIXES

ARMS = ("SOC", "FAST", "FAST-DL", "SOC-DL")
BIDS, NNUNET = "BIDS", "nnU-Net"
PLACEHOLDERS = ("subject", "region", "plane", "weighting", "arm", "skip")
LONGEST_PATTERN = 120
NAMELESS = "no name of a file or folder tells the subject"
OFF_PATTERN = "the file name does not follow the pattern"

_PLANES = {
    **dict.fromkeys(("sag", "sagittal"), "sagittal"),
    **dict.fromkeys(("ax", "axial", "tra", "transversal", "transverse"), "axial"),
    **dict.fromkeys(("cor", "coronal"), "coronal"),
}
_BIDS_KEYS = {"sub", "ses", "acq", "run", "rec", "dir", "echo", "part", "desc", "space", "task", "ce", "mod", "inv"}
# Words of sequences and of exports, which name nobody.
_FILLING = {
    *("tse", "fse", "se", "gre", "ge", "ir", "spin", "field", "gradient", "space", "vista", "cube", "flash", "dixon"),
    *("fs", "fatsat", "spair", "water", "fat", "in", "opp", "2d", "3d", "mr", "mri"),
    *("phase", "ph", "mag", "magnitude", "real", "imag", "imaginary", *(f"e{echo}" for echo in range(1, 10))),
    *("anat", "dicom", "dcm", "nifti", "nii", "images", "imagestr", "imagests", "labelstr", "data", "raw", "rawdata"),
    *("scan", "scans", "series", "image", "volume", "vol", "echo", "spine", "of", "the", "and", "vs", "brain"),
}
_WORD = re.compile(r"([_\-. /]+)")
_CHANNEL = re.compile(r"000\d")
_HASH = re.compile(r"x[0-9a-f]{6}")


@dataclass(frozen=True)
class NameReading:
    """subject: what tells it, "" if nothing does; arm: one of the codes; doubt: half a sentence, "" if there is none;
    pattern: how it was read; several: whether more subjects than one may be meant."""

    subject: str = ""
    arm: str | None = None
    region: str | None = None
    plane: str | None = None
    weighting: str | None = None
    pattern: str = ""
    doubt: str = ""
    several: bool = False


def masked(name: str, *, key: bytes, arms: Iterable[str] = ARMS) -> str:
    """The name without what may identify; see the module."""
    known = _known_words(arms)
    lowered = name.lower()
    suffix = next((suffix for suffix in SUFFIXES if lowered.endswith(suffix)), "")
    stem = lowered[: len(lowered) - len(suffix)]

    def mask(word: str) -> str:
        if not word or word in known or _WORD.fullmatch(word):
            return word
        return "x" + hmac.new(key, b"word\0" + word.encode(), hashlib.sha256).hexdigest()[:6]

    *words, last = _WORD.split(stem)
    return "".join(map(mask, words)) + (last if _CHANNEL.fullmatch(last) else mask(last))


def _known_words(arms: Iterable[str]) -> set[str]:
    of_arms = {word for code in arms for word in (*_words(code), _squeezed(code))}
    spoken = {word for text in vocabulary.WORDS for word in text.split()}
    return {*of_arms, *spoken, *weighting.WORDS, *hints.WORDS, *_PLANES, *_BIDS_KEYS, *_FILLING}


def _words(text: str) -> list[str]:
    return [word for word in _WORD.split(text.lower()) if word and not _WORD.fullmatch(word)]


def _squeezed(text: str) -> str:
    return "".join(_words(text))


def arms_named(part: str, arms: Iterable[str]) -> set[str]:
    """The arms that one level of a path names: the longest code first, whatever separates its words.

    "fast" in the name of a sequence (fast spin echo) is no arm.
    """
    words, codes = _words(part), sorted(arms, key=lambda code: -len(_squeezed(code)))
    taken = {n for n, word in enumerate(words) if f"{word} {''.join(words[n + 1 : n + 2])}" in hints.SEQUENCES}
    found = set()
    for code in codes:
        for start in range(len(words)):
            for end in range(start + 1, len(words) + 1):
                span = set(range(start, end))
                if not span & taken and "".join(words[start:end]) == _squeezed(code):
                    found.add(code)
                    taken |= span
    return found


def arm_of(levels: Sequence[str], arms: Iterable[str]) -> tuple[str | None, str]:
    """The arm that the deepest of these names (outermost first) tells, and half a sentence where they disagree."""
    arms = list(arms)
    told = [found for level in reversed(levels) if (found := arms_named(level, arms))]
    if not told:
        return None, ""
    if len(told[0]) > 1:
        return None, f"the name holds {' and '.join(sorted(told[0]))}"
    (arm,) = told[0]
    others = {code for found in told[1:] if len(found) == 1 for code in found} - {arm}
    if others:
        return arm, f"a folder says {' and '.join(sorted(others))}, the name in it {arm}"
    return arm, ""


def unknown_words(part: str) -> str:
    """What is left of one level of a masked path without whitelisted words."""
    return "-".join(word for word in _words(part) if _HASH.fullmatch(word))


def person_folder(masked_path: str) -> str:
    """The folders above a file, masked, without what names no person: arms, sequences, regions."""
    levels = PurePosixPath(masked_path).parent.parts
    return "/".join(rest for level in levels if (rest := unknown_words(level)))


def read_names(names: Sequence[str], *, pattern: str = "", arms: Iterable[str] = ARMS) -> list[NameReading]:
    """What the masked names of the volume files of one delivery say; a pattern goes before what can be guessed.

    Raises InputError if there is no such pattern.
    """
    arms = list(arms)
    if pattern and pattern not in (BIDS, NNUNET):
        form = compiled(pattern, arms)
        return [_by_pattern(name, form, pattern, arms) for name in names]
    readings = [_as_bids(name, arms) or _as_nnunet(name, arms) or _loose(name, arms) for name in names]
    by_folder: dict[str, list[int]] = defaultdict(list)
    for n, reading in enumerate(readings):
        if reading.pattern == "":
            by_folder[person_folder(names[n])].append(n)
    for folder, members in by_folder.items():
        # Names that differ tell subjects apart; where no two files show the same, they may also be one subject's.
        in_names = {n: _beside(folder, PurePosixPath(names[n]).name) for n in members}
        shown = {(one.arm, one.region, one.plane, one.weighting) for one in (readings[n] for n in members)}
        several = len(set(in_names.values())) > 1 and len(shown) == len(members)
        for n, own in in_names.items():
            how = "{subject}_…" if own else "{subject}/…" if folder else "…"
            subject = "/".join(filter(None, (folder, own)))
            readings[n] = replace(readings[n], subject=subject, pattern=how, several=several)
            if not readings[n].subject:
                readings[n] = replace(readings[n], doubt=readings[n].doubt or NAMELESS)
    return [replace(one, pattern=_spelled(one, name)) for one, name in zip(readings, names, strict=True)]


def _beside(folder: str, stem: str) -> str:
    """The unknown words of a file name that its folders do not hold."""
    known = set(re.split("[-/]", folder))
    return "-".join(word for word in unknown_words(stem).split("-") if word not in known)


def _meaning(text: str) -> NameReading:
    words = _words(text)
    planes = {_PLANES[word] for word in words if word in _PLANES}
    return NameReading(
        region=vocabulary.region(vocabulary.tokens(text)),
        plane=next(iter(planes)) if len(planes) == 1 else None,
        weighting=weighting.from_tokens(words),
    )


def _loose(name: str, arms: list[str]) -> NameReading:
    path = PurePosixPath(name)
    arm, doubt = arm_of(path.parts, arms)
    return replace(_meaning(f"{path.parent.name} {path.name}"), arm=arm, doubt=doubt)


def _as_bids(name: str, arms: list[str]) -> NameReading | None:
    """sub-01_ses-1_acq-fast_T2w: the subject by its key; the session is none of it."""
    stem = PurePosixPath(name).name
    found = re.match(r"sub-([^_]+)_", stem)
    if found is None:
        return None
    arm, doubt = arm_of([stem], arms)
    above = re.split(r"(?:^|/)sub-", name)[0]  # the data set
    return replace(_meaning(stem), subject=_below(above, f"sub-{found[1]}"), arm=arm, doubt=doubt, pattern=BIDS)


def _as_nnunet(name: str, arms: list[str]) -> NameReading | None:
    """case_0001_0000: the last four digits are a channel, of which only a person knows the arm."""
    stem = PurePosixPath(name).name
    found = re.fullmatch(r"(.+)_(000\d)", stem)
    if found is None:
        return None
    arm, doubt = arm_of([stem], arms)
    doubt = doubt or f"channel {found[2]}"
    subject = _below(str(PurePosixPath(name).parent), found[1])
    return replace(_meaning(found[1]), subject=subject, arm=arm, doubt=doubt, pattern=NNUNET)


def compiled(pattern: str, arms: Iterable[str]) -> re.Pattern[str]:
    """A pattern such as ``{subject}_{region}_{weighting}_{arm}``, matched with the last levels of a path; ``{skip}`` is
    one word, or a whole folder.

    Raises InputError if it holds anything but placeholders and separators, or no subject.
    """
    said = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    pieces = re.split(r"\{(\w+)\}", pattern.strip())
    names, between = pieces[1::2], pieces[::2]
    placeable = [name for name in names if name != "skip"]
    if len(pattern) > LONGEST_PATTERN or set(names) - {*PLACEHOLDERS} or len(set(placeable)) < len(placeable):
        raise InputError(f"A pattern is made of {said}, each once but the last.")
    if "subject" not in names or any(not re.fullmatch(r"[_\-. /]*", text) for text in between):
        raise InputError(f"A pattern needs {{subject}}, and nothing but _ - . / and spaces between {said}.")
    if any(not text for text in between[1:-1]):
        raise InputError("Two placeholders need a separator between them: _ - . / or a space.")
    codes = sorted(arms, key=lambda code: -len(_squeezed(code)))
    arm = "|".join(r"[_\-. ]?".join(map(re.escape, _words(code))) for code in codes)
    word = r"[^/_\-. ]+"
    known = rf"(?!x[0-9a-f]{{6}}){word}"  # a whitelisted one
    parts = {name: rf"(?P<{name}>{known}(?:[_\-. ]{known})?)" for name in PLACEHOLDERS}
    parts |= {"subject": "(?P<subject>[^/]+)", "skip": word, "arm": f"(?P<arm>{arm})", "": ""}
    form = "".join(re.escape(text) + parts[name] for text, name in zip(between, [*names, ""], strict=True))
    form = re.sub(rf"(^|/){re.escape(word)}(?=/)", r"\1[^/]+", form)  # a whole folder
    return re.compile(f"(?P<above>.*/)?{form}")


def _below(folders: str, subject: str) -> str:
    """A subject together with what the folders above it are called: names are used twice."""
    return "/".join(filter(None, (person_folder(f"{folders}/-"), subject)))


def _by_pattern(name: str, form: re.Pattern[str], pattern: str, arms: list[str]) -> NameReading:
    found = form.fullmatch(name)
    if found is None:
        return replace(_loose(name, arms), pattern=pattern, doubt=OFF_PATTERN)
    said = found.groupdict()
    spoken = _meaning(" ".join(filter(None, (said.get(part) for part in ("region", "plane", "weighting")))))
    guessed = _loose(name, arms)
    arm = next((code for code in arms if _squeezed(code) == _squeezed(said.get("arm") or "")), None)
    return NameReading(
        subject=_below(said["above"] or "", said["subject"]),
        arm=arm or guessed.arm,
        region=spoken.region or guessed.region,
        plane=spoken.plane or guessed.plane,
        weighting=spoken.weighting or guessed.weighting,
        pattern=pattern,
    )


def _spelled(reading: NameReading, name: str) -> str:
    """How a name was read without a pattern, as one that could be written."""
    if reading.pattern in (BIDS, NNUNET):
        return reading.pattern
    *folders, stem = PurePosixPath(name).parts
    in_folder = reading.pattern == "{subject}/…"
    start = next((n for n in reversed(range(len(folders))) if unknown_words(folders[n])), 0) if in_folder else None
    levels = [] if start is None else ["{subject}", *(_level(one, reading.arm) for one in folders[start + 1 :])]
    return "/".join([*levels, _level(stem, reading.arm, subject=reading.pattern == "{subject}_…")])


def _level(part: str, arm: str | None, *, subject: bool = False) -> str:
    words = _words(part)
    told, n = [], 0
    while n < len(words):
        ends = range(len(words), n, -1)
        end = next((end for end in ends if "".join(words[n:end]) == _squeezed(arm or "")), 0)
        told.append("{arm}" if end else _placeholder(words[n], subject))
        n = end or n + 1
    return "_".join(one for n, one in enumerate(told) if one == "{skip}" or one not in told[:n])


def _placeholder(word: str, subject: bool) -> str:
    if _HASH.fullmatch(word) and subject:
        return "{subject}"
    if word in _PLANES:
        return "{plane}"
    if weighting.from_tokens([word]):
        return "{weighting}"
    return "{region}" if vocabulary.region([word]) else "{skip}"
