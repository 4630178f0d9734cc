"""Diagnosis and lesion origin of subjects: a code and its meaning each, for the table of the cohort.

A code is SNOMED CT's (6 to 18 digits, the last a check digit), ICD-10's (C71.9) or of the study's own list. Nobody who
reads sees them.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence

from django.db import transaction

from processing.errors import InputError
from readerstudy.accounts.models import User
from readerstudy.audit.actions import Action
from readerstudy.audit.services import ensure_sealed, record
from readerstudy.audit.studies import study_for_update
from readerstudy.material.models import Subject
from readerstudy.material.services import ensure_unscheduled
from readerstudy.protocol.models import ReaderStudy
from readerstudy.protocol.services import ensure_not_frozen
from readerstudy.states import ENDED

KINDS = ("diagnosis", "origin")
FIELDS = tuple(f"{kind}{end}" for kind in KINDS for end in ("_code", ""))
COLUMNS = ("subject", *FIELDS)
CODE = re.compile(r"[A-Z0-9][A-Z0-9._/-]{0,19}")
MEANING = re.compile(r"[^\W_][\w (),/'.+-]{0,79}")
_SNOMED = re.compile(r"\d{6,18}")
_ICD_10 = re.compile(r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?")
# Verhoeff's check digit: the permutation of one place, counted from the right.
_STEP = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def coded(subject: Subject, kind: str) -> dict[str, str]:
    """Code, its list and its meaning, for a page."""
    code = getattr(subject, f"{kind}_code")
    return {"code": code, "scheme": scheme(code), "meaning": getattr(subject, kind)}


def meanings_of(study: ReaderStudy) -> dict[str, str]:
    """Every code that the study uses, with its meaning: its own list."""
    pairs = [study.subjects.values_list(f"{kind}_code", kind) for kind in KINDS]
    return dict(sorted({pair for some in pairs for pair in some if pair[0]}))


def scheme(code: str) -> str:
    """Which list a code is of: SNOMED CT, ICD-10, or "" for the study's own."""
    if _SNOMED.fullmatch(code):
        return "SNOMED CT"
    return "ICD-10" if _ICD_10.fullmatch(code) else ""


def has_check_digit(code: str) -> bool:
    """Whether the last digit of a number is Verhoeff's of those before it, as every code of SNOMED CT has it."""
    total = 0
    for place, digit in enumerate(reversed(code)):
        permuted = int(digit)
        for _ in range(place):
            permuted = _STEP[permuted]
        total = _product(total, permuted)
    return total == 0


def _product(a: int, b: int) -> int:
    """Of two of the ten turns (0 to 4) and mirrorings (5 to 9) of a pentagon."""
    found = (a + b if a < 5 else a - b) % 5
    return found if (a < 5) is (b < 5) else found + 5


def rows_of_csv(content: bytes) -> list[dict[str, str]]:
    """Rows of a CSV with the column subject and some of FIELDS, separated by comma, semicolon or tab.

    InputError for any other file.
    """
    try:
        text = content.decode("utf-8-sig")
        head = text.partition("\n")[0]
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count), strict=True)
        names = set(rows.fieldnames or ())
        found = [{name: (row[name] or "").strip() for name in COLUMNS if name in row} for row in rows]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError("This is no CSV in UTF-8.") from error
    if "subject" not in names or not names & set(FIELDS):
        raise InputError(f"The first line names columns: {', '.join(COLUMNS)}.")
    return found


@transaction.atomic
def set_clinical(*, study: ReaderStudy, rows: Sequence[Mapping[str, str]], actor: User) -> int:
    """Give subjects diagnosis and origin, all rows or none; returns how many subjects changed.

    rows: `subject` and any of FIELDS; "" takes away. A code without its meaning takes that which the study has for it.
    InputError for an unknown subject, a wrong code, a code with two meanings, once readers see a case of the subject,
    or once the study is closed or its images are frozen.
    """
    held = study_for_update(study)
    ensure_not_frozen(study)
    if held.state in ENDED:
        raise InputError("The study is closed: its subjects stay as they are.")
    there = {one.code: one for one in study.subjects.filter(withdrawn_at=None).prefetch_related("cases")}
    changed: dict[str, Subject] = {}
    for row in rows:
        subject = there.get(row["subject"])
        if subject is None:
            raise InputError(f"There is no subject {row['subject'][:20]} in this study.")
        now = {name: " ".join(row[name].split()) for name in FIELDS if name in row}
        for kind in KINDS:
            if now.get(f"{kind}_code", code := getattr(subject, f"{kind}_code")) != code:
                now.setdefault(kind, "")  # the meaning was that of the code before
        if any(getattr(subject, name) != value for name, value in now.items()):
            for name, value in now.items():
                setattr(subject, name, value)
            changed[subject.code] = subject
    _ensure_coded(list(there.values()), changed)
    if not changed:
        return 0
    seals = [("subjects", code) for code in changed]
    ensure_sealed(study=study, seals=seals)
    for subject in changed.values():
        for case in subject.cases.all():
            ensure_unscheduled(study=study, code=case.code)
    Subject.objects.bulk_update(changed.values(), FIELDS)
    record(study=study, action=Action.SUBJECTS_CODED, actor=actor, subjects=sorted(changed), seals=seals)
    return len(changed)


def _ensure_coded(subjects: Sequence[Subject], changed: Mapping[str, Subject]) -> None:
    """Give codes the meaning that the study has for them. InputError for a wrong code, or two meanings of one."""
    for kind in KINDS:
        meanings: dict[str, str] = {}
        for known in (True, False):  # what was there before, then what is new
            for one in subjects:
                code, meaning = getattr(one, f"{kind}_code"), getattr(one, kind)
                if not (code or meaning) or (one.code in changed) is known:
                    continue
                _ensure_right(one.code, code, meaning)
                if meaning and meanings.setdefault(code, meaning) != meaning:
                    raise InputError(f"{code} is both {meanings[code]} and {meaning}. A code has one meaning.")
        for one in changed.values():
            code = getattr(one, f"{kind}_code")
            if code and code not in meanings:
                raise InputError(f"Say once what {code} means.")
            setattr(one, kind, meanings.get(code, ""))


def _ensure_right(subject: str, code: str, meaning: str) -> None:
    if not code:
        raise InputError(f"{subject}: {meaning} has no code.")
    if not CODE.fullmatch(code):
        raise InputError(f"{subject}: a code has up to 20 capital letters, digits and . _ / -.")
    if scheme(code) == "SNOMED CT" and not has_check_digit(code):
        raise InputError(f"{subject}: {code} is no code of SNOMED CT: its last digit does not follow from the others.")
    if meaning and not MEANING.fullmatch(meaning):
        raise InputError(f"{subject}: a meaning has up to 80 letters, digits, spaces and ( ) , / ' . + -.")
