"""Whom DICOM series show: where headers, folders and examinations of one PatientID may mean several patients.

What a header says of a person stays in memory while a delivery is sorted.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pydicom import Dataset

from processing.caution import Caution
from processing.deidentify.engine import pseudonym
from processing.dicom.recall import recalled
from processing.ingest.accept import SortedSeries

# What anonymisers, phantoms and empty forms write where a PatientID should stand.
_NOBODY = {
    *("", "anon", "anonym", "anonymous", "anonymized", "anonymised", "anonymousid", "anonymouspatient"),
    *("unknown", "none", "null", "na", "nn", "noname", "noid", "default", "id", "patientid", "patient", "subject"),
    *("test", "testpatient", "phantom", "qa", "qc", "volunteer", "deidentified", "removed", "redacted"),
    *("0", "00", "1", "x", "xx", "12", "123", "1234", "12345", "123456", "1234567", "12345678"),
}
NO_PATIENT = (
    "The PatientID names nobody and {} examinations carry it: subjects were told apart by folder and examination."
)
DISAGREE = "The headers of one PatientID disagree about the {} of the patient."
TWICE = "One PatientID, but the same arm of the same protocol lies in {} folders: several patients, or several visits."
ONE_SERIES = "The files of this series carry {} PatientIDs."


@dataclass(frozen=True)
class Person:
    """What the headers and the place of a file say of its patient. folder: masked, without words that name nobody."""

    patient: str
    study: str
    name: str
    born: str
    sex: str
    folder: str


@recalled
def person(header: Dataset, folder: str) -> Person:
    """What one header says of its patient."""

    def plain(keyword: str) -> str:
        return str(header.get(keyword) or "").strip()

    return Person(
        patient=plain("PatientID"),
        study=plain("StudyInstanceUID"),
        name=_squeezed(plain("PatientName")),
        born=re.sub(r"\D", "", plain("PatientBirthDate")),
        sex=plain("PatientSex").upper(),
        folder=folder,
    )


def names_nobody(patient: str) -> bool:
    """Whether this PatientID is one that many patients have: empty, ANON, TEST, 0000, XXX."""
    short = _squeezed(patient)
    return short in _NOBODY or (len(short) > 2 and len(set(short)) == 1)


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def told_apart(series: Sequence[SortedSeries], of: Mapping[str, Person], *, key: bytes) -> list[SortedSeries]:
    """The series with the key of the subject that each shows, and a caution where several may be meant.

    of: name of a file → what it says; series of which no file is in it, as NIfTI, stay as they are.
    """
    said = [{of[name] for name in one.names if name in of} for one in series]
    cautions: dict[int, list[str]] = defaultdict(list)
    keys: dict[int, str] = {}
    by_patient: dict[str, list[int]] = defaultdict(list)
    for n, persons in enumerate(said):
        patients = {one.patient for one in persons}
        if len(patients) > 1:
            cautions[n].append(ONE_SERIES.format(len(patients)))
        for patient in patients:
            by_patient["" if names_nobody(patient) else patient].append(n)
    for patient, members in by_patient.items():
        shown = {n: next(one for one in said[n] if patient in ("", one.patient)) for n in members}
        if patient:
            problem = _disagreement(shown.values()) or _competition(series, shown)
        else:
            keys |= {n: pseudonym(key, f"study {first}") for n, first in _examinations(shown).items() if first}
            studies = {one.study for one in shown.values()}
            problem = NO_PATIENT.format(len(studies)) if len(studies) > 1 else _competition(series, shown, studies=1)
        for n in members if problem else ():
            cautions[n].append(problem)
    return [
        replace(
            one,
            subject_key=keys.get(n, one.subject_key),
            cautions=[*one.cautions, *(Caution("several_patients", text) for text in cautions[n][:1])],
        )
        for n, one in enumerate(series)
    ]


def _disagreement(persons: Iterable[Person]) -> str:
    persons = list(persons)
    names = {one.name for one in persons if one.name not in _NOBODY}
    born = {one.born for one in persons if one.born}
    sexes = {one.sex for one in persons if one.sex in ("F", "M")}
    found = [word for word, values in (("name", names), ("date of birth", born), ("sex", sexes)) if len(values) > 1]
    return DISAGREE.format(" and the ".join(found)) if found else ""


def _competition(series: Sequence[SortedSeries], persons: Mapping[int, Person], *, studies: int = 2) -> str:
    """Whether series that would take the same place lie in different folders, and in so many examinations at least."""
    places: dict[tuple, set[tuple[str, str]]] = defaultdict(set)
    for n, one in persons.items():
        shows = series[n]
        places[shows.description_hint, shows.arm_hint, shows.part].add((one.folder, one.study))
    for found in places.values():
        folders = {folder for folder, _ in found}
        if len(folders) > 1 and len({study for _, study in found}) >= studies:
            return TWICE.format(len(folders))
    return ""


def _examinations(persons: Mapping[int, Person]) -> dict[int, str]:
    """For each series the first StudyInstanceUID of its subject: what shares an examination or a folder is one."""
    first: dict[str, str] = {one.study: one.study for one in persons.values()}
    by_folder: dict[str, set[str]] = defaultdict(set)
    for one in persons.values():
        if one.folder and one.study:
            by_folder[one.folder].add(one.study)
    for studies in by_folder.values():
        joined = {first[study] for study in studies}
        first = {study: min(joined) if group in joined else group for study, group in first.items()}
    return {n: first[one.study] for n, one in persons.items()}


def settled_by_manifest(series: Sequence[SortedSeries]) -> list[SortedSeries]:
    """The series without the caution on their patient where a manifest gives each subject a code of its own."""
    codes: dict[str, set[str]] = defaultdict(set)
    keys: dict[str, set[str]] = defaultdict(set)
    for one in series:
        codes[one.subject_key].add(one.placing.get("subject", ""))
        keys[one.placing.get("subject", "")].add(one.subject_key)

    def settled(one: SortedSeries) -> bool:
        code = one.placing.get("subject", "")
        return bool(code) and codes[one.subject_key] == {code} and keys[code] == {one.subject_key}

    return [
        replace(one, cautions=[caution for caution in one.cautions if caution.code != "several_patients"])
        if settled(one)
        else one
        for one in series
    ]
